/** The headers of IPv6 packets, four at a time. Those that are not plain wait for `parse`. */

import { firstOf, flowOf, lower, secondOf, swapped, upper, wordsAt } from "./four-words";
import {
  DESTINATION_PORT,
  ICMPV6,
  ICMPV6_ECHO_REQUEST,
  IPV6_BYTES,
  IPV6_VERSION,
  TCP,
  TCP_BYTES,
  TCP_OFFSET,
  UDP,
  UDP_BYTES,
} from "./headers";
import {
  clearMarks,
  G_FINGER,
  G_HASH,
  G_KEY0,
  G_KEY1,
  G_KIND,
  G_SOURCE,
  GROUP_BYTES,
  marks,
  pinned,
  scratch,
  waitForMarked,
} from "./lanes";
import {
  BLOCK_UNKNOWN,
  CODE_SHIFT,
  FINGER_SHIFT,
  H_BLOCK_COUNT,
  H_DETECTED6,
  H_DETECTED6_COUNT,
  HASH_A,
  HASH_B,
  HASH_C,
  KEY1_BLOCK_SHIFT,
  KEY1_PROTOCOL_SHIFT,
  PREFIX6_BYTES,
  PREFIX6_MASK,
  SOURCE_DETECTED,
} from "./layout";
import { placeGroup, preparePlaces } from "./place-lanes";
import { SPLAT_BLOCK_BYTES, SPLAT_NUMBER, SPLAT_SECOND, SPLAT_THIRD, splatBlocks } from "./splats";
import { section, word } from "./table";

/** Blocks that are looked at for all packets. */
const FEW_BLOCKS: usize = 4;

/** The word that has the length of TCP's header, where no extension header comes between. */
const OFFSET_TCP: usize = IPV6_BYTES + TCP_OFFSET;

// The protocol is in its word of the header where KEY1 has it: IPV6_NEXT_HEADER is the third byte of one.

