/** The headers of IPv6 packets, four at a time. Those that are not plain are marked. */

import { firstOf, firstOfPairs, flowOf, lower, pairsAt, secondOf, secondOfPairs, swapped, upper } from "./four-words";
import {
  DESTINATION_PORT,
  ICMPV6,
  ICMPV6_ECHO_REQUEST,
  IPV6_BYTES,
  IPV6_DESTINATION,
  IPV6_SOURCE,
  IPV6_VERSION,
  TCP,
  TCP_BYTES,
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
  G_SOURCE,
  GROUP_BYTES,
  marks,
  note,
  pinned,
  scratch,
} from "./lanes";
import {
  BLOCK_BYTES,
  BLOCK_UNKNOWN,
  CODE_SHIFT,
  FINGER_SHIFT,
  H_BLOCK_COUNT,
  H_BLOCKS,
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
import { COMMON_VALUE, common6 } from "./local-filter";
import { endAgain, placeGroup, preparePlaces } from "./place-lanes";
import { FEW_BLOCKS, SPLAT_BLOCK_BYTES, SPLAT_NUMBER, SPLAT_SECOND, SPLAT_THIRD, splatBlocks } from "./splats";
import { section, word } from "./table";

// The protocol is in its word of the header where KEY1 has it: IPV6_NEXT_HEADER is the third byte of one.

/**
 * Reads packets into scratch: `packets` is a list of their addresses.
 *
 * Each part goes over all packets by itself. In one loop there are more values than registers, and those that the compiler stores meanwhile
 * make a process a fifth slower when its stack lies where they meet packets in the processor's buffers.
 */
export function parseLanes6(packets: usize, count: u32): void {
  readSources(packets, count);
  if (needsAllPrefixes()) detectSources(packets, count);
  readDestinations(packets, count);
  if (word(H_BLOCK_COUNT) > FEW_BLOCKS) findMoreBlocks(packets, count);
  readHeaders(packets, count);
}

/** Whether the detected sources are more than one prefix of up to 64 bits. */
function needsAllPrefixes(): bool {
  const count = word(H_DETECTED6_COUNT);
  return count > 1 || (count == 1 && load<u64>(section(H_DETECTED6), PREFIX6_MASK + 8) != 0);
}

function readSources(packets: usize, count: u32): void {
  const prefix = section(H_DETECTED6);
  // Without a prefix no source has the value.
  const hasPrefix = word(H_DETECTED6_COUNT) != 0;
  const hashA = pinned(2, HASH_A);
  const hashB = pinned(3, <i32>HASH_B);
  const detected = pinned(8, SOURCE_DETECTED << CODE_SHIFT);
  const zero = pinned(11, 0);
  const mask0 = pinned(16, hasPrefix ? <i32>load<u32>(prefix, PREFIX6_MASK) : 0);
  const mask1 = pinned(17, hasPrefix ? <i32>load<u32>(prefix, PREFIX6_MASK + 4) : 0);
  const value0 = pinned(18, hasPrefix ? <i32>load<u32>(prefix) : -1);
  const value1 = pinned(19, hasPrefix ? <i32>load<u32>(prefix, 4) : -1);
  let group = scratch;
  const end = packets + ((<usize>count) << 2);
  for (let list = packets; list < end; list += 16, group += GROUP_BYTES) {
    const a = v128.load(<usize>load<u32>(list), IPV6_SOURCE);
    const b = v128.load(<usize>load<u32>(list, 4), IPV6_SOURCE);
    const c = v128.load(<usize>load<u32>(list, 8), IPV6_SOURCE);
    const d = v128.load(<usize>load<u32>(list, 12), IPV6_SOURCE);
    let ab = lower(a, b);
    let cd = lower(c, d);
    const source0 = firstOf(ab, cd);
    const source1 = secondOf(ab, cd);
    ab = upper(a, b);
    cd = upper(c, d);
    let fold = i32x4.mul(v128.xor(source0, i32x4.mul(source1, hashB)), hashA);
    fold = v128.xor(i32x4.add(secondOf(ab, cd), fold), firstOf(ab, cd));
    v128.store(group, fold, G_SOURCE);
    const mixed = i32x4.mul(fold, hashA);
    v128.store(group, i32x4.shr_u(mixed, FINGER_SHIFT), G_FINGER);
    v128.store(group, mixed, G_HASH);
    const other = v128.or(v128.xor(v128.and(source0, mask0), value0), v128.xor(v128.and(source1, mask1), value1));
    v128.store(group, v128.and(i32x4.eq(other, zero), detected), G_KIND);
  }
}

/** Compares sources with all prefixes. */
function detectSources(packets: usize, count: u32): void {
  const prefixesAt = section(H_DETECTED6);
  const prefixesEnd = prefixesAt + <usize>word(H_DETECTED6_COUNT) * PREFIX6_BYTES;
  let group = scratch;
  const end = packets + ((<usize>count) << 2);
  for (let list = packets; list < end; list += 16, group += GROUP_BYTES) {
    for (let lane: usize = 0; lane < 16; lane += 4) {
      const source = v128.load(<usize>load<u32>(list + lane), IPV6_SOURCE);
      let kind: u32 = 0;
      for (let prefix = prefixesAt; prefix < prefixesEnd; prefix += PREFIX6_BYTES) {
        const other = v128.xor(v128.and(source, v128.load(prefix, PREFIX6_MASK)), v128.load(prefix));
        if (!v128.any_true(other)) kind = SOURCE_DETECTED << CODE_SHIFT;
      }
      store<u32>(group + lane, kind, G_KIND);
    }
  }
}

/** Finds the blocks of destinations among the first few, which are the most frequent ones. */
function readDestinations(packets: usize, count: u32): void {
  const zero = pinned(11, 0);
  const unknown = pinned(14, BLOCK_UNKNOWN);
  const localMask = pinned(20, <i32>load<u32>(common6));
  const localValue = pinned(21, <i32>load<u32>(common6, COMMON_VALUE));
  let suspects = again;
  let group = scratch;
  const end = packets + ((<usize>count) << 2);
  for (let list = packets; list < end; list += 16, group += GROUP_BYTES) {
    const a = v128.load(<usize>load<u32>(list), IPV6_DESTINATION);
    const b = v128.load(<usize>load<u32>(list, 4), IPV6_DESTINATION);
    const c = v128.load(<usize>load<u32>(list, 8), IPV6_DESTINATION);
    const d = v128.load(<usize>load<u32>(list, 12), IPV6_DESTINATION);
    let ab = lower(a, b);
    let cd = lower(c, d);
    const destination0 = firstOf(ab, cd);
    const destination1 = secondOf(ab, cd);
    ab = upper(a, b);
    cd = upper(c, d);
    const destination2 = firstOf(ab, cd);
    const destination3 = secondOf(ab, cd);
    v128.store(group, destination3, G_KEY0);
    suspects = note(suspects, group, i32x4.bitmask(i32x4.eq(v128.and(destination3, localMask), localValue)));
    let block = blockIn(splatBlocks, destination0, destination1, destination2, zero);
    block = v128.or(block, blockIn(splatBlocks + SPLAT_BLOCK_BYTES, destination0, destination1, destination2, zero));
    block = v128.or(
      block,
      blockIn(splatBlocks + 2 * SPLAT_BLOCK_BYTES, destination0, destination1, destination2, zero),
    );
    block = v128.or(
      block,
      blockIn(splatBlocks + 3 * SPLAT_BLOCK_BYTES, destination0, destination1, destination2, zero),
    );
    block = v128.or(block, v128.and(i32x4.eq(block, zero), unknown));
    v128.store(group, i32x4.shl(block, KEY1_BLOCK_SHIFT), G_KEY1);
  }
  endAgain(suspects);
}

/** The block at `at`, in lanes whose destination is of it. */
function blockIn(at: usize, destination0: v128, destination1: v128, destination2: v128, zero: v128): v128 {
  let other = v128.xor(destination0, v128.load(at));
  other = v128.or(other, v128.xor(destination1, v128.load(at, SPLAT_SECOND)));
  other = v128.or(other, v128.xor(destination2, v128.load(at, SPLAT_THIRD)));
  return v128.and(i32x4.eq(other, zero), v128.load(at, SPLAT_NUMBER));
}

/** Finds the blocks of destinations that are in none of the first few. */
function findMoreBlocks(packets: usize, count: u32): void {
  const blocksAt = section(H_BLOCKS);
  const blocks = word(H_BLOCK_COUNT);
  let group = scratch;
  const end = packets + ((<usize>count) << 2);
  for (let list = packets; list < end; list += 16, group += GROUP_BYTES) {
    for (let lane: usize = 0; lane < 16; lane += 4) {
      if (load<u32>(group + lane, G_KEY1) != (<u32>BLOCK_UNKNOWN) << KEY1_BLOCK_SHIFT) continue;
      const destination = <usize>load<u32>(list + lane) + IPV6_DESTINATION;
      for (let number = FEW_BLOCKS; number < blocks; number++) {
        const block = blocksAt + <usize>number * BLOCK_BYTES;
        if (load<u64>(destination) == load<u64>(block) && load<u32>(destination, 8) == load<u32>(block, 8))
          store<u32>(group + lane, (number + 1) << KEY1_BLOCK_SHIFT, G_KEY1);
      }
    }
  }
}

function readHeaders(packets: usize, count: u32): void {
  preparePlaces();
  const hashB = pinned(3, <i32>HASH_B);
  const hashC = pinned(4, <i32>HASH_C);
  const lowByte = pinned(5, 0xff);
  const tcp = pinned(22, TCP << KEY1_PROTOCOL_SHIFT);
  const udp = pinned(23, UDP << KEY1_PROTOCOL_SHIFT);
  const twelve = pinned(24, TCP_BYTES - UDP_BYTES);
  const eight = pinned(25, UDP_BYTES);
  const echo = pinned(26, (ICMPV6 << KEY1_PROTOCOL_SHIFT) | ICMPV6_ECHO_REQUEST);
  const lowHalf = pinned(27, 0xffff);
  const protocolByte = pinned(28, 0xff << KEY1_PROTOCOL_SHIFT);
  const highNibble = pinned(29, 0xf0);
  const versionSix = pinned(30, IPV6_VERSION);
  const offsetMask = pinned(13, 0x3c);
  clearMarks(marks, count);
  let group = scratch;
  let mark = marks;
  const end = packets + ((<usize>count) << 2);
  for (let list = packets; list < end; list += 16, group += GROUP_BYTES, mark++) {
    const p0 = <usize>load<u32>(list);
    const p1 = <usize>load<u32>(list, 4);
    const p2 = <usize>load<u32>(list, 8);
    const p3 = <usize>load<u32>(list, 12);
    const a = v128.load(p0, IPV6_BYTES);
    const b = v128.load(p1, IPV6_BYTES);
    const c = v128.load(p2, IPV6_BYTES);
    const d = v128.load(p3, IPV6_BYTES);
    let ab = lower(a, b);
    let cd = lower(c, d);
    const portsThere = firstOf(ab, cd);
    const lengthUdp = secondOf(ab, cd);
    // TCP_OFFSET is in the fourth word.
    const offsetTcp = secondOf(upper(a, b), upper(c, d));
    ab = pairsAt(p0, p1);
    cd = pairsAt(p2, p3);
    const first = firstOfPairs(ab, cd);
    const about = secondOfPairs(ab, cd);

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
    const flow = flowOf(v128.load(group, G_HASH), v128.load(group, G_KEY0), ports, hashB, hashC);
    v128.store(group, flow, G_HASH);
    const key1 = v128.or(i32x4.shr_u(ports, DESTINATION_PORT << 3), protocol);
    v128.store(group, v128.or(key1, v128.load(group, G_KEY1)), G_KEY1);
    placeGroup(group);
  }
}
