/** Tables in memory, whatever they are, become those that are wanted. */
import { describe, expect, test } from "vitest";
import type { TableChange } from "../../../compiler/ir/table-change.ts";
import type { SetDeclaration, Table } from "../../../compiler/ir/types.ts";
import { restoreTables } from "../../../runtime/agent/restore-tables.ts";
import { changesBetween } from "../../../runtime/table/change-tables.ts";
import { FakeTables } from "../../support/fake-tables.ts";
import {
  changed,
  differenceTo,
  elementsIn,
  holding,
  restored,
  SHOP_ENDPOINTS,
  type WantedState,
  wantedOf,
  withSets,
} from "../../support/restored-tables.ts";

const DONE = { kind: "done" } as const;
const [TOO_LARGE, BUSY] = [12, 16];

describe("tables", () => {
  test("that are right are left alone", async () => {
    const wanted = wantedOf(SHOP_ENDPOINTS);
    const there = await holding(wanted);
    const { commits } = there;
    there.interruptions = 3;
    // Nothing is made of Services.
    const nothing = {
      tables: () => expect.unreachable("whole tables"),
      pieces: () => expect.unreachable("pieces"),
      emptyTables: () => wanted.tables.emptyTables(),
    };
    for (const live of [undefined, there.skeletons()])
      expect(
        await restoreTables({ netfilter: there, run: (changes) => there.run(changes), live }, nothing, wanted.expected),
      ).toEqual({ answer: DONE, differed: 0, transactions: 0 });
    expect(there.commits).toBe(commits);
  });

  test("that are not there are made, and then filled", async () => {
    const wanted = wantedOf(SHOP_ENDPOINTS);
    const there = new FakeTables();
    const { answer, differed, transactions } = await restored(there, wanted);
    expect([answer, transactions, there.commits]).toEqual([DONE, 2, 2]);
    expect(await differenceTo(there, wanted)).toBe("");
    const [table] = there.skeletons();
    const all = (await there.read()).flatMap(({ sets, maps }) => [...sets, ...maps]);
    // The table, its parts, and those that have elements.
    const parts = [table?.sets, table?.maps, table?.chains].reduce((sum, each) => sum + (each?.length ?? 0), 1);
    expect(differed).toBe(parts + all.filter(({ elements }) => elements.length > 0).length);
  });

  test("that nobody wants go", async () => {
    const there = await holding(wantedOf(SHOP_ENDPOINTS));
    expect(await restored(there, wantedOf({}))).toEqual({ answer: DONE, differed: 1, transactions: 1 });
    expect(there.skeletons()).toEqual([]);
  });

  test("parts that are gone come again before rules ask them, and what is nobody's goes when no element names it", async () => {
    const wanted = wantedOf(SHOP_ENDPOINTS, "fd00::1");
    const there = await holding(wanted);
    await changed(there, (tables) =>
      tables.map((table) => ({
        ...table,
        maps: table.maps.filter(({ name }) => name !== "node-ports"),
        sets: [...table.sets, { ...(table.sets[0] as SetDeclaration), name: "theirs" }],
        chains: [
          { kind: "regular" as const, name: "theirs", rules: [] },
          ...table.chains
            .filter(({ name }) => name !== "rejecting" || table.family === "ip")
            .map((chain) =>
              chain.name === "node-ports" || chain.name === "external" ? { ...chain, rules: [] } : chain,
            ),
        ],
      })),
    );
    const { tables, expected } = wanted;
    const live = there.skeletons();
    const inPieces = {
      tables: () => expect.unreachable("whole tables"),
      pieces: (limit: number) => tables.pieces(limit),
      emptyTables: () => tables.emptyTables(),
    };
    const asked = { netfilter: there, run: (changes: readonly TableChange[]) => there.run(changes), live };
    const { answer, differed, transactions } = await restoreTables(asked, inPieces, expected);
    expect(answer).toEqual(DONE);
    // Of each family a map, a set and three chains; a chain of IPv6, and the elements of one map.
    expect([differed, transactions]).toEqual([12, 3]);
    const [first, , last] = await there.readAfterEach(3);
    const namesIn = (tables: readonly Table[] | undefined): string[] =>
      (tables ?? []).flatMap(({ sets, chains }) => [...sets, ...chains].map(({ name }) => name));
    const rulesOf = (tables: readonly Table[] | undefined, chain: string): number | undefined =>
      tables?.flatMap(({ chains }) => chains).find(({ name }) => name === chain)?.rules.length;
    // What is new comes first. Rules of chains that are there wait, because they may ask what is not filled yet.
    expect(namesIn(first)).toEqual(expect.arrayContaining(["theirs", "rejecting"]));
    const six = first?.filter(({ family }) => family === "ip6");
    expect([namesIn(six).includes("rejecting"), rulesOf(six, "rejecting")]).toEqual([true, 1]);
    for (const table of first ?? [])
      expect(["node-ports", "external"].map((chain) => rulesOf([table], chain))).toEqual([0, 0]);
    expect(elementsIn(first ?? [], "node-ports")).toEqual([]);
    expect(["node-ports", "external"].map((chain) => rulesOf(last, chain))).not.toContain(0);
    expect(namesIn(last)).not.toContain("theirs");
    expect(await differenceTo(there, wanted)).toBe("");
  });

  test("whose rules alone differ take one transaction, before elements are looked at", async () => {
    const wanted = wantedOf(SHOP_ENDPOINTS);
    const there = await holding(wanted);
    await changed(there, (tables) =>
      withSets(tables, (set) => (set.name === "services" ? { ...set, elements: [] } : set)).map((table) => ({
        ...table,
        chains: table.chains.map((chain) => ({ ...chain, rules: [] })),
      })),
    );
    const [table] = there.skeletons();
    const { differed, transactions } = await restored(there, wanted);
    expect([differed, transactions]).toEqual([(table?.chains.length ?? 0) + 1, 2]);
    const [first] = await there.readAfterEach(2);
    expect(first?.[0]?.chains.every(({ rules }) => rules.length > 0)).toBe(true);
    expect(elementsIn(first ?? [], "services")).toEqual([]);
    expect(await differenceTo(there, wanted)).toBe("");
  });
});

