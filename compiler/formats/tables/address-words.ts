/** IPv6 addresses as words. There are millions of them in a table: each step with a number of 128 bits would be a new one. */
import type { Address } from "../../net/address.ts";
import { IS_LITTLE_ENDIAN } from "./bytes.ts";

/** The lower half, then the higher one. */
const halves = new BigUint64Array(2);

/** The words of the address that was split last, in host order; at these places, highest first. */
export const WORDS = new Uint32Array(halves.buffer);
export const WORD0 = IS_LITTLE_ENDIAN ? 3 : 2;
export const WORD1 = IS_LITTLE_ENDIAN ? 2 : 3;
export const WORD2 = IS_LITTLE_ENDIAN ? 1 : 0;
export const WORD3 = IS_LITTLE_ENDIAN ? 0 : 1;

/** Addresses that have the higher half which is there: networks have 64 bits mostly, and neighbours are of one network. */
let first = 0n;
let last = 0xffff_ffff_ffff_ffffn;

export function splitAddress(address: bigint): void {
  if (address < first || address > last) {
    const high = address >> 64n;
    halves[1] = high;
    first = high << 64n;
    last = first | 0xffff_ffff_ffff_ffffn;
  }
  halves[0] = address; // the lowest 64 bits of it
}

/** An address in words of host order, highest first. */
export function hostWords(address: Address): number[] {
  if (typeof address === "number") return [address];
  splitAddress(address);
  return [WORD0, WORD1, WORD2, WORD3].map((at) => WORDS[at] as number);
}
