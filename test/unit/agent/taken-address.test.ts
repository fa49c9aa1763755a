import { expect, test } from "vitest";
import { listenWhenFree } from "../../../runtime/agent/taken-address.ts";
import { settle } from "../../support/agent-world.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";

/** An address that is free at the try with this number. */
class Address {
  tries = 0;
  readonly done: string[] = [];
  readonly clock = new TestClock();
  readonly stopper = new AbortController();
  readonly result: Promise<boolean>;

  constructor(freeAt: number, onTry: (address: Address) => void = () => undefined) {
    const { done } = this;
    const server = { close: () => void done.push("close"), unref: () => void done.push("unref") };
    const listen = async (): Promise<{ server: never }> => {
      this.tries++;
      onTry(this);
      if (this.tries < freeAt) throw new Error("taken");
      return { server: server as never };
    };
    this.result = listenWhenFree(listen, this.clock, this.stopper.signal);
  }

  async pass(milliseconds: number): Promise<void> {
    this.clock.advance(milliseconds);
    await settle();
  }
}

test("an address that is taken is tried every five seconds until it is free", async () => {
  const address = new Address(3);
  await address.pass(4999);
  expect(address.tries).toBe(0);
  await address.pass(1);
  expect([address.tries, address.clock.pending]).toEqual([1, 1]);
  await address.pass(5000);
  await address.pass(5000);
  expect(await address.result).toBe(true);
  expect([address.tries, address.done, address.clock.pending]).toEqual([3, ["unref"], 0]);
});

test("it ends when the agent does", async () => {
  const address = new Address(Number.POSITIVE_INFINITY);
  await address.pass(5000);
  address.stopper.abort();
  expect(await address.result).toBe(false);
  expect([address.tries, address.clock.pending]).toEqual([1, 0]);
});

test("a server that listens too late is closed", async () => {
  const address = new Address(1, ({ stopper }) => stopper.abort());
  await address.pass(5000);
  expect(await address.result).toBe(false);
  expect(address.done).toEqual(["unref", "close"]);
});
