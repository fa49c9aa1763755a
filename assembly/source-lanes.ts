/** Whether sources are the node's own, four packets at a time. */
import { clearMarks, G_KIND, G_SOURCE, GROUP_BYTES, marks, pinned, scratch, waitForMarked } from "./lanes";
import {
  H_FOLDS6,
  H_FOLDS6_FACTOR,
  H_FOLDS6_MASK,
  H_LOCAL,
  H_LOCAL_FACTOR,
  H_LOCAL_MASK,
  SOURCE_LOCAL,
} from "./layout";
import { section, word } from "./table";

/** Where the source is in an IPv4 header. */
const SOURCE_AT4: usize = 12;

/** Adds to the kinds of sources of IPv4 packets in scratch. */
export function sourceLanes4(list: usize, count: u32): void {
  const localAt = pinned(0, <i32>section(H_LOCAL));
  const localShift = <i32>clz(word(H_LOCAL_MASK));
  const localFactor = pinned(1, <i32>word(H_LOCAL_FACTOR));
  const blockMask = pinned(2, 0xff0000);
  const zero = pinned(3, 0);
  const local = pinned(4, SOURCE_LOCAL << 2);
  const end = scratch + ((<usize>count) << 2);
  for (let group = scratch; group < end; group += GROUP_BYTES, list += 16) {
    let source = v128.load32_zero(<usize>load<u32>(list), SOURCE_AT4);
    source = v128.load_lane<u32>(<usize>load<u32>(list, 4), source, 1, SOURCE_AT4);
    source = v128.load_lane<u32>(<usize>load<u32>(list, 8), source, 2, SOURCE_AT4);
    source = v128.load_lane<u32>(<usize>load<u32>(list, 12), source, 3, SOURCE_AT4);
    const place = i32x4.shr_u(i32x4.mul(source, localFactor), localShift);
    const at = i32x4.add(i32x4.shl(place, 3), localAt);
    let a = v128.load64_zero(<usize>i32x4.extract_lane(at, 0));
    a = v128.load_lane<u64>(<usize>i32x4.extract_lane(at, 1), a, 1);
    let b = v128.load64_zero(<usize>i32x4.extract_lane(at, 2));
    b = v128.load_lane<u64>(<usize>i32x4.extract_lane(at, 3), b, 1);
    const isSame = i32x4.eq(v128.shuffle<i32>(a, b, 0, 2, 4, 6), source);
    const isIPv4 = i32x4.eq(v128.and(v128.shuffle<i32>(a, b, 1, 3, 5, 7), blockMask), zero);
    const kind = v128.and(v128.and(isSame, isIPv4), local);
    v128.store(group, v128.or(v128.load(group, G_KIND), kind), G_KIND);
  }
}

/** Of IPv6 packets only the folded source is looked for: what is found waits for the code that knows. */
export function sourceLanes6(list: usize, count: u32): void {
  const foldsAt = pinned(0, <i32>section(H_FOLDS6));
  const foldsShift = <i32>clz(word(H_FOLDS6_MASK));
  const foldsFactor = pinned(1, <i32>word(H_FOLDS6_FACTOR));
  const end = scratch + ((<usize>count) << 2);
  let mark = marks;
  clearMarks(marks, count);
  for (let group = scratch; group < end; group += GROUP_BYTES, mark++) {
    const fold = v128.load(group, G_SOURCE);
    const place = i32x4.shr_u(i32x4.mul(fold, foldsFactor), foldsShift);
    const at = i32x4.add(i32x4.shl(place, 2), foldsAt);
    let a = v128.load32_zero(<usize>i32x4.extract_lane(at, 0));
    a = v128.load_lane<u32>(<usize>i32x4.extract_lane(at, 1), a, 1);
    a = v128.load_lane<u32>(<usize>i32x4.extract_lane(at, 2), a, 2);
    a = v128.load_lane<u32>(<usize>i32x4.extract_lane(at, 3), a, 3);
    store<u8>(mark, i32x4.bitmask(i32x4.eq(a, fold)));
  }
  waitForMarked(list, count);
}
