/** A place for each address of the node, found by one multiplication. */
import { HASH_B } from "../../../assembly/layout.ts";
import { Unsupported } from "../../ir/unsupported.ts";

export interface LocalPlaces {
  readonly factor: number;
  readonly mask: number;
  readonly places: readonly number[];
}

/** Places for `words`, which differ. Throws `Unsupported`. */
export function findLocalPlaces(words: readonly number[]): LocalPlaces {
  for (let bits = FEWEST_BITS; bits <= MOST_BITS; bits++) {
    const mask = 2 ** bits - 1;
    if (mask + 1 < 2 * words.length) continue;
    for (let factor = HASH_B, tries = 0; tries < TRIES; tries++, factor = Math.imul(factor, 0x2c1b3c6d) | 1) {
      const places = words.map((word) => placeOf(word, factor, mask));
      if (new Set(places).size === places.length) return { factor: factor >>> 0, mask, places };
    }
  }
  throw new Unsupported(`${words.length} addresses of the node`);
}

/** A word whose place is not `place`. */
export function elsewhere(place: number, factor: number, mask: number): number {
  let word = 0;
  while (placeOf(word, factor, mask) === place) word++;
  return word;
}

function placeOf(word: number, factor: number, mask: number): number {
  return Math.imul(word, factor) >>> Math.clz32(mask);
}

const FEWEST_BITS = 6;
const MOST_BITS = 20;
const TRIES = 500;
