/** Numbers by addresses of IPv6. */
import { invariant } from "../../invariant.ts";

/** A place of a table in which nothing stands. */
const FREE = -1;

/** How many places a table has at first; it is kept half empty at least. A power of two. */
const PLACES = 1024;

/** A bigint below 2¹²⁸ is written to `HALVES`, and read as `WORDS`. */
const HALVES = new BigUint64Array(2);
const WORDS = new Int32Array(HALVES.buffer);

/** What stands in a place of a table of bigints: four words, and a number. */
const WIDE_NUMBER = WORDS.length;
const WIDE_STRIDE = 8;

/** A number for each bigint of 128 bits. A `Map` of them looks for all that have one lower half in one place. */
export class WideTable {
  private data = new Int32Array(WIDE_STRIDE * PLACES).fill(FREE);
  private mask = PLACES - 1;
  private count = 0;

  /** -1: it has none. */
  get(value: bigint): number {
    HALVES[0] = value;
    HALVES[1] = value >> 64n;
    return this.data[this.placeOfWords() + WIDE_NUMBER] as number;
  }

  /** Of a value that has none yet. */
  set(value: bigint, number: number): void {
    invariant(number >= 0, "no free place is taken for a number");
    if (2 * ++this.count > this.mask) this.grow();
    HALVES[0] = value;
    HALVES[1] = value >> 64n;
    this.put(number);
  }

  private put(number: number): void {
    const at = this.placeOfWords();
    this.data.set(WORDS, at);
    this.data[at + WIDE_NUMBER] = number;
  }

  /** Where `WORDS` stand, or where they are to stand. */
  private placeOfWords(): number {
    const { data, mask } = this;
    const [first, second, third, fourth] = [WORDS[0], WORDS[1], WORDS[2], WORDS[3]] as [number, number, number, number];
    for (let place = mix(mix(first, second), mix(third, fourth)) & mask; ; place = (place + 1) & mask) {
      const at = place * WIDE_STRIDE;
      if (data[at + WIDE_NUMBER] === FREE) return at;
      if (data[at] === first && data[at + 1] === second && data[at + 2] === third && data[at + 3] === fourth) return at;
    }
  }

  private grow(): void {
    const { data } = this;
    const places = 2 * (this.mask + 1);
    this.data = new Int32Array(WIDE_STRIDE * places).fill(FREE);
    this.mask = places - 1;
    for (let at = 0; at < data.length; at += WIDE_STRIDE) {
      if (data[at + WIDE_NUMBER] === FREE) continue;
      WORDS.set(data.subarray(at, at + WIDE_NUMBER));
      this.put(data[at + WIDE_NUMBER] as number);
    }
  }
}

function mix(first: number, second: number): number {
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca77);
  return mixed ^ (mixed >>> 15);
}
