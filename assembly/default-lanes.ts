/** What destinations get that have no entry, four at a time. */
import { G_DESTINATION, G_KEY1, G_LOCAL } from "./lanes";
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

/** The default words of a group; at `other` is that of addresses outside of all
 *  windows, at `local` that of the node's own, in all lanes. */
export function defaultsOf(group: usize, other: usize, local: usize): v128 {
  let found = v128.load(other);
  let window = section(H_WINDOWS);
  const end = window + <usize>word(H_WINDOW_COUNT) * WINDOW_BYTES;
  const block = i32x4.shr_u(v128.load(group, G_KEY1), KEY1_BLOCK_SHIFT);
  for (; window < end; window += WINDOW_BYTES) found = through(window, v128.load(group, G_DESTINATION), block, found);
  return v128.bitselect(v128.load(local), found, v128.load(group, G_LOCAL));
}

/** The default words of those destinations that have a bit in `window`; the others as they were. */
function through(window: usize, key0: v128, block: v128, otherwise: v128): v128 {
  const host = v128.shuffle<i8>(key0, key0, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  const first = <i32>(bswap<u32>(load<u32>(window, WINDOW_KEY0)) + load<u32>(window, WINDOW_FIRST));
  const bit = i32x4.sub(host, i32x4.splat(first));
  // Addresses outside are taken for the last one, and left as they were.
  const bounded = i32x4.min_u(bit, i32x4.splat(<i32>(load<u32>(window, WINDOW_COUNT) - 1)));
  const isInside = v128.and(i32x4.eq(bit, bounded), i32x4.eq(block, v128.load32_splat(window + WINDOW_BLOCK)));
  const bits = table + <usize>load<u32>(window, WINDOW_BITS);
  const at = i32x4.shr_u(bounded, 3);
  let byte = v128.load8_splat(bits + <usize>i32x4.extract_lane(at, 0));
  byte = v128.load_lane<u8>(bits + <usize>i32x4.extract_lane(at, 1), byte, 4);
  byte = v128.load_lane<u8>(bits + <usize>i32x4.extract_lane(at, 2), byte, 8);
  byte = v128.load_lane<u8>(bits + <usize>i32x4.extract_lane(at, 3), byte, 12);
  // In each lane the power of two of its bit; indices beyond fifteen give zeros.
  const index = v128.or(v128.and(bounded, i32x4.splat(7)), i32x4.splat(<i32>0xffffff00));
  const power = i8x16.swizzle(i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0), index);
  const isUnset = i32x4.eq(v128.and(byte, power), i32x4.splat(0));
  const own = v128.bitselect(v128.load32_splat(window + WINDOW_UNSET), v128.load32_splat(window + WINDOW_SET), isUnset);
  return v128.bitselect(own, otherwise, isInside);
}
