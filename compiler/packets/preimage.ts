/** Which values a mask makes others of. */

import { Unsupported } from "../ir/unsupported.ts";
import { hasFewValues, type PacketField } from "./packet-set.ts";
import { type Cut, EMPTY, meet, Ranges, unite, valuesIn } from "./ranges.ts";

/** A field of packets that have several values in it, as they came; masked: what `(value & mask) ^ xor` is. */
export interface Spread {
  readonly field: PacketField;
  readonly masked?: { readonly mask: Cut; readonly xor: Cut };
}

/** What `spread` is for a packet that has `value` in its field. */
export function applySpread({ masked }: Spread, value: Cut): Cut {
  return masked === undefined ? value : applyMask(value, masked.mask, masked.xor);
}

/** `(value & mask) ^ xor`, of 128 bits where `mask` is a bigint, else of 32. */
export function applyMask(value: Cut, mask: Cut, xor: Cut): Cut {
  return typeof mask === "bigint" ? (BigInt(value) & mask) ^ BigInt(xor) : ((Number(value) & mask) ^ Number(xor)) >>> 0;
}

/** `spread` behind one more mask; all of one width. */
export function maskSpread({ field, masked }: Spread, mask: Cut, xor: Cut): Required<Spread> {
  if (masked === undefined) return { field, masked: { mask, xor } };
  if (typeof mask === "bigint")
    return { field, masked: { mask: BigInt(masked.mask) & mask, xor: (BigInt(masked.xor) & mask) ^ BigInt(xor) } };
  return {
    field,
    masked: { mask: (Number(masked.mask) & mask) >>> 0, xor: ((Number(masked.xor) & mask) ^ Number(xor)) >>> 0 },
  };
}

/** The values of the field for which `spread` has one of `wanted`: those that are in `among`, and perhaps others. */
export function valuesBehind({ field, masked }: Spread, wanted: Ranges, among?: Ranges): Ranges {
  if (masked === undefined || wanted.isEmpty) return wanted;
  if (among !== undefined && hasFewValues(field)) return oneByOne({ field, masked }, wanted, among);
  const isWide = typeof masked.mask === "bigint";
  const bits = field === "dport" || field === "sport" || field === "toport" ? 16 : isWide ? 128 : 32;
  const search = new Search(BigInt(masked.mask), BigInt(masked.xor), among);
  for (let i = 0; i < wanted.cuts.length; i += 2)
    search.find(bits, BigInt(wanted.cuts[i] as Cut), BigInt(wanted.cuts[i + 1] as Cut) - 1n);
  const own = (cut: bigint): Cut => (isWide ? cut : Number(cut));
  return unite(search.found.map(([from, end]) => new Ranges([own(from), own(end)])));
}

/** The values of their one field, among those that are given, of which both make the same. */
export function whereEqual(a: Spread, b: Spread, among: Ranges): Ranges {
  const isWide = typeof among.cuts[0] === "bigint";
  const all = isWide ? (1n << 128n) - 1n : 0xffffffffn;
  const [left, right] = [a, b].map(({ masked }) => [BigInt(masked?.mask ?? all), BigInt(masked?.xor ?? 0)] as const);
  const [mask, xor] = [0, 1].map((i) => (left?.[i] ?? 0n) ^ (right?.[i] ?? 0n)) as [bigint, bigint];
  // Bits that neither takes from the value have to be equal as they are.
  if ((xor & ~mask) !== 0n) return EMPTY;
  const own = (bits: bigint): Cut => (isWide ? bits : Number(bits));
  return valuesBehind({ field: a.field, masked: { mask: own(mask), xor: own(0n) } }, Ranges.of(own(xor)), among);
}

function oneByOne(spread: Spread, wanted: Ranges, among: Ranges): Ranges {
  const found = valuesIn(among).filter((value) => wanted.has(applySpread(spread, value)));
  return unite(found.map((value) => Ranges.of(value)));
}

/** More intervals than this are not made of one mask. */
const MOST = 1024;

class Search {
  readonly found: [bigint, bigint][] = [];
  /** As `canEnd` answers, for the interval at hand. */
  private readonly endings = new Map<number, boolean>();
  private readonly mask: bigint;
  private readonly xor: bigint;
  private readonly among: Ranges | undefined;

  constructor(mask: bigint, xor: bigint, among: Ranges | undefined) {
    this.mask = mask;
    this.xor = xor;
    this.among = among;
  }

  /** All values of so many bits that end up from `low` to `high`. */
  find(bits: number, low: bigint, high: bigint): void {
    this.endings.clear();
    this.collect(bits, 0n, [low, high], [true, true]);
  }

  /** All values that begin with `start`, the lowest `bits` of them still to be chosen, that end up from `low` to `high`.
   *  `tight` tells whether what they have become so far begins as `low`, as `high` does. */
  private collect(
    bits: number,
    start: bigint,
    [low, high]: [bigint, bigint],
    tight: readonly [boolean, boolean],
  ): void {
    const rest = (1n << BigInt(bits)) - 1n;
    // Cuts of all widths may be held against each other.
    if (!this.canEnd(bits, low, high, tight)) return;
    if (this.among !== undefined && !meet(this.among, new Ranges([start, start + rest + 1n]))) return;
    const bottom = this.xor & rest & ~this.mask;
    const isFree = !tight[0] && !tight[1];
    if (isFree || (this.mask & rest) === 0n) {
      const fits = isFree || ((!tight[0] || bottom >= (low & rest)) && (!tight[1] || bottom <= (high & rest)));
      if (fits) this.add(start, start + rest + 1n);
      return;
    }
    const at = BigInt(bits - 1);
    for (const bit of [0n, 1n]) {
      const made = (bit & (this.mask >> at)) ^ ((this.xor >> at) & 1n);
      const [least, most] = [(low >> at) & 1n, (high >> at) & 1n];
      if ((tight[0] && made < least) || (tight[1] && made > most)) continue;
      this.collect(bits - 1, start | (bit << at), [low, high], [tight[0] && made === least, tight[1] && made === most]);
    }
  }

  /** Whether any choice of the lowest `bits` makes such a value: else all beginnings would be tried in vain. */
  private canEnd(bits: number, low: bigint, high: bigint, tight: readonly [boolean, boolean]): boolean {
    if (bits === 0 || (!tight[0] && !tight[1])) return true;
    const key = bits * 4 + Number(tight[0]) * 2 + Number(tight[1]);
    const known = this.endings.get(key);
    if (known !== undefined) return known;
    const at = BigInt(bits - 1);
    const [least, most] = [(low >> at) & 1n, (high >> at) & 1n];
    const can = [0n, 1n].some((bit) => {
      const made = (bit & (this.mask >> at)) ^ ((this.xor >> at) & 1n);
      if ((tight[0] && made < least) || (tight[1] && made > most)) return false;
      return this.canEnd(bits - 1, low, high, [tight[0] && made === least, tight[1] && made === most]);
    });
    this.endings.set(key, can);
    return can;
  }

  private add(from: bigint, end: bigint): void {
    const last = this.found.at(-1);
    if (last !== undefined && last[1] === from) last[1] = end;
    else if (this.found.push([from, end]) > MOST)
      throw new Unsupported("a mask over an address or a port that is no prefix");
  }
}