/** Tables of both families, of which that of IPv4 has a map that cannot be changed in place. */
async function incompatible(): Promise<{ readonly wanted: WantedState; readonly there: FakeTables }> {
  const wanted = wantedOf(SHOP_ENDPOINTS, "fd00::1");
  const there = await holding(wanted);
  await changed(there, (tables) =>
    withSets(tables, (set) => (set.name === "node-ports" ? undefined : set)).map((table) => {
      const six = { ...(table.sets[0] as SetDeclaration), name: "node-ports", elements: [] };
      return table.family === "ip" ? { ...table, sets: [...table.sets, six] } : table;
    }),
  );
  return { wanted, there };
}

test("rules that the kernel refuses are not sent twice", async () => {
  const wanted = wantedOf(SHOP_ENDPOINTS);
  const there = await holding(wanted);
  await changed(there, (tables) => tables.map((table) => ({ ...table, chains: [] })));
  there.refusal = () => TOO_LARGE;
  expect(await restored(there, wanted)).toMatchObject({ answer: { reason: "too-large" }, transactions: 1 });
});

describe("a table that cannot be changed in place", () => {
  test("is made anew with all that it holds, in one transaction; the other family's is not", async () => {
    const { wanted, there } = await incompatible();
    const { answer } = await restored(there, wanted);
    expect(answer).toEqual(DONE);
    const [first] = await there.readAfterEach(there.commits - 2);
    const wantedNow = wanted.tables.tables();
    const ofIpv4 = (tables: readonly Table[] | undefined): Table[] =>
      (tables ?? []).filter(({ family }) => family === "ip");
    expect(changesBetween(ofIpv4(first), ofIpv4(wantedNow))).toEqual([]);
    expect(await differenceTo(there, wanted)).toBe("");
  });

  test("is filled in pieces where it is too much at once", async () => {
    const { wanted, there } = await incompatible();
    there.refusal = (elements, isOfNft) => (isOfNft && elements > 30 ? TOO_LARGE : 0);
    const { answer } = await restored(there, wanted);
    expect(answer).toEqual(DONE);
    expect(await differenceTo(there, wanted)).toBe("");
  });

  test("stays as it is where the kernel refuses for another reason", async () => {
    const { wanted, there } = await incompatible();
    const { commits } = there;
    there.refusal = () => BUSY;
    expect(await restored(there, wanted)).toMatchObject({
      answer: { kind: "refused", reason: "busy" },
      transactions: 1,
    });
    expect(there.commits).toBe(commits);
  });
});
