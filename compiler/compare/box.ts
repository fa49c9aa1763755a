/** Packets that differ in addresses and ports only: an interval for each. */
import { type Cut, intersect, Ranges } from "../evaluate/ranges.ts";
import { FIELDS, type Field, type Region } from "../evaluate/region.ts";

/** Numbers for ports and IPv4, bigints for IPv6; both ends are in it. */
export interface Range {
  readonly from: Cut;
  readonly to: Cut;
}

export type Box = Readonly<Record<Field, Range>>;

/** `region` as boxes without a packet in common, those with lower destinations first. */
export function* boxesOf(region: Region): Generator<Box> {
  for (const daddr of rangesIn(region.daddr))
    for (const dport of rangesIn(region.dport))
      for (const saddr of rangesIn(region.saddr))
        for (const sport of rangesIn(region.sport)) yield { daddr, dport, saddr, sport };
}

/** How many those are. */
export function countBoxes(region: Region): number {
  return FIELDS.reduce((product, field) => (product * region[field].cuts.length) / 2, 1);
}

function rangesIn({ cuts }: Ranges): Range[] {
  return Array.from({ length: cuts.length / 2 }, (_, i) => ({
    from: cuts[2 * i] as Cut,
    to: before(cuts[2 * i + 1] as Cut),
  }));
}

export function before(value: Cut): Cut {
  return typeof value === "bigint" ? value - 1n : value - 1;
}

/** Two halves of `region`, those with lower destinations first; undefined: it is one packet. */
export function halve(region: Region): [Region, Region] | undefined {
  const field = FIELDS.find((each) => region[each].single === undefined);
  if (field === undefined) return undefined;
  const { cuts } = region[field];
  const [first, end] = [cuts[0] as Cut, cuts.at(-1) as Cut];
  const middle = typeof first === "bigint" ? (first + (end as bigint)) / 2n : Math.floor((first + (end as number)) / 2);
  const half = (from: Cut, to: Cut): Region => ({
    ...region,
    [field]: intersect(region[field], new Ranges([from, to])),
  });
  return [half(first, middle), half(middle, end)];
}
