/** What becomes of packets whose entries were found, four at a time: what `decide` does for one, without branches. */
import { defaultLanes } from "./default-lanes";
import { firstOf, lower, secondOf, secondOfPairs, upper, wordsAt } from "./four-words";
import { IPV4_SOURCE, IPV6_SOURCE } from "./headers";
import {
  clearMarks,
  found,
  G_AT,
  G_CODE_AT,
  G_DEFAULT,
  G_FINGER,
  G_FINGER_AT,
  G_HAIRPIN,
  G_HASH,
  G_HIT,
  G_KEY0,
  G_KEY1,
  G_KIND,
  G_ROW0,
  G_ROW1,
  GROUP_BYTES,
  groupAt,
  listMarked,
  marked,
  marks,
  note,
  pinned,
  RESULT_OF_PACKET_SHIFT,
  SLOT_SHIFT,
  scratch,
  wait,
  waitForFound,
} from "./lanes";
import {
  BLOCK_LOCAL,
  CODE_ASK_ENDPOINT,
  CODE_EXTENDED,
  CODE_HAIRPIN,
  CODE_SECOND,
  CODES_SHIFT,
  ENDPOINT4_BYTES,
  ENDPOINT6_BYTES,
  H_ENDPOINTS4,
  H_ENDPOINTS6,
  H_ENTRIES,
  KEY1_BLOCK_SHIFT,
  NO_DEFAULT,
  RESULT_BYTES,
  RESULT_ENDPOINT,
  RESULT_SLOT_SHIFT,
  ROW1_BEHAVIOUR_SHIFT,
  ROW1_COUNT_MASK,
  ROW1_SECOND_SHIFT,
  VERDICT_DNAT,
  VERDICT_MASK,
} from "./layout";
import { section } from "./table";

/** Reads the entries of the groups from `group` to `end`, and finds their codes, which begin at `codes`. Those in which lanes have
 *  no entry are added to `found`, of which the end is given; gives the new one. */
export function rowLanes(group: usize, end: usize, codes: usize, foundEnd: usize): usize {
  const codesAt = pinned(0, <i32>codes);
  for (; group < end; group += GROUP_BYTES) {
    const a = v128.load(<usize>load<u32>(group, G_AT));
    const b = v128.load(<usize>load<u32>(group, G_AT + 4));
    const c = v128.load(<usize>load<u32>(group, G_AT + 8));
    const d = v128.load(<usize>load<u32>(group, G_AT + 12));
    let ab = lower(a, b);
    let cd = lower(c, d);
    let isHit = i32x4.eq(firstOf(ab, cd), v128.load(group, G_KEY0));
    isHit = v128.and(isHit, i32x4.eq(secondOf(ab, cd), v128.load(group, G_KEY1)));
    ab = upper(a, b);
    cd = upper(c, d);
    const row1 = secondOf(ab, cd);
    v128.store(group, isHit, G_HIT);
    v128.store(group, firstOf(ab, cd), G_ROW0);
    v128.store(group, row1, G_ROW1);
    const from = i32x4.add(v128.load(group, G_KIND), codesAt);
    v128.store(group, i32x4.add(i32x4.shl(i32x4.shr_u(row1, ROW1_BEHAVIOUR_SHIFT), CODES_SHIFT), from), G_CODE_AT);
    foundEnd = note(foundEnd, group, i32x4.bitmask(isHit) ^ 15);
  }
  return foundEnd;
}

/** Finds the codes of the packets in `found` that have no entry. `other` and `local` are the default words of other addresses
 *  and of the node's own. */
