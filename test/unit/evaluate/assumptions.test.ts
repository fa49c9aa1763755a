/** What has to hold for a condition, in words. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Assumption,
  describeAssumption,
  describeChoice,
  describeLocality,
  describeTest,
  printAssumption,
} from "../../../compiler/evaluate/unknown/assumption.ts";
import { assumptionsOf } from "../../../compiler/evaluate/unknown/assumptions-of.ts";
import {
  ALWAYS,
  both,
  type Condition,
  either,
  NEVER,
  not,
  unknownMatch,
} from "../../../compiler/evaluate/unknown/condition.ts";

const [a, b, c, d] = ["a", "b", "c", "d"].map((text) => unknownMatch(text)) as [
  Condition,
  Condition,
  Condition,
  Condition,
];

const all = (...of: readonly Condition[]): Condition => of.reduce(both, ALWAYS);
const any = (...of: readonly Condition[]): Condition => of.reduce(either, NEVER);
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
const manyOf = (name: string, n: number): Condition[] => range(n).map((i) => unknownMatch(`${name}${i}`));
const xor = (x: Condition, y: Condition): Condition => either(both(x, not(y)), both(not(x), y));

describe("a condition says", () => {
  test.each<[assumptions: string, choices: readonly string[], condition: Condition]>([
    ["", [], ALWAYS],
    ["a", [], a],
    ["not a", [], not(a)],
    ["a, not c", [], all(not(c), a)],
    ["", ["a, or b"], any(b, a)],
    ["", ["a, or b, or not c"], any(a, b, not(c))],
    ["a", ["b, or c"], all(a, any(b, c))],
    ["d", ["a, or b"], all(any(a, b), d)],
    ["not b", ["a, or c"], all(any(a, b, c), not(b))],
    ["", ["a, or b", "c, or d"], all(any(a, b), any(c, d))],
    ["", ["a and b, or c and d"], any(all(a, b), all(c, d))],
    ["", ["b, or not a", "a, or c"], any(all(a, b), all(not(a), c))],
    ["", ["a, or b", "not a, or not b"], xor(a, b)],
    ["a", ["b, or c", "not b, or not c"], all(a, xor(b, c))],
    ["", ["a, or b", "a, or c", "b, or c"], any(all(a, b), all(b, c), all(a, c))],
  ])("%s; %j", (assumptions, choices, condition) => {
    const found = assumptionsOf(condition);
    expect(found.assumptions.map(describeAssumption).join(", ")).toBe(assumptions);
    expect(found.choices.map(describeChoice).sort()).toEqual([...choices].sort());
    expect(found.choices.every(({ isMore }) => !isMore)).toBe(true);
  });

  test("within a way, what was met first first", () => {
    const [choice] = assumptionsOf(any(all(a, b, c), all(not(a), not(b), d))).choices;
    for (const way of choice?.ways ?? expect.unreachable())
      expect(way.map(({ text }) => text)).toEqual(way.map(({ text }) => text).sort());
  });

  test("no more and no less than it is", () => {
    const literal = fc.tuple(fc.constantFrom(a, b, c, d), fc.boolean()).map(([one, holds]) => (holds ? one : not(one)));
    const product = fc.array(literal, { minLength: 1, maxLength: 3 }).map((some) => all(...some));
    const sum = fc.array(product, { minLength: 1, maxLength: 5 }).map((some) => any(...some));
    const conditionOf = (some: readonly Assumption[]): Condition =>
      all(...some.map(({ text, holds }) => (holds ? unknownMatch(text) : not(unknownMatch(text)))));
    fc.assert(
      fc.property(sum, (condition) => {
        fc.pre(condition !== NEVER);
        const { assumptions, choices } = assumptionsOf(condition);
        const choicesHold = choices.map(({ ways }) => any(...ways.map(conditionOf)));
        expect(all(conditionOf(assumptions), ...choicesHold)).toBe(condition);
        for (const { ways } of choices) {
          // Each is needed, and what always has to hold is in none.
          for (const way of ways) {
            expect(any(...ways.filter((each) => each !== way).map(conditionOf))).not.toBe(
              any(...ways.map(conditionOf)),
            );
            expect(way.some(({ text }) => assumptions.some((each) => each.text === text))).toBe(false);
          }
        }
        const implied = [a, b, c, d].flatMap((one) => (both(condition, not(one)) === NEVER ? [one.unknown?.text] : []));
        expect(assumptions.filter(({ holds }) => holds).map(({ text }) => text)).toEqual(implied);
      }),
      { numRuns: 200 },
    );
  });

  test("what a value is, and whether a destination is the node's", () => {
    const about = { subject: "x", values: [1] };
    const locality = { of: "original", subject: "it" } as const;
    const condition = both(unknownMatch("x is 1", about), not(unknownMatch("it is here", undefined, locality)));
    expect(assumptionsOf(condition).assumptions).toStrictEqual([
      { text: "x is 1", holds: true, about },
      { text: "it is here", holds: false, locality },
    ]);
  });
});

describe("where there is much to say", () => {
  const shapeOf = (condition: Condition): string => {
    const { assumptions, choices } = assumptionsOf(condition);
    const ways = choices.map((each) => `${each.ways.length}${each.isMore ? " and more" : ""}`);
    const told = [...new Set(ways)].map((each) => `${ways.filter((other) => other === each).length} of ${each}`);
    return [`${assumptions.length}`, ...told].join(", ");
  };

  test.each<[shape: string, what: string, condition: () => Condition]>([
    ["0, 100 of 2", "100 pairs", () => all(...range(100).map((i) => any(...manyOf(`p${i} `, 2))))],
    ["0, 1 of 20 and more", "101 pairs", () => all(...range(101).map((i) => any(...manyOf(`p${i} `, 2))))],
    ["0, 1 of 20", "one of 20 pairs", () => any(...range(20).map((i) => all(...manyOf(`p${i} `, 2))))],
    ["0, 1 of 20 and more", "one of 21 pairs", () => any(...range(21).map((i) => all(...manyOf(`p${i} `, 2))))],
    ["0, 32 of 6", "an odd number of 6", () => manyOf("x", 6).reduce(xor)],
    ["0, 1 of 20 and more", "an odd number of 8", () => manyOf("x", 8).reduce(xor)],
    ["0, 1 of 300", "one of 300", () => any(...manyOf("y", 300))],
    ["0, 1 of 20 and more", "one of 301", () => any(...manyOf("y", 301))],
    ["400", "400 at once", () => all(...manyOf("y", 400))],
  ])("%s: %s", (shape, _, condition) => {
    expect(shapeOf(condition())).toBe(shape);
  });

  const pairs = all(...range(101).map((i) => any(...manyOf(`p${i} `, 2))));

  test.each([
    ["one of many", any(...manyOf("y", 301))],
    ["many pairs", pairs],
  ])("the ways that are told are ways: %s", (_, condition) => {
    const [{ ways } = expect.unreachable()] = assumptionsOf(condition).choices;
    expect(new Set(ways.map((way) => way.map(describeAssumption).join(" and "))).size).toBe(20);
    for (const way of ways) {
      const held = all(...way.map(({ text, holds }) => (holds ? unknownMatch(text) : not(unknownMatch(text)))));
      expect(both(held, not(condition))).toBe(NEVER);
    }
  });

  test("in words, and that there are others", () => {
    const [choice = expect.unreachable()] = assumptionsOf(any(...manyOf("y", 301))).choices;
    expect(describeChoice(choice)).toMatch(/^y282 and not y283 .*, or y300 and not y301, or y301, or in other ways$/);
  });
});

describe("words", () => {
  test.each<[text: string, values: Parameters<typeof describeTest>[0]["values"]]>([
    ["x == 1", [1]],
    ["x == eth0", ["eth0"]],
    ["x 1,2", [1, 2]],
    ["x 1-3", [{ from: 1, to: 3 }]],
    ["x eth*", [{ from: "eth", to: "eth\u{10ffff}" }]],
    ["x eth-eth", [{ from: "eth", to: "eth" }]],
    ["x 1-3,7", [{ from: 1, to: 3 }, 7]],
    ["x ", []],
  ])("%s", (text, values) => {
    expect(describeTest({ subject: "x", values })).toBe(text);
  });

  const locality = { of: "new", subject: "10.0.0.1" } as const;

  test.each<[text: string, assumption: Assumption]>([
    ["a", { text: "a", holds: true }],
    ["not a", { text: "a", holds: false }],
    ["10.0.0.1 is an address of this node", { text: "a", holds: true, locality }],
    ["10.0.0.1 is not an address of this node", { text: "a", holds: false, locality }],
  ])("%s", (text, assumption) => {
    expect(printAssumption(assumption)).toBe(text);
    expect(describeAssumption(assumption)).toBe(assumption.holds ? "a" : "not a");
  });

  test("others for what does not hold, and none where that is not said", () => {
    expect(printAssumption({ text: "a", holds: false }, "no ")).toBe("no a");
    expect(describeLocality(locality)).toBe("10.0.0.1 is an address of this node");
  });
});
