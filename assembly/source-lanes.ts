/** Whether sources are the node's own, four packets at a time. */
import { found, G_KIND, G_SOURCE, G_SOURCE_AT, GROUP_BYTES, note, pinned, scratch, waitForFound } from "./lanes";
import { SOURCE_LOCAL } from "./layout";

/** Adds to the kinds of sources of IPv4 packets in scratch. */
export function sourceLanes4(count: u32): void {
  const blockMask = pinned(0, 0xff0000);
  const zero = pinned(1, 0);
  const local = pinned(2, SOURCE_LOCAL << 2);
  const end = scratch + (<usize>count >> 2) * GROUP_BYTES;
  for (let group = scratch; group < end; group += GROUP_BYTES) {
    let a = v128.load64_zero(<usize>load<u32>(group, G_SOURCE_AT));
    a = v128.load_lane<u64>(<usize>load<u32>(group, G_SOURCE_AT + 4), a, 1);
    let b = v128.load64_zero(<usize>load<u32>(group, G_SOURCE_AT + 8));
    b = v128.load_lane<u64>(<usize>load<u32>(group, G_SOURCE_AT + 12), b, 1);
    const isSame = i32x4.eq(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.load(group, G_SOURCE));
    const isIPv4 = i32x4.eq(v128.and(v128.shuffle<i32>(a, b, 1, 3, 5, 7), blockMask), zero);
    const kind = v128.and(v128.and(isSame, isIPv4), local);
    v128.store(group, v128.or(v128.load(group, G_KIND), kind), G_KIND);
  }
}

/** Of IPv6 packets only the folded source is looked for: what is found waits for the code that knows. */
export function sourceLanes6(list: usize, count: u32): void {
  const end = scratch + (<usize>count >> 2) * GROUP_BYTES;
  let foundEnd = found;
  for (let group = scratch; group < end; group += GROUP_BYTES) {
    let a = v128.load32_zero(<usize>load<u32>(group, G_SOURCE_AT));
    a = v128.load_lane<u32>(<usize>load<u32>(group, G_SOURCE_AT + 4), a, 1);
    a = v128.load_lane<u32>(<usize>load<u32>(group, G_SOURCE_AT + 8), a, 2);
    a = v128.load_lane<u32>(<usize>load<u32>(group, G_SOURCE_AT + 12), a, 3);
    foundEnd = note(foundEnd, group, i32x4.bitmask(i32x4.eq(a, v128.load(group, G_SOURCE))));
  }
  waitForFound(foundEnd, list);
}
