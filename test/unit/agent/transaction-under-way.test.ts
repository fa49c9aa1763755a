import { expect, test } from "vitest";
import { PRINTING_KERNEL } from "../../../runtime/agent/printing-kernel.ts";
import { TransactionUnderWay } from "../../../runtime/agent/transaction-under-way.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";

const STEP = { changes: [] };

test("the kernel has a transaction before the next one is made, and what became of it is told once", async () => {
  const clock = new TestClock();
  clock.advance(1000);
  const did: string[] = [];
  let end: () => void = () => undefined;
  const change = async (): Promise<{ readonly kind: "done" }> => {
    // As a message that waits for the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    did.push("written");
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    return { kind: "done" };
  };
  const underWay = new TransactionUnderWay({ ...PRINTING_KERNEL, change }, clock);
  expect(await underWay.answer()).toBeUndefined();
  await underWay.send(STEP);
  did.push("next");
  expect(did).toEqual(["written", "next"]);
  clock.advance(7);
  end();
  expect(await underWay.answer()).toEqual({ step: STEP, answer: { kind: "done" }, milliseconds: 7 });
  expect(await underWay.answer()).toBeUndefined();
});

test("an error is told to whoever asks for the answer, also later", async () => {
  const change = (): Promise<never> => Promise.reject(new Error("no kernel"));
  const underWay = new TransactionUnderWay({ ...PRINTING_KERNEL, change }, new TestClock());
  await underWay.send(STEP);
  await new Promise((resolve) => setImmediate(resolve));
  await expect(underWay.answer()).rejects.toThrow("no kernel");
});
