/** Packets that differ in the fields of a region only: an interval for each, or one value where there are few. */

import { required } from "../invariant.ts";
import { CT_STATE } from "../ir/constants.ts";
import { addressBits, type Family } from "../net/address.ts";
import {
  type FewField,
  FIELDS,
  type PacketField,
  type PacketSet,
  RANGE_FIELDS,
  type RangeField,
  within,
} from "../packets/packet-set.ts";
import { after, type Cut, Ranges, valuesIn } from "../packets/ranges.ts";

/** Numbers for ports and IPv4, bigints for IPv6; both ends are in it. */
export interface Range {
  readonly from: Cut;
  readonly to: Cut;
}

/** Values of a field that has few, and all that it can have where the packets come from. */
export interface Few {
  readonly values: readonly number[];
  readonly among: readonly number[];
}

export type Box = Readonly<Record<RangeField, Range>> & Readonly<Record<FewField, Few>>;

/** `region` as disjoint boxes, sorted by destination. `all`: the packets that the region is a part of. */
export function* boxesOf(region: PacketSet, all: PacketSet): Generator<Box> {
  for (const at of destinationsOf(region)) yield* boxesAt(at, region, all);
}

type Destinations = Pick<Box, "daddr" | "dport">;

/** The destinations of the region's boxes, sorted. */
export function* destinationsOf(region: PacketSet): Generator<Destinations> {
  for (const daddr of rangesIn(region.daddr)) for (const dport of rangesIn(region.dport)) yield { daddr, dport };
}

/** The boxes of `region` to one of its destinations. */
export function* boxesAt({ daddr, dport }: Destinations, region: PacketSet, all: PacketSet): Generator<Box> {
  const fewOf = (field: FewField): Few => ({ values: numbersIn(region[field]), among: numbersIn(all[field]) });
  const few = {
    ...{ mark: fewOf("mark"), ctstate: fewOf("ctstate") },
    ...{ ctstatus: fewOf("ctstatus"), ctmark: fewOf("ctmark") },
  };
  for (const saddr of rangesIn(region.saddr))
    for (const sport of rangesIn(region.sport))
      for (const toaddr of rangesIn(region.toaddr))
        for (const toport of rangesIn(region.toport)) yield { daddr, dport, saddr, sport, toaddr, toport, ...few };
}

/** An example packet of `box`: its first one, of a new connection where the box has such packets. */
export function firstOf(box: Box): Readonly<Record<PacketField, Cut>> {
  const { daddr, dport, saddr, sport, toaddr, toport, mark, ctstate, ctstatus, ctmark } = box;
  const first = ({ values }: Few): number => values[0] ?? 0;
  return {
    ...{ daddr: daddr.from, dport: dport.from, saddr: saddr.from, sport: sport.from },
    ...{ toaddr: toaddr.from, toport: toport.from },
    ...{ mark: first(mark), ctstatus: first(ctstatus), ctmark: first(ctmark) },
    ctstate: ctstate.values.includes(CT_STATE.new) ? CT_STATE.new : first(ctstate),
  };
}

/** The number of boxes of a region. */
export function countBoxes(region: PacketSet): number {
  return RANGE_FIELDS.reduce((product, field) => (product * region[field].cuts.length) / 2, 1);
}

/** The number of boxes to each destination of a region. */
export function countBoxesAt(region: PacketSet): number {
  return (countBoxes(region) * 4) / (region.daddr.cuts.length * region.dport.cuts.length);
}

/** Whether a field has all values that it can have. */
export function isAny({ values, among }: Few): boolean {
  return values.length === among.length;
}

function numbersIn(ranges: Ranges): number[] {
  return valuesIn(ranges).map(Number);
}

function rangesIn({ cuts }: Ranges): Range[] {
  return Array.from({ length: cuts.length / 2 }, (_, i) => ({
    from: cuts[2 * i] as Cut,
    to: before(cuts[2 * i + 1] as Cut),
  }));
}

/** Whether it makes no difference where the packets' connections send them, if they do. */
export function isAnywhere({ toaddr, toport }: Box, family: Family): boolean {
  const isOne = toaddr.from === toaddr.to && BigInt(toaddr.from) === 0n;
  const isWhole = BigInt(toaddr.from) === 0n && BigInt(toaddr.to) === 2n ** BigInt(addressBits(family)) - 1n;
  return (isOne || isWhole) && toport.from === 0 && (toport.to === 0 || toport.to === 65535);
}

export function before(value: Cut): Cut {
  return typeof value === "bigint" ? value - 1n : value - 1;
}

/** Two halves of `region`, those with lower destinations first; undefined: it is one packet. */
export function halve(region: PacketSet): [PacketSet, PacketSet] | undefined {
  const field = FIELDS.find((each) => region[each].single === undefined);
  if (field === undefined) return undefined;
  const { cuts } = region[field];
  const [first, end] = [cuts[0] as Cut, cuts.at(-1) as Cut];
  const middle = typeof first === "bigint" ? (first + (end as bigint)) / 2n : Math.floor((first + (end as number)) / 2);
  const half = (from: Cut, to: Cut): PacketSet =>
    required(within(region, field, new Ranges([from, to])), "there is something on both sides of the middle");
  return [half(first, middle), half(middle, end)];
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
