/** A plan that is made again looks at few keys, and is the one that is made anew. */
import { expect, test } from "vitest";
import type { DataType, KeyPart, SetElement } from "../../../compiler/ir/types.ts";
import { comparedFirst, planDispatch, type TreeBranch, type TreeKey } from "../../../compiler/passes/lookups/plan.ts";
import { planAgain } from "../../../compiler/passes/lookups/plan-again.ts";
import { type KeyHistory, planDisagreement } from "../../support/tree-plans.ts";

const TYPES: readonly DataType[] = ["ipv4_addr", "ipv4_addr", "inet_service"];

let asked = 0;

/** A key that counts how often somebody asks for its parts. */
function keyOf(i: number): TreeKey<SetElement> {
  const parts = [0x0a400000 + i, 0x0a010000 + (i % 7), 80 + (i % 3)];
  return {
    element: { key: parts },
    get parts() {
      asked++;
      return parts;
    },
  };
}

const ALL = Array.from({ length: 600 }, (_, i) => keyOf(i)).sort(comparedFirst(TYPES));
const without = (...places: readonly number[]): TreeKey<SetElement>[] => ALL.filter((_, i) => !places.includes(i));

/** How often parts are asked for. */
function askedBy(work: () => unknown): number {
  asked = 0;
  work();
  return asked;
}

const again = (
  keys: readonly TreeKey<SetElement>[],
  before: readonly TreeBranch<SetElement>[],
): readonly TreeBranch<SetElement>[] => planAgain(keys, TYPES, true, before);

test.each<[what: string, before: TreeKey<SetElement>[], now: TreeKey<SetElement>[]]>([
  ["nothing changes", without(), without()],
  ["a key comes", without(310), without()],
  ["a key goes", without(), without(310)],
  ["one comes and one goes", without(310), without(311)],
  ["a key comes at the end", without(599), without()],
])("where %s", (_, before, now) => {
  const plan = again(before, []);
  const anew = askedBy(() => planDispatch(now, TYPES));
  expect(anew).toBeGreaterThan(3000);
  expect(askedBy(() => again(now, plan))).toBeLessThan(60);
});

const A = 0x0a000000;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Keys that are all there but for some at each step. */
function history(types: readonly DataType[], keys: readonly (readonly KeyPart[])[], ...steps: number[][]): KeyHistory {
  const absent = steps.map((gone) => numbers(keys.length).filter((i) => !gone.includes(i)));
  return { types, keys, steps: absent };
}

/** 70 keys with one value at the first address and at the second, which are the same, and 70 others. */
const ONE_PAIR = numbers(70).map((i) => [A, A, i]);

test.each<[what: string, each: KeyHistory]>([
  [
    "each of three addresses lies elsewhere",
    history(
      ["ipv4_addr", "ipv4_addr", "ipv4_addr"],
      numbers(300).map((i) => [A + i, A + 0x10000 + ((i * 7) % 300), A + 0x20000 + ((i * 11) % 300)]),
      [150],
      [],
      [20, 280],
    ),
  ],
  [
    "a group of the same keys and the same addresses tells them apart at another part",
    history(
      ["ipv4_addr", "ipv4_addr", "inet_service"],
      [
        ...ONE_PAIR,
        ...numbers(70).map((i) => [A + 0x100 + i, A + i, i]),
        ...numbers(70).map((i) => [A, A + 0x100 + i, i]),
      ],
      numbers(70).map((i) => 140 + i),
      numbers(70).map((i) => 70 + i),
      numbers(70).map((i) => 140 + i),
    ),
  ],
  [
    "the first or the last key of a group goes, which alone lies far away",
    history(
      ["ipv4_addr", "ipv4_addr", "inet_service"],
      numbers(300).map((i) => [A + i, A + 0x10000 + (i % 64 === 0 ? 0x8000 : i % 64 === 63 ? -0x8000 : i), 80]),
      [],
      [63],
      [64],
      [0, 127],
      [],
    ),
  ],
  [
    "blocks that overlap at one address are told apart by the other one",
    history(
      ["ipv4_addr", "ipv4_addr"],
      numbers(100).map((i) => [{ from: A, to: A + 0xffff }, A + i]),
      [1],
      [],
    ),
  ],
])("it is the one that is made anew where %s", (_, each) => {
  expect(planDisagreement(planAgain, each)).toBeUndefined();
});
