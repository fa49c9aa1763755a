/** The headers of IPv4 packets, four at a time. Those that are not plain are marked. */

import { firstOf, flowOf, lower, secondOf, swapped, upper, wordsAt } from "./four-words";
import {
  DESTINATION_PORT,
  ICMP,
  ICMP_ECHO_REQUEST,
  IPV4_BYTES,
  IPV4_FRAGMENT_OFFSET_MASK,
  IPV4_MORE_FRAGMENTS,
  IPV4_PLAIN,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  TCP,
  TCP_BYTES,
  TCP_OFFSET,
  UDP,
  UDP_BYTES,
} from "./headers";
import {
  again,
  clearMarks,
  G_FINGER,
  G_HASH,
  G_KEY0,
  G_KEY1,
  G_KIND,
  GROUP_BYTES,
  marks,
  note,
  pinned,
  scratch,
} from "./lanes";
import {
  CODE_SHIFT,
  FINGER_SHIFT,
  H_DETECTED4,
  H_DETECTED4_COUNT,
  HASH_A,
  HASH_B,
  HASH_C,
  KEY1_PROTOCOL_SHIFT,
  PREFIX4_BYTES,
  PREFIX4_MASK,
  SOURCE_DETECTED,
} from "./layout";
import { COMMON_VALUE, common4 } from "./local-filter";
import { endAgain, placeGroup, preparePlaces } from "./place-lanes";
import { section, word } from "./table";

/** The word that has the length of TCP's header, where the IP header has no options. */
const OFFSET_TCP: usize = IPV4_BYTES + TCP_OFFSET;

/** The protocol in its word of the header. */
const PROTOCOL_SHIFT: i32 = (IPV4_PROTOCOL & 3) << 3;

