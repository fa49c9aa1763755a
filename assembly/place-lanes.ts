/** Where the table has the destinations of parsed packets, four at a time. */
import { firstOfPairs, pairsAt, secondOfPairs, wordsAt } from "./four-words";
import { again, found, G_AT, G_HIT, G_KEY0, G_KEY1, G_MIX, GROUP_BYTES, groupAt, pinned } from "./lanes";
import {
  BLOCK_LOCAL,
  BUCKET_SHIFT,
  ENTRY_SHIFT,
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
  KEY1_BLOCK_SHIFT,
  LOCAL_BLOCK_MASK,
  LOCAL_BLOCK_SHIFT,
  LOCAL_CLASS_MASK,
  LOCAL_SHIFT,
  MIX_FOLD_SHIFT,
  PILOT_SHIFT,
  PLACE_SHIFT,
  SUM_FOLD_SHIFT,
} from "./layout";
import {
  FILTER_BYTE_SHIFT,
  FILTER_EVERYWHERE,
  FILTER_FACTOR,
  FILTER_PLACE_SHIFT,
  filter4,
  filter6,
} from "./local-filter";
import { section, word } from "./table";

/** What `placeGroup` needs: vectors at these offsets. */
const P_SEED: usize = 0;
const P_BUCKET_MASK: usize = 16;
const P_PILOTS: usize = 32;
const P_HASH_A: usize = 48;
const P_HASH_B: usize = 64;
const P_HASH_C: usize = 80;
const places: usize = memory.data(96);

/** Makes ready for `placeGroup`. */
export function preparePlaces(): void {
  v128.store(places, i32x4.splat(<i32>word(H_SEED)), P_SEED);
  v128.store(places, i32x4.splat(<i32>(word(H_BUCKET_MASK) << PILOT_SHIFT)), P_BUCKET_MASK);
  v128.store(places, i32x4.splat(<i32>section(H_PILOTS)), P_PILOTS);
  v128.store(places, i32x4.splat(HASH_A), P_HASH_A);
  v128.store(places, i32x4.splat(<i32>HASH_B), P_HASH_B);
  v128.store(places, i32x4.splat(<i32>HASH_C), P_HASH_C);
}

/** Finds the pilots of the keys of a group. */
export function placeGroup(group: usize): void {
  const mixA = i32x4.mul(v128.xor(v128.load(group, G_KEY0), v128.load(places, P_SEED)), v128.load(places, P_HASH_A));
  const mixB = i32x4.mul(v128.load(group, G_KEY1), v128.load(places, P_HASH_B));
  const hashC = v128.load(places, P_HASH_C);
  let bucket = i32x4.add(mixA, mixB);
  bucket = i32x4.mul(v128.xor(bucket, i32x4.shr_u(bucket, SUM_FOLD_SHIFT)), hashC);
  bucket = v128.and(i32x4.shr_u(bucket, BUCKET_SHIFT - PILOT_SHIFT), v128.load(places, P_BUCKET_MASK));
  v128.store(group, i32x4.add(bucket, v128.load(places, P_PILOTS)), G_AT);
  const mix = i32x4.mul(v128.xor(i32x4.shr_u(mixA, MIX_FOLD_SHIFT), mixB), hashC);
  v128.store(group, v128.xor(mix, i32x4.shr_u(mix, MIX_FOLD_SHIFT)), G_MIX);
}

/** Of the groups in `found`, those that may have packets to the node's addresses go to `again`. Gives the new end of `found`;
 *  `againEnd` is the end of the others. */
export function suspectLanes(foundEnd: usize, isV6: bool): usize {
  const filter = isV6 ? filter6 : filter4;
  const low = v128.load(filter);
  const high = v128.load(filter, 16);
  const factor = pinned(0, <i32>load<u32>(filter, FILTER_FACTOR));
  const everywhere = pinned(1, <i32>load<u32>(filter, FILTER_EVERYWHERE));
  const sixteen = pinned(2, 16);
  const byte = pinned(3, 0xff);
  const zero = pinned(4, 0);
  let keptEnd = found;
  let end = again;
  for (let at = found; at < foundEnd; at += 4) {
    const noted = load<u32>(at);
    const group = groupAt(at);
    const block = i32x4.shr_u(v128.load(group, G_KEY1), KEY1_BLOCK_SHIFT);
    const product = i32x4.mul(i32x4.add(v128.load(group, G_KEY0), block), factor);
    const place = i32x4.shr_u(product, FILTER_PLACE_SHIFT);
    const there = v128.or(i8x16.swizzle(low, place), i8x16.swizzle(high, i32x4.sub(place, sixteen)));
    const other = v128.and(v128.xor(there, i32x4.shr_u(product, FILTER_BYTE_SHIFT)), byte);
    const isAny = <usize>v128.any_true(v128.or(i32x4.eq(other, zero), everywhere));
    // What was read of the list is overwritten: it grows no faster than it is read.
    store<u32>(keptEnd, noted);
    keptEnd += (1 - isAny) << 2;
    store<u32>(end, noted);
    end += isAny << 2;
  }
  againEnd = end;
  return keptEnd;
}

