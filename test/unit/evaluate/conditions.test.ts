/** Conditions on what is not known, held against tables of their truth, and the work that they may take. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ALWAYS,
  areApart,
  both,
  type Condition,
  conditionsMade,
  either,
  firstAsked,
  forgetConditions,
  hasMetUnknowns,
  isPossible,
  NEVER,
  not,
  renamed,
  TooManyConditions,
  unknownMatch,
  unknownsIn,
  unknownsMet,
  whenFalse,
  whenHolds,
  whenTrue,
  whereKnown,
  withConditionLimit,
} from "../../../compiler/evaluate/unknown/condition.ts";
import { type Answers, formulasOf, isTrue, leafOf } from "../../support/formulas.ts";

const TEXTS = ["ca", "cb", "cc", "cd"];
const FORMULA = formulasOf(TEXTS.map((text) => leafOf(text)));

/** All answers to the unknowns of `texts`. */
function worldsFor(texts: readonly string[]): Answers[] {
  return Array.from({ length: 2 ** texts.length }, (_, bits) => (text) => ((bits >> texts.indexOf(text)) & 1) === 1);
}

const WORLDS = worldsFor(TEXTS);
const tableOf = (says: (answers: Answers) => boolean): string => WORLDS.map((world) => (says(world) ? 1 : 0)).join("");
const truthOf = (condition: Condition): string => tableOf((world) => isTrue(condition, world));

describe("a condition", () => {
  test("holds where its formula does, and equal ones are one object", () => {
    fc.assert(
      fc.property(FORMULA, FORMULA, (a, b) => {
        expect(truthOf(a.condition)).toBe(tableOf(a.says));
        expect(a.condition === b.condition).toBe(tableOf(a.says) === tableOf(b.says));
        expect(not(not(a.condition))).toBe(a.condition);
        expect(areApart(a.condition, b.condition)).toBe(WORLDS.every((world) => !(a.says(world) && b.says(world))));
        expect(isPossible(a.condition)).toBe(WORLDS.some(a.says));
      }),
      { numRuns: 200 },
    );
  });

  test("depends on the unknowns that make a difference, and asks the one first that was met last", () => {
    fc.assert(
      fc.property(FORMULA, ({ condition, says }) => {
        const matters = (text: string): boolean =>
          WORLDS.some(
            (world) => says((each) => each === text || world(each)) !== says((each) => each !== text && world(each)),
          );
        const wanted = TEXTS.filter(matters);
        expect([...unknownsIn(condition)].map(({ text }) => text).sort()).toEqual(wanted);
        expect(condition.unknown?.text).toBe(wanted.at(-1));
        expect(condition.hasSubjects).toBe(false);
        const { unknown } = condition;
        if (unknown === undefined) return;
        const first = (holds: boolean) =>
          tableOf((world) => says((each) => (each === unknown.text ? holds : world(each))));
        expect([whenTrue(condition, unknown), whenFalse(condition, unknown)].map(truthOf)).toEqual([
          first(true),
          first(false),
        ]);
      }),
      { numRuns: 200 },
    );
  });

  test("where some of the unknowns are known is about the others", () => {
    fc.assert(
      fc.property(FORMULA, fc.dictionary(fc.constantFrom(...TEXTS), fc.boolean()), ({ condition, says }, known) => {
        const rest = whereKnown(condition, ({ text }) => known[text]);
        expect(truthOf(rest)).toBe(tableOf((world) => says((text) => known[text] ?? world(text))));
      }),
      { numRuns: 200 },
    );
  });

  test("of other unknowns is the same of those", () => {
    const order = fc.shuffledSubarray(TEXTS, { minLength: TEXTS.length });
    fc.assert(
      fc.property(FORMULA, order, ({ condition, says }, names) => {
        const name = (text: string): string => names[TEXTS.indexOf(text)] as string;
        expect(truthOf(renamed(condition, name))).toBe(tableOf((world) => says((text) => world(name(text)))));
      }),
      { numRuns: 100 },
    );
  });

  test("of other unknowns is about other things", () => {
    const about = { subject: "old x", values: [1] };
    const locality = { of: "new", subject: "old y" } as const;
    const old = both(unknownMatch("old p", about), unknownMatch("old q", undefined, locality));
    const found = [...unknownsIn(renamed(old, (text) => text.replace("old", "young")))];
    expect(found.map(({ index: _, ...rest }) => rest).sort((a, b) => (a.text < b.text ? -1 : 1))).toEqual([
      { text: "young p", about: { subject: "young x", values: [1] }, locality: undefined },
      { text: "young q", about: undefined, locality: { of: "new", subject: "young y" } },
    ]);
  });

  test("of one unknown is that it holds, or does not", () => {
    const one = unknownMatch("c one");
    const unknown = one.unknown ?? expect.unreachable();
    expect(unknown).toEqual({ text: "c one", about: undefined, locality: undefined, index: unknown.index });
    expect([whenHolds(unknown, true), whenHolds(unknown, false)]).toEqual([one, not(one)]);
    expect([one.high, one.low, one.depth]).toEqual([ALWAYS, NEVER, 1]);
    const other = unknownMatch("c two");
    expect(other.unknown?.index).toBe(unknown.index + 1);
    for (const [a, b] of [
      [one, other],
      [other, one],
      [other, ALWAYS],
      [ALWAYS, other],
    ] as const)
      expect(firstAsked(a, b)).toBe(other.unknown);
  });

  test("asks as many unknowns as its longest way", () => {
    const [a, b, c] = ["depth a", "depth b", "depth c"].map((text) => unknownMatch(text)) as [
      Condition,
      Condition,
      Condition,
    ];
    expect([ALWAYS, a, both(a, b), either(both(a, b), c), both(c, not(a))].map(({ depth }) => depth)).toEqual([
      0, 1, 2, 3, 2,
    ]);
  });

  test("is made once, and counted once", () => {
    const [a, b] = ["made a", "made b"].map((text) => unknownMatch(text)) as [Condition, Condition];
    const before = conditionsMade();
    const all = both(a, b);
    expect(conditionsMade() - before).toBe(1);
    forgetConditions();
    expect([both(a, b), both(b, a)]).toEqual([all, all]);
    expect(both(b, a)).toBe(all);
    expect(conditionsMade() - before).toBe(1);
  });
});

