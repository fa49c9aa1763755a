/** Conditions about values, of which a thing has one. */
import { expect, test } from "vitest";
import { type Condition, sense, unknownMatch, unknownsIn } from "../../../../compiler/evaluate/unknown/condition.ts";

const isOneOf = (...values: readonly number[]): Condition =>
  unknownMatch(`z in ${values.join()}`, { subject: "z", values });

test("that a thing has one value asks in the order of all conditions, however those are given", () => {
  const [a, b, c] = [isOneOf(1), isOneOf(2), isOneOf(1, 3)];
  const made = sense(a, b, c);
  expect(made.unknown).toBe(c.unknown);
  expect([made.high.unknown, made.low.unknown]).toEqual([b.unknown, a.unknown]);
  for (const given of [
    [a, c, b],
    [b, a, c],
    [b, c, a],
    [c, a, b],
    [c, b, a],
  ])
    expect(sense(...given)).toBe(made);
  expect([...unknownsIn(made)].map(({ text }) => text).sort()).toEqual(["z in 1", "z in 1,3", "z in 2"]);
});
