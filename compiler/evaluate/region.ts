/** Packets that have everything in common but addresses and ports. */
import type { Address } from "../net/address.ts";
import { EMPTY, intersect, Ranges, subtract } from "./ranges.ts";

export const FIELDS = ["daddr", "dport", "saddr", "sport"] as const;

export type Field = (typeof FIELDS)[number];

/** All packets that have in each field one of its values. None of the sets is empty. */
export type Region = Readonly<Record<Field, Ranges>>;

/** The region of one packet. */
export function regionOf(packet: {
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number;
  readonly destinationPort: number;
}): Region {
  return {
    daddr: Ranges.of(packet.destination),
    dport: Ranges.of(packet.destinationPort),
    saddr: Ranges.of(packet.source),
    sport: Ranges.of(packet.sourcePort),
  };
}

export function isOnePacket({ daddr, dport, saddr, sport }: Region): boolean {
  return (
    daddr.single !== undefined && saddr.single !== undefined && dport.single !== undefined && sport.single !== undefined
  );
}

/** What `region` has with one of `ranges` in `field`; undefined: nothing. `region` itself where that is all of it. */
export function within(region: Region, field: Field, ranges: Ranges): Region | undefined {
  return having(region, field, intersect(region[field], ranges));
}

/** What `region` has with none of `ranges` in `field`; as `within`. */
export function without(region: Region, field: Field, ranges: Ranges): Region | undefined {
  return having(region, field, subtract(region[field], ranges));
}

/** `region` with other values in `field`. */
export function having(region: Region, field: Field, ranges: Ranges): Region | undefined {
  if (ranges === region[field]) return region;
  if (ranges === EMPTY) return undefined;
  // Written out: this is done millions of times, and a computed name costs several times as much.
  const { daddr, dport, saddr, sport } = region;
  switch (field) {
    case "daddr":
      return { daddr: ranges, dport, saddr, sport };
    case "dport":
      return { daddr, dport: ranges, saddr, sport };
    case "saddr":
      return { daddr, dport, saddr: ranges, sport };
    default:
      return { daddr, dport, saddr, sport: ranges };
  }
}

/** What `whole` has outside of `part`, in regions without a packet in common. */
export function outside(whole: Region, part: Region): Region[] {
  const regions: Region[] = [];
  let inside: Region | undefined = whole;
  for (const field of FIELDS) {
    if (inside === undefined) break;
    const beyond = without(inside, field, part[field]);
    if (beyond !== undefined) regions.push(beyond);
    inside = within(inside, field, part[field]);
  }
  return regions;
}

/** Equal for equal regions. */
export function regionKey({ daddr, dport, saddr, sport }: Region): string {
  return `${daddr.key}|${dport.key}|${saddr.key}|${sport.key}`;
}
