/** How to find what addresses get that have no rows: most of the special ones lie in a few windows of bits. */
import type { Address } from "../../net/address.ts";
import { type AddressRange, type Default, type FamilyTable, sameDefault } from "../../tabulate/types.ts";
import { splitAddress, WORD3, WORDS } from "./address-words.ts";

export interface RegionPlan {
  /** What is left for windows: sorted, the first from the lowest address on. */
  readonly regions: readonly AddressRange[];
  readonly windows: readonly Window[];
  /** What all addresses outside of windows get; undefined when they differ. */
  readonly other: Default | undefined;
}

export interface Window {
  readonly block: number;
  readonly from: Address;
  readonly count: number;
  /** A bit for each address, lowest first. */
  readonly bits: Uint8Array;
  /** What addresses without and with a bit get. */
  readonly unset: Default;
  readonly set: Default;
}

/** `blockOf`: the number of an address's block, undefined when it is in none. `isRoomy`: windows reach as far as one can. */
export function planRegions(
  { regions, points }: FamilyTable,
  blockOf: (address: Address) => number | undefined,
  isRoomy = false,
): RegionPlan {
  const windows: Window[] = [];
  const left: AddressRange[] = [];
  let isUniform = true;
  let first = 0;
  for (const [i, region] of regions.entries()) {
    const end = regions[i + 1]?.from;
    let next = first;
    while (next < points.length && (end === undefined || (points[next] as AddressRange).from < end)) next++;
    const within = points.slice(first, next);
    first = next;
    const isSpecial = !sameDefault(region, regions[0] as AddressRange);
    const pieces = isSpecial
      ? pieceOf(region.from, end, within)
      : piecesWith(within, isRoomy ? { from: region.from, end } : undefined);
    const made = pieces?.map((piece) => windowOf(piece, region, blockOf));
    left.push(region);
    if (made !== undefined && windows.length + made.length <= MAX_WINDOWS && made.every((each) => each !== undefined)) {
      windows.push(...made);
      continue;
    }
    isUniform &&= !isSpecial && within.length === 0;
    for (const point of within) left.push(point, { ...region, from: after(point.from) });
  }
  return { regions: tidy(left), windows, other: isUniform ? regions[0] : undefined };
}

/** Each costs the engine a comparison for every packet. */
const MAX_WINDOWS = 2;
const WINDOW_BITS = 20;

/** Neighbouring addresses of one window. */
interface Piece {
  readonly from: Address;
  readonly to: Address;
  readonly points: readonly AddressRange[];
}

/** All addresses of a region, if one window holds them. */
function pieceOf(from: Address, end: Address | undefined, points: readonly AddressRange[]): Piece[] | undefined {
  if (end === undefined) return undefined;
  const to = before(end);
  return to <= endOfWindow(from) ? [{ from, to, points }] : undefined;
}

/** A piece for each window that has some of `points`, from the first to the last of them. */
function piecesWith(
  points: readonly AddressRange[],
  around: { readonly from: Address; readonly end: Address | undefined } | undefined,
): Piece[] {
  const pieces: Piece[] = [];
  for (let first = 0; first < points.length; ) {
    const { from } = points[first] as AddressRange;
    const end = endOfWindow(from);
    let next = first + 1;
    while (next < points.length && (points[next] as AddressRange).from <= end) next++;
    const own = { from, to: (points[next - 1] as AddressRange).from };
    pieces.push({ ...(around === undefined ? own : widest(end, around)), points: points.slice(first, next) });
    first = next;
  }
  return pieces;
}

/** All of the window that ends at `last`, as far as it is in a region. */
function widest(
  last: Address,
  { from, end }: { readonly from: Address; readonly end: Address | undefined },
): Pick<Piece, "from" | "to"> {
  const first = startOfWindow(last);
  return {
    from: first < from ? from : first,
    to: end !== undefined && end <= last ? before(end) : last,
  };
}

function startOfWindow(address: Address): Address {
  if (typeof address === "bigint") return (address - (address & (2n ** BigInt(WINDOW_BITS) - 1n))) as Address;
  return (address - (address & (2 ** WINDOW_BITS - 1))) as Address;
}

function before(address: Address): Address {
  return (typeof address === "bigint" ? address - 1n : address - 1) as Address;
}

/** The last address of an address's window. */
function endOfWindow(address: Address): Address {
  if (typeof address === "bigint") return (address | (2n ** BigInt(WINDOW_BITS) - 1n)) as Address;
  return ((address | (2 ** WINDOW_BITS - 1)) >>> 0) as Address;
}

/** Undefined where one bit does not say enough. */
function windowOf(
  { from, to, points }: Piece,
  around: Default,
  blockOf: (address: Address) => number | undefined,
): Window | undefined {
  const block = blockOf(from);
  const set = points[0] ?? around;
  if (block === undefined || points.some((point) => !sameDefault(point, set))) return undefined;
  const low = lowBits(from);
  const count = lowBits(to) - low + 1;
  const bits = new Uint8Array(Math.ceil(count / 8));
  for (const point of points) {
    const at = lowBits(point.from) - low;
    bits[at >>> 3] = (bits[at >>> 3] as number) | (1 << (at & 7));
  }
  return { block, from, count, bits, unset: around, set };
}

/** An address's last bits: which one of its window it is. */
function lowBits(address: Address): number {
  if (typeof address === "bigint") splitAddress(address);
  return (typeof address === "bigint" ? (WORDS[WORD3] as number) : address) & (2 ** WINDOW_BITS - 1);
}

function after(address: Address): Address {
  return (typeof address === "bigint" ? address + 1n : address + 1) as Address;
}

/** Of regions that begin at one address the last one counts; neighbours that are alike are one. */
function tidy(regions: readonly AddressRange[]): AddressRange[] {
  const tidied: AddressRange[] = [];
  for (const region of regions) {
    const last = tidied.at(-1);
    if (last?.from === region.from) tidied.pop();
    const before = tidied.at(-1);
    if (before === undefined || !sameDefault(before, region)) tidied.push(region);
  }
  return tidied.filter(({ from }) => from !== 2 ** 32 && from !== 2n ** 128n);
}
