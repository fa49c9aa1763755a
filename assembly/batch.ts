/** Packets by the batch: see lanes.ts. */
import { answerLanes, hairpinLanes, missLanes, rowLanes, touchEntries } from "./answer-lanes";
import { classifyOne } from "./classify";
import { specialLanes } from "./extended-lanes";
import {
  again,
  attention,
  CHUNK,
  fillUp,
  found,
  GROUP_BYTES,
  MIXED,
  nobodyWaits,
  packets4,
  packets6,
  pinned,
  resultOf,
  scratch,
  waitForAll,
  waitForMarked,
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
  H_INTERFACE_CLASS_COUNT,
  H_LOCAL_DEFAULT4,
  H_LOCAL_DEFAULT6,
  H_OTHER4,
  H_OTHER6,
  H_SLOT_MASK,
  PACKET_BYTES,
  RESULT_BYTES,
} from "./layout";
import { common4, common6, hasCommonBits } from "./local-filter";
import {
  copiedPackets,
  copiesList,
  fillCopies,
  forgetCopies,
  originals,
  sortOdd4,
  sortOdd6,
  writeSettled,
} from "./odd-lanes";
import { againEnd, entryLanes, kindLanes, localLanes, replaceLocal, suspectLanes } from "./place-lanes";
import { sourceLanes4, sourceLanes6 } from "./source-lanes";
import { doesAskSources } from "./source-questions";
import { section, word } from "./table";

/** Longer than any packet says it is. */
const ENDLESS: u32 = 0xffffffff;

/** Tables with more bytes of entries do not stay in the nearest caches. */
const NEAR_BYTES: u32 = 1 << 19;

/** Fewer copies are not worth a chunk. */
const FEW_COPIES: u32 = 8;

/** Keeps the loads of `touchEntries` from being left out. */
let sink: u32 = 0;

// The batch at hand.
let packets: usize = 0;
let results: usize = 0;
let ofInterface: u32 = 0;
let codes: usize = 0;
let isFar: bool = false;
let asksSources: bool = false;

/** Packets of the chunk in each list. */
let count4: u32 = 0;
let count6: u32 = 0;

/** Packets in slots of PACKET_BYTES; each is as long as it says. Endpoints are chosen by flow. */
export function classifyByLanes(at: usize, count: u32, interfaceClass: u32, to: usize): void {
  packets = at;
  results = to;
  ofInterface = interfaceClass < word(H_INTERFACE_CLASS_COUNT) ? interfaceClass : 1;
  codes = section(H_CODES) + ((<usize>(ofInterface * word(H_BEHAVIOUR_COUNT))) << CODES_SHIFT);
  asksSources = doesAskSources(ofInterface);
  isFar = word(H_SLOT_MASK) << ENTRY_SHIFT >= NEAR_BYTES;
  for (let done: u32 = 0; done < count; ) {
    const chunk = packets + <usize>done * PACKET_BYTES;
    let size = min(CHUNK, count - done);
    nobodyWaits();
    const version = commonVersion(chunk, size);
    if (version == 4) {
      listAll(packets4, chunk, size);
      ofIPv4(packets4, size, results + <usize>done * RESULT_BYTES);
    } else if (version == 6) {
      listAll(packets6, chunk, size);
      ofIPv6(packets6, size, results + <usize>done * RESULT_BYTES);
    } else {
      size = min(MIXED, count - done);
      sort(chunk, size);
      for (let from: u32 = 0; from < count4; from += CHUNK) {
        const list = packets4 + ((<usize>from) << 2);
        const some = min(CHUNK, count4 - from);
        ofIPv4(list, some, 0);
      }
      for (let from: u32 = 0; from < count6; from += CHUNK) {
        const list = packets6 + ((<usize>from) << 2);
        const some = min(CHUNK, count6 - from);
        ofIPv6(list, some, 0);
      }
    }
    attend();
    done += size;
    if (copiedPackets() >= (done < count ? CHUNK / 2 : 1)) ofCopies();
  }
}

/** The packets of the chunk that its stages have not done with. */
function attend(): void {
  writeSettled(packets, results);
  const end = attention + ((<usize>waitingPackets()) << 2);
  for (let waiting = attention; waiting < end; waiting += 4) one(<usize>load<u32>(waiting));
}

/** The packets that have been copied without their options, of all chunks so far. */
function ofCopies(): void {
  if (copiedPackets() < FEW_COPIES) {
    waitForAll(originals, copiedPackets());
  } else {
    nobodyWaits();
    const count = fillCopies();
    parseLanes4(copiesList, count);
    waitForMarked(originals, count);
    decide4(originals, count, 0);
  }
  attend();
  forgetCopies();
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
  let four = neighbours(packet);
  const step = i32x4.splat(4 * PACKET_BYTES);
  const end = list + ((<usize>count) << 2);
  for (; list < end; list += 16) {
    v128.store(list, four);
    four = i32x4.add(four, step);
  }
}

