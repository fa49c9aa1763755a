import fc from "fast-check";
import { expect, test } from "vitest";
import type { DataType, Interval, KeyPart, SetElement, Value } from "../../compiler/ir/types.ts";
import { rowOf, type TreeBranch } from "../../compiler/passes/lookups/plan.ts";
import { runs } from "../support/runs.ts";
import { keysIn, planOf } from "../support/tree-plans.ts";

/** The smallest block that holds two addresses, found by doubling. */
function smallestBlock(low: Value, high: Value): string {
  const [first, last] = [BigInt(low), BigInt(high)];
  let size = 1n;
  while (first - (first % size) + size <= last) size *= 2n;
  const start = first - (first % size);
  return `${start}-${start + size - 1n}`;
}

const ends = (part: KeyPart): Interval => (typeof part === "object" ? part : { from: part, to: part });
const textOf = ({ from, to }: Interval): string => `${from}-${to}`;
const printed = (part: KeyPart): string => textOf(ends(part));

/** Holds each group to what a plan promises of it. `tested`: what the way to it has named of other addresses. */
function expectGroups(
  branches: readonly TreeBranch<SetElement>[],
  types: readonly DataType[],
  tested: readonly string[],
): void {
  for (const branch of branches) {
    if (branch.kind === "choice") continue;
    const keys = keysIn([branch]);
    const lowest = (part: number): Value =>
      keys.map((key) => ends(key.parts[part] as KeyPart).from).reduce((a, b) => (b < a ? b : a));
    const highest = (part: number): Value =>
      keys.map((key) => ends(key.parts[part] as KeyPart).to).reduce((a, b) => (b > a ? b : a));
    const isAddress = (part: number): boolean => types[part]?.endsWith("addr") === true;
    const hull = (part: number): string =>
      isAddress(part) ? smallestBlock(lowest(part), highest(part)) : `${lowest(part)}-${highest(part)}`;
    const named = branch.others.map(({ part, interval }) => `${part}: ${textOf(interval)}`);
    const wanted = [...types.keys()]
      .filter((part) => part !== branch.part && isAddress(part))
      .map((part) => `${part}: ${hull(part)}`);
    expect(keys.length).toBeGreaterThan(1);
    expect(textOf(branch.interval)).toBe(hull(branch.part));
    expect(named).toEqual(wanted.filter((each) => !tested.includes(each)));
    expectGroups(branch.branches, types, [...tested, ...named]);
  }
}

const rowsOf = (branches: readonly TreeBranch<SetElement>[]): number[] => [
  branches.filter(({ kind }) => kind === "choice").length,
  ...branches.flatMap((branch) => (branch.kind === "choice" ? [] : rowsOf(branch.branches))),
];

const SHAPES: readonly (readonly DataType[])[] = [
  ["ipv4_addr"],
  ["ipv6_addr"],
  ["ipv4_addr", "inet_proto", "inet_service"],
  ["ipv4_addr", "ipv4_addr"],
  ["ipv6_addr", "inet_service", "ipv6_addr"],
  ["inet_proto", "inet_service"],
];

/** The value of a field by a small number: a few close together, a few far away. */
function spread(type: DataType, n: number): Value {
  switch (type) {
    case "ipv4_addr":
      return 0x0a000000 + (n % 7) * 0x1000 + n;
    case "ipv6_addr":
      return (0xfdn << 120n) + (BigInt(n % 5) << 64n) + BigInt(n);
    case "inet_proto":
      return n % 3;
    default:
      return n;
  }
}

const seeds = fc.tuple(fc.nat({ max: 600 }), fc.nat({ max: 600 }), fc.nat({ max: 600 }));

test.each(SHAPES.map((types) => [types]))(
  "keys of %j: each is in one branch, and groups are as small as they can be",
  (types) => {
    const key = fc.tuple(seeds, fc.nat({ max: 40 }), fc.boolean()).map(([values, size, isRange]): KeyPart[] =>
      types.map((type, i) => {
        const n = values[i] ?? 0;
        const from = spread(type, n);
        return isRange && i === 0 && typeof from === "number" ? { from, to: from + size } : from;
      }),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { maxLength: 300, size: "max", selector: (parts) => parts.map(printed).join() }),
        (keys) => {
          const tree = planOf(keys, types);
          expect(
            keysIn(tree)
              .map(({ parts }) => parts.map(printed).join())
              .sort(),
          ).toEqual(keys.map((parts) => parts.map(printed).join()).sort());
          expectGroups(tree, types, []);
          const single = planOf(
            keys.filter((parts) => parts.every((part) => typeof part !== "object")),
            types,
          );
          expectGroups(single, types, []);
          expect(Math.max(...rowsOf(single))).toBeLessThanOrEqual(rowOf(types));
        },
      ),
      { numRuns: runs(160) },
    );
  },
);
