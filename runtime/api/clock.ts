/** Time and chance as the client of the API gets them: tests bring their own, so that no test waits. */
export interface Clock {
  /** Milliseconds since some moment. It never goes back. */
  now(): number;
  /** Milliseconds since 1970, as certificates and tokens count them. */
  wallTime(): number;
  /** Calls `then` once after `milliseconds`. What it returns calls that off. */
  after(milliseconds: number, then: () => void): () => void;
  /** At least 0, less than 1. */
  random(): number;
}

export const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after: (milliseconds, then) => {
    const timer = setTimeout(then, milliseconds);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** Resolves after `milliseconds`, or when `signal` is aborted. */
export function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      callOff();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const callOff = clock.after(milliseconds, done);
    signal.addEventListener("abort", done, { once: true });
  });
}
