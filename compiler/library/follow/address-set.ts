/** Many addresses, of which one only asks whether they are there: in a few bytes each. */
import { splitAddress, WORD0, WORD1, WORD2, WORD3, WORDS } from "../../formats/tables/address-words.ts";
import type { Address } from "../../net/address.ts";

/** Two addresses may be taken for one, one time in 2^64. */
export class AddressSet {
  private words = new Uint32Array(2 * FIRST_SIZE);
  private mask = FIRST_SIZE - 1;
  private count = 0;
  /** How many words placing all of them took to look at so far. */
  steps = 0;

  has(address: Address): boolean {
    const [a, b] = foldedWords(address);
    return this.words[2 * this.placeOf(a, b) + 1] !== 0;
  }

  add(address: Address): void {
    const [a, b] = foldedWords(address);
    this.put(a, b);
  }

  private put(a: number, b: number): void {
    const at = 2 * this.placeOf(a, b);
    if (this.words[at + 1] !== 0) return;
    this.words[at] = a;
    this.words[at + 1] = b;
    if (++this.count * 2 > this.mask) this.grow();
  }

  private grow(): void {
    const { words } = this;
    this.mask = this.mask * 2 + 1;
    this.words = new Uint32Array(2 * (this.mask + 1));
    this.count = 0;
    for (let at = 0; at < words.length; at += 2)
      if (words[at + 1] !== 0) this.put(words[at] as number, words[at + 1] as number);
  }

  /** Where the address is, or would be. */
  private placeOf(a: number, b: number): number {
    // The high bits of the second product depend on all bits of the address.
    const product = Math.imul(a ^ Math.imul(b, SECOND_FACTOR), FACTOR);
    let place = Math.imul(product ^ (product >>> 15), SECOND_FACTOR) >>> Math.clz32(this.mask);
    this.steps++;
    while (this.words[2 * place + 1] !== 0 && !(this.words[2 * place] === a && this.words[2 * place + 1] === b)) {
      place = (place + 1) & this.mask;
      this.steps++;
    }
    return place;
  }
}

const FIRST_SIZE = 1024;
const FACTOR = 0x9e3779b1;
const SECOND_FACTOR = 0x2c1b3c6d;

/** The second is never 0. */
function foldedWords(address: Address): [number, number] {
  if (typeof address === "number") return [address, 1];
  splitAddress(address);
  const [low, next, high, highest] = [WORDS[WORD3], WORDS[WORD2], WORDS[WORD1], WORDS[WORD0]] as [
    number,
    number,
    number,
    number,
  ];
  return [(low ^ Math.imul(high, FACTOR)) >>> 0, ((next ^ Math.imul(highest, FACTOR)) | 2) >>> 0];
}
