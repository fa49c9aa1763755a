/** Which conditions can hold, as each thing has but one value; and what can happen together where. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type About, describeAssumption } from "../../../compiler/evaluate/unknown/assumption.ts";
import { assumptionsOf } from "../../../compiler/evaluate/unknown/assumptions-of.ts";
import {
  ALWAYS,
  both,
  type Condition,
  either,
  isPossible,
  NEVER,
  not,
  unknownMatch,
} from "../../../compiler/evaluate/unknown/condition.ts";
import { answersTo, pointsOf } from "../../../compiler/evaluate/unknown/subject.ts";
import { worldsOf } from "../../../compiler/evaluate/unknown/worlds.ts";
import { partHolds } from "../../../compiler/ir/interval.ts";
import { type Formula, formulasOf, leafOf } from "../../support/formulas.ts";

describe("values", () => {
  const VALUES = [0, 1, 2, 3, 4, 5, 6, 7];
  const part = fc.oneof(
    fc.constantFrom(1, 2, 3, 4),
    fc.tuple(fc.constantFrom(...VALUES), fc.nat({ max: 3 })).map(([from, more]) => ({ from, to: from + more })),
  );
  const about = (subject: string, of: fc.Arbitrary<About["values"][number]>): fc.Arbitrary<Formula> =>
    fc.array(of, { minLength: 1, maxLength: 3 }).map((values) => {
      const text = `${subject} in ${JSON.stringify(values)}`;
      return leafOf(text, { subject, values });
    });
  const setOf = (of: fc.Arbitrary<About["values"][number]>) =>
    fc
      .tuple(about("vx", of), about("vx", of), about("vy", of), about("vx", of))
      .chain((leaves) => formulasOf([...leaves, leafOf("v free"), leafOf(`v free ${leaves[1].condition.id}`)]));

  /** Whether some values of both things, and some answer to what is no value, make it true. */
  function canBe(says: Formula["says"]): boolean {
    return VALUES.some((x) =>
      VALUES.some((y) =>
        [true, false].some((free) =>
          says((text) => {
            if (text.startsWith("v free")) return free;
            const [subject, , json = "[]"] = text.split(" ");
            const values: About["values"] = JSON.parse(json);
            return values.some((each) => partHolds(each, subject === "vx" ? x : y));
          }),
        ),
      ),
    );
  }

  test("that are named by themselves: a condition is possible where some make it true", () => {
    const seen = { yes: 0, no: 0 };
    fc.assert(
      fc.property(setOf(fc.constantFrom(1, 2, 3, 4)), ({ condition, says }) => {
        const isIt = canBe(says);
        seen[isIt || condition === NEVER ? "yes" : "no"]++;
        expect(isPossible(condition)).toBe(isIt);
      }),
      { numRuns: 400 },
    );
    expect(seen.no).toBeGreaterThan(5);
  });

  test("and intervals: a condition that some make true is possible", () => {
    fc.assert(
      fc.property(setOf(part), ({ condition, says }) => {
        if (canBe(says)) expect(isPossible(condition)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  const of = (...values: About["values"]): Condition =>
    unknownMatch(`w is ${JSON.stringify(values)}`, { subject: "w", values });
  const free = unknownMatch("w free");
  // In the order in which they are met.
  const [first, second, third, fourth] = [[11], [12], [13], [14]].map((values) => of(...values)) as [
    Condition,
    Condition,
    Condition,
    Condition,
  ];

  test.each<[possible: boolean, what: string, condition: Condition]>([
    [false, "two values", both(of(1), of(2))],
    [true, "a value, or another one", both(of(1), of(1, 2))],
    [false, "a value of some, but none of them", both(of(1), not(of(1, 2)))],
    [true, "none of some", both(not(of(1)), not(of(2)))],
    [
      true,
      "the last of many, which none of the first is",
      both(of(1, 2, 3, 4, 5, 6), both(of(6, 7), not(of(1, 2, 3, 4, 5)))),
    ],
    [false, "two values, behind what is no value", both(both(of(1), of(2)), unknownMatch("w late"))],
    [false, "two values, where what is no value does not hold", both(both(of(1), of(2)), not(unknownMatch("w later")))],
    [false, "two values, before what is no value", both(free, both(of(1), of(2)))],
    [
      false,
      "two values, of which the last unknown decides",
      either(both(fourth, both(third, first)), both(not(fourth), both(second, first))),
    ],
    [
      false,
      "two values, other ones first where it does not hold",
      either(both(fourth, third), both(not(fourth), both(second, first))),
    ],
    [true, "a value in an interval", both(of(3), of({ from: 2, to: 4 }))],
    [false, "a value outside of an interval", both(of(5), of({ from: 2, to: 4 }))],
    [false, "a value not in an interval that has it", both(of(3), not(of({ from: 2, to: 4 })))],
    [true, "a value of an interval that nobody names", both(of({ from: 2, to: 4 }), not(of(3)))],
    [true, "a value of an interval or another", both(of(9, { from: 2, to: 4 }), of(3))],
  ])("%s: %s", (possible, _, condition) => {
    expect(isPossible(condition)).toBe(possible);
    expect(isPossible(condition)).toBe(possible);
  });

  test.each<[values: readonly About["values"][], points: readonly string[], open: readonly number[]]>([
    [[], [], []],
    [[[1]], ["0"], []],
    [[[1], [1]], ["0,1"], []],
    [[[1, 2]], ["0"], []], // what gives the same answers is one
    [[[1], [1, 2]], ["0,1", "1"], []],
    [[[{ from: 1, to: 2 }]], [], [0]],
    [[[1], [{ from: 1, to: 2 }]], ["0,1"], [1]],
    [[[3], [{ from: 1, to: 2 }]], ["0"], [1]],
    [[[3], [3, { from: 1, to: 2 }]], ["0,1"], [1]],
    [[[4, { from: 1, to: 2 }], [1]], ["0,1"], [0]],
  ])("answer %j: %j, others %j", (values, points, open) => {
    const found = answersTo(values.map((each) => ({ subject: "s", values: each })));
    expect(found.points.map((each) => [...each].join())).toEqual(points);
    expect([...found.open]).toEqual(open);
  });

  test("some of those that are named", () => {
    expect(pointsOf({ subject: "s", values: [{ from: 1, to: 2 }, 3, "x", 5] }, 2)).toEqual([3, "x"]);
  });
});

describe("worlds", () => {
  const [a, b] = ["world a", "world b"].map((text) => unknownMatch(text)) as [Condition, Condition];
  const [x, y] = [1, 2].map((value) => unknownMatch(`world z ${value}`, { subject: "z", values: [value] })) as [
    Condition,
    Condition,
  ];

  test.each<
    [what: string, parts: readonly (readonly [Condition, weight: number, name: string])[], worlds: readonly string[]]
  >([
    ["nothing", [], []],
    ["one for certain", [[ALWAYS, 1, "p"]], ["p"]],
    [
      "two halves",
      [
        [ALWAYS, 0.5, "p"],
        [ALWAYS, 0.5, "q"],
      ],
      ["p q"],
    ],
    ["one that happens under a condition", [[a, 1, "p"]], ["p if a"]],
    [
      "one where the other does not happen",
      [
        [a, 1, "p"],
        [not(a), 1, "q"],
      ],
      ["p if a", "q if not a"],
    ],
    [
      "halves that come together under one condition",
      [
        [ALWAYS, 0.5, "p"],
        [a, 0.5, "q"],
        [not(a), 0.5, "r"],
      ],
      ["p q if a", "p r if not a"],
    ],
    [
      "parts of less than all",
      [
        [a, 0.5, "p"],
        [b, 0.5, "q"],
      ],
      ["p q if a, b", "p if a, not b", "q if not a, b"],
    ],
    [
      "what is certain is not held against others",
      [
        [a, 1, "p"],
        [b, 1, "q"],
      ],
      ["p if a", "q if not a, b"],
    ],
    [
      "rounding",
      [
        [ALWAYS, 1 - 1e-10, "p"],
        [a, 1, "q"],
      ],
      ["p"],
    ],
    [
      "as much as rounding leaves",
      [
        [ALWAYS, 1 - 1e-9, "p"],
        [a, 1, "q"],
      ],
      ["p"],
    ],
    [
      "no rounding",
      [
        [ALWAYS, 1 - 1e-8, "p"],
        [a, 1, "q"],
      ],
      ["p q if a", "p if not a"],
    ],
    [
      "values that do not go together",
      [
        [x, 0.5, "p"],
        [y, 0.5, "q"],
      ],
      ["q if not z 1, z 2", "p if z 1, not z 2"],
    ],
    ["what cannot be", [[both(x, y), 1, "p"]], []],
  ])("of %s", (_, parts, worlds) => {
    const found = worldsOf(parts.map(([condition, weight, name]) => ({ condition, weight, name })));
    const texts = found.map(({ condition, parts: some }) => {
      const words = assumptionsOf(condition).assumptions.map((each) => describeAssumption(each).replace("world ", ""));
      return [some.map(({ name }) => name).join(" "), ...(words.length === 0 ? [] : [words.join(", ")])].join(" if ");
    });
    expect(texts.sort()).toEqual([...worlds].sort());
  });
});
