import type { Interval, Value } from "../ir/types.ts";

/** The same values as sorted, disjoint intervals that do not touch: the kernel refuses overlapping ones. All of one
 *  type, numbers or bigints. */
export function mergeIntervals(intervals: readonly Interval[]): Interval[] {
  const sorted = [...intervals].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  const merged: { from: Value; to: Value }[] = [];
  for (const { from, to } of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && from <= successor(last.to)) {
      if (to > last.to) last.to = to;
    } else {
      merged.push({ from, to });
    }
  }
  return merged;
}

function successor(value: Value): Value {
  if (typeof value === "number") return value + 1;
  return typeof value === "bigint" ? value + 1n : value;
}
