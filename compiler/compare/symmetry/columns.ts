/** Numbers in the order in which they come, and numbers by what they stand for, without an object for each: programs have a million rows. */
import { invariant } from "../../invariant.ts";
import { WideTable } from "./wide-table.ts";

/** A list of numbers below 2³¹ that grows. */
export class Column {
  private data = new Int32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.data.length) {
      const larger = new Int32Array(this.length + (this.length >> 1));
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.length++] = value;
  }

  /** What was pushed so far, and nothing behind it. */
  get values(): Int32Array {
    return this.data.subarray(0, this.length);
  }
}

/** A place of a table in which nothing stands. */
const FREE = -1;

/** How many places a table of hashes has at first; it is kept half empty at least. A power of two. */
const PLACES = 1024;

/** What stands in a place: a pair, its number, and nothing. A place is in one line of the processor's cache. */
const SECOND = 1;
const NUMBER = 2;
const STRIDE = 4;

/** A number for each pair of numbers below 2³¹. Pairs are told apart by both numbers: their hash says where to look only. */
export class PairTable {
  private data = emptyPlaces(PLACES);
  private mask = PLACES - 1;
  private count = 0;

  /** That of a pair that was `set`; -1: there is none. */
  get(first: number, second: number): number {
    return this.data[this.placeOf(first, second) + NUMBER] as number;
  }

  /** Of a pair that has none yet. */
  set(first: number, second: number, number: number): void {
    invariant(number >= 0, "no free place is taken for a number");
    if (2 * ++this.count > this.mask) this.grow();
    this.put(first, second, number);
  }

  private put(first: number, second: number, number: number): void {
    const { data } = this;
    const at = this.placeOf(first, second);
    data[at] = first;
    data[at + SECOND] = second;
    data[at + NUMBER] = number;
  }

  /** Where the pair stands, or where it is to stand. */
  private placeOf(first: number, second: number): number {
    const { data, mask } = this;
    for (let place = hashOf(first, second) & mask; ; place = (place + 1) & mask) {
      const at = place * STRIDE;
      if (data[at + NUMBER] === FREE || (data[at] === first && data[at + SECOND] === second)) return at;
    }
  }

  private grow(): void {
    const { data } = this;
    const places = 2 * (this.mask + 1);
    this.data = emptyPlaces(places);
    this.mask = places - 1;
    for (let at = 0; at < data.length; at += STRIDE)
      if (data[at + NUMBER] !== FREE)
        this.put(data[at] as number, data[at + SECOND] as number, data[at + NUMBER] as number);
  }
}

function emptyPlaces(places: number): Int32Array {
  return new Int32Array(STRIDE * places).fill(FREE);
}

function hashOf(first: number, second: number): number {
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca77);
  return mixed ^ (mixed >>> 15);
}

const WIDEST = 2n ** 128n - 1n;

/** A number for each number or bigint, which is another value. */
export class ValueTable {
  /** In the order in which they came. */
  readonly known: (number | bigint)[] = [];
  /** Of each of `known`. */
  readonly numbers: number[] = [];
  /** By halves of whole numbers of 32 bits, as most are. */
  private readonly small = new PairTable();
  /** Addresses of IPv6. */
  private readonly wide = new WideTable();
  private readonly others = new Map<number | bigint, number>();

  /** -1: it has none. */
  get(value: number | bigint): number {
    if (isSmall(value)) return this.small.get(value >>> 16, value & 0xffff);
    return isWide(value) ? this.wide.get(value) : (this.others.get(value) ?? -1);
  }

  /** Of a value that has none yet. */
  set(value: number | bigint, number: number): void {
    this.known.push(value);
    this.numbers.push(number);
    if (isSmall(value)) this.small.set(value >>> 16, value & 0xffff, number);
    else if (isWide(value)) this.wide.set(value, number);
    else this.others.set(value, number);
  }

  has(value: number | bigint): boolean {
    return this.get(value) >= 0;
  }
}

function isSmall(value: number | bigint): value is number {
  return typeof value === "number" && value >>> 0 === value;
}

function isWide(value: number | bigint): value is bigint {
  return typeof value === "bigint" && value >= 0n && value <= WIDEST;
}
