/** What is not known must not multiply: states that differ in nothing that is asked for later are one. */
import { describe, expect, test } from "vitest";
import { compare } from "../../../compiler/compare/compare.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Outcome } from "../../../compiler/evaluate/packet.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { PACKET } from "../../support/ir.ts";
import { mustReadIptables } from "../../support/read.ts";
import { EVERYTHING } from "../../support/runs.ts";

const MOST = EVERYTHING ? 90 : 24;

type Shape = readonly [count: number, rule: (i: number) => string, ...behind: readonly string[]];

/** `count` rules in a chain that FORWARD jumps to, and what comes behind them there. */
function rules([count, rule, ...behind]: Shape, name = "TESTS"): Program {
  const lines = [...Array.from({ length: count }, (_, i) => rule(i + 1)), ...behind];
  const text = [
    "*filter",
    ":FORWARD ACCEPT [0:0]",
    `:${name} - [0:0]`,
    ":WEB - [0:0]",
    `-A FORWARD -j ${name}`,
    "-A WEB -p tcp -m tcp --dport 80 -m set --match-set web dst -j DROP",
    ...lines.map((line) => `-A ${name} ${line}`),
    "COMMIT",
    "",
  ];
  return mustReadIptables(text.join("\n"), "ip");
}

/** The same in a chain of another name: a comparison with it has to look at everything. */
function twin(shape: Shape): Program {
  return rules(shape, "TWINS");
}

/** What becomes of the packet, and how many steps it took to find out. */
function trace(program: Program): { readonly outcomes: readonly Outcome[]; readonly steps: number } {
  let steps = 0;
  const spend = (more: number): void => {
    steps += more;
  };
  return { outcomes: new Evaluator(program).evaluateWhole(PACKET, { ...environmentOf([]), spend }), steps };
}

const VERDICTS = ["ACCEPT", "DROP", "RETURN", "REJECT"];
const bit = (i: number): string => `0x${(2 ** ((i - 1) % 32)).toString(16)}`;
const inSet = (i: number): string => `-m set --match-set s${i} src`;

/** Shapes of chains, with the number of outcomes that truly differ for a number of rules: by another rule, or by none. */
const SHAPES: readonly (readonly [string, (n: number) => Shape, (n: number) => number])[] = [
  [
    "a bit of the mark for each set, of which one is tested",
    (n) => [n, (i) => `${inSet(i)} -j MARK --set-xmark ${bit(i)}/${bit(i)}`, "-m mark --mark 0x1/0x1 -j DROP"],
    () => 2,
  ],
  [
    "a bit of the mark for each set, which is tested right behind",
    (n) => [
      2 * n,
      (i) => {
        const own = bit(Math.ceil(i / 2));
        return i % 2 === 1 ? `${inSet(i)} -j MARK --set-xmark ${own}/${own}` : `-m mark --mark ${own}/${own} -j DROP`;
      },
    ],
    (n) => n + 1,
  ],
  ["accept for each set", (n) => [n, (i) => `${inSet(i)} -j ACCEPT`], (n) => n + 1],
  [
    "a verdict for each set",
    (n) => [n, (i) => `${inSet(i)} -j ${VERDICTS[(i - 1) % 4]}`],
    (n) => n - Math.floor((n + 1) / 4) + 1,
  ],
  ["a log for each set", (n) => [n, (i) => `${inSet(i)} -j LOG`], () => 1],
  ["a jump for each set", (n) => [n, (i) => `${inSet(i)} -j WEB`], () => 2],
  [
    "what nobody asks for, for each set",
    (n) => [n, (i) => `${inSet(i)} -j ${i % 2 === 0 ? "CONNMARK --save-mark" : "CLASSIFY --set-class 0001:0002"}`],
    () => 1,
  ],
  [
    "two sets and not a third one",
    (n) => [
      n,
      (i) => `-m set --match-set a${i} src -m set --match-set b${i} dst -m set ! --match-set a${i + 1} src -j DROP`,
    ],
    (n) => n + 1,
  ],
];

describe("a chain with", () => {
  test.each(SHAPES)("%s has as many outcomes as truly differ", (_, shape, wanted) => {
    for (const n of [1, 2, 9, 16, MOST]) {
      const { outcomes } = trace(rules(shape(n)));
      expect({ n, outcomes: outcomes.length }).toEqual({ n, outcomes: wanted(n) });
    }
  });

  test.each(SHAPES)("%s takes steps that grow with the square of the rules at most", (_, shape) => {
    for (const n of [9, 18, MOST]) expect(trace(rules(shape(n))).steps).toBeLessThan(40 * n * n);
  });

  test.each(SHAPES)("%s is proved equal to its like", (_, shape) => {
    const budget = 400_000;
    const { differing, open } = compare(rules(shape(MOST)), twin(shape(MOST)), {
      addresses: [],
      budget,
      families: ["IPv4"],
    });
    expect({ differing, open }).toEqual({ differing: 0, open: [] });
  });

  test("a verdict for each set is told from one that lacks a rule", () => {
    const rule = (i: number): string => `${inSet(i)} -j ${VERDICTS[(i - 1) % 4]}`;
    const [all, lacking] = EVERYTHING ? [40, 21] : [20, 11];
    const without = twin([all - 1, (i) => rule(i < lacking ? i : i + 1)]);
    const { regions, open } = compare(rules([all, rule]), without, { addresses: [], families: ["IPv4"] });
    expect(open).toEqual([]);
    expect(regions[0]?.assumptions).toContain(`-m set --match-set s${lacking} src`);
  });
});
