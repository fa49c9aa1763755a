import type { Ipv4, Ipv6 } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import type { DataType, Interval, KeyPart, Value } from "./types.ts";

/** The address block that `interval` is exactly, or undefined. */
export function intervalAsPrefix(interval: Interval, type: DataType): Prefix | undefined {
  const { from, to } = interval;
  if (type === "ipv4_addr" && typeof from === "number" && typeof to === "number") {
    const size = to - from + 1;
    const length = 32 - Math.log2(size);
    return Number.isInteger(length) && from % size === 0 ? { address: from as Ipv4, length } : undefined;
  }
  if (type === "ipv6_addr" && typeof from === "bigint" && typeof to === "bigint") {
    const size = to - from + 1n;
    if ((size & (size - 1n)) !== 0n || from % size !== 0n) return undefined;
    return { address: from as Ipv6, length: 129 - size.toString(2).length };
  }
  return undefined;
}

/** All names that begin with `prefix`. */
export function namesWith(prefix: string): Interval {
  return { from: prefix, to: `${prefix}\uffff` };
}

/** How the names of an interval begin; undefined for one name, and for numbers. */
export function prefixOfNames({ from, to }: Interval): string | undefined {
  return typeof from === "string" && from !== to ? from : undefined;
}

/** Whether `value` is, or lies in, `part`. Names compare as themselves. */
export function partHolds(part: KeyPart, value: Value): boolean {
  if (typeof part !== "object") return part === value;
  return typeof part.from === typeof value && part.from <= value && value <= part.to;
}

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
