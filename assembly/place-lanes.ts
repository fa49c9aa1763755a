/** Where the table has the destinations of parsed packets, four at a time. */

import { G_BLOCK, G_DEFAULT, G_ENTRY, G_KEY0, G_KEY1, GROUP_BYTES, scratch, waitFor } from "./lanes";
import {
  BLOCK_LOCAL,
  H_BUCKET_MASK,
  H_ENTRIES,
  H_LOCAL,
  H_LOCAL_FACTOR,
  H_LOCAL_MASK,
  H_PILOTS,
  H_SEED,
  H_SLOT_MASK,
  H_WINDOW_COUNT,
  H_WINDOWS,
  HASH_A,
  HASH_B,
  HASH_C,
  LOCAL_OWN,
  WINDOW_BITS,
  WINDOW_BLOCK,
  WINDOW_BYTES,
  WINDOW_COUNT,
  WINDOW_FIRST,
  WINDOW_KEY0,
  WINDOW_SET,
  WINDOW_UNSET,
} from "./layout";
import { section, table, word } from "./table";

/** Completes the keys in scratch, finds the entry of each, and what each gets without one. `list` has the packets; `other` and
 *  `local` are the default words of other addresses and of the node's own. */
export function placeLanes(list: usize, count: u32, other: u32, local: u32, isV6: bool): void {
  const localAt = i32x4.splat(<i32>section(H_LOCAL));
  const localMask = i32x4.splat(<i32>(word(H_LOCAL_MASK) << 3));
  const localFactor = i32x4.splat(<i32>word(H_LOCAL_FACTOR));
  const seed = i32x4.splat(<i32>word(H_SEED));
  const bucketMask = i32x4.splat(<i32>(word(H_BUCKET_MASK) << 1));
  const slotMask = i32x4.splat(<i32>(word(H_SLOT_MASK) << 4));
  const pilotsAt = i32x4.splat(<i32>section(H_PILOTS));
  const entriesAt = i32x4.splat(<i32>section(H_ENTRIES));
  const hashA = i32x4.splat(HASH_A);
  const hashB = i32x4.splat(<i32>HASH_B);
  const hashC = i32x4.splat(<i32>HASH_C);
  const kindMask = i32x4.splat(0xffff);
  const byte = i32x4.splat(0xff);
  const own = i32x4.splat(LOCAL_OWN);
  const blockLocal = i32x4.splat(BLOCK_LOCAL);
  const otherWord = i32x4.splat(<i32>other);
  const localWord = i32x4.splat(<i32>local);
  const windowsAt = section(H_WINDOWS);
  const windowsEnd = windowsAt + <usize>word(H_WINDOW_COUNT) * WINDOW_BYTES;
  const end = list + ((<usize>count) << 2);
  for (let group = scratch; list < end; list += 16, group += GROUP_BYTES) {
    const destination = v128.load(group, G_KEY0);
    const block = v128.load(group, G_BLOCK);
    const product = i32x4.mul(i32x4.add(destination, block), localFactor);
    const place = i32x4.add(v128.and(i32x4.shr_u(product, 9), localMask), localAt);
    let a = v128.load64_zero(<usize>i32x4.extract_lane(place, 0));
    a = v128.load_lane<u64>(<usize>i32x4.extract_lane(place, 1), a, 1);
    let b = v128.load64_zero(<usize>i32x4.extract_lane(place, 2));
    b = v128.load_lane<u64>(<usize>i32x4.extract_lane(place, 3), b, 1);
    const about = v128.shuffle<i32>(a, b, 1, 3, 5, 7);
    const isLocal = v128.and(
      i32x4.eq(v128.shuffle<i32>(a, b, 0, 2, 4, 6), destination),
      i32x4.eq(v128.and(i32x4.shr_u(about, 16), byte), block),
    );
    const slow = i32x4.bitmask(v128.and(isLocal, i32x4.eq(v128.and(about, own), own)));
    if (slow != 0) waitFor(list, slow);
    const key0 = v128.bitselect(v128.and(about, kindMask), destination, isLocal);
    const key1 = v128.or(v128.load(group, G_KEY1), i32x4.shl(v128.bitselect(blockLocal, block, isLocal), 24));

    const mixA = i32x4.mul(v128.xor(key0, seed), hashA);
    const mixB = i32x4.mul(key1, hashB);
    let bucket = i32x4.add(mixA, mixB);
    bucket = i32x4.mul(v128.xor(bucket, i32x4.shr_u(bucket, 15)), hashC);
    bucket = i32x4.add(v128.and(i32x4.shr_u(bucket, 10), bucketMask), pilotsAt);
    let mix = i32x4.mul(v128.xor(i32x4.shr_u(mixA, 16), mixB), hashC);
    mix = v128.xor(mix, i32x4.shr_u(mix, 16));
    let pilot = i32x4.splat(<i32>load<u16>(<usize>i32x4.extract_lane(bucket, 0)));
    pilot = i32x4.replace_lane(pilot, 1, <i32>load<u16>(<usize>i32x4.extract_lane(bucket, 1)));
    pilot = i32x4.replace_lane(pilot, 2, <i32>load<u16>(<usize>i32x4.extract_lane(bucket, 2)));
    pilot = i32x4.replace_lane(pilot, 3, <i32>load<u16>(<usize>i32x4.extract_lane(bucket, 3)));
    const slot = v128.and(i32x4.shr_u(i32x4.mul(mix, pilot), 4), slotMask);
    v128.store(group, key0, G_KEY0);
    v128.store(group, key1, G_KEY1);
    v128.store(group, i32x4.add(slot, entriesAt), G_ENTRY);

    let fallback = otherWord;
    for (let window = windowsAt; window < windowsEnd; window += WINDOW_BYTES) {
      if ((load<u32>(window, WINDOW_BLOCK) != 0) == isV6) fallback = fromWindow(window, destination, block, fallback);
    }
    v128.store(group, v128.bitselect(localWord, fallback, isLocal), G_DEFAULT);
  }
}

