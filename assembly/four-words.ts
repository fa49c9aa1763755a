/**
 * Words of four packets or records, a lane each.
 *
 * The compiler puts these functions where they are called: the module is, byte for byte, the one in which all of it was written
 * out. It is another one with the tests of transport headers that lanes4.ts and lanes6.ts have in common, and with what `decide`
 * and answer-lanes.ts both do: those are written twice, and tests hold batches to single packets. asc warns of vectors in signatures
 * (AS112, off in asconfig.json), which matters to exports only, and the module exports none.
 */
import { SUM_FOLD_SHIFT } from "./layout";

/** The words at four places. */
export function wordsAt(p0: usize, p1: usize, p2: usize, p3: usize): v128 {
  let words = v128.load32_zero(p0);
  words = v128.load_lane<u32>(p1, words, 1);
  words = v128.load_lane<u32>(p2, words, 2);
  return v128.load_lane<u32>(p3, words, 3);
}

/** The words at the four places that lanes of `at` have. */
export function wordsOf(at: v128): v128 {
  return wordsAt(
    <usize>i32x4.extract_lane(at, 0),
    <usize>i32x4.extract_lane(at, 1),
    <usize>i32x4.extract_lane(at, 2),
    <usize>i32x4.extract_lane(at, 3),
  );
}

/** The pairs of words at two places. */
export function pairsAt(p0: usize, p1: usize): v128 {
  return v128.load_lane<u64>(p1, v128.load64_zero(p0), 1);
}

/** The first words of the pairs in `a` and `b`. */
export function firstOfPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 2, 4, 6);
}

/** The second ones. */
export function secondOfPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 1, 3, 5, 7);
}

// Of vectors a, b, c and d, four words each: their first words are firstOf(lower(a, b), lower(c, d)), and so on. It takes eight
// shuffles for all four.

/** The first two words of `a` and of `b`: a0 b0 a1 b1. */
export function lower(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 4, 1, 5);
}

/** The last two words: a2 b2 a3 b3. */
export function upper(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 2, 6, 3, 7);
}

export function firstOf(ab: v128, cd: v128): v128 {
  return v128.shuffle<i64>(ab, cd, 0, 2);
}

export function secondOf(ab: v128, cd: v128): v128 {
  return v128.shuffle<i64>(ab, cd, 1, 3);
}

/** Halves of words in the other byte order. */
export function swapped(halves: v128): v128 {
  return v128.or(i16x8.shl(halves, 8), i16x8.shr_u(halves, 8));
}

/** The hash of a flow, as `flowHash` computes it; `source`: the product of the source's word and HASH_A. */
export function flowOf(source: v128, destination: v128, ports: v128, hashB: v128, hashC: v128): v128 {
  const hash = i32x4.add(v128.xor(source, destination), i32x4.mul(ports, hashB));
  return i32x4.mul(v128.xor(hash, i32x4.shr_u(hash, SUM_FOLD_SHIFT)), hashC);
}
