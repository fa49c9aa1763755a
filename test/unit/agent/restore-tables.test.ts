/** Tables in memory, whatever they hold, become those that are wanted. */
import { describe, expect, test } from "vitest";
import { printChange } from "../../../compiler/formats/nft/print-change.ts";
import type { TableChange } from "../../../compiler/ir/table-change.ts";
import type { MapDeclaration, MapElement, SetDeclaration, SetElement, Table } from "../../../compiler/ir/types.ts";
import { NodeTables } from "../../../compiler/updates/node-tables.ts";
import { ExpectedElements } from "../../../runtime/agent/expected-elements.ts";
import { restoreElements } from "../../../runtime/agent/restore-elements.ts";
import { type Restored, restoreTables } from "../../../runtime/agent/restore-tables.ts";
import { changesBetween } from "../../../runtime/table/change-tables.ts";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";
import { FakeTables } from "../../support/fake-tables.ts";

const DONE = { kind: "done" } as const;
const [TOO_LARGE, BUSY, EXISTS] = [12, 16, 17];

const NODE = { nodeName: "node-a", mode: "nftables" } as const;

interface Wanted {
  readonly tables: NodeTables;
  readonly expected: ExpectedElements;
}

/** What the agent wants for these Services, each with a node port, an allowed source and the endpoints of its list. `six`: the address of one more,
 *  of IPv6. */
function wantedOf(services: Readonly<Record<string, readonly string[]>>, six?: string): Wanted {
  const wanted = { tables: new NodeTables(NODE), expected: new ExpectedElements() };
  if (six !== undefined) {
    const spec = { clusterIP: six, clusterIPs: [six], ipFamilies: ["IPv6"], ports: [{ port: 80 }] };
    wanted.tables.put("Service", { ...serviceOf("six", six), spec });
  }
  for (const [i, [name, endpoints]] of Object.entries(services).entries()) put(wanted, i, name, endpoints);
  take(wanted);
  return wanted;
}

function put({ tables }: Wanted, i: number, name: string, endpoints: readonly string[]): void {
  const service = serviceOf(name, `172.30.0.${i + 1}`);
  const spec = {
    ...(service["spec"] as object),
    type: "LoadBalancer",
    loadBalancerSourceRanges: ["10.0.0.0/9"],
    ports: [{ port: 80, nodePort: 30_000 + i }],
  };
  const status = { loadBalancer: { ingress: [{ ip: `198.51.100.${i + 1}` }] } };
  tables.put("Service", { ...service, spec, status });
  tables.put("EndpointSlice", endpointSlice(name, ...endpoints));
}

function take({ tables, expected }: Wanted): TableChange[] {
  const made: TableChange[] = [];
  while (tables.waiting > 0) made.push(...(tables.update()?.changes ?? []));
  for (const change of made) expected.apply(change);
  return made;
}

const SHOP = { web: ["10.180.0.1", "10.180.0.2"], api: ["10.180.0.3"], db: [] };

/** Tables that hold what `wanted` has. */
async function holding({ tables }: Wanted): Promise<FakeTables> {
  const there = new FakeTables();
  await there.runAsOther(changesBetween([], tables.tables()));
  return there;
}

async function changed(there: FakeTables, change: (tables: Table[]) => Table[]): Promise<void> {
  const now = await there.read();
  await there.runAsOther(changesBetween(now, change(now)));
}

async function restored(there: FakeTables, { tables, expected }: Wanted, isSkeletonRight = false): Promise<Restored> {
  const live = isSkeletonRight ? undefined : there.skeletons();
  return await restoreTables({ netfilter: there, run: (changes) => there.run(changes), live }, tables, expected);
}

async function differenceTo(there: FakeTables, { tables }: Wanted): Promise<string> {
  return changesBetween(await there.read(), tables.tables())
    .map(printChange)
    .join("");
}

type Declared = SetDeclaration | MapDeclaration;

/** `tables` with other sets and maps. */
function withSets(tables: readonly Table[], change: (set: Declared) => Declared | undefined): Table[] {
  const each = <Of extends Declared>(all: readonly Of[]): Of[] =>
    all.flatMap((set) => (change(set) as Of | undefined) ?? []);
  return tables.map((table) => ({ ...table, sets: each(table.sets), maps: each(table.maps) }));
}

/** The elements in sets and maps with these names. */
function elementsIn(tables: readonly Table[], ...names: readonly string[]): (SetElement | MapElement)[] {
  return tables.flatMap(({ sets, maps }) =>
    [...sets, ...maps].filter(({ name }) => names.includes(name)).flatMap((set) => [...set.elements]),
  );
}

