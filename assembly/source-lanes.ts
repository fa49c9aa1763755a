/** Whether sources are the node's own, four packets at a time. */
import { firstOfPairs, pairsAt, secondOfPairs, wordsOf } from "./four-words";
import { IPV4_SOURCE } from "./headers";
import { clearMarks, G_KIND, G_SOURCE, GROUP_BYTES, marks, pinned, scratch, waitForMarked } from "./lanes";
import {
  CODE_SHIFT,
  H_FOLDS6,
  H_FOLDS6_FACTOR,
  H_FOLDS6_MASK,
  H_LOCAL,
  H_LOCAL_FACTOR,
  H_LOCAL_MASK,
  LOCAL_BLOCK_MASK,
  LOCAL_BLOCK_SHIFT,
  LOCAL_SHIFT,
  SOURCE_LOCAL,
} from "./layout";
import { section, word } from "./table";

/** Adds to the kinds of sources of IPv4 packets in scratch. */
export function sourceLanes4(list: usize, count: u32): void {
  const localAt = pinned(0, <i32>section(H_LOCAL));
  const localShift = <i32>clz(word(H_LOCAL_MASK));
  const localFactor = pinned(1, <i32>word(H_LOCAL_FACTOR));
  const blockMask = pinned(2, LOCAL_BLOCK_MASK << LOCAL_BLOCK_SHIFT);
  const zero = pinned(3, 0);
  const local = pinned(4, SOURCE_LOCAL << CODE_SHIFT);
  const end = scratch + ((<usize>count) << 2);
  for (let group = scratch; group < end; group += GROUP_BYTES, list += 16) {
    let source = v128.load32_zero(<usize>load<u32>(list), IPV4_SOURCE);
    source = v128.load_lane<u32>(<usize>load<u32>(list, 4), source, 1, IPV4_SOURCE);
    source = v128.load_lane<u32>(<usize>load<u32>(list, 8), source, 2, IPV4_SOURCE);
    source = v128.load_lane<u32>(<usize>load<u32>(list, 12), source, 3, IPV4_SOURCE);
    const place = i32x4.shr_u(i32x4.mul(source, localFactor), localShift);
    const at = i32x4.add(i32x4.shl(place, LOCAL_SHIFT), localAt);
    const a = pairsAt(<usize>i32x4.extract_lane(at, 0), <usize>i32x4.extract_lane(at, 1));
    const b = pairsAt(<usize>i32x4.extract_lane(at, 2), <usize>i32x4.extract_lane(at, 3));
    const isSame = i32x4.eq(firstOfPairs(a, b), source);
    const isIPv4 = i32x4.eq(v128.and(secondOfPairs(a, b), blockMask), zero);
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
    store<u8>(mark, i32x4.bitmask(i32x4.eq(wordsOf(at), fold)));
  }
  waitForMarked(list, count);
}
