/** A plan that is made again looks at few keys. */
import { expect, test } from "vitest";
import type { DataType, SetElement } from "../../../compiler/ir/types.ts";
import { comparedFirst, planDispatch, type TreeBranch, type TreeKey } from "../../../compiler/passes/lookups/plan.ts";
import { planAgain } from "../../../compiler/passes/lookups/plan-again.ts";

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
