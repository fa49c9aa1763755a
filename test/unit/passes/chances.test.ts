/** One of several elements: by chance, or in turn. */
import { expect, test } from "vitest";
import type { Chain, Program } from "../../../compiler/ir/types.ts";
import { printIptables, unfold } from "../../support/compile.ts";
import { mustReadNft } from "../../support/read.ts";

test.each([
  ["random", ["--mode random --probability 0.33333333349", "--mode random --probability 0.50000000000"]],
  ["inc", ["--mode nth --every 3 --packet 0", "--mode nth --every 2 --packet 0"]],
])("numgen %s stays what it is in a row of rules", (mode, wanted) => {
  const map = "{ 0 : 10.0.0.1, 1 : 10.0.0.2, 2 : 10.0.0.3 }";
  const program = mustReadNft(
    `table ip t {\nchain c {\ntype nat hook prerouting priority dstnat\ndnat to numgen ${mode} mod 3 map ${map}\n}\n}\n`,
  );
  const rules = printIptables(program, "ip").match(/(?<=-m statistic )--mode .*(?= -j DNAT)/g);
  expect(rules).toEqual(wanted);
});

/** `dnat` by one of so many numbers; those of `missing` have no address. */
function picking(mode: "random" | "inc", count: number, missing: readonly number[] = []): Program {
  const numbers = Array.from({ length: count }, (_, i) => i).filter((i) => !missing.includes(i));
  const map = numbers.map((i) => `${i} : 10.0.0.${i}`).join(", ");
  return mustReadNft(
    `table ip t {\nchain c {\ntype nat hook prerouting priority dstnat\ndnat to numgen ${mode} mod ${count} map { ${map} }\n}\n}\n`,
  );
}

interface Ways {
  /** The part of all packets that each translation gets. */
  readonly chances: readonly number[];
  /** How many tests of chance a packet meets on average. */
  readonly tests: number;
  /** The most chains one behind the other. */
  readonly depth: number;
}

function waysThrough(program: Program): Ways {
  const chains = new Map(unfold(program).ruleset.tables[0]?.chains.map((chain) => [chain.name, chain]));
  const from = (chain: Chain | undefined, part: number, depth: number): Ways => {
    const chances: number[] = [];
    let [left, tests, deepest] = [part, 0, depth];
    for (const { steps } of chain?.rules ?? []) {
      const [chance, last] = [steps.find(({ kind }) => kind === "chance"), steps.at(-1)];
      if (chance !== undefined) tests += left;
      const taken = chance?.kind === "chance" ? (left * chance.numerator) / 2 ** 31 : left;
      left -= taken;
      if (last?.kind !== "verdict" || !("chain" in last.verdict)) chances.push(taken);
      else {
        const below = from(chains.get(last.verdict.chain), taken, depth + 1);
        chances.push(...below.chances);
        tests += below.tests;
        deepest = Math.max(deepest, below.depth);
      }
    }
    return { chances, tests, depth: deepest };
  };
  return from(chains.get("c"), 1, 1);
}

test.each([
  // Of as many elements as stand in a row, and more.
  { count: 8, tests: 4.4, depth: 1 },
  { count: 9, tests: 3.6, depth: 2 },
  { count: 10, tests: 3.8, depth: 2 },
  { count: 16, tests: 5.4, depth: 2 },
  { count: 17, tests: 5.1, depth: 2 },
  { count: 50, tests: 8.7, depth: 3 },
  { count: 250, tests: 34, depth: 3 },
])("one of $count elements by chance: each as likely, after few tests", ({ count, tests, depth }) => {
  const ways = waysThrough(picking("random", count));
  expect(ways.chances.map((chance) => chance.toFixed(7))).toEqual(new Array(count).fill((1 / count).toFixed(7)));
  expect(ways.tests).toBeLessThanOrEqual(tests);
  expect(ways.depth).toBe(depth);
});

test("in turn, or where a number has no element, all stand in a row", () => {
  expect(unfold(picking("inc", 20)).ruleset.tables[0]?.chains).toHaveLength(1);
  const gaps = waysThrough(picking("random", 20, [3]));
  expect(gaps.depth).toBe(1);
  expect(gaps.chances.map((chance) => chance.toFixed(7))).toEqual(new Array(20).fill("0.0500000"));
});

test("the comment of an element that leads to a choice stands at one of its slots, which few packets meet", () => {
  const program = mustReadNft(`table ip t {
chain c {
type nat hook prerouting priority dstnat
ip daddr . meta l4proto . th dport vmap { 10.96.0.1 . tcp . 80 comment "a/one" : jump pick-1, 10.96.0.2 . tcp . 80 comment "a/two" : jump pick-2 }
}
chain pick-1 {
dnat to ip daddr . tcp dport map { 10.96.0.1 . 80 : 10.0.0.1 . 8080 }
}
chain pick-2 {
dnat to ip daddr . tcp dport . numgen random mod 2 map { 10.96.0.2 . 80 . 0 : 10.0.0.2 . 8080, 10.96.0.2 . 80 . 1 : 10.0.0.3 . 8080 }
}
}
`);
  const commented = printIptables(program, "ip")
    .split("\n")
    .filter((line) => line.includes("--comment"));
  expect(commented.map((line) => line.replace(/^-A \S+ | -j KPC\S+/g, ""))).toEqual([
    '-d 10.96.0.1/32 -p tcp -m tcp --dport 80 -m comment --comment "a/one"',
    '-p tcp -m statistic --mode random --probability 0.50000000000 -m comment --comment "a/two" -j DNAT --to-destination 10.0.0.2:8080',
  ]);
});