export function missLanes(list: usize, foundEnd: usize, codes: usize, other: u32, local: u32, isV6: bool): void {
  defaultLanes(foundEnd, other, isV6);
  const byte = pinned(1, 0xff);
  const noDefault = pinned(2, NO_DEFAULT);
  const codesAt = pinned(3, <i32>codes);
  const localWord = pinned(4, <i32>local);
  const blockLocal = pinned(5, BLOCK_LOCAL);
  let unknownEnd = found;
  for (let at = found; at < foundEnd; at += 4) {
    const group = groupAt(at);
    const isHit = v128.load(group, G_HIT);
    const isLocal = i32x4.eq(i32x4.shr_u(v128.load(group, G_KEY1), KEY1_BLOCK_SHIFT), blockLocal);
    const fallback = v128.bitselect(localWord, v128.load(group, G_DEFAULT), isLocal);
    const isNone = i32x4.eq(fallback, noDefault);
    const from = i32x4.add(v128.load(group, G_KIND), codesAt);
    const code = i32x4.add(i32x4.shl(v128.andnot(v128.and(fallback, byte), isNone), CODES_SHIFT), from);
    v128.store(group, v128.bitselect(v128.load(group, G_CODE_AT), code, isHit), G_CODE_AT);
    // What was read of the list is overwritten: it grows no faster than it is read.
    unknownEnd = note(unknownEnd, group, i32x4.bitmask(v128.andnot(isNone, isHit)));
  }
  waitForFound(unknownEnd, list);
}

/** Reads the codes, and writes the results of all packets of `list`: to `neighbours` and behind it where the packets are neighbours, too; where
 *  it is 0, to where `results` has those of a batch that begins at `packets`. `fingers`: those of the family. Gives the end of `found`: groups
 *  with lanes in which the row or the endpoint has more to say. */
export function answerLanes(
  list: usize,
  count: u32,
  fingers: usize,
  neighbours: usize,
  packets: usize,
  results: usize,
): usize {
  const fingersAt = pinned(0, <i32>fingers);
  const entriesAt = pinned(1, <i32>section(H_ENTRIES));
  const countMask = pinned(2, ROW1_COUNT_MASK);
  const byte = pinned(3, 0xff);
  const verdictMask = pinned(4, VERDICT_MASK);
  const dnat = pinned(5, VERDICT_DNAT);
  const second = pinned(6, CODE_SECOND);
  const special = pinned(7, CODE_EXTENDED | CODE_ASK_ENDPOINT);
  const hairpin = pinned(8, CODE_HAIRPIN);
  const slotOne = pinned(9, 1 << RESULT_SLOT_SHIFT);
  const zero = pinned(10, 0);
  const packetsAt = pinned(11, <i32>packets);
  const resultsAt = pinned(12, <i32>results);
  const isOneByOne = neighbours == 0;
  // What the loop goes through besides scratch.
  let place = isOneByOne ? list : neighbours;
  const step: usize = isOneByOne ? 16 : 4 * RESULT_BYTES;
  const end = scratch + ((<usize>count) << 2);
  let foundEnd = found;
  for (let group = scratch; group < end; group += GROUP_BYTES, place += step) {
    const code = wordsAt(
      <usize>load<u32>(group, G_CODE_AT),
      <usize>load<u32>(group, G_CODE_AT + 4),
      <usize>load<u32>(group, G_CODE_AT + 8),
      <usize>load<u32>(group, G_CODE_AT + 12),
    );
    const row1 = v128.load(group, G_ROW1);
    const isHit = v128.load(group, G_HIT);
    const first = v128.and(row1, countMask);
    const isSecond = i32x4.eq(v128.and(code, second), second);
    const choices = v128.bitselect(v128.and(i32x4.shr_u(row1, ROW1_SECOND_SHIFT), countMask), first, isSecond);
    const base = i32x4.add(v128.load(group, G_ROW0), v128.and(first, isSecond));
    const hash = v128.load(group, G_HASH);
    const low64 = i64x2.extmul_low_i32x4_u(hash, choices);
    const high64 = i64x2.extmul_high_i32x4_u(hash, choices);
    const number = i32x4.add(base, secondOfPairs(low64, high64));
    const isTranslated = i32x4.eq(v128.and(code, verdictMask), dnat);
    // Without an entry there is no endpoint.
    const isHairpin = v128.and(i32x4.eq(v128.and(code, hairpin), hairpin), isHit);
    const isSpecial = v128.or(i32x4.gt_s(v128.and(code, special), zero), v128.andnot(isHairpin, isTranslated));
    foundEnd = note(foundEnd, group, i32x4.bitmask(v128.and(isSpecial, isHit)));
    // Of other lanes the endpoint may be nonsense.
    const mayBeSource = v128.andnot(isHairpin, isSpecial);
    v128.store(group, mayBeSource, G_HAIRPIN);
    v128.store(group, i32x4.add(v128.and(number, mayBeSource), fingersAt), G_FINGER_AT);

    const entry = i32x4.sub(v128.load(group, G_AT), entriesAt);
    const slot = v128.and(i32x4.add(i32x4.shl(entry, SLOT_SHIFT), slotOne), isHit);
    const low = v128.or(v128.and(code, byte), slot);
    const high = v128.or(number, v128.not(isTranslated));
    const front = lower(low, high);
    const back = upper(low, high);
    if (isOneByOne) {
      const to = i32x4.add(i32x4.shr_u(i32x4.sub(v128.load(place), packetsAt), RESULT_OF_PACKET_SHIFT), resultsAt);
      v128.store_lane<u64>(<usize>i32x4.extract_lane(to, 0), front, 0);
      v128.store_lane<u64>(<usize>i32x4.extract_lane(to, 1), front, 1);
      v128.store_lane<u64>(<usize>i32x4.extract_lane(to, 2), back, 0);
      v128.store_lane<u64>(<usize>i32x4.extract_lane(to, 3), back, 1);
    } else {
      v128.store(place, front);
      v128.store(place, back, 16);
    }
  }
  return foundEnd;
}

