/** The hash by which the names of hosts are found. */

/** The hash of a name begins with this, and takes its units from the last one to the first one. */
export const HASH_START = 0x811c9dc5 | 0;
const HASH_FACTOR = 0x01000193;
/** The hash of a wildcard is that of what follows the asterisk, with these bits changed. */
export const WILDCARD_BITS = 0x5bd1e995;
const SPREAD = 0x9e3779b1 | 0;

/** `hash` and one more unit in front. */
export function hashWith(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, HASH_FACTOR);
}

/** The bucket of names with `hash`; `shift` is 32 without the bits that the number of a bucket has. */
export function bucketOf(hash: number, shift: number): number {
  return Math.imul(hash, SPREAD) >>> shift;
}

/** `shift` for a number of buckets, which is a power of two from 2 on. */
export function shiftFor(buckets: number): number {
  return Math.clz32(buckets) + 1;
}
