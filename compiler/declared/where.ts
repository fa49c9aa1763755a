/** Sets of packets, as declarations name them. */
import { type Box, before, type Range } from "../compare/box.ts";
import type { Door } from "../compare/doors.ts";
import { printInterface } from "../compare/render.ts";
import { hasPorts } from "../evaluate/expression.ts";
import { after } from "../evaluate/ranges.ts";
import type { Field } from "../evaluate/region.ts";
import type { Family } from "../net/address.ts";

/** Packets that are all of what is said; undefined: any. */
export interface Where {
  readonly family: Family | undefined;
  /** IANA numbers. */
  readonly protocols: readonly number[] | undefined;
  /** As `printInterface` spells them. */
  readonly interfaces: readonly (string | null)[] | undefined;
  readonly ctStates: readonly Door["ctState"][] | undefined;
  /** As `joinRanges` makes them. */
  readonly ranges: Readonly<Partial<Record<Field, readonly Range[]>>>;
}

/** Whether the packets of a door have ports that rules can see. */
export function showsPorts({ protocol, ctState }: Door): boolean {
  return hasPorts(protocol) && ctState !== "invalid";
}

/** Whether packets that come by `door` can be in `where`. */
export function isBehind(door: Door, { family, protocols, interfaces, ctStates, ranges }: Where): boolean {
  return (
    (family === undefined || family === door.family) &&
    (protocols === undefined || protocols.includes(door.protocol)) &&
    (ctStates === undefined || ctStates.includes(door.ctState)) &&
    (interfaces === undefined || interfaces.includes(printInterface(door))) &&
    (showsPorts(door) || (ranges.sport === undefined && ranges.dport === undefined))
  );
}

/** The parts of `box` that are in `where`, by addresses and ports, and the others; no two have a packet in common. */
export function divide(box: Box, { ranges }: Where): { readonly inside: readonly Box[]; readonly outside: Box[] } {
  let inside: readonly Box[] = [box];
  const outside: Box[] = [];
  for (const [field, wanted] of Object.entries(ranges) as [Field, readonly Range[]][]) {
    const parts = inside.map((each) => divideField(each, field, wanted));
    inside = parts.flatMap((part) => part.inside);
    outside.push(...parts.flatMap((part) => part.outside));
  }
  return { inside, outside };
}

function divideField(box: Box, field: Field, wanted: readonly Range[]): { inside: Box[]; outside: Box[] } {
  const [inside, outside]: [Box[], Box[]] = [[], []];
  const { to } = box[field];
  let { from } = box[field];
  for (const range of wanted) {
    if (range.to < from || range.from > to) continue;
    if (range.from > from) {
      outside.push({ ...box, [field]: { from, to: before(range.from) } });
      from = range.from;
    }
    if (range.to >= to) return { inside: [...inside, { ...box, [field]: { from, to } }], outside };
    inside.push({ ...box, [field]: { from, to: range.to } });
    from = after(range.to);
  }
  outside.push({ ...box, [field]: { from, to } });
  return { inside, outside };
}

/** The same values in order, and in as few ranges as can be. All are of one family. */
export function joinRanges(ranges: readonly Range[]): readonly Range[] {
  const joined: Range[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => (a.from < b.from ? -1 : 1))) {
    const last = joined.at(-1);
    if (last === undefined || after(last.to) < from) joined.push({ from, to });
    else if (to > last.to) joined[joined.length - 1] = { from: last.from, to };
  }
  return joined;
}
