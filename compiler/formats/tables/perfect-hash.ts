/** A place for each key that no other key has: displacement hashing, as the engine looks it up. */
import {
  BUCKET_SHIFT,
  HASH_A,
  HASH_B,
  HASH_C,
  MAX_BUCKET_BITS,
  MAX_SLOT_BITS,
  MIX_FOLD_SHIFT,
  PLACE_SHIFT,
  SUM_FOLD_SHIFT,
} from "../../../assembly/layout.ts";
import { invariant } from "../../invariant.ts";

export interface PerfectHash {
  readonly seed: number;
  readonly bucketMask: number;
  readonly slotMask: number;
  /** The odd factor of each bucket. */
  readonly pilots: Uint16Array;
  /** The slot of each key, in the order of the keys. */
  readonly slots: Uint32Array;
}

/** Keys are two words each. They have to differ. `load`: the share of slots that may be taken. */
export function buildPerfectHash(keys0: Uint32Array, keys1: Uint32Array, load = MAX_LOAD): PerfectHash {
  const count = keys0.length;
  const slotBits = Math.max(2, Math.ceil(Math.log2(Math.max(count, 1) / load)));
  invariant(slotBits <= MAX_SLOT_BITS, "a table has at most 16 million rows");
  const bucketBits = Math.min(MAX_BUCKET_BITS, Math.max(0, slotBits - BUCKET_SIZE_BITS));
  for (let seed = 1; seed <= MAX_SEEDS; seed++) {
    const found = tryBuild(keys0, keys1, Math.imul(seed, HASH_A), 2 ** bucketBits - 1, 2 ** slotBits - 1);
    if (found !== undefined) return found;
  }
  throw new Error("no perfect hash was found: two keys are equal");
}

/** Above it the next power of two is cheaper than the search. */
const MAX_LOAD = 0.96;
/** Four rows a bucket where slots are full, which is what a pilot of two bytes can spread. */
const BUCKET_SIZE_BITS = 2;
const MAX_SEEDS = 64;
export const MAX_PILOT = 0xffff;

function tryBuild(
  keys0: Uint32Array,
  keys1: Uint32Array,
  seed: number,
  bucketMask: number,
  slotMask: number,
): PerfectHash | undefined {
  const count = keys0.length;
  const mixes = new Uint32Array(count);
  const bucketOf = new Uint32Array(count);
  const sizes = new Uint32Array(bucketMask + 1);
  for (let i = 0; i < count; i++) {
    const bucket = bucketIn(keys0[i] as number, keys1[i] as number, seed, bucketMask);
    mixes[i] = mixOf(keys0[i] as number, keys1[i] as number, seed);
    bucketOf[i] = bucket;
    (sizes[bucket] as number)++;
  }
  const { order, starts } = groupBySize(bucketOf, sizes);
  const pilots = new Uint16Array(bucketMask + 1).fill(1);
  const slots = new Uint32Array(count);
  const taken = new Uint8Array(slotMask + 1);
  for (let at = 0; at < starts.length - 1; at++) {
    const start = starts[at] as number;
    const end = starts[at + 1] as number;
    const pilot = findPilot(order, start, end, mixes, taken, slotMask, slots);
    if (pilot === undefined) return undefined;
    pilots[bucketOf[order[start] as number] as number] = pilot;
  }
  return { seed: seed >>> 0, bucketMask, slotMask, pilots, slots };
}

/** The bucket of a key. */
export function bucketIn(key0: number, key1: number, seed: number, bucketMask: number): number {
  const sum = Math.imul(key0 ^ seed, HASH_A) + Math.imul(key1, HASH_B);
  return (Math.imul(fold(sum, SUM_FOLD_SHIFT), HASH_C) >>> BUCKET_SHIFT) & bucketMask;
}

/** What a pilot is multiplied with to find the slot of a key. */
export function mixOf(key0: number, key1: number, seed: number): number {
  const mix = (Math.imul(key0 ^ seed, HASH_A) >>> MIX_FOLD_SHIFT) ^ Math.imul(key1, HASH_B);
  return fold(Math.imul(mix, HASH_C), MIX_FOLD_SHIFT);
}

export function slotAt(mix: number, pilot: number, slotMask: number): number {
  return (Math.imul(mix, pilot) >>> PLACE_SHIFT) & slotMask;
}

function fold(value: number, shift: number): number {
  return value ^ (value >>> shift);
}

/** The keys bucket by bucket, the fullest buckets first, and where each bucket starts. */
function groupBySize(
  bucketOf: Uint32Array,
  sizes: Uint32Array,
): { readonly order: Uint32Array; readonly starts: Uint32Array } {
  // Sorted by counting: how many buckets have each size, then where those of a size begin.
  let largest = 0;
  for (let bucket = 0; bucket < sizes.length; bucket++) largest = Math.max(largest, sizes[bucket] as number);
  const ofSize = new Uint32Array(largest + 1);
  for (let bucket = 0; bucket < sizes.length; bucket++) (ofSize[sizes[bucket] as number] as number)++;
  const rank = new Uint32Array(largest + 1);
  const place = new Uint32Array(largest + 1);
  let buckets = 0;
  let keys = 0;
  for (let size = largest; size > 0; size--) {
    rank[size] = buckets;
    place[size] = keys;
    buckets += ofSize[size] as number;
    keys += size * (ofSize[size] as number);
  }
  const starts = new Uint32Array(buckets + 1);
  starts[buckets] = keys;
  const next = new Uint32Array(sizes.length);
  for (let bucket = 0; bucket < sizes.length; bucket++) {
    const size = sizes[bucket] as number;
    if (size === 0) continue;
    const start = place[size] as number;
    place[size] = start + size;
    starts[(rank[size] as number)++] = start;
    next[bucket] = start;
  }
  const order = new Uint32Array(bucketOf.length);
  for (let key = 0; key < bucketOf.length; key++) order[(next[bucketOf[key] as number] as number)++] = key;
  return { order, starts };
}

/** The first factor that sends the keys of one bucket to free slots; takes them. */
function findPilot(
  order: Uint32Array,
  start: number,
  end: number,
  mixes: Uint32Array,
  taken: Uint8Array,
  slotMask: number,
  slots: Uint32Array,
): number | undefined {
  for (let pilot = 1; pilot <= MAX_PILOT; pilot += 2) {
    let i = start;
    for (; i < end; i++) {
      const key = order[i] as number;
      const slot = slotAt(mixes[key] as number, pilot, slotMask);
      if (taken[slot] !== 0) break;
      taken[slot] = 1;
      slots[key] = slot;
    }
    if (i === end) return pilot;
    while (--i >= start) taken[slots[order[i] as number] as number] = 0;
  }
  return undefined;
}
