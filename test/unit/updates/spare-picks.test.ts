/** Chains that pick endpoints, made before a Service needs them. */
import { expect, test } from "vitest";
import type { PickChain } from "../../../compiler/lower/contribution.ts";
import { LIST_CAPACITY, pickChainName } from "../../../compiler/lower/endpoints.ts";
import { withSpares } from "../../../compiler/updates/spare-picks.ts";

function pick(count: number, more: Partial<PickChain> = {}): PickChain {
  return { by: "address", list: "only", count, protocol: "tcp", affinitySeconds: undefined, ...more };
}

const sticky = (count: number, affinitySeconds = 60): PickChain => pick(count, { affinitySeconds });

function named(...picks: readonly PickChain[]): ReadonlyMap<string, PickChain> {
  return new Map(picks.map((each) => [pickChainName(each), each]));
}

/** The numbers of endpoints, in their order. */
function counts(picks: ReadonlyMap<string, PickChain>): number[] {
  for (const [name, each] of picks) expect(pickChainName(each)).toBe(name);
  return [...picks.values()].map(({ count }) => count).sort((a, b) => a - b);
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1);
}

// A chain that is there already: the table is not being made.
const THERE = named(pick(500));

test("a table that is being made gets the chains of up to 64 endpoints, for each protocol in use", () => {
  expect(counts(withSpares(named(pick(3)), named()))).toEqual(upTo(64));
  expect(counts(withSpares(named(pick(100)), named()))).toEqual([...upTo(64), 99, 100, 101]);
  const both = withSpares(named(pick(1), pick(2, { protocol: "udp" })), named());
  expect(counts(both)).toEqual(upTo(64).flatMap((count) => [count, count]));
});

test("of chains of session affinity it gets neighbours alone", () => {
  expect(counts(withSpares(named(sticky(3)), named()))).toEqual([2, 3, 4]);
});

test("later, a chain that is new comes with its neighbours, and one that is there without", () => {
  expect(counts(withSpares(named(pick(3)), THERE))).toEqual([2, 3, 4, 500]);
  expect(counts(withSpares(named(pick(500)), THERE))).toEqual([500]);
  expect(counts(withSpares(named(pick(1)), THERE))).toEqual([1, 2, 500]);
  expect(counts(withSpares(named(sticky(9)), named(sticky(9))))).toEqual([9]);
});

test("no chain has more endpoints than a list can have", () => {
  expect(counts(withSpares(named(pick(LIST_CAPACITY)), THERE))).toEqual([500, LIST_CAPACITY - 1, LIST_CAPACITY]);
});

test("a spare chain is like the one that it is made for", () => {
  const node = { by: "node-port", list: "local", protocol: "udp" } as const;
  for (const each of withSpares(named(pick(7, node)), named()).values()) expect(each).toMatchObject(node);
});

test("what was made goes with the last Service that has its protocol or its timeout", () => {
  const kept = named(pick(4), pick(5, { protocol: "udp" }), sticky(6), sticky(5), sticky(7, 30));
  expect(counts(withSpares(named(pick(4)), kept))).toEqual([4]);
  expect(counts(withSpares(named(pick(4), sticky(6)), kept))).toEqual([4, 5, 6]);
  expect(counts(withSpares(named(pick(5, { protocol: "udp" })), kept))).toEqual([5]);
  expect(counts(withSpares(named(sticky(7, 30)), kept))).toEqual([4, 7]);
  expect(counts(withSpares(named(), kept))).toEqual([]);
});

test("of more than 4,096 unused chains none is kept", () => {
  const many = (count: number): ReadonlyMap<string, PickChain> => named(...upTo(count).map((each) => pick(each)));
  expect(withSpares(named(pick(1)), many(4097)).size).toBe(4097);
  expect(counts(withSpares(named(pick(1)), many(4098)))).toEqual([1]);
});
