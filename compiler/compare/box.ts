/** Packets that differ in addresses and ports only: an interval for each. */
import type { Value } from "../ir/types.ts";

export const FIELDS = ["daddr", "dport", "saddr", "sport"] as const;

export type Field = (typeof FIELDS)[number];

/** Numbers for ports and IPv4, bigints for IPv6. */
export interface Range<T extends number | bigint = number | bigint> {
  from: T;
  to: T;
}

export type Box = Record<Field, Range>;

/** A copy that may be changed. */
export function copy({ daddr, dport, saddr, sport }: Box): Box {
  return { daddr: { ...daddr }, dport: { ...dport }, saddr: { ...saddr }, sport: { ...sport } };
}

/** What `whole` has beyond `part`, which begins where `whole` begins: boxes without a packet in common, those with the higher
 *  destinations first. */
export function rest(whole: Box, part: Box): Box[] {
  const boxes: Box[] = [];
  for (const [i, field] of FIELDS.entries()) {
    const { to } = part[field];
    if (to >= whole[field].to) continue;
    const box = copy(whole);
    for (const before of FIELDS.slice(0, i)) box[before] = { ...part[before] };
    box[field] = { from: after(to), to: whole[field].to };
    boxes.push(box);
  }
  return boxes;
}

/** Makes `range` no larger than the values around `value`, which is in it, for which it makes no difference whether they are
 *  compared with the borders of `from`…`to`. */
export function narrowTo(range: Range, value: Value, from: Value, to: Value): void {
  if (typeof value === "string" || typeof from !== typeof value || typeof to !== typeof value) return;
  narrow(range, value, from as number | bigint, to as number | bigint);
}

function narrow(range: Range, value: number | bigint, from: number | bigint, to: number | bigint): void {
  if (value < from) {
    if (range.to >= from) range.to = before(from);
  } else if (value > to) {
    if (range.from <= to) range.from = after(to);
  } else {
    if (range.from < from) range.from = from;
    if (range.to > to) range.to = to;
  }
}

export function after(value: number | bigint): number | bigint {
  return typeof value === "bigint" ? value + 1n : value + 1;
}

export function before(value: number | bigint): number | bigint {
  return typeof value === "bigint" ? value - 1n : value - 1;
}
