/** Sets of packets, as declarations name them. */

import { hasPorts } from "../../evaluate/field.ts";
import { type CtState, ctStateOf } from "../../evaluate/packet.ts";
import type { Family } from "../../net/address.ts";
import type { FewField, RangeField } from "../../packets/packet-set.ts";
import { after } from "../../packets/ranges.ts";
import { type Box, before, type Few, type Range } from "../box.ts";
import { printInterface } from "../render.ts";
import type { TrafficKind } from "../traffic-kinds.ts";

export type ValueField = Exclude<FewField, "ctstate">;

/** Packets that are all of what is said; undefined: any. */
export interface Where {
  readonly family: Family | undefined;
  /** IANA numbers. */
  readonly protocols: readonly number[] | undefined;
  /** As `printInterface` spells them. */
  readonly interfaces: readonly (string | null)[] | undefined;
  readonly ctStates: readonly CtState[] | undefined;
  /** Marks, and bits of the status of connections. */
  readonly values: Readonly<Partial<Record<ValueField, readonly number[]>>>;
  /** As `joinRanges` makes them. */
  readonly ranges: Readonly<Partial<Record<RangeField, readonly Range[]>>>;
}

/** Whether the packets of a kind of traffic have ports that rules can see. */
export function showsPorts({ protocol, tracking }: TrafficKind): boolean {
  return hasPorts(protocol) && tracking !== "invalid";
}

/** Whether packets that come by `kind of traffic` can be in `where`. */
export function isBehind(trafficKind: TrafficKind, { family, protocols, interfaces, ranges }: Where): boolean {
  return (
    (family === undefined || family === trafficKind.family) &&
    (protocols === undefined || protocols.includes(trafficKind.protocol)) &&
    (interfaces === undefined || interfaces.includes(printInterface(trafficKind))) &&
    (showsPorts(trafficKind) || (ranges.sport === undefined && ranges.dport === undefined))
  );
}

/** The parts of `box`, of packets by `kind of traffic`, that are in `where`, and the others; no two have a packet in common. */
export function divide(box: Box, { tracking }: TrafficKind, { ranges, values, ctStates }: Where): Divided {
  let inside: readonly Box[] = [box];
  const outside: Box[] = [];
  const go = (divideOne: (each: Box) => Divided): void => {
    const parts = inside.map(divideOne);
    inside = parts.flatMap((part) => part.inside);
    outside.push(...parts.flatMap((part) => part.outside));
  };
  if (ctStates !== undefined)
    go((each) => divideFew(each, "ctstate", (bits) => ctStates.includes(ctStateOf(tracking, bits))));
  for (const [field, wanted] of Object.entries(values) as [ValueField, readonly number[]][])
    go((each) => divideFew(each, field, (value) => wanted.includes(value)));
  for (const [field, wanted] of Object.entries(ranges) as [RangeField, readonly Range[]][])
    go((each) => divideField(each, field, wanted));
  return { inside, outside };
}

interface Divided {
  readonly inside: readonly Box[];
  readonly outside: readonly Box[];
}

function divideFew(box: Box, field: FewField, isWanted: (value: number) => boolean): Divided {
  const { values, among } = box[field];
  const having = (part: readonly number[]): Box[] =>
    part.length === 0 ? [] : [{ ...box, [field]: { values: part, among } satisfies Few }];
  return { inside: having(values.filter(isWanted)), outside: having(values.filter((value) => !isWanted(value))) };
}

function divideField(box: Box, field: RangeField, wanted: readonly Range[]): Divided {
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
