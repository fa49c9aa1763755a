/** The headers of IPv4 packets, four at a time. Those that are not plain wait for `parse`: the first byte is 0x45 in all. */

import { G_BLOCK, G_FINGER, G_HASH, G_KEY0, G_KEY1, G_KIND, GROUP_BYTES, pinned, packets4, scratch, waitFor } from "./lanes";
import {
  BLOCK_IPV4,
  H_DETECTED4,
  H_DETECTED4_COUNT,
  H_LOCAL,
  H_LOCAL_FACTOR,
  H_LOCAL_MASK,
  HASH_A,
  HASH_B,
  HASH_C,
  PREFIX4_BYTES,
} from "./layout";
import { section, word } from "./table";

/** Reads the packets of `packets4` into scratch. */
export function parseLanes4(count: u32): void {
  const localAt = pinned(0, <i32>section(H_LOCAL));
  const localShift = <i32>clz(word(H_LOCAL_MASK));
  const localFactor = pinned(1, <i32>word(H_LOCAL_FACTOR));
  const detectedAt = section(H_DETECTED4);
  const detectedEnd = detectedAt + <usize>word(H_DETECTED4_COUNT) * PREFIX4_BYTES;
  const hashA = pinned(2, HASH_A);
  const hashB = pinned(3, <i32>HASH_B);
  const hashC = pinned(4, <i32>HASH_C);
  const lowByte = pinned(5, 0xff);
  const fragment = pinned(6, <i32>0xff3f0000);
  const twenty = pinned(7, 20);
  const tcp = pinned(8, 6);
  const udp = pinned(9, 17);
  const loopback = pinned(10, 127);
  const aboutBlock = pinned(11, 0xff0000);
  const four = pinned(12, 4);
  const eight = pinned(13, 8);
  const tcpMore = pinned(14, 12);
  const udpLess = pinned(15, 7);
  const zero = pinned(16, 0);
  const offsetMask = pinned(17, 0x3c);
  const highByte = pinned(18, 0xff00);
  const block = pinned(19, BLOCK_IPV4);
  let group = scratch;
  const end = packets4 + ((<usize>count) << 2);
  for (let list = packets4; list < end; list += 16, group += GROUP_BYTES) {
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
    const ports = v128.shuffle<i64>(ab, cd, 1, 3);
    ab = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    cd = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    const lengthUdp = v128.shuffle<i64>(ab, cd, 0, 2);
    a = v128.load32_zero(p0 + 32);
    a = v128.load_lane<u32>(p1 + 32, a, 1);
    a = v128.load_lane<u32>(p2 + 32, a, 2);
    const offsetTcp = v128.load_lane<u32>(p3 + 32, a, 3);

    // What `parse` checks: no fragment, TCP or UDP, and the transport header within the packet.
    const total = v128.or(v128.and(i32x4.shr_u(first, 8), highByte), i32x4.shr_u(first, 24));
    const rest = i32x4.sub(total, twenty);
    const protocol = v128.and(i32x4.shr_u(third, 8), lowByte);
    const isTcp = i32x4.eq(protocol, tcp);
    const udpBytes = v128.or(i32x4.shl(v128.and(lengthUdp, lowByte), 8), v128.and(i32x4.shr_u(lengthUdp, 8), lowByte));
    const bytes = v128.bitselect(v128.and(i32x4.shr_u(offsetTcp, 2), offsetMask), udpBytes, isTcp);
    let plain = v128.and(i32x4.eq(v128.and(second, fragment), zero), v128.or(isTcp, i32x4.eq(protocol, udp)));
    plain = v128.and(plain, i32x4.gt_s(bytes, i32x4.add(udpLess, v128.and(isTcp, tcpMore))));
    plain = v128.andnot(plain, i32x4.gt_s(bytes, rest));
    // The many addresses of 127.0.0.0/8 are not in the set of the node's own.
    plain = v128.andnot(plain, i32x4.eq(v128.and(source, lowByte), loopback));
    plain = v128.andnot(plain, i32x4.eq(v128.and(destination, lowByte), loopback));
    const slow = ~i32x4.bitmask(plain) & 15;
    if (slow != 0) waitFor(list, slow);

    const product = i32x4.mul(source, localFactor);
    const place = i32x4.add(i32x4.shl(i32x4.shr_u(product, localShift), 3), localAt);
    a = v128.load64_zero(<usize>i32x4.extract_lane(place, 0));
    a = v128.load_lane<u64>(<usize>i32x4.extract_lane(place, 1), a, 1);
    b = v128.load64_zero(<usize>i32x4.extract_lane(place, 2));
    b = v128.load_lane<u64>(<usize>i32x4.extract_lane(place, 3), b, 1);
    const localKey = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
    const localAbout = v128.shuffle<i32>(a, b, 1, 3, 5, 7);
    const isLocal = v128.and(i32x4.eq(localKey, source), i32x4.eq(v128.and(localAbout, aboutBlock), zero));
    let isDetected = zero;
    for (let prefix = detectedAt; prefix < detectedEnd; prefix += PREFIX4_BYTES) {
      const masked = v128.and(source, v128.load32_splat(prefix + 4));
      isDetected = v128.or(isDetected, i32x4.eq(masked, v128.load32_splat(prefix)));
    }

    const mixed = i32x4.mul(source, hashA);
    let hash = i32x4.add(v128.xor(mixed, destination), i32x4.mul(ports, hashB));
    hash = i32x4.mul(v128.xor(hash, i32x4.shr_u(hash, 15)), hashC);
    v128.store(group, destination, G_KEY0);
    v128.store(group, v128.or(i32x4.shr_u(ports, 16), i32x4.shl(protocol, 16)), G_KEY1);
    v128.store(group, block, G_BLOCK);
    v128.store(group, v128.or(v128.and(isDetected, four), v128.and(isLocal, eight)), G_KIND);
    v128.store(group, hash, G_HASH);
    v128.store(group, i32x4.shr_u(mixed, 24), G_FINGER);
  }
}