/** The addresses of four packets behind each other. */
function neighbours(packet: usize): v128 {
  return i32x4.add(i32x4.splat(<i32>packet), i32x4(0, PACKET_BYTES, 2 * PACKET_BYTES, 3 * PACKET_BYTES));
}

/** Makes the lists of a chunk: IPv4 packets, and others, of which those that are not IPv6 will wait. */
function sort(packet: usize, count: u32): void {
  let end4 = packets4;
  let end6 = packets6;
  const highNibble = pinned(0, 0xf0);
  const four = pinned(1, 0x40);
  const step = pinned(2, 4 * PACKET_BYTES);
  let addresses = neighbours(packet);
  const end = packet + <usize>(count & ~3) * PACKET_BYTES;
  for (; packet < end; packet += 4 * PACKET_BYTES) {
    let first = v128.load8_splat(packet);
    first = v128.load_lane<u8>(packet, first, 4, PACKET_BYTES);
    first = v128.load_lane<u8>(packet, first, 8, 2 * PACKET_BYTES);
    first = v128.load_lane<u8>(packet, first, 12, 3 * PACKET_BYTES);
    const lanes = <usize>i32x4.bitmask(i32x4.eq(v128.and(first, highNibble), four));
    v128.store(end4, i8x16.swizzle(addresses, v128.load(orders + (lanes << 4))));
    v128.store(end6, i8x16.swizzle(addresses, v128.load(orders + ((lanes ^ 15) << 4))));
    const bytes = popcnt(lanes) << 2;
    end4 += bytes;
    end6 += 16 - bytes;
    addresses = i32x4.add(addresses, step);
  }
  for (let left = count & 3; left != 0; left--, packet += PACKET_BYTES) {
    const bytes = (<usize>((load<u8>(packet) & 0xf0) == 0x40)) << 2;
    store<u32>(end4, <u32>packet);
    store<u32>(end6, <u32>packet);
    end4 += bytes;
    end6 += 4 - bytes;
  }
  count4 = fillUp(packets4, <u32>((end4 - packets4) >> 2));
  count6 = fillUp(packets6, <u32>((end6 - packets6) >> 2));
}

/** For each set of lanes, a bit each, how a shuffle brings these to the front. */
const orders: usize = memory.data(256);

for (let lanes: usize = 0; lanes < 16; lanes++) {
  let to = orders + (lanes << 4);
  for (let lane: usize = 0; lane < 4; lane++) {
    if (((lanes >> lane) & 1) == 0) continue;
    store<u32>(to, 0x03020100 + <u32>lane * 0x04040404);
    to += 4;
  }
}

/** Writes the results of the packets of `list`: see `answerLanes`. */
function ofIPv4(list: usize, count: u32, to: usize): void {
  parseLanes4(list, count);
  sortOdd4(list, count);
  decide4(list, count, to);
}

/** What becomes of packets that were parsed. */
function decide4(list: usize, count: u32, to: usize): void {
  if (asksSources) sourceLanes4(list, count);
  answerAll(list, count, word(H_OTHER4), word(H_LOCAL_DEFAULT4), section(H_FINGERS4), false, to);
}

/** Likewise. */
function ofIPv6(list: usize, count: u32, to: usize): void {
  parseLanes6(list, count);
  sortOdd6(list, count);
  if (asksSources) sourceLanes6(list, count);
  answerAll(list, count, word(H_OTHER6), word(H_LOCAL_DEFAULT6), section(H_FINGERS6), true, to);
}

function answerAll(list: usize, count: u32, other: u32, local: u32, fingers: usize, isV6: bool, to: usize): void {
  const end = scratch + ((<usize>count) << 2);
  const isEarly = hasCommonBits(isV6 ? common6 : common4);
  if (againEnd != again) replaceLocal();
  entryLanes(scratch, end);
  if (isFar) sink |= touchEntries(count);
  let misses = rowLanes(scratch, scratch + ((<usize>count) << 2), codes, found);
  if (misses != found) {
    if (!isEarly) misses = suspectLanes(misses, isV6);
    if (againEnd != again) misses = localLanes(misses, true);
    if (againEnd != again) {
      kindLanes();
      for (let at = again; at < againEnd; at += 4) {
        const group = <usize>load<u32>(at);
        misses = rowLanes(group, group + GROUP_BYTES, codes, misses);
      }
    }
    if (misses != found) missLanes(list, misses, codes, other, local, isV6);
  }
  const specials = answerLanes(list, count, fingers, to, packets, results);
  specialLanes(list, specials, packets, results, isV6);
  hairpinLanes(list, count, fingers, isV6);
}

/** A packet that has to be looked at by itself. */
function one(packet: usize): void {
  classifyOne(packet, PACKET_BYTES, ENDLESS, ofInterface, CHOOSE_FLOW, 0, resultOf(packet, packets, results));
}
