import { expect, test } from "vitest";
import { pause, REAL_CLOCK } from "../../../runtime/api/clock.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";

test("the real clock calls once, and not what was called off", async () => {
  const called: string[] = [];
  REAL_CLOCK.after(0, () => called.push("off"))();
  await new Promise<void>((resolve) => {
    REAL_CLOCK.after(1, () => {
      called.push("on");
      resolve();
    });
  });
  expect(called).toEqual(["on"]);
  expect(REAL_CLOCK.now()).toBeGreaterThan(0);
  expect(REAL_CLOCK.wallTime()).toBeGreaterThan(Date.UTC(2025, 0));
  expect(REAL_CLOCK.random()).toBeLessThan(1);
});

test.each(["time", "abort", "abort before"] as const)("a pause ends by %s, and leaves no timer", async (by) => {
  const clock = new TestClock();
  const stopper = new AbortController();
  if (by === "abort before") stopper.abort();
  const paused = pause(clock, 500, stopper.signal);
  if (by === "abort") stopper.abort();
  if (by === "time") clock.advance(500);
  await paused;
  expect(clock.pending).toBe(0);
});