/** The default words of those addresses that a window has a bit for; `fallback` for the others. */
function fromWindow(window: usize, key0: v128, block: v128, fallback: v128): v128 {
  const host = v128.shuffle<i8>(key0, key0, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  const first = bswap<u32>(load<u32>(window, WINDOW_KEY0)) + load<u32>(window, WINDOW_FIRST);
  const bit = i32x4.sub(host, i32x4.splat(<i32>first));
  // Bits beyond the end stand in for what is outside, and are not looked at.
  const bounded = i32x4.min_u(bit, i32x4.splat(<i32>(load<u32>(window, WINDOW_COUNT) - 1)));
  let isInside = i32x4.eq(bit, bounded);
  isInside = v128.and(isInside, i32x4.eq(block, v128.load32_splat(window + WINDOW_BLOCK)));
  const at = i32x4.add(i32x4.shr_u(bounded, 3), i32x4.splat(<i32>(table + <usize>load<u32>(window, WINDOW_BITS))));
  let bits = i32x4.splat(<i32>load<u8>(<usize>i32x4.extract_lane(at, 0)));
  bits = i32x4.replace_lane(bits, 1, <i32>load<u8>(<usize>i32x4.extract_lane(at, 1)));
  bits = i32x4.replace_lane(bits, 2, <i32>load<u8>(<usize>i32x4.extract_lane(at, 2)));
  bits = i32x4.replace_lane(bits, 3, <i32>load<u8>(<usize>i32x4.extract_lane(at, 3)));
  // In each lane the power of two of its bit; indices beyond fifteen give zeros.
  const index = v128.or(v128.and(bounded, i32x4.splat(7)), i32x4.splat(<i32>0xffffff00));
  const power = i8x16.swizzle(i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0), index);
  const isUnset = i32x4.eq(v128.and(bits, power), i32x4.splat(0));
  const own = v128.bitselect(v128.load32_splat(window + WINDOW_UNSET), v128.load32_splat(window + WINDOW_SET), isUnset);
  return v128.bitselect(own, fallback, isInside);
}