describe("limits", () => {
  const [a, b] = ["limit a", "limit b"].map((text) => unknownMatch(text)) as [Condition, Condition];

  /** The steps that were told, and whether `work` could be done in `most` of them. */
  function limited(most: number, work: () => unknown): { readonly told: number; readonly isDone: boolean } {
    let told = -1;
    const spend = (steps: number): void => {
      told = steps;
    };
    try {
      withConditionLimit(most, work, spend);
      return { told, isDone: true };
    } catch (error) {
      expect(error).toBeInstanceOf(TooManyConditions);
      expect((error as Error).message).toBe("it depends on too many matches that are not understood");
      return { told, isDone: false };
    }
  }

  test("are told how many steps work takes: one for each pair of conditions and each that is made of others", () => {
    expect(limited(100, () => undefined)).toEqual({ told: 0, isDone: true });
    expect(limited(100, () => both(a, b))).toEqual({ told: 2, isDone: true });
    expect(limited(100, () => both(a, b))).toEqual({ told: 1, isDone: true }); // it is known
    expect(limited(100, () => both(a, ALWAYS))).toEqual({ told: 0, isDone: true });
    expect(limited(100, () => [both(NEVER, b), both(b, NEVER), both(ALWAYS, b), both(b, b)])).toEqual({
      told: 0,
      isDone: true,
    });
  });

  test("end work that takes more", () => {
    const work = (): unknown => [both(a, b), both(a, b), both(a, b)];
    work();
    expect(limited(3, work)).toEqual({ told: 3, isDone: true });
    expect(limited(2, work)).toEqual({ told: 3, isDone: false });
    expect(
      withConditionLimit(
        3,
        () => "done",
        () => undefined,
      ),
    ).toBe("done");
  });

  test("hold for the work inside of other work", () => {
    const work = (): unknown => [both(a, b), both(a, b)];
    expect(limited(1, () => limited(100, work))).toEqual({ told: 2, isDone: true });
    expect(limited(1, () => expect(limited(100, work).isDone).toBe(false)).isDone).toBe(true);
    expect(limited(100, () => [limited(0, work), work()])).toEqual({ told: 3, isDone: true });
    expect(limited(100, work).isDone).toBe(true);
  });

  test("are there for how many unknowns one condition asks", () => {
    let all = ALWAYS;
    for (let i = 1; i <= 1500; i++) all = both(all, unknownMatch(`deep ${i}`));
    expect([all.depth, not(all).depth]).toEqual([1500, 1500]);
    const one = unknownMatch("deep 1501");
    expect(() => both(all, one)).toThrow(TooManyConditions);
    expect(() => either(not(all), one)).toThrow(TooManyConditions);
  });

  test("work is told the unknowns that it asks about", () => {
    expect(hasMetUnknowns()).toBe(false);
    const inner = (): unknown => {
      expect(hasMetUnknowns()).toBe(false);
      return unknownsMet(() => unknownMatch("met c"));
    };
    const { result, met } = unknownsMet(() => {
      expect(hasMetUnknowns()).toBe(false);
      inner();
      unknownMatch("met b");
      expect(hasMetUnknowns()).toBe(true);
      unknownMatch("met a");
      unknownMatch("met b");
      return "done";
    });
    expect([result, ...[...met].map(({ text }) => text)]).toEqual(["done", "met b", "met a"]);
    unknownMatch("met d");
    expect(hasMetUnknowns()).toBe(false);
    expect(met.size).toBe(2);
    expect(() => unknownsMet(() => expect.unreachable())).toThrow();
    expect(hasMetUnknowns()).toBe(false);
  });
});
