/** How many tests a plan costs packets, and how often it looks at keys. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { partHolds } from "../../../compiler/ir/interval.ts";
import type { KeyPart, SetElement } from "../../../compiler/ir/types.ts";
import { planDispatch, type TreeBranch, type TreeKey } from "../../../compiler/passes/lookups/plan.ts";
import { planOf } from "../../support/tree-plans.ts";

/** A rule is tested, a level is jumped to. */
interface Cost {
  readonly tests: number;
  readonly depth: number;
}

/** How many tests a packet makes on the way to a key: of all keys on average. */
function usual(branches: readonly TreeBranch<SetElement>[]): number {
  const walk = (each: readonly TreeBranch<SetElement>[], before: number): [sum: number, count: number] =>
    each.reduce(
      ([sum, count], branch, i): [number, number] => {
        if (branch.kind === "choice") return [sum + before + i + 1, count + 1];
        const [below, keys] = walk(branch.branches, before + i + 1);
        return [sum + below, count + keys];
      },
      [0, 0],
    );
  const [sum, count] = walk(branches, 0);
  return sum / count;
}

/** How many tests a packet makes that has no such key. */
function testsOf(branches: readonly TreeBranch<SetElement>[], key: readonly number[]): number {
  return branches.reduce((sum, branch) => {
    if (branch.kind === "choice") return sum + 1;
    const passes = [branch, ...branch.others].every(({ part, interval }) => partHolds(interval, key[part] as number));
    return sum + 1 + (passes ? testsOf(branch.branches, key) : 0);
  }, 0);
}

/** The dearest way down: all tests of every level. */
function worst(branches: readonly TreeBranch<SetElement>[]): Cost {
  const below = branches.map((branch) => (branch.kind === "choice" ? { tests: 0, depth: 0 } : worst(branch.branches)));
  const deepest = Math.max(0, ...below.map(({ depth }) => depth));
  return { tests: branches.length + Math.max(0, ...below.map(({ tests }) => tests)), depth: 1 + deepest };
}

/** The elements whose branches `key` takes, on the way that first-match rules go. */
function find(branches: readonly TreeBranch<SetElement>[], key: readonly (number | bigint)[]): readonly KeyPart[][] {
  return branches.flatMap((branch): readonly KeyPart[][] => {
    if (branch.kind === "choice")
      return branch.choice.parts.every((part, i) => part === key[i]) ? [[...branch.choice.parts]] : [];
    const value = key[branch.part] as number | bigint;
    return partHolds(branch.interval, value) ? find(branch.branches, key) : [];
  });
}

describe("how far a packet has to go", () => {
  test.each([
    ["in a row", 10_000, (i: number) => 0x0a600000 + i],
    ["spread out", 10_000, (i: number) => Math.imul(i, 2654435761) >>> 0],
    ["in a row", 100_000, (i: number) => 0x0a600000 + i],
    ["on few networks", 10_000, (i: number) => (i % 7) * 0x1000000 + Math.floor(i / 7)],
  ])("addresses %s: %d need tens of tests, not thousands", (_, count, address) => {
    const keys = Array.from({ length: count }, (__, i) => [address(i), 6, 80]);
    const cost = worst(planOf(keys, ["ipv4_addr", "inet_proto", "inet_service"]));
    expect(cost.tests).toBeLessThanOrEqual(70);
    expect(cost.depth).toBeLessThanOrEqual(6);
  });

  test.each([
    [1_000, 19],
    [10_000, 24],
  ])("%d addresses that are spread out: %d tests on average", (count, most) => {
    const keys = Array.from({ length: count }, (_, i) => [Math.imul(i, 2654435761) >>> 0, 6, 80]);
    expect(usual(planOf(keys, ["ipv4_addr", "inet_proto", "inet_service"]))).toBeLessThanOrEqual(most);
  });

  test("of pairs of addresses both are tested on each level: other pairs leave at the first, which has few groups", () => {
    const address = (i: number) => Math.imul(i, 2654435761) >>> 0;
    const pairs = Array.from({ length: 10_000 }, (_, i) => [address(i), address(i)]);
    const tree = planOf(pairs, ["ipv4_addr", "ipv4_addr"]);
    const asked = Array.from({ length: 1000 }, (_, i) => testsOf(tree, [address(i), address(7 * i + 5)]));
    expect(asked.reduce((sum, tests) => sum + tests, 0) / asked.length).toBeLessThanOrEqual(7);
    expect(tree).toHaveLength(4);
  });

  test("addresses that halve their block each time stay shallow: the kernel follows 16 jumps", () => {
    const v4 = Array.from({ length: 32 }, (_, i) => [2 ** i]);
    const v6 = Array.from({ length: 128 }, (_, i) => [1n << BigInt(i)]);
    expect(worst(planOf(v4, ["ipv4_addr"])).depth).toBeLessThanOrEqual(2);
    expect(worst(planOf(v6, ["ipv6_addr"])).depth).toBeLessThanOrEqual(3);
  });

  test("ports without addresses are split evenly", () => {
    const keys = Array.from({ length: 2768 }, (_, i) => [i % 2 === 0 ? 6 : 17, 30000 + i]);
    expect(worst(planOf(keys, ["inet_proto", "inet_service"])).tests).toBeLessThanOrEqual(64);
  });

  test("many ports of one address", () => {
    const keys = Array.from({ length: 1000 }, (_, i) => [0x0a000001, 6, 1 + i]);
    expect(worst(planOf(keys, ["ipv4_addr", "inet_proto", "inet_service"])).tests).toBeLessThanOrEqual(80);
  });
});

describe("sorted addresses are looked at", () => {
  let asked = 0;
  const counted = (address: number): TreeKey<SetElement> => ({
    element: { key: [address] },
    get parts() {
      asked++;
      return [address];
    },
  });
  const askedBy = (work: () => unknown): number => {
    asked = 0;
    work();
    return asked;
  };
  const keys = Array.from({ length: 600 }, (_, i) => counted(0x0a000000 + i));

  test("three times to see that they are sorted and no ranges, and where a block begins, ends or is split", () => {
    expect(askedBy(() => planDispatch(keys, ["ipv4_addr"]))).toBeLessThan(3 * keys.length + 100);
  });

  test("in a group only where a block begins, ends or is split", () => {
    const [group] = planDispatch(keys, ["ipv4_addr"]);
    if (group?.kind !== "group") throw new Error("no group");
    expect(askedBy(() => group.branches)).toBeLessThan(60);
  });
});

test("every key is found, and only itself", () => {
  const key = fc.tuple(
    fc.nat({ max: 300 }).map((n) => 0x0a000000 + n * 37),
    fc.constantFrom(6, 17),
    fc.constantFrom(53, 80, 443, 8080),
  );
  const keys = fc.uniqueArray(key, { maxLength: 200, selector: (parts) => parts.join() });
  fc.assert(
    fc.property(keys, fc.array(key, { maxLength: 20 }), (present, others) => {
      const tree = planOf(present, ["ipv4_addr", "inet_proto", "inet_service"]);
      const known = new Set(present.map((parts) => parts.join()));
      for (const asked of [...present, ...others]) {
        expect(find(tree, asked)).toEqual(known.has(asked.join()) ? [asked] : []);
      }
    }),
    { numRuns: 50 },
  );
});
