/** Where the table has the destinations of parsed packets, four at a time. */
import {
  found,
  G_AT,
  G_BLOCK,
  G_DESTINATION,
  G_KEY0,
  G_KEY1,
  G_LOCAL,
  G_MIX,
  GROUP_BYTES,
  note,
  pinned,
  scratch,
  waitForFound,
} from "./lanes";
import {
  BLOCK_LOCAL,
  H_BUCKET_MASK,
  H_ENTRIES,
  H_PILOTS,
  H_SEED,
  H_SLOT_MASK,
  HASH_A,
  HASH_B,
  HASH_C,
  LOCAL_OWN,
} from "./layout";
import { section, word } from "./table";

/** Completes the keys of the packets of `list`, and finds their pilots. */
export function keyLanes(list: usize, count: u32): void {
  const seed = pinned(0, <i32>word(H_SEED));
  const bucketMask = pinned(1, <i32>(word(H_BUCKET_MASK) << 1));
  const pilotsAt = pinned(2, <i32>section(H_PILOTS));
  const hashA = pinned(3, HASH_A);
  const hashB = pinned(4, <i32>HASH_B);
  const hashC = pinned(5, <i32>HASH_C);
  const kindMask = pinned(6, 0xffff);
  const byte = pinned(7, 0xff);
  const own = pinned(8, LOCAL_OWN);
  const blockLocal = pinned(9, BLOCK_LOCAL);
  const end = scratch + (<usize>count >> 2) * GROUP_BYTES;
  let foundEnd = found;
  for (let group = scratch; group < end; group += GROUP_BYTES) {
    const destination = v128.load(group, G_KEY0);
    const block = v128.load(group, G_BLOCK);
    let a = v128.load64_zero(<usize>load<u32>(group, G_AT));
    a = v128.load_lane<u64>(<usize>load<u32>(group, G_AT + 4), a, 1);
    let b = v128.load64_zero(<usize>load<u32>(group, G_AT + 8));
    b = v128.load_lane<u64>(<usize>load<u32>(group, G_AT + 12), b, 1);
    const about = v128.shuffle<i32>(a, b, 1, 3, 5, 7);
    const isLocal = v128.and(
      i32x4.eq(v128.shuffle<i32>(a, b, 0, 2, 4, 6), destination),
      i32x4.eq(v128.and(i32x4.shr_u(about, 16), byte), block),
    );
    const slow = i32x4.bitmask(v128.and(isLocal, i32x4.eq(v128.and(about, own), own)));
    foundEnd = note(foundEnd, group, slow);
    const key0 = v128.bitselect(v128.and(about, kindMask), destination, isLocal);
    // BLOCK_LOCAL has all bits.
    const ownBlock = v128.or(block, v128.and(isLocal, blockLocal));
    const key1 = v128.or(v128.load(group, G_KEY1), i32x4.shl(ownBlock, 24));
    v128.store(group, isLocal, G_LOCAL);
    v128.store(group, destination, G_DESTINATION);
    v128.store(group, key0, G_KEY0);
    v128.store(group, key1, G_KEY1);
    const mixA = i32x4.mul(v128.xor(key0, seed), hashA);
    const mixB = i32x4.mul(key1, hashB);
    let bucket = i32x4.add(mixA, mixB);
    bucket = i32x4.mul(v128.xor(bucket, i32x4.shr_u(bucket, 15)), hashC);
    v128.store(group, i32x4.add(v128.and(i32x4.shr_u(bucket, 10), bucketMask), pilotsAt), G_AT);
    const mix = i32x4.mul(v128.xor(i32x4.shr_u(mixA, 16), mixB), hashC);
    v128.store(group, v128.xor(mix, i32x4.shr_u(mix, 16)), G_MIX);
  }
  waitForFound(foundEnd, list);
}

/** Finds the entries of packets whose pilots are known. */
export function entryLanes(count: u32): void {
  const slotMask = pinned(0, <i32>(word(H_SLOT_MASK) << 4));
  const entriesAt = pinned(1, <i32>section(H_ENTRIES));
  const pilotMask = pinned(2, 0xffff);
  const end = scratch + (<usize>count >> 2) * GROUP_BYTES;
  for (let group = scratch; group < end; group += GROUP_BYTES) {
    // The neighbours of pilots come with them, and are cut off.
    let pilot = v128.load32_zero(<usize>load<u32>(group, G_AT));
    pilot = v128.load_lane<u32>(<usize>load<u32>(group, G_AT + 4), pilot, 1);
    pilot = v128.load_lane<u32>(<usize>load<u32>(group, G_AT + 8), pilot, 2);
    pilot = v128.load_lane<u32>(<usize>load<u32>(group, G_AT + 12), pilot, 3);
    const product = i32x4.mul(v128.load(group, G_MIX), v128.and(pilot, pilotMask));
    v128.store(group, i32x4.add(v128.and(i32x4.shr_u(product, 4), slotMask), entriesAt), G_AT);
  }
}
