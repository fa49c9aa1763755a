/** When a command that runs on is to end. */
import { setTimeout as sleep } from "node:timers/promises";

/** Somebody has said so, or a signal has come: `promise` resolves. */
export class Ending {
  readonly promise: Promise<void>;
  readonly end: () => void;
  private static readonly SIGNALS = ["SIGTERM", "SIGHUP", "SIGINT"] as const;

  constructor() {
    let resolveIt: () => void = () => undefined;
    this.promise = new Promise((resolve) => {
      resolveIt = resolve;
    });
    this.end = () => resolveIt();
    for (const signal of Ending.SIGNALS) process.on(signal, this.end);
  }

  /** Waits for `milliseconds`, or until it has come. */
  async hasComeIn(milliseconds: number): Promise<boolean> {
    const timer = new AbortController();
    const waited = sleep(milliseconds, false, { signal: timer.signal });
    const isOver = await Promise.race([waited, this.promise.then(() => true)]);
    if (isOver) {
      waited.catch(() => undefined); // it is aborted, which is no failure
      timer.abort();
    }
    return isOver;
  }

  forget(): void {
    for (const signal of Ending.SIGNALS) process.off(signal, this.end);
  }
}
