/** Numbers in the order in which they come, and numbers by what they stand for, without an object for each: programs have a million rows. */
import { invariant } from "../../invariant.ts";

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

/** A number for each pair of numbers below 2³¹. Pairs are told apart by both numbers: their hash says where to look only. */
export class PairTable {
  private firsts = new Int32Array(PLACES);
  private seconds = new Int32Array(PLACES);
  private numbers = new Int32Array(PLACES).fill(FREE);
  private count = 0;

  /** That of a pair that was `set`; -1: there is none. */
  get(first: number, second: number): number {
    return this.numbers[this.placeOf(first, second)] as number;
  }

  /** Of a pair that has none yet. */
  set(first: number, second: number, number: number): void {
    invariant(number >= 0, "no free place is taken for a number");
    if (2 * ++this.count > this.numbers.length) this.grow();
    this.put(first, second, number);
  }

  private put(first: number, second: number, number: number): void {
    const place = this.placeOf(first, second);
    this.firsts[place] = first;
    this.seconds[place] = second;
    this.numbers[place] = number;
  }

  /** Where the pair stands, or where it is to stand. */
  private placeOf(first: number, second: number): number {
    const { firsts, seconds, numbers } = this;
    const mask = numbers.length - 1;
    for (let place = hashOf(first, second) & mask; ; place = (place + 1) & mask)
      if (numbers[place] === FREE || (firsts[place] === first && seconds[place] === second)) return place;
  }

  private grow(): void {
    const { firsts, seconds, numbers } = this;
    this.firsts = new Int32Array(2 * numbers.length);
    this.seconds = new Int32Array(2 * numbers.length);
    this.numbers = new Int32Array(2 * numbers.length).fill(FREE);
    for (let i = 0; i < numbers.length; i++)
      if (numbers[i] !== FREE) this.put(firsts[i] as number, seconds[i] as number, numbers[i] as number);
  }
}

function hashOf(first: number, second: number): number {
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca77);
  return mixed ^ (mixed >>> 15);
}

/** A number for each number or bigint, which is another value. */
export class ValueTable {
  /** In the order in which they came. */
  readonly known: (number | bigint)[] = [];
  /** Of each of `known`. */
  readonly numbers: number[] = [];
  /** Places in `known`, by halves of whole numbers of 32 bits, as most are. */
  private readonly small = new PairTable();
  private readonly others = new Map<number | bigint, number>();

  /** -1: it has none. */
  get(value: number | bigint): number {
    const place = isSmall(value) ? this.small.get(value >>> 16, value & 0xffff) : (this.others.get(value) ?? -1);
    return place < 0 ? -1 : (this.numbers[place] as number);
  }

  /** Of a value that has none yet. */
  set(value: number | bigint, number: number): void {
    const place = this.known.push(value) - 1;
    this.numbers.push(number);
    if (isSmall(value)) this.small.set(value >>> 16, value & 0xffff, place);
    else this.others.set(value, place);
  }

  has(value: number | bigint): boolean {
    return this.get(value) >= 0;
  }
}

function isSmall(value: number | bigint): value is number {
  return typeof value === "number" && value >>> 0 === value;
}
