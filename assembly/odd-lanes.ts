/**
 * Packets that are not plain, as the parsers have marked them. Most are of a few kinds: what becomes of later fragments is known already, and
 * what has options is a plain packet without them. Others wait for `parse`.
 */
import {
  DESTINATION_OPTIONS,
  EXTENSION_LENGTH,
  EXTENSION_NEXT,
  FRAGMENT,
  FRAGMENT_FIELD,
  FRAGMENT_MORE,
  FRAGMENT_OFFSET_MASK,
  IPV4_BYTES,
  IPV4_DESTINATION,
  IPV4_FRAGMENT,
  IPV4_FRAGMENT_OFFSET_MASK,
  IPV4_MORE_FRAGMENTS,
  IPV4_PLAIN,
  IPV4_TOTAL_LENGTH,
  IPV6_BYTES,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  TCP,
  TCP_BYTES,
} from "./headers";
import { CHUNK, fillUp, listMarked, marked, resultOf, waitIf } from "./lanes";
import { NO_ENDPOINT, PACKET_BYTES, RESULT_ENDPOINT, VERDICT_FRAGMENT, VERDICT_UNSEEN } from "./layout";

/** Packets whose verdict is known: their addresses, and verdicts. */
const settled: usize = memory.data(8 * CHUNK + 8);
let settledEnd: usize = settled;

/** Notes a packet, and whether it counts. */
function settle(packet: usize, verdict: u32, is: bool): void {
  store<u32>(settledEnd, <u32>packet);
  store<u32>(settledEnd, verdict, 4);
  settledEnd += (<usize>is) << 3;
}

/** Writes the results of the packets that were settled. */
export function writeSettled(packets: usize, results: usize): void {
  for (let at = settled; at < settledEnd; at += 8) {
    const result = resultOf(<usize>load<u32>(at), packets, results);
    store<u64>(result, <u64>load<u32>(at, 4) | ((<u64>NO_ENDPOINT) << (RESULT_ENDPOINT << 3)));
  }
  settledEnd = settled;
}

/** Copies of packets without their options, the list of their addresses, and that of the packets that they are of. */
const copies: usize = memory.data(PACKET_BYTES * CHUNK + PACKET_BYTES, 64);
export const copiesList: usize = memory.data(4 * CHUNK + 16);
export const originals: usize = memory.data(4 * CHUNK + 16);
let copied: u32 = 0;

/** How many copies there are. */
export function copiedPackets(): u32 {
  return copied;
}

/** Fills the groups of the copies up. Gives how many there are then. */
export function fillCopies(): u32 {
  fillUp(copiesList, copied);
  return fillUp(originals, copied);
}

export function forgetCopies(): void {
  copied = 0;
}

/** The first byte of packets with as many options as there can be. */
const IPV4_LONGEST: u32 = 0x4f;
/** From this many bytes of header on the transport header may be behind the packet's slot. */
const SEEN_HEADER: u32 = PACKET_BYTES - TCP_BYTES;

function big16(at: usize): u32 {
  return <u32>bswap<u16>(load<u16>(at));
}

/** The marked packets of `list`, of IPv4 or of no version at all. */
export function sortOdd4(list: usize, count: u32): void {
  const end = listMarked(count);
  // Which kind is next cannot be foretold: nothing branches upon it.
  for (let at = marked; at < end; at += 4) {
    const packet = <usize>load<u32>(list + <usize>load<u32>(at));
    const first = <u32>load<u8>(packet);
    const header = (first & 15) << 2;
    const total = big16(packet + IPV4_TOTAL_LENGTH);
    const fragment = big16(packet + IPV4_FRAGMENT);
    const isSound = (first - IPV4_PLAIN <= IPV4_LONGEST - IPV4_PLAIN) & (total >= header);
    const isLater = isSound & ((fragment & IPV4_FRAGMENT_OFFSET_MASK) != 0);
    const isWhole = (fragment & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET_MASK)) == 0;
    const hasOptions = isSound & isWhole & (header - (IPV4_BYTES + 1) < SEEN_HEADER - IPV4_BYTES) & (copied < CHUNK);
    settle(packet, VERDICT_FRAGMENT, isLater);
    copyPlain(packet, hasOptions ? header : IPV4_BYTES, total);
    copied += <u32>hasOptions;
    waitIf(packet, !(isLater | hasOptions));
  }
}

/** Copies an IPv4 packet without its options behind the other copies. */
function copyPlain(packet: usize, header: u32, total: u32): void {
  const copy = copies + <usize>copied * PACKET_BYTES;
  v128.store(copy, v128.load(packet));
  store<u8>(copy, IPV4_PLAIN);
  store<u16>(copy, bswap<u16>(<u16>(total + IPV4_BYTES - header)), IPV4_TOTAL_LENGTH);
  store<u32>(copy, load<u32>(packet, IPV4_DESTINATION), IPV4_DESTINATION);
  v128.store(copy, v128.load(packet + <usize>header), IPV4_BYTES);
  store<u32>(copiesList + ((<usize>copied) << 2), <u32>copy);
  store<u32>(originals + ((<usize>copied) << 2), <u32>packet);
}

/** The marked packets of `list`, of IPv6 or of no version at all. */
export function sortOdd6(list: usize, count: u32): void {
  const end = listMarked(count);
  for (let at = marked; at < end; at += 4) {
    const packet = <usize>load<u32>(list + <usize>load<u32>(at));
    const payload = big16(packet + IPV6_PAYLOAD_LENGTH);
    const next = <u32>load<u8>(packet, IPV6_NEXT_HEADER);
    const extension = packet + IPV6_BYTES;
    const field = big16(extension + FRAGMENT_FIELD);
    // Later fragments. Those that are not the last one and of an odd length go on as they are.
    const isGathered = ((field & FRAGMENT_MORE) == 0) | ((payload & 7) == 0);
    const isLater = (next == FRAGMENT) & isGathered & ((field & FRAGMENT_OFFSET_MASK) != 0);
    // TCP's header behind another one reaches out of the slot.
    const bytes = (<u32>load<u8>(extension, EXTENSION_LENGTH) + 1) << 3;
    const isTcp = load<u8>(extension, EXTENSION_NEXT) == <u8>TCP;
    const isUnseen = (next == DESTINATION_OPTIONS) & isTcp & (payload >= bytes + TCP_BYTES);
    const isSettled = (load<u8>(packet) >> 4 == 6) & (isLater | isUnseen);
    settle(packet, isLater ? VERDICT_FRAGMENT : VERDICT_UNSEEN, isSettled);
    waitIf(packet, !isSettled);
  }
}
