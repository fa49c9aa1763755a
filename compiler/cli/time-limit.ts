/** A limit in time on comparisons. */

/** Seconds that `kpc diff` and `kpc verify` compare by default. 10,000 Services of 10 endpoints take half a minute: what takes
 *  twenty times as long will hardly end, and a job of a CI that waits longer is often ended from outside, with no answer. */
export const DEFAULT_SECONDS = 600;

/** Answers, from now on, why to give up: undefined until `seconds` are over. `now`: a clock in milliseconds. */
export function timeLimit(seconds: number, now: () => number = () => performance.now()): () => string | undefined {
  const end = now() + seconds * 1000;
  return () => (now() < end ? undefined : `after ${seconds} s`);
}
