/** What becomes of packets whose entries were found, four at a time. */

import {
  G_DEFAULT,
  G_ENTRY,
  G_FINGER,
  G_HASH,
  G_KEY0,
  G_KEY1,
  G_KIND,
  GROUP_BYTES, pinned,
  resultOf,
  scratch,
  waitFor,
} from "./lanes";
import {
  CODE_ASK_ENDPOINT,
  CODE_EXTENDED,
  CODE_HAIRPIN,
  CODE_SECOND,
  H_ENTRIES,
  NO_DEFAULT,
  ROW1_COUNT_MASK,
  VERDICT_DNAT,
  VERDICT_MASK,
} from "./layout";
import { section } from "./table";

/** Writes the results of the packets of `list`. `codes`: those of the interface kind; `fingers`: those of the family. */
export function answerLanes(
  list: usize,
  count: u32,
  codes: usize,
  fingers: usize,
  packets: usize,
  results: usize,
): void {
  const codesAt = pinned(0, <i32>codes);
  const fingersAt = pinned(1, <i32>fingers);
  const entriesAt = pinned(2, <i32>section(H_ENTRIES));
  const countMask = pinned(3, ROW1_COUNT_MASK);
  const byte = pinned(4, 0xff);
  const verdictMask = pinned(5, VERDICT_MASK);
  const dnat = pinned(6, VERDICT_DNAT);
  const second = pinned(7, CODE_SECOND);
  const special = pinned(8, CODE_EXTENDED | CODE_ASK_ENDPOINT);
  const hairpin = pinned(9, CODE_HAIRPIN);
  const noDefault = pinned(10, NO_DEFAULT);
  const zero = pinned(11, 0);
  const one = pinned(12, 256);
  const all = pinned(13, -1);
  const end = list + ((<usize>count) << 2);
  for (let group = scratch; list < end; list += 16, group += GROUP_BYTES) {
    const at = v128.load(group, G_ENTRY);
    const a = v128.load(<usize>i32x4.extract_lane(at, 0));
    const b = v128.load(<usize>i32x4.extract_lane(at, 1));
    const c = v128.load(<usize>i32x4.extract_lane(at, 2));
    const d = v128.load(<usize>i32x4.extract_lane(at, 3));
    let ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
    let cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    let isHit = i32x4.eq(v128.shuffle<i64>(ab, cd, 0, 2), v128.load(group, G_KEY0));
    isHit = v128.and(isHit, i32x4.eq(v128.shuffle<i64>(ab, cd, 1, 3), v128.load(group, G_KEY1)));
    ab = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    cd = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    const row0 = v128.shuffle<i64>(ab, cd, 0, 2);
    const row1 = v128.shuffle<i64>(ab, cd, 1, 3);

    const fallback = v128.load(group, G_DEFAULT);
    const isNone = i32x4.eq(fallback, noDefault);
    const byDefault = v128.andnot(v128.and(fallback, byte), isNone);
    const behaviour = v128.bitselect(i32x4.shr_u(row1, 24), byDefault, isHit);
    const codeAt = i32x4.add(i32x4.add(i32x4.shl(behaviour, 6), v128.load(group, G_KIND)), codesAt);
    let code = v128.load32_zero(<usize>i32x4.extract_lane(codeAt, 0));
    code = v128.load_lane<u32>(<usize>i32x4.extract_lane(codeAt, 1), code, 1);
    code = v128.load_lane<u32>(<usize>i32x4.extract_lane(codeAt, 2), code, 2);
    code = v128.load_lane<u32>(<usize>i32x4.extract_lane(codeAt, 3), code, 3);

    const first = v128.and(row1, countMask);
    const isSecond = i32x4.eq(v128.and(code, second), second);
    const choices = v128.bitselect(v128.and(i32x4.shr_u(row1, 12), countMask), first, isSecond);
    const base = i32x4.add(row0, v128.and(first, isSecond));
    const hash = v128.load(group, G_HASH);
    const index = v128.shuffle<i32>(
      i64x2.extmul_low_i32x4_u(hash, choices),
      i64x2.extmul_high_i32x4_u(hash, choices),
      1,
      3,
      5,
      7,
    );
    const endpoint = i32x4.add(base, index);
    const isTranslated = i32x4.eq(v128.and(code, verdictMask), dnat);

    // Whether the endpoint is the source: if its finger is another one, it is not.
    const isSpecial = i32x4.gt_s(v128.and(code, special), zero);
    const isHairpin = v128.andnot(i32x4.eq(v128.and(code, hairpin), hairpin), isSpecial);
    const fingerAt = i32x4.add(v128.and(endpoint, v128.and(isHairpin, isHit)), fingersAt);
    let finger = v128.load8_splat(<usize>i32x4.extract_lane(fingerAt, 0));
    finger = v128.load_lane<u8>(<usize>i32x4.extract_lane(fingerAt, 1), finger, 4);
    finger = v128.load_lane<u8>(<usize>i32x4.extract_lane(fingerAt, 2), finger, 8);
    finger = v128.load_lane<u8>(<usize>i32x4.extract_lane(fingerAt, 3), finger, 12);
    finger = v128.and(finger, byte);
    const isSame = i32x4.eq(finger, v128.load(group, G_FINGER));
    let unsettled = v128.and(isHairpin, v128.or(isSame, v128.not(isTranslated)));
    unsettled = v128.or(unsettled, isSpecial);
    unsettled = v128.or(unsettled, v128.andnot(isNone, isHit));
    const slow = i32x4.bitmask(unsettled);
    if (slow != 0) waitFor(list, slow);

    const slot = v128.and(i32x4.add(i32x4.shl(i32x4.sub(at, entriesAt), 4), one), isHit);
    const low = v128.or(v128.and(code, byte), slot);
    const high = v128.bitselect(endpoint, all, isTranslated);
    const front = v128.shuffle<i32>(low, high, 0, 4, 1, 5);
    const back = v128.shuffle<i32>(low, high, 2, 6, 3, 7);
    v128.store_lane<u64>(resultOf(<usize>load<u32>(list), packets, results), front, 0);
    v128.store_lane<u64>(resultOf(<usize>load<u32>(list, 4), packets, results), front, 1);
    v128.store_lane<u64>(resultOf(<usize>load<u32>(list, 8), packets, results), back, 0);
    v128.store_lane<u64>(resultOf(<usize>load<u32>(list, 12), packets, results), back, 1);
  }
}

/** Asks for the entries of the packets in scratch, so that they are under way when they are needed. */
export function touchEntries(count: u32): u32 {
  let sink: u32 = 0;
  const end = scratch + (<usize>count >> 2) * GROUP_BYTES;
  for (let group = scratch; group < end; group += GROUP_BYTES) {
    sink |= load<u32>(<usize>load<u32>(group, G_ENTRY));
    sink |= load<u32>(<usize>load<u32>(group, G_ENTRY + 4));
    sink |= load<u32>(<usize>load<u32>(group, G_ENTRY + 8));
    sink |= load<u32>(<usize>load<u32>(group, G_ENTRY + 12));
  }
  return sink;
}
