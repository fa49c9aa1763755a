/** What the table has for a destination. */

import {
  BUCKET_SHIFT,
  ENTRY_KEY1,
  ENTRY_SHIFT,
  H_BUCKET_MASK,
  H_ENTRIES,
  H_PILOTS,
  H_REGIONS4,
  H_REGIONS4_COUNT,
  H_REGIONS6,
  H_REGIONS6_COUNT,
  H_SEED,
  H_SLOT_MASK,
  H_WINDOW_COUNT,
  H_WINDOWS,
  HASH_A,
  HASH_B,
  HASH_C,
  MIX_FOLD_SHIFT,
  PILOT_SHIFT,
  PLACE_SHIFT,
  REGION4_BYTES,
  REGION4_DEFAULT,
  REGION6_BYTES,
  REGION6_DEFAULT,
  SUM_FOLD_SHIFT,
  WINDOW_BITS,
  WINDOW_BLOCK,
  WINDOW_BYTES,
  WINDOW_COUNT,
  WINDOW_FIRST,
  WINDOW_KEY0,
  WINDOW_MASK,
  WINDOW_SET,
  WINDOW_UNSET,
} from "./layout";
import { isBefore } from "./order";
import { section, table, word } from "./table";

/** No slot. */
export const NOWHERE: u32 = 0xffffffff;

/** The slot that has a key, or `NOWHERE`. */
export function findSlot(key0: u32, key1: u32): u32 {
  const a = (key0 ^ word(H_SEED)) * <u32>HASH_A;
  const b = key1 * <u32>HASH_B;
  let bucket = a + b;
  bucket = (((bucket ^ (bucket >> SUM_FOLD_SHIFT)) * <u32>HASH_C) >> BUCKET_SHIFT) & word(H_BUCKET_MASK);
  let mix = ((a >> MIX_FOLD_SHIFT) ^ b) * <u32>HASH_C;
  mix ^= mix >> MIX_FOLD_SHIFT;
  const pilot = <u32>load<u16>(section(H_PILOTS) + ((<usize>bucket) << PILOT_SHIFT));
  const slot = ((mix * pilot) >> PLACE_SHIFT) & word(H_SLOT_MASK);
  const entry = section(H_ENTRIES) + ((<usize>slot) << ENTRY_SHIFT);
  return load<u32>(entry) == key0 && load<u32>(entry, ENTRY_KEY1) == key1 ? slot : NOWHERE;
}

/** The default word of an address that is not local: `key0` and `block` are its key. */
export function defaultOf(address: usize, key0: u32, block: u32, isV6: bool): u32 {
  const window: usize = isV6 && block == 0 ? 0 : windowOf(key0, block);
  if (window != 0) {
    const bit = lowerBits(key0) - load<u32>(window, WINDOW_FIRST);
    const bits: u32 = load<u8>(table + <usize>load<u32>(window, WINDOW_BITS) + (bit >> 3));
    return ((bits >> (bit & 7)) & 1) != 0 ? load<u32>(window, WINDOW_SET) : load<u32>(window, WINDOW_UNSET);
  }
  return isV6 ? regionOf6(address) : regionOf4(bswap<u32>(key0));
}

/** The WINDOW record that has a bit for an address; 0: none. */
function windowOf(key0: u32, block: u32): usize {
  let window = section(H_WINDOWS);
  const end = window + word(H_WINDOW_COUNT) * WINDOW_BYTES;
  for (; window < end; window += WINDOW_BYTES) {
    if (load<u32>(window, WINDOW_KEY0) != (key0 & WINDOW_MASK) || load<u32>(window, WINDOW_BLOCK) != block) continue;
    if (lowerBits(key0) - load<u32>(window, WINDOW_FIRST) < load<u32>(window, WINDOW_COUNT)) return window;
  }
  return 0;
}

function lowerBits(key0: u32): u32 {
  return bswap<u32>(key0) & 0xfffff;
}

/** The default word of the last region that begins at or before an address. */
function regionOf4(address: u32): u32 {
  const regions = section(H_REGIONS4);
  let low: u32 = 0;
  let high = word(H_REGIONS4_COUNT);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (address < load<u32>(regions + middle * REGION4_BYTES)) high = middle;
    else low = middle;
  }
  return load<u32>(regions + low * REGION4_BYTES, REGION4_DEFAULT);
}

function regionOf6(address: usize): u32 {
  const regions = section(H_REGIONS6);
  const highHalf = bswap<u64>(load<u64>(address));
  const lowHalf = bswap<u64>(load<u64>(address, 8));
  let low: u32 = 0;
  let high = word(H_REGIONS6_COUNT);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (isBefore(highHalf, lowHalf, regions + middle * REGION6_BYTES)) high = middle;
    else low = middle;
  }
  return load<u32>(regions + low * REGION6_BYTES, REGION6_DEFAULT);
}
