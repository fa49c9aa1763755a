/** What is looked at where there is too much to follow, and in which order. */
import { expect, test } from "vitest";
import {
  type Condition,
  NEVER,
  TooManyConditions,
  unknownMatch,
} from "../../../../compiler/evaluate/unknown/condition.ts";
import { type Explored, explore, type Follow } from "../../../../compiler/evaluate/unknown/explore.ts";
import type { World } from "../../../../compiler/evaluate/unknown/worlds.ts";

const LIMITS = { outcomes: 10, each: 100, all: 1000 };

/** What has to hold of each unknown: found without operations on conditions, which are counted. */
function textOf(condition: Condition): string {
  const words: string[] = [];
  for (let at = condition; at.unknown !== undefined; ) {
    const holds = at.low === NEVER;
    words.unshift(`${holds ? "" : "not "}${at.unknown.text}`);
    at = holds ? at.high : at.low;
  }
  return words.join(", ") || "any";
}

const worldsIn = (condition: Condition, n: number): World<string>[] =>
  Array.from({ length: n }, () => ({ condition, parts: ["it"] }));

/** What is followed, by what is given; `work` says how many steps each takes, which unknowns it asks about, and how many worlds it finds. */
function asked(
  work: (given: string) => { readonly steps: number; readonly unknowns?: readonly string[]; readonly worlds?: number },
  limits = LIMITS,
): Explored<string> & { readonly given: readonly string[] } {
  const given: string[] = [];
  const follow: Follow<string> = (condition, spend) => {
    const text = textOf(condition);
    given.push(text);
    const { steps, unknowns = [], worlds = 1 } = work(text);
    for (const name of unknowns) unknownMatch(name);
    spend(steps - unknowns.length); // to ask about an unknown is a step
    return worldsIn(condition, worlds);
  };
  return { ...explore(follow, limits), given };
}

const SENTENCE = "there are more outcomes: the packet depends on too many matches that are not understood;";

test.each<[what: string, steps: number, unknowns: readonly string[]]>([
  ["few steps", 1, ["ea"]],
  ["as many steps as there may be", 100, ["ea"]],
  ["more steps, where nothing is unknown", 101, []],
])("%s are followed once", (_, steps, unknowns) => {
  const { given, worlds, incomplete } = asked(() => ({ steps, unknowns }));
  expect([given, worlds.length, incomplete]).toEqual([["any"], 1, undefined]);
});

test("one step more, and the first unknown is decided both ways", () => {
  const found = asked((given) => ({ steps: given === "any" ? 101 : 1, unknowns: ["ea", "eb"] }));
  expect(found.given).toEqual(["any", "ea", "not ea"]);
  expect(found.worlds.map(({ condition }) => textOf(condition))).toEqual(["ea", "not ea"]);
  expect(found.incomplete).toBeUndefined();
});

test("each time twice as many of them, and a tenth of the steps for each", () => {
  const names = ["ea", "eb", "ec", "ed"];
  const found = asked((given) => ({
    steps: given === "any" ? 101 : given === "ea" || given === "ea, eb" ? 11 : 10,
    unknowns: names,
  }));
  expect(found.given).toEqual([
    "any",
    "ea",
    "ea, eb",
    "ea, eb, ec, ed",
    "ea, eb, ec, not ed",
    "ea, eb, not ec",
    "ea, not eb",
    "not ea",
  ]);
  expect(found.worlds).toHaveLength(5);
  expect(found.incomplete).toBeUndefined();
});

test("what is decided, and still takes too long, is left out", () => {
  const found = asked((given) => ({ steps: given === "not ea" ? 1 : 101, unknowns: ["ea"] }));
  expect(found.given).toEqual(["any", "ea", "not ea"]);
  expect(found.worlds).toHaveLength(1);
  expect(found.incomplete).toBe(`${SENTENCE} 1 outcomes were looked at when kpc stopped, after 203 steps`);
});

test("nothing is known where each takes too long", () => {
  const found = asked(() => ({ steps: 1200, unknowns: ["ea"] }));
  expect([found.given, found.worlds]).toEqual([["any"], []]);
  expect(found.incomplete).toBe(`${SENTENCE} none of its outcomes is known when kpc stopped, after 1,200 steps`);
});

test.each<[given: number, all: number]>([
  [3, 112],
  [2, 111],
  [2, 102],
  [1, 101],
])("%i are followed where %i steps may be taken for all", (given, all) => {
  const found = asked((text) => ({ steps: text === "any" ? 101 : 10, unknowns: ["ea"] }), { ...LIMITS, all });
  expect(found.given).toHaveLength(given);
  expect(found.incomplete === undefined).toBe(given === 3);
});

test.each<[kept: number, each: number, isComplete: boolean]>([
  [8, 4, true],
  [10, 5, true],
  [10, 6, false],
  [10, 10, false],
])("%i outcomes are kept of two times %i", (kept, each, isComplete) => {
  const found = asked((text) => ({ steps: text === "any" ? 101 : 1, unknowns: ["ea"], worlds: each }));
  expect(found.worlds).toHaveLength(kept);
  expect(found.incomplete === undefined).toBe(isComplete);
  expect(found.given).toHaveLength(each < 10 ? 3 : 2);
});

test("conditions that are too large are divided like too many steps", () => {
  let calls = 0;
  const { worlds, incomplete } = explore<string>((given) => {
    calls++;
    unknownMatch("ea");
    if (textOf(given) === "any") throw new TooManyConditions();
    return worldsIn(given, 1);
  }, LIMITS);
  expect([calls, worlds.length, incomplete]).toEqual([3, 2, undefined]);
});

test("what is decided can be too large itself: the rest is left out", () => {
  const limits = { outcomes: 2000, each: 30_000, all: 10_000_000 };
  let calls = 0;
  const { worlds, incomplete } = explore<string>((given, spend) => {
    calls++;
    // One does not hold: few steps. All hold so far: 2,000 may not.
    if (given.high === NEVER) return worldsIn(given, 1);
    for (let i = 0; i < 2000; i++) unknownMatch(`f${i}`);
    spend(limits.each);
    return worldsIn(given, 1);
  }, limits);
  expect([calls, worlds.length]).toEqual([1024 + 12, 1024]);
  expect(incomplete).toContain(`${SENTENCE} 1024 outcomes were looked at`);
});

test("other errors are not caught", () => {
  const follow: Follow<string> = () => {
    throw new TypeError("other");
  };
  expect(() => explore(follow, LIMITS)).toThrow(TypeError);
});
