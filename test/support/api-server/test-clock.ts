/** Time that passes when a test says so. */
import type { Clock } from "../../../runtime/api/clock.ts";

export class TestClock implements Clock {
  private time = 0;
  private readonly timers = new Set<{ readonly at: number; readonly then: () => void }>();

  /** The next results of `random`; 0.5 when there are none left. */
  readonly chances: number[] = [];

  now(): number {
    return this.time;
  }

  wallTime(): number {
    return Date.UTC(2026, 0, 1) + this.time;
  }

  random(): number {
    return this.chances.shift() ?? 0.5;
  }

  after(milliseconds: number, then: () => void): () => void {
    const timer = { at: this.time + milliseconds, then };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** How many timers there are. */
  get pending(): number {
    return this.timers.size;
  }

  /** Lets `milliseconds` pass: what was to happen by then happens, in order. */
  advance(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const [next] = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.timers.delete(next);
      this.time = next.at;
      next.then();
    }
    this.time = end;
  }
}
