/** What kind of source a packet has. */

import { blockOf, findLocal } from "./addresses";
import { firstOfPairs, secondOfPairs } from "./four-words";
import {
  ALLOWED4_BYTES,
  ALLOWED4_LAST,
  ALLOWED6_BYTES,
  ALLOWED6_LAST,
  EXTENDED_ALLOWED,
  EXTENDED_ALLOWED_COUNT,
  H_ALLOWED,
  H_DETECTED4,
  H_DETECTED4_COUNT,
  H_DETECTED6,
  H_DETECTED6_COUNT,
  PREFIX4_BYTES,
  PREFIX4_MASK,
  PREFIX6_BYTES,
  PREFIX6_MASK,
  SOURCE_DETECTED,
  SOURCE_LOCAL,
  SOURCE_LOOPBACK,
} from "./layout";
import { isV6, source } from "./packet";
import { section, word } from "./table";

/** What is true of the source of the packet that was parsed, whatever the destination. */
export function sourceClass(): u32 {
  const detected: u32 = isDetected() ? SOURCE_DETECTED : 0;
  if (!isV6 && load<u8>(source) == 127) return detected | SOURCE_LOCAL | SOURCE_LOOPBACK;
  return detected | (isLocal() ? SOURCE_LOCAL : 0);
}

function isLocal(): bool {
  if (!isV6) return findLocal(load<u32>(source), 0) != 0;
  const block = blockOf(source);
  return block != 0 && findLocal(load<u32>(source, 12), block) != 0;
}

function isDetected(): bool {
  if (!isV6) {
    let prefix = section(H_DETECTED4);
    const end = prefix + word(H_DETECTED4_COUNT) * PREFIX4_BYTES;
    const address = load<u32>(source);
    for (; prefix < end; prefix += PREFIX4_BYTES)
      if ((address & load<u32>(prefix, PREFIX4_MASK)) == load<u32>(prefix)) return true;
    return false;
  }
  let prefix = section(H_DETECTED6);
  const end = prefix + word(H_DETECTED6_COUNT) * PREFIX6_BYTES;
  const high = load<u64>(source);
  const low = load<u64>(source, 8);
  for (; prefix < end; prefix += PREFIX6_BYTES) {
    if ((high & load<u64>(prefix, PREFIX6_MASK)) != load<u64>(prefix)) continue;
    if ((low & load<u64>(prefix, PREFIX6_MASK + 8)) == load<u64>(prefix, 8)) return true;
  }
  return false;
}

/** Whether the address at `from` is among those that the row of an EXTENDED record allows. */
export function isAllowed(extended: usize, from: usize, ofV6: bool): bool {
  const intervals = section(H_ALLOWED) + <usize>load<u32>(extended, EXTENDED_ALLOWED);
  const count = <usize>load<u32>(extended, EXTENDED_ALLOWED_COUNT);
  if (ofV6) return isIn6(intervals, count, from);
  const address = bswap<u32>(load<u32>(from));
  return count < 4 ? isIn4(intervals, count, address) : isInFour4(intervals, count, address);
}

// All intervals are compared: which one an address is in cannot be foretold, how many there are can.

function isIn4(interval: usize, count: usize, address: u32): bool {
  let isIn = false;
  for (const end = interval + count * ALLOWED4_BYTES; interval < end; interval += ALLOWED4_BYTES)
    isIn = isIn | ((address >= load<u32>(interval)) & (address <= load<u32>(interval, ALLOWED4_LAST)));
  return isIn;
}

/** Likewise, four intervals at a time. The last four of them may have been among those before. */
function isInFour4(interval: usize, count: usize, address: u32): bool {
  const four = i32x4.splat(<i32>address);
  const last = interval + (count - 4) * ALLOWED4_BYTES;
  let isIn = i32x4.splat(0);
  for (const end = last + 4 * ALLOWED4_BYTES; interval < end; interval += 4 * ALLOWED4_BYTES) {
    const at = min(interval, last);
    const a = v128.load(at);
    const b = v128.load(at, 2 * ALLOWED4_BYTES);
    const isFromFirst = i32x4.eq(i32x4.max_u(four, firstOfPairs(a, b)), four);
    const isToLast = i32x4.eq(i32x4.min_u(four, secondOfPairs(a, b)), four);
    isIn = v128.or(isIn, v128.and(isFromFirst, isToLast));
  }
  return v128.any_true(isIn);
}

function isIn6(interval: usize, count: usize, from: usize): bool {
  const sign = i32x4.splat(i32.MIN_VALUE);
  const there = v128.load(from);
  // The lowest word first. Of two sets of words that are higher than others the larger number has the highest word that differs.
  const reversed = v128.shuffle<i8>(there, there, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const address = v128.xor(reversed, sign);
  let isIn = false;
  for (const end = interval + count * ALLOWED6_BYTES; interval < end; interval += ALLOWED6_BYTES) {
    const first = reversedWords(v128.load(interval), sign);
    const last = reversedWords(v128.load(interval, ALLOWED6_LAST), sign);
    const isFromFirst = i32x4.bitmask(i32x4.gt_s(address, first)) >= i32x4.bitmask(i32x4.gt_s(first, address));
    const isToLast = i32x4.bitmask(i32x4.gt_s(last, address)) >= i32x4.bitmask(i32x4.gt_s(address, last));
    isIn = isIn | (isFromFirst & isToLast);
  }
  return isIn;
}

/** Comparisons of words without signs are those with signs, when all signs are turned. */
function reversedWords(words: v128, sign: v128): v128 {
  return v128.xor(v128.shuffle<i32>(words, words, 3, 2, 1, 0), sign);
}
