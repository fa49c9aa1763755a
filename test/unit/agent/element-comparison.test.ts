/** When elements are compared, and what becomes of that: by a clock that a test moves. */
import { expect, test } from "vitest";
import { ElementComparison } from "../../../runtime/agent/element-comparison.ts";
import { ExpectedElements } from "../../../runtime/agent/expected-elements.ts";
import { PRINTING_KERNEL } from "../../../runtime/agent/printing-kernel.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";

interface Begun {
  readonly expected: ExpectedElements;
  readonly signal: AbortSignal;
  readonly end: (found: string | undefined) => void;
  readonly fail: (error: Error) => void;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function comparison(comparesBeside = true) {
  const clock = new TestClock();
  const begun: Begun[] = [];
  const woken: boolean[] = [];
  const expected = new ExpectedElements();
  const kernel = {
    ...PRINTING_KERNEL,
    comparesBeside,
    drifted: (of: ExpectedElements, signal: AbortSignal) =>
      new Promise<string | undefined>((end, fail) => void begun.push({ expected: of, signal, end, fail })),
  };
  const it: ElementComparison = new ElementComparison(kernel, expected, clock, () => void woken.push(it.hasEnded));
  const last = (): Begun => begun.at(-1) ?? expect.unreachable("nothing is compared");
  return { it, clock, begun, last, woken, expected };
}

test("what is found is there to take once, and wakes who waits for it; nothing wakes nobody", async () => {
  const { it, last, woken, expected, begun } = comparison();
  await it.begin();
  expect(begun.length).toBe(0);
  it.suspect();
  await it.begin();
  expect(last().expected).toBe(expected);
  last().end(undefined);
  await settled();
  expect([it.hasEnded, woken, it.take()]).toEqual([false, [], undefined]);
  it.suspect();
  await it.begin();
  last().end("map services");
  await settled();
  expect([it.hasEnded, woken]).toEqual([true, [true]]);
  expect([it.take(), it.take(), it.hasEnded]).toEqual(["map services", undefined, false]);
});

test("when all has been looked at, there is nothing to suspect or to take", async () => {
  const { it, clock, begun, last } = comparison();
  it.suspect();
  it.settled();
  await it.begin();
  expect(begun.length).toBe(0);
  it.suspect();
  await it.begin();
  last().end("map services");
  await settled();
  clock.advance(500);
  it.settled();
  expect([it.hasEnded, it.take()]).toEqual([false, undefined]);
  // The next one that is not called for is so long after that.
  clock.advance(999);
  await it.begin(1000);
  expect(begun.length).toBe(1);
  clock.advance(1);
  await it.begin(1000);
  expect(begun.length).toBe(2);
});

test("one that ends frees those after it from giving way less often", async () => {
  const { it, clock, begun, last } = comparison();
  for (const end of [1, 2]) {
    for (let time = 0; time < 5; time++) {
      it.suspect();
      await it.begin();
      await it.giveWay();
      expect(last().signal.aborted).toBe(true);
      clock.advance(1000 * 2 ** time);
    }
    await it.begin();
    let hasGivenWay = false;
    void it.giveWay().then(() => {
      hasGivenWay = true;
    });
    await settled();
    expect([hasGivenWay, last().signal.aborted, begun.length]).toEqual([false, false, 6 * end]);
    last().end(undefined);
    await settled();
    expect(hasGivenWay).toBe(true);
  }
});

test("one that has given way tells nothing, neither what it found nor why it failed", async () => {
  const { it, clock, last, woken } = comparison();
  for (const end of [(each: Begun) => each.end("map services"), (each: Begun) => each.fail(new Error("aborted"))]) {
    it.suspect();
    await it.begin();
    await it.giveWay();
    end(last());
    await settled();
    expect([it.hasEnded, woken]).toEqual([false, []]);
    clock.advance(10_000);
  }
});

test("after the end none begins", async () => {
  const { it, begun, last } = comparison();
  it.suspect();
  await it.begin();
  it.close();
  expect(last().signal.aborted).toBe(true);
  it.suspect();
  await it.begin();
  expect(begun.length).toBe(1);
});

test("one beside which nothing may be done is waited for, and ends by itself", async () => {
  const { it, last } = comparison(false);
  it.suspect();
  let hasBegun = false;
  void it.begin().then(() => {
    hasBegun = true;
  });
  await settled();
  it.stop();
  expect([hasBegun, last().signal.aborted]).toEqual([false, false]);
  last().end("map services");
  await settled();
  expect([hasBegun, it.take()]).toEqual([true, "map services"]);
});
