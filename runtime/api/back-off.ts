/** How long to wait before the next try. */
import type { Clock } from "./clock.ts";

const FIRST_MS = 800;
const LONGEST_MS = 30_000;
/** A try that went well for so long counts as health. */
const HEALTHY_MS = 60_000;

/** Doubles with each failure, up to 30 seconds, and takes a random part of that, so that clients do not come all at once. */
export class BackOff {
  private readonly clock: Clock;
  private failures = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** A try went well for `milliseconds`. */
  lasted(milliseconds: number): void {
    if (milliseconds >= HEALTHY_MS) this.failures = 0;
  }

  /** Milliseconds before the next try. `atLeast`: what the server asks for; the random part then comes on top. */
  next(atLeast = 0): number {
    const most = Math.min(FIRST_MS * 2 ** Math.min(this.failures, 16), LONGEST_MS);
    this.failures++;
    return atLeast + this.clock.random() * most;
  }
}
