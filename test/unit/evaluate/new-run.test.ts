/** What is forgotten of conditions: all of a run before, and between questions what they are shared by. In a file of its own, as
 *  conditions of before are no good afterwards. */
import { expect, test } from "vitest";
import {
  ALWAYS,
  both,
  type Condition,
  conditionsMade,
  either,
  forgetConditions,
  isPossible,
  NEVER,
  not,
  TooManyConditions,
  unknownMatch,
  withConditionLimit,
} from "../../../compiler/evaluate/unknown/condition.ts";
import { startRun } from "../../../compiler/run.ts";

/** That `x` is each of two values: the same numbers of unknowns and conditions in each run. */
function valuesOf(one: number, other: number): readonly [Condition, Condition] {
  startRun();
  expect(conditionsMade()).toBe(0);
  const [a, b] = [one, other].map((value) => unknownMatch(`x in ${value}`, { subject: "x", values: [value] }));
  return [a ?? expect.unreachable(), b ?? expect.unreachable()];
}

test("each run begins anew with the numbers of unknowns and conditions", () => {
  for (const [one, other] of [
    [1, 2],
    [3, 4],
  ] as const) {
    const [a, b] = valuesOf(one, other);
    expect([a, b].map(({ id, unknown }) => [id, unknown?.index])).toEqual([
      [ALWAYS.id + 1, 0],
      [ALWAYS.id + 2, 1],
    ]);
    const all = both(a, b);
    expect([all.unknown, all.high, all.low]).toEqual([b.unknown, a, NEVER]);
    expect(isPossible(all)).toBe(false);
    expect(conditionsMade()).toBeGreaterThan(2);
  }
});

test("what is possible of values is asked again", () => {
  const [a, b] = valuesOf(1, 2);
  expect(isPossible(both(a, b))).toBe(false);
  startRun();
  const [c, d] = [[1], [1, 2]].map((values) => unknownMatch(`y in ${values}`, { subject: "y", values })) as [
    Condition,
    Condition,
  ];
  expect([isPossible(both(c, d)), isPossible(both(c, not(d)))]).toEqual([true, false]);
});

test("limits count from the start of a run on", () => {
  startRun();
  const [a, b, c] = ["a", "b", "c"].map((text) => unknownMatch(text)) as [Condition, Condition, Condition];
  const work = (): Condition => either(both(a, b), c);
  const steps: number[] = [];
  withConditionLimit(100, work, (count) => steps.push(count));
  expect(() => withConditionLimit(1, work, (count) => steps.push(count))).toThrow(TooManyConditions);
  expect(steps.map((count) => count > 1)).toEqual([true, true]);
});

test("between questions equal conditions are made anew when there are many, and those of before stay right", () => {
  startRun();
  const [a, b] = ["a", "b"].map((text) => unknownMatch(text)) as [Condition, Condition];
  const all = both(a, b);
  forgetConditions(conditionsMade() + 1);
  expect(both(a, b)).toBe(all);
  forgetConditions(conditionsMade());
  const again = both(a, b);
  expect(again === all).toBe(false);
  expect([again.unknown, again.high, again.low]).toEqual([all.unknown, a, NEVER]);
  expect([both(all, not(a)), both(again, not(a))]).toEqual([NEVER, NEVER]);
  // Counted from the last time on.
  forgetConditions(conditionsMade());
  expect(both(a, b)).toBe(again);
});
