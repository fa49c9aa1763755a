/** How far a comparison is, on a terminal; and how long it may take. */
import { describe, expect, test } from "vitest";
import { ProgressLine } from "../../../compiler/cli/progress-line.ts";
import { timeLimit } from "../../../compiler/cli/time-limit.ts";

/** A line on a terminal of `columns`, and what was written at which time. */
function lineOn(columns = 80) {
  let time = 1000;
  const written: string[] = [];
  const line = new ProgressLine({ write: (text) => void written.push(text), now: () => time, columns });
  const showAt = (at: number, done = 12): void => {
    time = 1000 + at;
    line.show({ done, of: 40, steps: 1_234_567 });
  };
  return { line, written, showAt };
}

const ERASE = "\r\u001b[K";

describe("the line about progress", () => {
  test("is not there for a comparison of less than half a second", () => {
    const { line, written, showAt } = lineOn();
    for (const at of [0, 100, 499]) showAt(at);
    line.erase();
    expect(written).toEqual([]);
  });

  test("is rewritten in place, ten times a second at most, and erased", () => {
    const { line, written, showAt } = lineOn();
    for (const [at, done] of [
      [500, 12],
      [550, 13],
      [599, 14],
      [600, 15],
    ] as const)
      showAt(at, done);
    line.erase();
    line.erase();
    expect(written).toEqual([
      `${ERASE}comparing: 12 of 40 kinds of traffic, 1,234,567 steps`,
      `${ERASE}comparing: 15 of 40 kinds of traffic, 1,234,567 steps`,
      ERASE,
    ]);
  });

  test("stays on one line of a narrow terminal", () => {
    const { written, showAt } = lineOn(20);
    showAt(900);
    expect(written).toEqual([`${ERASE}comparing: 12 of 40`]);
  });
});

test("a limit in time gives its reason from its end on", () => {
  let time = 5000;
  const reason = timeLimit(2.5, () => time);
  expect(reason()).toBeUndefined();
  time = 7499;
  expect(reason()).toBeUndefined();
  time = 7500;
  expect(reason()).toBe("after 2.5 s");
});
