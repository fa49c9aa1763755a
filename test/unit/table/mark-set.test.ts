import fc from "fast-check";
import { expect, test } from "vitest";
import { MarkSet } from "../../../runtime/table/mark-set.ts";
import { runs } from "../../support/runs.ts";

/** Few of them, some of which begin their search at one place. */
const mark = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 40 })).map(([a, b]) => a * 2 ** 50 + b),
  fc.constant(2 ** 53 - 1),
);

test("after any additions and removals it has what a Set has", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), mark), { maxLength: 800 }), (steps) => {
      const [marks, wanted] = [new MarkSet(), new Set<number>()];
      for (const [isAdded, each] of steps) {
        if (isAdded) marks.add(each);
        else marks.delete(each);
        if (isAdded) wanted.add(each);
        else wanted.delete(each);
        expect(marks.size).toBe(wanted.size);
      }
      for (const [, each] of steps) expect(marks.has(each)).toBe(wanted.has(each));
    }),
    { numRuns: runs(300) },
  );
});

test("a mark that was removed is no other one that begins its search there", () => {
  const marks = new MarkSet();
  for (let mark = 1; mark <= 40; mark++) marks.add(mark + 64);
  for (let mark = 1; mark <= 40; mark++) marks.delete(mark + 64);
  for (let mark = 1; mark <= 300; mark++) expect(marks.has(mark)).toBe(false);
});

test.each([
  ["one place", (n: number) => 1 + 64 * 2048 * n],
  ["every second place", (n: number) => 2 * n + 2],
  ["places one after the other", (n: number) => n + 1],
])("marks whose search begins at %s are all there, before it grows and after", (_, markOf) => {
  const marks = new MarkSet();
  for (let n = 0; n < 600; n++) {
    marks.add(markOf(n));
    if (n === 44 || n === 599) for (let i = 0; i < 600; i++) expect(marks.has(markOf(i))).toBe(i <= n);
  }
  expect(marks.size).toBe(600);
});