/** Reads packets into scratch: `packets` is a list of their addresses. */
export function parseLanes6(packets: usize, count: u32): void {
  preparePlaces();
  const detectedAt = section(H_DETECTED6);
  const detectedEnd = detectedAt + <usize>word(H_DETECTED6_COUNT) * PREFIX6_BYTES;
  const blocksAt = splatBlocks;
  const fewEnd = blocksAt + FEW_BLOCKS * SPLAT_BLOCK_BYTES;
  const blocksEnd = blocksAt + <usize>word(H_BLOCK_COUNT) * SPLAT_BLOCK_BYTES;
  const hashA = pinned(2, HASH_A);
  const hashB = pinned(3, <i32>HASH_B);
  const hashC = pinned(4, <i32>HASH_C);
  const lowByte = pinned(5, 0xff);
  const tcp = pinned(22, TCP << KEY1_PROTOCOL_SHIFT);
  const udp = pinned(23, UDP << KEY1_PROTOCOL_SHIFT);
  const detected = pinned(8, SOURCE_DETECTED << CODE_SHIFT);
  const twelve = pinned(24, TCP_BYTES - UDP_BYTES);
  const eight = pinned(25, UDP_BYTES);
  const echo = pinned(26, (ICMPV6 << KEY1_PROTOCOL_SHIFT) | ICMPV6_ECHO_REQUEST);
  const lowHalf = pinned(27, 0xffff);
  const highNibble = pinned(29, 0xf0);
  const versionSix = pinned(30, IPV6_VERSION);
  const protocolByte = pinned(28, 0xff << KEY1_PROTOCOL_SHIFT);
  const zero = pinned(11, 0);
  const offsetMask = pinned(13, 0x3c);
  const unknown = pinned(14, BLOCK_UNKNOWN);
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
    let ab = lower(a, b);
    let cd = lower(c, d);
    const first = firstOf(ab, cd);
    const about = secondOf(ab, cd);
    ab = upper(a, b);
    cd = upper(c, d);
    const source0 = firstOf(ab, cd);
    const source1 = secondOf(ab, cd);
    a = v128.load(p0, 16);
    b = v128.load(p1, 16);
    c = v128.load(p2, 16);
    d = v128.load(p3, 16);
    ab = lower(a, b);
    cd = lower(c, d);
    const source2 = firstOf(ab, cd);
    const source3 = secondOf(ab, cd);
    ab = upper(a, b);
    cd = upper(c, d);
    const destination0 = firstOf(ab, cd);
    const destination1 = secondOf(ab, cd);
    a = v128.load(p0, 32);
    b = v128.load(p1, 32);
    c = v128.load(p2, 32);
    d = v128.load(p3, 32);
    ab = lower(a, b);
    cd = lower(c, d);
    const destination2 = firstOf(ab, cd);
    const destination3 = secondOf(ab, cd);
    ab = upper(a, b);
    cd = upper(c, d);
    const portsThere = firstOf(ab, cd);
    const lengthUdp = secondOf(ab, cd);
    const offsetTcp = wordsAt(p0 + OFFSET_TCP, p1 + OFFSET_TCP, p2 + OFFSET_TCP, p3 + OFFSET_TCP);

    // What `parse` checks, as signs: TCP or UDP behind the header, with as many bytes as the packet has; or a ping.
    const rest = v128.and(swapped(about), lowHalf);
    const protocol = v128.and(about, protocolByte);
    const isTcp = i32x4.eq(protocol, tcp);
    const udpBytes = v128.and(swapped(lengthUdp), lowHalf);
    const bytes = v128.bitselect(v128.and(i32x4.shr_u(offsetTcp, 2), offsetMask), udpBytes, isTcp);
    const isShort = i32x4.sub(bytes, i32x4.add(eight, v128.and(isTcp, twelve)));
    const isLong = i32x4.sub(rest, bytes);
    const hasPorts = v128.andnot(v128.or(isTcp, i32x4.eq(protocol, udp)), v128.or(isShort, isLong));
    const isEcho = i32x4.eq(v128.or(v128.and(portsThere, lowByte), protocol), echo);
    let plain = v128.or(hasPorts, v128.andnot(isEcho, i32x4.sub(rest, eight)));
    plain = v128.and(plain, i32x4.eq(v128.and(first, highNibble), versionSix));
    const ports = v128.andnot(portsThere, isEcho);
    store<u8>(mark, i32x4.bitmask(plain) ^ 15);

    let fold = i32x4.mul(v128.xor(source0, i32x4.mul(source1, hashB)), hashA);
    fold = v128.xor(i32x4.add(source3, fold), source2);
    let isDetected = zero;
    for (let prefix = detectedAt; prefix < detectedEnd; prefix += PREFIX6_BYTES) {
      let same = v128.xor(v128.and(source0, v128.load32_splat(prefix + PREFIX6_MASK)), v128.load32_splat(prefix));
      let more = v128.xor(
        v128.and(source1, v128.load32_splat(prefix + PREFIX6_MASK + 4)),
        v128.load32_splat(prefix + 4),
      );
      same = v128.or(same, more);
      more = v128.xor(v128.and(source2, v128.load32_splat(prefix + PREFIX6_MASK + 8)), v128.load32_splat(prefix + 8));
      same = v128.or(same, more);
      more = v128.xor(v128.and(source3, v128.load32_splat(prefix + PREFIX6_MASK + 12)), v128.load32_splat(prefix + 12));
      isDetected = v128.or(isDetected, i32x4.eq(v128.or(same, more), zero));
    }

    // The most frequent blocks are the first ones. How many it takes to find all cannot be foretold: a few are looked at always.
    let block = zero;
    for (let at = blocksAt; at < blocksEnd; at += SPLAT_BLOCK_BYTES) {
      let other = v128.xor(destination0, v128.load(at));
      other = v128.or(other, v128.xor(destination1, v128.load(at, SPLAT_SECOND)));
      other = v128.or(other, v128.xor(destination2, v128.load(at, SPLAT_THIRD)));
      block = v128.or(block, v128.and(i32x4.eq(other, zero), v128.load(at, SPLAT_NUMBER)));
      if (at >= fewEnd && i32x4.all_true(block)) break;
    }
    block = v128.or(block, v128.and(i32x4.eq(block, zero), unknown));

    const mixed = i32x4.mul(fold, hashA);
    v128.store(group, destination3, G_KEY0);
    const key1 = v128.or(
      v128.or(i32x4.shr_u(ports, DESTINATION_PORT << 3), protocol),
      i32x4.shl(block, KEY1_BLOCK_SHIFT),
    );
    v128.store(group, key1, G_KEY1);
    v128.store(group, v128.and(isDetected, detected), G_KIND);
    v128.store(group, flowOf(mixed, destination3, ports, hashB, hashC), G_HASH);
    v128.store(group, i32x4.shr_u(mixed, FINGER_SHIFT), G_FINGER);
    v128.store(group, fold, G_SOURCE);
    placeGroup(group);
  }
  waitForMarked(packets, count);
}