/** Ends the list `again`, which the parser has filled. */
export function endAgain(at: usize): void {
  againEnd = at;
}

/** In the groups of `again`, kinds take the place of destinations that are the node's, and have no entry where `isAfter` the lookup of entries.
 *  Groups without such packets go back to `found`, of which the end is given; gives the new one. */
export function localLanes(foundEnd: usize, isAfter: bool): usize {
  const localAt = pinned(0, <i32>section(H_LOCAL));
  const localShift = <i32>clz(word(H_LOCAL_MASK));
  const localFactor = pinned(1, <i32>word(H_LOCAL_FACTOR));
  const kindMask = pinned(2, LOCAL_CLASS_MASK);
  const blockMask = pinned(3, LOCAL_BLOCK_MASK);
  const blockLocal = pinned(4, <i32>((<u32>BLOCK_LOCAL) << KEY1_BLOCK_SHIFT));
  const after = pinned(5, isAfter ? -1 : 0);
  let groups = again;
  for (let at = again; at < againEnd; at += 4) {
    const noted = load<u32>(at);
    const group = groupAt(at);
    const destination = v128.load(group, G_KEY0);
    const key1 = v128.load(group, G_KEY1);
    const block = i32x4.shr_u(key1, KEY1_BLOCK_SHIFT);
    const place = i32x4.shr_u(i32x4.mul(i32x4.add(destination, block), localFactor), localShift);
    const local = i32x4.add(i32x4.shl(place, LOCAL_SHIFT), localAt);
    const a = pairsAt(<usize>i32x4.extract_lane(local, 0), <usize>i32x4.extract_lane(local, 1));
    const b = pairsAt(<usize>i32x4.extract_lane(local, 2), <usize>i32x4.extract_lane(local, 3));
    const about = secondOfPairs(a, b);
    const isSame = i32x4.eq(firstOfPairs(a, b), destination);
    const isOfBlock = i32x4.eq(v128.and(i32x4.shr_u(about, LOCAL_BLOCK_SHIFT), blockMask), block);
    const isLocal = v128.andnot(v128.and(isSame, isOfBlock), v128.and(v128.load(group, G_HIT), after));
    v128.store(group, v128.bitselect(v128.and(about, kindMask), destination, isLocal), G_KEY0);
    // BLOCK_LOCAL has all bits.
    v128.store(group, v128.or(key1, v128.and(isLocal, blockLocal)), G_KEY1);
    const isAny = <usize>v128.any_true(isLocal);
    store<u32>(foundEnd, noted);
    foundEnd += (1 - isAny) << 2;
    store<u32>(groups, <u32>group);
    groups += isAny << 2;
  }
  againEnd = groups;
  return foundEnd;
}

export let againEnd: usize = 0;

/** Finds the pilots of the groups in `again`. */
function placeAgain(): void {
  for (let at = again; at < againEnd; at += 4) placeGroup(<usize>load<u32>(at));
}

/** In the groups of `again`, kinds take the place of destinations that are the node's. For tables in which none of these has rows of its own,
 *  before the lookup of entries. */
export function replaceLocal(): void {
  localLanes(found, false);
  placeAgain();
  againEnd = again;
}

/** Finds the entries of the groups in `again`, those of kinds and those that were found. */
export function kindLanes(): void {
  preparePlaces();
  placeAgain();
  for (let at = again; at < againEnd; at += 4) {
    const group = <usize>load<u32>(at);
    entryLanes(group, group + GROUP_BYTES);
  }
}

/** Finds the entries of the groups from `group` to `end`, whose pilots are known. */
export function entryLanes(group: usize, end: usize): void {
  const slotMask = pinned(0, <i32>(word(H_SLOT_MASK) << ENTRY_SHIFT));
  const entriesAt = pinned(1, <i32>section(H_ENTRIES));
  const pilotMask = pinned(2, 0xffff);
  for (; group < end; group += GROUP_BYTES) {
    // The neighbours of pilots come with them, and are cut off.
    const pilot = wordsAt(
      <usize>load<u32>(group, G_AT),
      <usize>load<u32>(group, G_AT + 4),
      <usize>load<u32>(group, G_AT + 8),
      <usize>load<u32>(group, G_AT + 12),
    );
    const product = i32x4.mul(v128.load(group, G_MIX), v128.and(pilot, pilotMask));
    v128.store(group, i32x4.add(v128.and(i32x4.shr_u(product, PLACE_SHIFT - ENTRY_SHIFT), slotMask), entriesAt), G_AT);
  }
}
