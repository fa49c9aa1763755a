/**
 * What the stages of a batch hand on: four packets at a time, a lane each. A stage goes over a whole chunk before the next one
 * begins, so that what one packet waits for from memory and what the next one waits for is under way at the same time.
 */
import { ENTRY_SHIFT, RESULT_SLOT_SHIFT } from "./layout";

/** Packets in a chunk, and groups of four. */
export const CHUNK: u32 = 768;
const GROUPS: i32 = 192;
/** Packets of both families that are sorted at a time: about a chunk of each. */
export const MIXED: u32 = 1344;

/** The chunk's packets by family, as addresses. Room for three more: groups of four are filled up. */
export const packets4: usize = memory.data(32 * GROUPS + 16);
export const packets6: usize = memory.data(32 * GROUPS + 16);
/** Packets that have to be looked at one by one. */
export const attention: usize = memory.data(256 * GROUPS);

/** Packets in scratch, four to a vector: for each of these fields a vector for each group. A little more than those lies
 *  between fields, or some of them would have the same place in the nearest cache. */
const FIELD: i32 = 16 * GROUPS + 16;
/** The keys that are looked for. */
export const G_KEY0: usize = 0;
export const G_KEY1: usize = FIELD;
/** The kind of source, times four. */
export const G_KIND: usize = 2 * FIELD;
/** The flow's hash, and the source's finger. */
export const G_HASH: usize = 3 * FIELD;
export const G_FINGER: usize = 4 * FIELD;
/** The source of IPv6 packets, folded to a word. */
export const G_SOURCE: usize = 5 * FIELD;
/** Where the next thing to be read is: a pilot, an entry. */
export const G_AT: usize = 6 * FIELD;
/** The second half of the key's hash; then, all ones for those with an entry. */
export const G_MIX: usize = 7 * FIELD;
export const G_HIT: usize = 7 * FIELD;
/** The entry's rows. */
export const G_ROW0: usize = 8 * FIELD;
export const G_ROW1: usize = 9 * FIELD;
/** Where the code is. */
export const G_CODE_AT: usize = 10 * FIELD;
/** What those without an entry get. */
export const G_DEFAULT: usize = 5 * FIELD;
/** Where the endpoint's finger is, and all ones where the endpoint may be the source. */
export const G_FINGER_AT: usize = 0;
export const G_HAIRPIN: usize = 1 * FIELD;
/** The next group: as far as in the list of packets. */
export const GROUP_BYTES: usize = 16;

/** Begins at a multiple of 16. */
export const scratch: usize = memory.data(11 * FIELD);

const pins: usize = memory.data(512);

/** `value` in all lanes, by way of memory: a constant that a loop uses would be made anew at each use. */
export function pinned(number: usize, value: i32): v128 {
  const at = pins + (number << 4);
  v128.store(at, i32x4.splat(value));
  return v128.load(at);
}

/** Groups of which a stage has found something: words with their places in scratch, and the lanes in the four lowest bits. */
export const found: usize = memory.data(4 * GROUPS + 16);

/** Notes a group at `end` of the list `found`, if one of its lanes has its bit set. Gives the new end. */
export function note(end: usize, group: usize, lanes: i32): usize {
  store<u32>(end, <u32>group | <u32>lanes);
  return end + ((<usize>(lanes != 0)) << 2);
}

/** The place of the group that was noted. */
export function groupAt(noted: usize): usize {
  return <usize>(load<u32>(noted) & ~15);
}

/** The lanes that were noted. */
export function lanesAt(noted: usize): u32 {
  return load<u32>(noted) & 15;
}

/** Number of packets in `attention`. */
let waiting: u32 = 0;

export function waitingPackets(): u32 {
  return waiting;
}

export function nobodyWaits(): void {
  waiting = 0;
}

/** Notes the packet at `packet`. */
export function wait(packet: u32): void {
  store<u32>(attention + ((<usize>waiting) << 2), packet);
  waiting++;
}

/** Notes the packets of `list`, and no others. */
export function waitForAll(list: usize, count: u32): void {
  memory.copy(attention, list, (<usize>count) << 2);
  waiting = count;
}

/** Notes the packet if it is to wait, without a branch. */
export function waitIf(packet: usize, is: bool): void {
  store<u32>(attention + ((<usize>waiting) << 2), <u32>packet);
  waiting += <u32>is;
}

/** Notes the packets of `list` that are in `found` up to `end`. */
export function waitForFound(end: usize, list: usize): void {
  for (let at = found; at < end; at += 4) {
    const packets = list + (groupAt(at) - scratch);
    for (let lanes = lanesAt(at); lanes != 0; lanes &= lanes - 1) wait(load<u32>(packets + (ctz(lanes) << 2)));
  }
}

/** The lanes that a stage has marked: a byte for each group, a bit for each lane; and room for the end's marks. */
export const marks: usize = memory.data(GROUPS + 8);
/** Groups that are looked up once more. */
export const again: usize = memory.data(4 * GROUPS + 16);

/** Groups behind the last one have no marks. */
export function clearMarks(at: usize, count: u32): void {
  store<u64>(at + ((<usize>count >> 2) & ~7), 0);
}

/** Words of `marks` that are not empty, and the marked lanes. */
const markedWords: usize = memory.data(2 * GROUPS);
export const marked: usize = memory.data(16 * GROUPS);

/** Lists the lanes that are marked, as places in a list of words, in `marked`. Gives the end. */
export function listMarked(count: u32): usize {
  // Which words have marks cannot be foretold: nothing branches upon it.
  let wordsEnd = markedWords;
  const marksEnd = marks + (<usize>count >> 2);
  for (let at = marks; at < marksEnd; at += 8) {
    store<u32>(wordsEnd, <u32>at);
    wordsEnd += (<usize>(load<u64>(at) != 0)) << 2;
  }
  let end = marked;
  for (let each = markedWords; each < wordsEnd; each += 4) {
    const at = <usize>load<u32>(each);
    const first = (at - marks) << 4;
    for (let lanes = load<u64>(at); lanes != 0; lanes &= lanes - 1, end += 4) {
      const bit = <usize>ctz(lanes);
      store<u32>(end, <u32>(first + ((bit >> 3) << 4) + ((bit & 7) << 2)));
    }
  }
  return end;
}

/** Notes the packets of `list` that are marked. */
export function waitForMarked(list: usize, count: u32): void {
  const end = listMarked(count);
  for (let at = marked; at < end; at += 4) wait(load<u32>(list + <usize>load<u32>(at)));
}

/** Fills the group that a list of `count` packets ends in, by repeating the last one. Gives how many there are then. */
export function fillUp(list: usize, count: u32): u32 {
  const full = (count + 3) & ~3;
  for (let at = count; at < full; at++)
    store<u32>(list + ((<usize>at) << 2), load<u32>(list + ((<usize>count) << 2) - 4));
  return full;
}

/** From the bytes before an entry to the number of its slot in a result. */
export const SLOT_SHIFT: i32 = RESULT_SLOT_SHIFT - ENTRY_SHIFT;

/** Slots are eight times as long as results. */
export const RESULT_OF_PACKET_SHIFT: i32 = 3;

/** The result of the packet at `packet`. */
export function resultOf(packet: usize, packets: usize, results: usize): usize {
  return results + ((packet - packets) >> RESULT_OF_PACKET_SHIFT);
}
