/**
 * Most destinations are not the node's, and that is found out without reading memory: its addresses have places in 32 bytes,
 * which lanes look up by shuffling, and leave a byte there. What has the byte of its place may be the node's.
 */
import {
  BLOCK_LOCAL,
  ENTRY_BYTES,
  ENTRY_KEY1,
  H_ENTRIES,
  H_LOCAL,
  H_LOCAL_MASK,
  H_SLOT_MASK,
  HASH_A,
  KEY1_BLOCK_SHIFT,
  LOCAL_ABOUT,
  LOCAL_BLOCK_MASK,
  LOCAL_BLOCK_SHIFT,
  LOCAL_BYTES,
  LOCAL_OWN,
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
  const hasOwn = haveOwnRows();
  findCommonBits(common4, false, hasOwn);
  findCommonBits(common6, true, hasOwn);
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

/** The bits that all of the node's addresses of a family have in common: a mask, and their value. The parser asks for them where that is worth
 *  it: where few other destinations have them, and no address of the node has rows of its own. Elsewhere nothing has the value. */
export const COMMON_VALUE: usize = 4;
export const common4: usize = memory.data(8);
export const common6: usize = memory.data(8);

/** Whether the parser asks. */
export function hasCommonBits(common: usize): bool {
  return load<u32>(common) != 0;
}

/** Whether rows of one of the node's addresses go before those of its kind. */
function haveOwnRows(): bool {
  const end = section(H_LOCAL) + (<usize>word(H_LOCAL_MASK) + 1) * LOCAL_BYTES;
  for (let local = section(H_LOCAL); local < end; local += LOCAL_BYTES) {
    const about = load<u32>(local, LOCAL_ABOUT);
    if (((about >> LOCAL_BLOCK_SHIFT) & LOCAL_BLOCK_MASK) != BLOCK_LOCAL && (about & LOCAL_OWN) != 0) return true;
  }
  return false;
}

function findCommonBits(common: usize, isV6: bool, hasOwn: bool): void {
  let ones: u32 = 0xffffffff;
  let zeros: u32 = 0xffffffff;
  const end = section(H_LOCAL) + (<usize>word(H_LOCAL_MASK) + 1) * LOCAL_BYTES;
  for (let local = section(H_LOCAL); local < end; local += LOCAL_BYTES) {
    const key0 = load<u32>(local);
    const block = (load<u32>(local, LOCAL_ABOUT) >> LOCAL_BLOCK_SHIFT) & LOCAL_BLOCK_MASK;
    // Packets to loopback addresses of IPv4 are not plain.
    if (block == BLOCK_LOCAL || (block != 0) != isV6 || (!isV6 && (key0 & 0xff) == 127)) continue;
    ones &= key0;
    zeros &= ~key0;
  }
  const mask = ones | zeros;
  const isWorthIt = !hasOwn && areFew(mask, ones, isV6);
  store<u32>(common, isWorthIt ? mask : 0);
  store<u32>(common, isWorthIt ? ones : 1, COMMON_VALUE);
}

/** Of so many entries, spread over the table, one in FEW at the most may have the bits. */
const SAMPLE: usize = 1024;
const FEW: u32 = 32;

/** Whether few of the destinations that have rows have the bits, the node's own aside. */
function areFew(mask: u32, value: u32, isV6: bool): bool {
  const slots = <usize>word(H_SLOT_MASK) + 1;
  const step = max(slots / SAMPLE, 1) * ENTRY_BYTES;
  const end = section(H_ENTRIES) + slots * ENTRY_BYTES;
  let all: u32 = 0;
  let some: u32 = 0;
  for (let entry = section(H_ENTRIES); entry < end; entry += step) {
    const block = load<u32>(entry, ENTRY_KEY1) >> KEY1_BLOCK_SHIFT;
    if (block == BLOCK_LOCAL || (block != 0) != isV6) continue;
    all++;
    some += <u32>((load<u32>(entry) & mask) == value);
  }
  return mask != 0 && some * FEW <= all;
}
