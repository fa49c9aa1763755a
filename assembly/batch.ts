/** Packets by the batch: see lanes.ts. */
import { answerLanes, hairpinLanes, missLanes, rowLanes, specialLanes, touchEntries } from "./answer-lanes";
import { classifyOne } from "./classify";
import {
  attention,
  CHUNK,
  fillUp,
  found,
  nobodyWaits,
  packets4,
  packets6,
  resultOf,
  wait,
  waitingPackets,
} from "./lanes";
import { parseLanes4 } from "./lanes4";
import { parseLanes6 } from "./lanes6";
import {
  CHOOSE_FLOW,
  CODES_SHIFT,
  ENTRY_SHIFT,
  H_BEHAVIOUR_COUNT,
  H_CODES,
  H_FINGERS4,
  H_FINGERS6,
  H_INTERFACE_KIND_COUNT,
  H_LOCAL_DEFAULT4,
  H_LOCAL_DEFAULT6,
  H_OTHER4,
  H_OTHER6,
  H_SLOT_MASK,
  PACKET_BYTES,
  RESULT_BYTES,
} from "./layout";
import { entryLanes, keyLanes } from "./place-lanes";
import { sourceLanes4, sourceLanes6 } from "./source-lanes";
import { section, word } from "./table";

/** Longer than any packet says it is. */
const ENDLESS: u32 = 0xffffffff;

/** Tables with more bytes of entries do not stay in the nearest caches. */
const NEAR_BYTES: u32 = 1 << 19;

/** Keeps the loads of `touchEntries` from being left out. */
let sink: u32 = 0;

// The batch at hand.
let packets: usize = 0;
let results: usize = 0;
let ofInterface: u32 = 0;
let codes: usize = 0;
let isFar: bool = false;

/** Packets of the chunk in each list. */
let count4: u32 = 0;
let count6: u32 = 0;

/** Results of lists that are not a piece of the batch. */
const listed: usize = memory.data(2112);

/** Packets in slots of PACKET_BYTES; each is as long as it says. Endpoints are chosen by flow. */
export function classifyByLanes(at: usize, count: u32, interfaceKind: u32, to: usize): void {
  packets = at;
  results = to;
  ofInterface = interfaceKind < word(H_INTERFACE_KIND_COUNT) ? interfaceKind : 1;
  codes = section(H_CODES) + ((<usize>(ofInterface * word(H_BEHAVIOUR_COUNT))) << CODES_SHIFT);
  isFar = word(H_SLOT_MASK) << ENTRY_SHIFT >= NEAR_BYTES;
  for (let done: u32 = 0; done < count; done += CHUNK) {
    const chunk = packets + <usize>done * PACKET_BYTES;
    const size = min(CHUNK, count - done);
    nobodyWaits();
    const version = commonVersion(chunk, size);
    if (version == 4) {
      listAll(packets4, chunk, size);
      ofIPv4(size, results + <usize>done * RESULT_BYTES);
    } else if (version == 6) {
      listAll(packets6, chunk, size);
      ofIPv6(size, results + <usize>done * RESULT_BYTES);
    } else {
      sort(chunk, size);
      ofIPv4(count4, listed);
      deliver(packets4, count4);
      ofIPv6(count6, listed);
      deliver(packets6, count6);
    }
    const end = attention + ((<usize>waitingPackets()) << 2);
    for (let waiting = attention; waiting < end; waiting += 4) one(<usize>load<u32>(waiting));
  }
}

/** 4 or 6 when all packets seem to have that version, and no group is left unfilled; 0 otherwise. A few of them are looked
 *  at: the others turn out to be of another version soon enough, and wait. */
function commonVersion(packet: usize, count: u32): u32 {
  if ((count & 31) != 0) return 0;
  const version = <u32>(load<u8>(packet) >> 4);
  const end = packet + <usize>count * PACKET_BYTES;
  for (packet += 5 * PACKET_BYTES; packet < end; packet += 17 * PACKET_BYTES)
    if (<u32>(load<u8>(packet) >> 4) != version) return 0;
  return version;
}

function listAll(list: usize, packet: usize, count: u32): void {
  let four = i32x4.add(i32x4.splat(<i32>packet), i32x4(0, PACKET_BYTES, 2 * PACKET_BYTES, 3 * PACKET_BYTES));
  const step = i32x4.splat(4 * PACKET_BYTES);
  const end = list + ((<usize>count) << 2);
  for (; list < end; list += 16) {
    v128.store(list, four);
    four = i32x4.add(four, step);
  }
}

/** Makes the lists of a chunk: IPv4 packets, IPv6 packets, others. */
function sort(packet: usize, count: u32): void {
  let end4 = packets4;
  let end6 = packets6;
  const end = packet + <usize>count * PACKET_BYTES;
  for (; packet < end; packet += PACKET_BYTES) {
    const version = <u32>(load<u8>(packet) >> 4);
    store<u32>(end4, <u32>packet);
    store<u32>(end6, <u32>packet);
    end4 += (<usize>(version == 4)) << 2;
    end6 += (<usize>(version == 6)) << 2;
    if (version != 4 && version != 6) wait(<u32>packet);
  }
  count4 = fillUp(packets4, <u32>((end4 - packets4) >> 2));
  count6 = fillUp(packets6, <u32>((end6 - packets6) >> 2));
}

/** Writes the results of `packets4` behind each other. */
function ofIPv4(count: u32, to: usize): void {
  if (count == 0) return;
  parseLanes4(count);
  sourceLanes4(count);
  answerAll(packets4, count, word(H_OTHER4), word(H_LOCAL_DEFAULT4), section(H_FINGERS4), false, to);
}

/** Writes the results of `packets6` behind each other. */
function ofIPv6(count: u32, to: usize): void {
  if (count == 0) return;
  parseLanes6(count);
  sourceLanes6(packets6, count);
  answerAll(packets6, count, word(H_OTHER6), word(H_LOCAL_DEFAULT6), section(H_FINGERS6), true, to);
}

function answerAll(list: usize, count: u32, other: u32, local: u32, fingers: usize, isV6: bool, to: usize): void {
  keyLanes(list, count);
  entryLanes(count);
  if (isFar) sink |= touchEntries(count);
  const misses = rowLanes(count, codes);
  if (misses != found) missLanes(list, misses, codes, other, local, isV6);
  const specials = answerLanes(count, fingers, to);
  specialLanes(list, specials, to, isV6);
  hairpinLanes(list, count, fingers, isV6);
}

/** Puts the results of a list where they belong. */
function deliver(list: usize, count: u32): void {
  const end = list + ((<usize>count) << 2);
  for (let from = listed; list < end; list += 4, from += RESULT_BYTES)
    store<u64>(resultOf(<usize>load<u32>(list), packets, results), load<u64>(from));
}

/** A packet that has to be looked at by itself. */
function one(packet: usize): void {
  classifyOne(packet, PACKET_BYTES, ENDLESS, ofInterface, CHOOSE_FLOW, 0, resultOf(packet, packets, results));
}
