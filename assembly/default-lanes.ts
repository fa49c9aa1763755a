/** What destinations get that have no entry, four at a time. */
import { found, G_DEFAULT, G_KEY0, G_KEY1, groupAt, pinned } from "./lanes";
import {
  H_WINDOW_COUNT,
  H_WINDOWS,
  KEY1_BLOCK_SHIFT,
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

/** Notes the default words of the groups in `found` up to `foundEnd`, but for the node's own addresses: `other` is that of
 *  addresses outside of all windows. */
export function defaultLanes(foundEnd: usize, other: u32, isV6: bool): void {
  const otherWord = pinned(0, <i32>other);
  for (let at = found; at < foundEnd; at += 4) v128.store(groupAt(at), otherWord, G_DEFAULT);
  let window = section(H_WINDOWS);
  const end = window + <usize>word(H_WINDOW_COUNT) * WINDOW_BYTES;
  for (; window < end; window += WINDOW_BYTES)
    if ((load<u32>(window, WINDOW_BLOCK) != 0) == isV6) lookThrough(window, foundEnd);
}

/** The default words of those destinations that have a bit in `window`. */
function lookThrough(window: usize, foundEnd: usize): void {
  const first = pinned(0, <i32>(bswap<u32>(load<u32>(window, WINDOW_KEY0)) + load<u32>(window, WINDOW_FIRST)));
  const last = pinned(1, <i32>(load<u32>(window, WINDOW_COUNT) - 1));
  const bitsAt = pinned(2, <i32>(table + <usize>load<u32>(window, WINDOW_BITS)));
  const blockHere = pinned(3, <i32>load<u32>(window, WINDOW_BLOCK));
  const unset = pinned(4, <i32>load<u32>(window, WINDOW_UNSET));
  const set = pinned(5, <i32>load<u32>(window, WINDOW_SET));
  const seven = pinned(6, 7);
  const beyond = pinned(7, <i32>0xffffff00);
  const zero = pinned(8, 0);
  v128.store(powers, i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0));
  const powersOfTwo = v128.load(powers);
  for (let each = found; each < foundEnd; each += 4) {
    const group = groupAt(each);
    const key0 = v128.load(group, G_KEY0);
    const host = v128.shuffle<i8>(key0, key0, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    const bit = i32x4.sub(host, first);
    // Addresses outside are taken for the last one, and left as they were.
    const bounded = i32x4.min_u(bit, last);
    const block = i32x4.shr_u(v128.load(group, G_KEY1), KEY1_BLOCK_SHIFT);
    const isInside = v128.and(i32x4.eq(bit, bounded), i32x4.eq(block, blockHere));
    const at = i32x4.add(i32x4.shr_u(bounded, 3), bitsAt);
    let byte = v128.load8_splat(<usize>i32x4.extract_lane(at, 0));
    byte = v128.load_lane<u8>(<usize>i32x4.extract_lane(at, 1), byte, 4);
    byte = v128.load_lane<u8>(<usize>i32x4.extract_lane(at, 2), byte, 8);
    byte = v128.load_lane<u8>(<usize>i32x4.extract_lane(at, 3), byte, 12);
    // In each lane the power of two of its bit; indices beyond fifteen give zeros.
    const power = i8x16.swizzle(powersOfTwo, v128.or(v128.and(bounded, seven), beyond));
    const isUnset = i32x4.eq(v128.and(byte, power), zero);
    const own = v128.bitselect(unset, set, isUnset);
    v128.store(group, v128.bitselect(own, v128.load(group, G_DEFAULT), isInside), G_DEFAULT);
  }
}

const powers: usize = memory.data(16);