/** Destinations, one a string, that lead to endpoints of which some are missing. */
function halvesIn(tables: readonly Table[]): string[] {
  const slots = new Set(elementsIn(tables, "endpoints-tcp").map(({ key }) => partsOf(key).join(" ")));
  return (elementsIn(tables, "services") as MapElement[]).flatMap(({ key, value }) => {
    const [address, , port] = partsOf(key);
    const count = "chain" in value ? Number(/pick-(\d+)/.exec(value.chain)?.[1] ?? 0) : 0;
    return Array.from({ length: count }, (_, i) => `${address} ${port} ${i}`).filter((slot) => !slots.has(slot));
  });
}

function partsOf(key: SetElement["key"]): readonly unknown[] {
  return Array.isArray(key) ? key : [key];
}

/** The fourth Service's cluster IP. */
const GONE = 0xac1e0004;

describe("tables", () => {
  test("that are right are left alone", async () => {
    const wanted = wantedOf(SHOP);
    const there = await holding(wanted);
    const { commits } = there;
    there.interruptions = 3;
    for (const isSkeletonRight of [true, false])
      expect(await restored(there, wanted, isSkeletonRight)).toEqual({ answer: DONE, differed: 0, transactions: 0 });
    expect(there.commits).toBe(commits);
  });

  test("that are not there are made, and then filled", async () => {
    const wanted = wantedOf(SHOP);
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
    const there = await holding(wantedOf(SHOP));
    expect(await restored(there, wantedOf({}))).toEqual({ answer: DONE, differed: 1, transactions: 1 });
    expect(there.skeletons()).toEqual([]);
  });

  test("parts that are gone come again before rules ask them, and what is nobody's goes when no element names it", async () => {
    const wanted = wantedOf(SHOP);
    const there = await holding(wanted);
    await changed(there, (tables) =>
      tables.map((table) => ({
        ...table,
        maps: table.maps.filter(({ name }) => name !== "node-ports"),
        sets: [...table.sets, { ...(table.sets[0] as SetDeclaration), name: "theirs" }],
        chains: [
          { kind: "regular" as const, name: "theirs", rules: [] },
          ...table.chains
            .filter(({ name }) => name !== "rejecting")
            .map((chain) =>
              chain.name === "node-ports" || chain.name === "external" ? { ...chain, rules: [] } : chain,
            ),
        ],
      })),
    );
    const { answer, differed, transactions } = await restored(there, wanted);
    expect(answer).toEqual(DONE);
    // A map, a set, four chains, and the elements of the map.
    expect([differed, transactions]).toEqual([7, 3]);
    const [first, , last] = await there.readAfterEach(3);
    const namesIn = (tables: readonly Table[] | undefined): string[] =>
      (tables ?? []).flatMap(({ sets, chains }) => [...sets, ...chains].map(({ name }) => name));
    const rulesOf = (tables: readonly Table[] | undefined, chain: string): number | undefined =>
      tables?.flatMap(({ chains }) => chains).find(({ name }) => name === chain)?.rules.length;
    // What is new comes first. Rules of chains that are there wait, because they may ask what is not filled yet.
    expect(namesIn(first)).toEqual(expect.arrayContaining(["theirs", "rejecting"]));
    expect(["node-ports", "external"].map((chain) => rulesOf(first, chain))).toEqual([0, 0]);
    expect(elementsIn(first ?? [], "node-ports")).toEqual([]);
    expect(["node-ports", "external"].map((chain) => rulesOf(last, chain))).not.toContain(0);
    expect(namesIn(last)).not.toContain("theirs");
    expect(await differenceTo(there, wanted)).toBe("");
  });

  test("whose rules alone differ take one transaction, before elements are looked at", async () => {
    const wanted = wantedOf(SHOP);
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
async function incompatible(): Promise<{ readonly wanted: Wanted; readonly there: FakeTables }> {
  const wanted = wantedOf(SHOP, "fd00::1");
  const there = await holding(wanted);
  await changed(there, (tables) =>
    withSets(tables, (set) => (set.name === "node-ports" ? undefined : set)).map((table) => {
      const six = { ...(table.sets[0] as SetDeclaration), name: "node-ports", elements: [] };
      return table.family === "ip" ? { ...table, sets: [...table.sets, six] } : table;
    }),
  );
  return { wanted, there };
}

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

describe("elements", () => {
  /** Three Services of which others have removed, changed and added elements. */
  async function damaged(): Promise<{ readonly wanted: Wanted; readonly there: FakeTables }> {
    const wanted = wantedOf(SHOP);
    const there = await holding(wanted);
    await changed(there, (tables) =>
      withSets(tables, (set) => {
        if (set.name === "cluster-ips") return { ...set, elements: set.elements.slice(1) };
        if (set.name === "endpoints-tcp") {
          const elements = set.elements as MapElement[];
          const inSlot = (slot: number): MapElement =>
            elements.find(({ key }) => partsOf(key)[2] === slot) ?? expect.unreachable("an empty slot");
          const [first, second] = [inSlot(0), inSlot(1)];
          // The second of two endpoints leads to the first, and a third one was never there.
          const third = { ...second, key: [...partsOf(second.key).slice(0, 2), 7] };
          const others = elements.filter((each) => each !== second);
          return { ...set, elements: [...others, { ...second, value: first.value }, third] } as MapDeclaration;
        }
        return set;
      }),
    );
    return { wanted, there };
  }

  test("that are missing, wrong or nobody's are made good, and no others are touched", async () => {
    const { wanted, there } = await damaged();
    there.interruptions = 2;
    expect(await restored(there, wanted, true)).toEqual({ answer: DONE, differed: 2, transactions: 2 });
    // One comes, one goes and comes; then one goes that nothing leads to any more.
    expect(there.batches).toEqual([3, 1]);
    expect(await differenceTo(there, wanted)).toBe("");
  });

  test("a refusal ends the work, and what was done is counted", async () => {
    for (const [refusedAt, transactions] of [
      [1, 1],
      [2, 2],
      [3, 3],
    ] as const) {
      const wanted = wantedOf(SHOP);
      const there = await holding(wanted);
      await changed(there, (tables) => withSets(tables, (set) => ({ ...set, elements: [] })));
      const { commits } = there;
      let asked = 0;
      there.refusal = () => (++asked === refusedAt ? BUSY : 0);
      const size = { services: 1, elements: 1 };
      const found = await restoreElements(there, wanted.tables, wanted.expected, { size, isStaleFirst: false });
      expect(found).toMatchObject({ answer: { kind: "refused", reason: "busy" }, transactions });
      expect([there.commits - commits, asked]).toEqual([transactions - 1, transactions]);
    }
  });

  test("one that is in the way of another goes first, where the kernel says so", async () => {
    const wanted = wantedOf(SHOP);
    const there = await holding(wanted);
    await changed(there, (tables) =>
      withSets(tables, (set) => {
        if (set.name !== "allowed-sources") return set;
        const wider = (set.elements as SetElement[]).map((element) => {
          const [address, protocol, port] = partsOf(element.key);
          return {
            ...element,
            key: [address, protocol, port, { from: 0x0a000000, to: 0x0affffff }] as SetElement["key"],
          };
        });
        return { ...set, elements: wider } as SetDeclaration;
      }),
    );
    const { commits } = there;
    expect(await restored(there, wanted, true)).toEqual({ answer: DONE, differed: 2, transactions: 2 });
    expect(there.commits - commits).toBe(1);
    expect(await differenceTo(there, wanted)).toBe("");
  });

  test("verdicts of a Service go with what it had otherwise; those of Services that are gone before all else of theirs", async () => {
    const before = wantedOf({ ...SHOP, web: ["10.180.0.8", "10.180.0.9"], gone: ["10.180.0.10"] });
    const wanted = wantedOf(SHOP);
    const there = await holding(before);
    const { commits } = there;
    const size = { services: 1, elements: 1 };
    const { answer } = await restoreElements(there, wanted.tables, wanted.expected, { size, isStaleFirst: false });
    expect(answer).toEqual(DONE);
    const states = await there.readAfterEach(there.commits - commits);
    for (const tables of states) expect(halvesIn(tables)).toEqual([]);
    const isOfGone = ({ key }: SetElement): boolean => partsOf(key)[0] === GONE;
    const last = states.findLastIndex((tables) => elementsIn(tables, "services").some(isOfGone));
    expect(last).toBeGreaterThanOrEqual(0);
    expect(elementsIn(states[last] ?? [], "endpoints-tcp", "cluster-ip-ports-tcp").filter(isOfGone).length).toBe(2);
    expect(await differenceTo(there, wanted)).toBe("");
  });

  test("what stays refused is told", async () => {
    const { wanted, there } = await damaged();
    there.refusal = () => EXISTS;
    expect(await restored(there, wanted, true)).toMatchObject({ answer: { reason: "exists" }, transactions: 2 });
    there.refusal = () => TOO_LARGE;
    // 50 Services at once, 25, 13, 7, 4, 2, 1.
    expect(await restored(there, wanted, true)).toMatchObject({ answer: { reason: "too-large" }, transactions: 7 });
  });

  test("pieces are halved while the kernel finds them too large, and each leaves each Service whole or absent", async () => {
    const endpoints = Array.from({ length: 20 }, (_, i) => `10.180.1.${i}`);
    const wanted = wantedOf(Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`web-${i}`, endpoints])));
    const there = new FakeTables();
    there.refusal = (elements) => (elements > 300 ? TOO_LARGE : 0);
    const { answer, transactions } = await restored(there, wanted);
    expect(answer).toEqual(DONE);
    expect(await differenceTo(there, wanted)).toBe("");
    // All at once; when there are two Services in a piece, what they have is sent from 313 elements on.
    expect(there.batches).toEqual([572, 572, 572, 572, 572, 434, 158, 207, 207]);
    expect(transactions).toBe(10);
    for (const tables of await there.readAfterEach(there.commits)) expect(halvesIn(tables)).toEqual([]);
  });
});
