/** Numbers of several runs as one. */

/** Several values as one. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Between them lies the middle half of the values. */
  readonly low: number;
  readonly high: number;
  readonly runs: number;
}

/** `values`: at least one. */
export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round((sorted.length - 1) * share)] ?? NaN;
  return { median: medianOf(sorted), min: at(0), max: at(1), low: at(0.25), high: at(0.75), runs: sorted.length };
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
