// @ts-check
/** Numbers of several runs as one. */

/** @typedef {{ readonly median: number, readonly min: number, readonly max: number, readonly runs: number }} Summary */

/** @param {readonly number[]} values At least one.
 *  @returns {Summary} */
export function summarise(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: medianOf(sorted), min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN, runs: sorted.length };
}

/** @param {readonly number[]} sorted
 *  @returns {number} */
function medianOf(sorted) {
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