/** Reads packets into scratch: `packets` is a list of their addresses. */
export function parseLanes4(packets: usize, count: u32): void {
  preparePlaces();
  const prefix = section(H_DETECTED4);
  const prefixes = word(H_DETECTED4_COUNT);
  // Without a prefix no source has the value.
  const mask = pinned(19, prefixes == 0 ? 0 : <i32>load<u32>(prefix, PREFIX4_MASK));
  const value = pinned(21, prefixes == 0 ? 1 : <i32>load<u32>(prefix));
  const hashA = pinned(2, HASH_A);
  const hashB = pinned(3, <i32>HASH_B);
  const hashC = pinned(4, <i32>HASH_C);
  const lowByte = pinned(5, 0xff);
  const fragment = pinned(6, <i32>bswap<u32>(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET_MASK));
  const noOptions = pinned(11, IPV4_PLAIN);
  const twenty = pinned(7, IPV4_BYTES);
  const tcp = pinned(8, TCP << PROTOCOL_SHIFT);
  const udp = pinned(9, UDP << PROTOCOL_SHIFT);
  const loopback = pinned(10, 0x7f7f7f7f);
  const detected = pinned(12, SOURCE_DETECTED << CODE_SHIFT);
  const twelve = pinned(14, TCP_BYTES - UDP_BYTES);
  const eight = pinned(15, UDP_BYTES);
  const echo = pinned(13, (ICMP << PROTOCOL_SHIFT) | ICMP_ECHO_REQUEST);
  const lowHalf = pinned(20, 0xffff);
  const offsetMask = pinned(17, 0x3c);
  const protocolByte = pinned(18, 0xff << PROTOCOL_SHIFT);
  const localMask = pinned(22, <i32>load<u32>(common4));
  const localValue = pinned(23, <i32>load<u32>(common4, COMMON_VALUE));
  clearMarks(marks, count);
  let suspects = again;
  let group = scratch;
  const end = packets + ((<usize>count) << 2);
  for (let list = packets; list < end; list += 16, group += GROUP_BYTES) {
    const p0 = <usize>load<u32>(list);
    const p1 = <usize>load<u32>(list, 4);
    const p2 = <usize>load<u32>(list, 8);
    const p3 = <usize>load<u32>(list, 12);
    let a = v128.load(p0);
    let b = v128.load(p1);
    let c = v128.load(p2);
    let d = v128.load(p3);
    let ab = lower(a, b);
    let cd = lower(c, d);
    const first = firstOf(ab, cd);
    const second = secondOf(ab, cd);
    ab = upper(a, b);
    cd = upper(c, d);
    const third = firstOf(ab, cd);
    const source = secondOf(ab, cd);
    a = v128.load(p0, 16);
    b = v128.load(p1, 16);
    c = v128.load(p2, 16);
    d = v128.load(p3, 16);
    ab = lower(a, b);
    cd = lower(c, d);
    const destination = firstOf(ab, cd);
    const portsThere = secondOf(ab, cd);
    ab = upper(a, b);
    cd = upper(c, d);
    const lengthUdp = firstOf(ab, cd);
    const offsetTcp = wordsAt(p0 + OFFSET_TCP, p1 + OFFSET_TCP, p2 + OFFSET_TCP, p3 + OFFSET_TCP);

    // What `parse` checks, as signs: no options, no fragment, no loopback; TCP or UDP, with as many bytes as the packet has; or a ping.
    // The many addresses of 127.0.0.0/8 are not in the set of the node's own.
    const isLoopback = v128.or(i8x16.eq(source, loopback), i8x16.eq(destination, loopback));
    const header = v128.or(v128.and(v128.or(first, isLoopback), lowByte), v128.and(second, fragment));
    // The lengths of UDP and of the packet, lower and higher halves, in the host's byte order.
    const lengths = v128.shuffle<i16>(lengthUdp, first, 0, 9, 2, 11, 4, 13, 6, 15);
    const hostLengths = swapped(lengths);
    const rest = i32x4.sub(i32x4.shr_u(hostLengths, 16), twenty);
    const protocol = v128.and(third, protocolByte);
    const isTcp = i32x4.eq(protocol, tcp);
    const udpBytes = v128.and(hostLengths, lowHalf);
    const bytes = v128.bitselect(v128.and(i32x4.shr_u(offsetTcp, 2), offsetMask), udpBytes, isTcp);
    const isShort = i32x4.sub(bytes, i32x4.add(eight, v128.and(isTcp, twelve)));
    const isLong = i32x4.sub(rest, bytes);
    const hasPorts = v128.andnot(v128.or(isTcp, i32x4.eq(protocol, udp)), v128.or(isShort, isLong));
    const isEcho = i32x4.eq(v128.or(v128.and(portsThere, lowByte), protocol), echo);
    let plain = v128.or(hasPorts, v128.andnot(isEcho, i32x4.sub(rest, eight)));
    plain = v128.and(plain, i32x4.eq(header, noOptions));
    const ports = v128.andnot(portsThere, isEcho);
    store<u8>(marks + ((group - scratch) >> 4), i32x4.bitmask(plain) ^ 15);

    const mixed = i32x4.mul(source, hashA);
    v128.store(group, destination, G_KEY0);
    const key1 = v128.or(
      i32x4.shr_u(ports, DESTINATION_PORT << 3),
      i32x4.shl(protocol, KEY1_PROTOCOL_SHIFT - PROTOCOL_SHIFT),
    );
    v128.store(group, key1, G_KEY1);
    v128.store(group, v128.and(i32x4.eq(v128.and(source, mask), value), detected), G_KIND);
    v128.store(group, flowOf(mixed, destination, ports, hashB, hashC), G_HASH);
    v128.store(group, i32x4.shr_u(mixed, FINGER_SHIFT), G_FINGER);
    placeGroup(group);
    const mayBeLocal = i32x4.eq(v128.and(v128.load(group, G_KEY0), localMask), localValue);
    suspects = note(suspects, group, i32x4.bitmask(mayBeLocal));
  }
  endAgain(suspects);
  if (prefixes > 1) detectSources(packets, count);
}

/** Compares sources with all prefixes but the first. */
function detectSources(packets: usize, count: u32): void {
  const prefixesAt = section(H_DETECTED4) + PREFIX4_BYTES;
  const prefixesEnd = section(H_DETECTED4) + <usize>word(H_DETECTED4_COUNT) * PREFIX4_BYTES;
  const detected = i32x4.splat(SOURCE_DETECTED << CODE_SHIFT);
  let group = scratch;
  const end = packets + ((<usize>count) << 2);
  for (let list = packets; list < end; list += 16, group += GROUP_BYTES) {
    const source = wordsAt(
      <usize>load<u32>(list) + IPV4_SOURCE,
      <usize>load<u32>(list, 4) + IPV4_SOURCE,
      <usize>load<u32>(list, 8) + IPV4_SOURCE,
      <usize>load<u32>(list, 12) + IPV4_SOURCE,
    );
    let kind = v128.load(group, G_KIND);
    for (let prefix = prefixesAt; prefix < prefixesEnd; prefix += PREFIX4_BYTES) {
      const masked = v128.and(source, v128.load32_splat(prefix, PREFIX4_MASK));
      kind = v128.or(kind, v128.and(i32x4.eq(masked, v128.load32_splat(prefix)), detected));
    }
    v128.store(group, kind, G_KIND);
  }
}
