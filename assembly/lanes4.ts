/** The headers of IPv4 packets, four at a time. Those that are not plain wait for `parse`. */

import { ICMP, ICMP_ECHO_REQUEST, IPV4_BYTES, TCP, TCP_BYTES, TCP_OFFSET, UDP, UDP_BYTES } from "./headers";
import {
  clearMarks,
  G_FINGER,
  G_HASH,
  G_KEY0,
  G_KEY1,
  G_KIND,
  GROUP_BYTES,
  marks,
  pinned,
  scratch,
  waitForMarked,
} from "./lanes";
import { H_DETECTED4, H_DETECTED4_COUNT, HASH_A, HASH_B, HASH_C, PREFIX4_BYTES } from "./layout";
import { placeGroup, preparePlaces } from "./place-lanes";
import { section, word } from "./table";

/** The word that has the length of TCP's header, where the IP header has no options. */
const OFFSET_TCP: usize = IPV4_BYTES + TCP_OFFSET;

/** Reads packets into scratch: `packets` is a list of their addresses. */
export function parseLanes4(packets: usize, count: u32): void {
  preparePlaces();
  const detectedAt = section(H_DETECTED4);
  const detectedEnd = detectedAt + <usize>word(H_DETECTED4_COUNT) * PREFIX4_BYTES;
  const hashA = pinned(2, HASH_A);
  const hashB = pinned(3, <i32>HASH_B);
  const hashC = pinned(4, <i32>HASH_C);
  const lowByte = pinned(5, 0xff);
  const fragment = pinned(6, <i32>0xff3f0000);
  const noOptions = pinned(11, 0x45);
  const twenty = pinned(7, IPV4_BYTES);
  const tcp = pinned(8, TCP << 8);
  const udp = pinned(9, UDP << 8);
  const loopback = pinned(10, 0x7f7f7f7f);
  const four = pinned(12, 4);
  const twelve = pinned(14, TCP_BYTES - UDP_BYTES);
  const eight = pinned(15, UDP_BYTES);
  const echo = pinned(13, (ICMP << 8) | ICMP_ECHO_REQUEST);
  const lowHalf = pinned(20, 0xffff);
  const zero = pinned(16, 0);
  const offsetMask = pinned(17, 0x3c);
  const highByte = pinned(18, 0xff00);
  clearMarks(marks, count);
  let group = scratch;
  let mark = marks;
  const end = packets + ((<usize>count) << 2);
  for (let list = packets; list < end; list += 16, group += GROUP_BYTES, mark++) {
    const p0 = <usize>load<u32>(list);
    const p1 = <usize>load<u32>(list, 4);
    const p2 = <usize>load<u32>(list, 8);
    const p3 = <usize>load<u32>(list, 12);
    let a = v128.load(p0);
    let b = v128.load(p1);
    let c = v128.load(p2);
    let d = v128.load(p3);
    let ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
    let cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const first = v128.shuffle<i64>(ab, cd, 0, 2);
    const second = v128.shuffle<i64>(ab, cd, 1, 3);
    ab = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    cd = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    const third = v128.shuffle<i64>(ab, cd, 0, 2);
    const source = v128.shuffle<i64>(ab, cd, 1, 3);
    a = v128.load(p0, 16);
    b = v128.load(p1, 16);
    c = v128.load(p2, 16);
    d = v128.load(p3, 16);
    ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
    cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const destination = v128.shuffle<i64>(ab, cd, 0, 2);
    const portsThere = v128.shuffle<i64>(ab, cd, 1, 3);
    ab = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    cd = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    const lengthUdp = v128.shuffle<i64>(ab, cd, 0, 2);
    a = v128.load32_zero(p0 + OFFSET_TCP);
    a = v128.load_lane<u32>(p1 + OFFSET_TCP, a, 1);
    a = v128.load_lane<u32>(p2 + OFFSET_TCP, a, 2);
    const offsetTcp = v128.load_lane<u32>(p3 + OFFSET_TCP, a, 3);

    // What `parse` checks, as signs: no options, no fragment, no loopback; TCP or UDP, with as many bytes as the packet has; or a ping.
    // The many addresses of 127.0.0.0/8 are not in the set of the node's own.
    const isLoopback = v128.or(i8x16.eq(source, loopback), i8x16.eq(destination, loopback));
    const header = v128.or(v128.and(v128.or(first, isLoopback), lowByte), v128.and(second, fragment));
    // The lengths of UDP and of the packet, lower and higher halves, in the host's byte order.
    const lengths = v128.shuffle<i16>(lengthUdp, first, 0, 9, 2, 11, 4, 13, 6, 15);
    const swapped = v128.or(i16x8.shl(lengths, 8), i16x8.shr_u(lengths, 8));
    const rest = i32x4.sub(i32x4.shr_u(swapped, 16), twenty);
    const protocol = v128.and(third, highByte);
    const isTcp = i32x4.eq(protocol, tcp);
    const udpBytes = v128.and(swapped, lowHalf);
    const bytes = v128.bitselect(v128.and(i32x4.shr_u(offsetTcp, 2), offsetMask), udpBytes, isTcp);
    const isShort = i32x4.sub(bytes, i32x4.add(eight, v128.and(isTcp, twelve)));
    const isLong = i32x4.sub(rest, bytes);
    const hasPorts = v128.andnot(v128.or(isTcp, i32x4.eq(protocol, udp)), v128.or(isShort, isLong));
    const isEcho = i32x4.eq(v128.or(v128.and(portsThere, lowByte), protocol), echo);
    let plain = v128.or(hasPorts, v128.andnot(isEcho, i32x4.sub(rest, eight)));
    plain = v128.and(plain, i32x4.eq(header, noOptions));
    const ports = v128.andnot(portsThere, isEcho);
    store<u8>(mark, i32x4.bitmask(plain) ^ 15);

    let isDetected = zero;
    for (let prefix = detectedAt; prefix < detectedEnd; prefix += PREFIX4_BYTES) {
      const masked = v128.and(source, v128.load32_splat(prefix + 4));
      isDetected = v128.or(isDetected, i32x4.eq(masked, v128.load32_splat(prefix)));
    }

    const mixed = i32x4.mul(source, hashA);
    let hash = i32x4.add(v128.xor(mixed, destination), i32x4.mul(ports, hashB));
    hash = i32x4.mul(v128.xor(hash, i32x4.shr_u(hash, 15)), hashC);
    v128.store(group, destination, G_KEY0);
    const key1 = v128.or(i32x4.shr_u(ports, 16), i32x4.shl(protocol, 8));
    v128.store(group, key1, G_KEY1);
    v128.store(group, v128.and(isDetected, four), G_KIND);
    v128.store(group, hash, G_HASH);
    v128.store(group, i32x4.shr_u(mixed, 24), G_FINGER);
    placeGroup(group);
  }
  waitForMarked(packets, count);
}
