/** Where the table has the destinations of parsed packets, four at a time. */

import { G_BLOCK, G_DEFAULT, G_ENTRY, G_KEY0, G_KEY1, GROUP_BYTES, pinned, scratch, waitFor } from "./lanes";
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
  HASH_A,
  HASH_B,
  HASH_C,
  LOCAL_OWN,
} from "./layout";
import { section, word } from "./table";

/** Completes the keys in scratch and finds the entry of each. `list` has the packets; `local` is the default word of the node's
 *  own addresses. */
export function placeLanes(list: usize, count: u32, local: u32): void {
  const localAt = pinned(0, <i32>section(H_LOCAL));
  const localShift = <i32>clz(word(H_LOCAL_MASK));
  const localFactor = pinned(1, <i32>word(H_LOCAL_FACTOR));
  const seed = pinned(2, <i32>word(H_SEED));
  const bucketMask = pinned(3, <i32>(word(H_BUCKET_MASK) << 1));
  const slotMask = pinned(4, <i32>(word(H_SLOT_MASK) << 4));
  const pilotsAt = pinned(5, <i32>section(H_PILOTS));
  const entriesAt = pinned(6, <i32>section(H_ENTRIES));
  const hashA = pinned(7, HASH_A);
  const hashB = pinned(8, <i32>HASH_B);
  const hashC = pinned(9, <i32>HASH_C);
  const kindMask = pinned(10, 0xffff);
  const byte = pinned(11, 0xff);
  const own = pinned(12, LOCAL_OWN);
  const blockLocal = pinned(13, BLOCK_LOCAL);
  const localWord = pinned(15, <i32>local);
  const end = list + ((<usize>count) << 2);
  for (let group = scratch; list < end; list += 16, group += GROUP_BYTES) {
    const destination = v128.load(group, G_KEY0);
    const block = v128.load(group, G_BLOCK);
    const product = i32x4.mul(i32x4.add(destination, block), localFactor);
    const place = i32x4.add(i32x4.shl(i32x4.shr_u(product, localShift), 3), localAt);
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
    // Garbage in the upper halves of lanes is cut off with the pilots' own.
    let pilot = v128.load32_zero(<usize>i32x4.extract_lane(bucket, 0));
    pilot = v128.load_lane<u32>(<usize>i32x4.extract_lane(bucket, 1), pilot, 1);
    pilot = v128.load_lane<u32>(<usize>i32x4.extract_lane(bucket, 2), pilot, 2);
    pilot = v128.load_lane<u32>(<usize>i32x4.extract_lane(bucket, 3), pilot, 3);
    pilot = v128.and(pilot, kindMask);
    const slot = v128.and(i32x4.shr_u(i32x4.mul(mix, pilot), 4), slotMask);
    v128.store(group, key0, G_KEY0);
    v128.store(group, key1, G_KEY1);
    v128.store(group, i32x4.add(slot, entriesAt), G_ENTRY);

    const fallback = v128.load(group, G_DEFAULT);
    v128.store(group, v128.bitselect(localWord, fallback, isLocal), G_DEFAULT);
  }
}
