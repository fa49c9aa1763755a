/** Elements in memory, whatever they are, become those that are wanted. */
import { expect, test } from "vitest";
import type { MapDeclaration, MapElement, SetDeclaration, SetElement, Table } from "../../../compiler/ir/types.ts";
import { restoreElements } from "../../../runtime/agent/restore-elements.ts";
import { changesBetween } from "../../../runtime/table/change-tables.ts";
import { FakeTables } from "../../support/fake-tables.ts";
import {
  changed,
  differenceTo,
  elementsIn,
  halvesIn,
  holding,
  partsOf,
  restored,
  SHOP_ENDPOINTS,
  type WantedState,
  wantedOf,
  withSets,
} from "../../support/restored-tables.ts";

const DONE = { kind: "done" } as const;
const [TOO_LARGE, BUSY, EXISTS] = [12, 16, 17];

/** The fourth Service's cluster IP. */
const GONE = 0xac1e0004;

/** Three Services of which others have removed, changed and added elements. */
async function damaged(): Promise<{ readonly wanted: WantedState; readonly there: FakeTables }> {
  const wanted = wantedOf(SHOP_ENDPOINTS);
  const there = await holding(wanted);
  await changed(there, (tables) =>
    withSets(tables, (set) => {
      if (set.name === "cluster-ips") return { ...set, elements: set.elements.slice(1) };
      if (set.name === "node-port-addresses") return { ...set, elements: [] };
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
  expect(await restored(there, wanted, true)).toEqual({ answer: DONE, differed: 3, transactions: 2 });
  // One of no Service and one of a Service come, one goes and comes; then one goes that nothing leads to any more.
  expect(there.batches).toEqual([4, 1]);
  expect(await differenceTo(there, wanted)).toBe("");
});

test("a refusal ends the work, and what was done is counted", async () => {
  for (const [refusedAt, transactions] of [
    [1, 1],
    [2, 2],
    [3, 3],
  ] as const) {
    const wanted = wantedOf(SHOP_ENDPOINTS);
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

test("what others change between two tries to read a set counts as it is then", async () => {
  for (const changeOf of [
    // What was seen first is gone, be it right or not.
    (table: Table): Table => withSets([table], (set) => ({ ...set, elements: [] }))[0] ?? table,
    (table: Table): Table => table,
  ]) {
    const { wanted, there } = await damaged();
    await changed(there, (tables) =>
      withSets(tables, (set) => {
        const [one] = set.elements;
        if (set.name !== "cluster-ips" || one === undefined) return set;
        return { ...set, elements: [{ ...one, key: [0x0a000001] }, one] } as SetDeclaration;
      }),
    );
    const now = await there.read();
    there.interruptedSet = "cluster-ips";
    there.interruptions = 1;
    there.onInterruption = () => void there.runAsOther(changesBetween(now, now.map(changeOf)));
    expect((await restored(there, wanted, true)).answer).toEqual(DONE);
    expect(await differenceTo(there, wanted)).toBe("");
  }
});

test("a refusal of the last transaction is told, and no piece is made after one", async () => {
  const { wanted, there } = await damaged();
  let asked = 0;
  let pieces = 0;
  const { tables } = wanted;
  const counted = {
    emptyTables: () => tables.emptyTables(),
    *pieces(limit: number) {
      for (const piece of tables.pieces(limit)) {
        pieces++;
        yield piece;
      }
    },
  };
  const size = { services: 1, elements: 1000 };
  there.refusal = () => (++asked === 2 ? BUSY : 0);
  const last = await restoreElements(there, counted, wanted.expected, { size, isStaleFirst: false });
  expect([last.answer.kind, last.transactions, pieces]).toEqual(["refused", 2, 3]);
  await changed(there, (each) => withSets(each, (set) => ({ ...set, elements: [] })));
  [asked, pieces] = [1, 0];
  const first = { size: { services: 1, elements: 1 }, isStaleFirst: false };
  expect((await restoreElements(there, counted, wanted.expected, first)).answer.kind).toBe("refused");
  // The answer to the first is known when the second is sent.
  expect([pieces, asked]).toEqual([2, 2]);
});

test("a piece is sent when it is large enough", async () => {
  const wanted = wantedOf({ web: ["10.180.0.1"], api: ["10.180.0.1"] });
  const there = await holding(wanted);
  const both = (await there.read())
    .flatMap(({ sets, maps }) => [...sets, ...maps])
    .reduce((sum, set) => sum + set.elements.length, 0);
  const make = async (elements: number): Promise<readonly number[]> => {
    await changed(there, (tables) => withSets(tables, (set) => ({ ...set, elements: [] })));
    there.batches.splice(0);
    await restoreElements(there, wanted.tables, wanted.expected, {
      size: { services: 1, elements },
      isStaleFirst: false,
    });
    return [...there.batches];
  };
  const [first = 0, second] = await make(1);
  expect([first + (second ?? 0), await make(first), await make(first + 1)]).toEqual([both, [first, second], [both]]);
});

test("one that is in the way of another goes first, where the kernel says so", async () => {
  const wanted = wantedOf(SHOP_ENDPOINTS);
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
  // Web had another node port, and other endpoints.
  const before = wantedOf(
    { ...SHOP_ENDPOINTS, web: ["10.180.0.8", "10.180.0.9"], gone: ["10.180.0.10"], lost: ["10.180.0.11"] },
    undefined,
    31_000,
  );
  const wanted = wantedOf(SHOP_ENDPOINTS);
  const there = await holding(before);
  const { commits } = there;
  const size = { services: 1, elements: 1 };
  const { answer } = await restoreElements(there, wanted.tables, wanted.expected, { size, isStaleFirst: false });
  expect(answer).toEqual(DONE);
  const states = await there.readAfterEach(there.commits - commits);
  for (const tables of states) expect(halvesIn(tables)).toEqual([]);
  // What led to Web otherwise goes with its first piece, before all that is nobody's.
  const [first] = states;
  expect(elementsIn(first ?? [], "node-ports").map(({ key }) => partsOf(key)[1])).toEqual(
    expect.arrayContaining([30_000]),
  );
  expect(elementsIn(first ?? [], "node-ports").map(({ key }) => partsOf(key)[1])).not.toContain(31_000);
  // What was to be changed of each Service, what led to each that is gone, and one by one what nothing leads to any more.
  expect(there.batches).toEqual([15, 5, 5, ...Array.from({ length: 21 }, () => 1)]);
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
  const endpoints = Array.from({ length: 12 }, (_, i) => `10.180.1.${i}`);
  const wanted = wantedOf(Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`web-${i}`, endpoints])));
  const there = new FakeTables();
  there.refusal = (elements) => (elements > 250 ? TOO_LARGE : 0);
  const { answer, transactions } = await restored(there, wanted);
  expect(answer).toEqual(DONE);
  expect(await differenceTo(there, wanted)).toBe("");
  // All at once, as long as that is less than what is sent together: 10,000, 5,000, … 157 elements.
  expect(there.batches).toEqual([373, 373, 373, 373, 373, 373, 193, 180]);
  expect(transactions).toBe(9);
  for (const tables of await there.readAfterEach(there.commits)) expect(halvesIn(tables)).toEqual([]);
});