/** Packets of `list` wait whose endpoint is their source. If its finger is another one, it is not. */
export function hairpinLanes(list: usize, count: u32, fingers: usize, isV6: bool): void {
  const byte = pinned(0, 0xff);
  const end = scratch + ((<usize>count) << 2);
  let mark = marks;
  clearMarks(marks, count);
  for (let group = scratch; group < end; group += GROUP_BYTES, mark++) {
    let finger = v128.load8_splat(<usize>load<u32>(group, G_FINGER_AT));
    finger = v128.load_lane<u8>(<usize>load<u32>(group, G_FINGER_AT + 4), finger, 4);
    finger = v128.load_lane<u8>(<usize>load<u32>(group, G_FINGER_AT + 8), finger, 8);
    finger = v128.load_lane<u8>(<usize>load<u32>(group, G_FINGER_AT + 12), finger, 12);
    const isSame = i32x4.eq(v128.and(finger, byte), v128.load(group, G_FINGER));
    store<u8>(mark, i32x4.bitmask(v128.and(isSame, v128.load(group, G_HAIRPIN))));
  }
  const markedEnd = listMarked(count);
  for (let at = marked; at < markedEnd; at += 4) {
    const place = <usize>load<u32>(at);
    const packet = load<u32>(list + place);
    if (isEndpoint(<usize>packet, load<u32>(scratch + place, G_FINGER_AT) - <u32>fingers, isV6)) wait(packet);
  }
}

/** Asks for the entries of the packets in scratch, so that they are under way when they are needed. */
export function touchEntries(count: u32): u32 {
  let sink: u32 = 0;
  const end = scratch + ((<usize>count) << 2);
  for (let group = scratch; group < end; group += GROUP_BYTES) {
    sink |= load<u32>(<usize>load<u32>(group, G_AT));
    sink |= load<u32>(<usize>load<u32>(group, G_AT + 4));
    sink |= load<u32>(<usize>load<u32>(group, G_AT + 8));
    sink |= load<u32>(<usize>load<u32>(group, G_AT + 12));
  }
  return sink;
}

/** Whether the packet is from an endpoint. */
export function isEndpoint(packet: usize, number: u32, isV6: bool): bool {
  if (!isV6) {
    const record = section(H_ENDPOINTS4) + <usize>number * ENDPOINT4_BYTES;
    return load<u32>(record) == load<u32>(packet, IPV4_SOURCE);
  }
  const record = section(H_ENDPOINTS6) + <usize>number * ENDPOINT6_BYTES;
  return (
    load<u64>(record) == load<u64>(packet, IPV6_SOURCE) && load<u64>(record, 8) == load<u64>(packet, IPV6_SOURCE + 8)
  );
}
