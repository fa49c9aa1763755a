/**
 * Most destinations are not the node's, and that is found out without reading memory: its addresses have places in 32 bytes,
 * which lanes look up by shuffling, and leave a byte there. What has the byte of its place may be the node's.
 */
import {
  BLOCK_LOCAL,
  H_LOCAL,
  H_LOCAL_MASK,
  HASH_A,
  LOCAL_ABOUT,
  LOCAL_BLOCK_MASK,
  LOCAL_BLOCK_SHIFT,
  LOCAL_BYTES,
} from "./layout";
import { section, word } from "./table";

/** A filter: the bytes, the factor, and a word with all bits set if every destination is suspected. */
export const FILTER_FACTOR: usize = 32;
export const FILTER_EVERYWHERE: usize = 36;
/** Of a product the highest five bits are the place; the byte's lowest bit is this one. */
export const FILTER_PLACE_SHIFT: i32 = 27;
export const FILTER_BYTE_SHIFT: i32 = 16;
const PLACES: usize = 32;

export const filter4: usize = memory.data(48);
export const filter6: usize = memory.data(48);

/** The product that has a place. */
const products: usize = memory.data(128);

/** More addresses than fit suspect everything: this many factors are tried. */
const TRIES = 1 << 12;

/** Makes the filters of the table in use. */
export function makeFilters(): void {
  makeFilter(filter4, false);
  makeFilter(filter6, true);
}

function makeFilter(filter: usize, isV6: bool): void {
  let factor: u32 = HASH_A;
  for (let i = 0; i < TRIES; i++) {
    if (fillFilter(filter, factor, isV6)) {
      store<u32>(filter, factor, FILTER_FACTOR);
      store<u32>(filter, 0, FILTER_EVERYWHERE);
      return;
    }
    factor = (factor * <u32>HASH_A) | 1;
  }
  store<u32>(filter, 0xffffffff, FILTER_EVERYWHERE);
}

/** False: two addresses want the same place. */
function fillFilter(filter: usize, factor: u32, isV6: bool): bool {
  memory.fill(filter, 0, PLACES);
  let taken: u32 = 0;
  const end = section(H_LOCAL) + (<usize>word(H_LOCAL_MASK) + 1) * LOCAL_BYTES;
  for (let local = section(H_LOCAL); local < end; local += LOCAL_BYTES) {
    const block = (load<u32>(local, LOCAL_ABOUT) >> LOCAL_BLOCK_SHIFT) & LOCAL_BLOCK_MASK;
    if (block == BLOCK_LOCAL || (block != 0) != isV6) continue;
    const product = (load<u32>(local) + block) * factor;
    const place = product >> FILTER_PLACE_SHIFT;
    const mine = products + ((<usize>place) << 2);
    if (((taken >> place) & 1) != 0 && load<u32>(mine) != product) return false;
    taken |= (<u32>1) << place;
    store<u32>(mine, product);
    store<u8>(filter + <usize>place, product >> FILTER_BYTE_SHIFT);
  }
  return true;
}
