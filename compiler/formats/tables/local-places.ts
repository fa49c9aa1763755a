/** A place for each address of the node, found by one multiplication. */
import { HASH_B } from "../../../assembly/layout.ts";
import type { Key } from "./keys.ts";
import { TableLimit } from "./limit.ts";

export interface LocalPlaces {
  readonly factor: number;
  readonly mask: number;
  readonly places: readonly number[];
}

/** Throws `TableLimit`. */
export function findLocalPlaces(keys: readonly Key[]): LocalPlaces {
  for (let bits = FEWEST_BITS; bits <= MOST_BITS; bits++) {
    const mask = 2 ** bits - 1;
    if (mask + 1 < 2 * keys.length) continue;
    for (let factor = HASH_B, tries = 0; tries < TRIES; tries++, factor = Math.imul(factor, 0x2c1b3c6d) | 1) {
      const places = keys.map(({ key0, block }) => (Math.imul(key0 + block, factor) >>> SHIFT) & mask);
      if (new Set(places).size === places.length) return { factor: factor >>> 0, mask, places };
    }
  }
  throw new TableLimit(`${keys.length} addresses of the node`);
}

/** As the engine shifts: the mask stays below the twenty bits that are left. */
const SHIFT = 12;
const FEWEST_BITS = 6;
const MOST_BITS = 20;
const TRIES = 500;
