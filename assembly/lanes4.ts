/** The headers of IPv4 packets, four at a time. Those that are not plain wait for `parse`: the first byte is 0x45 in all. */

import { G_BLOCK, G_FINGER, G_HASH, G_KEY0, G_KEY1, G_KIND, GROUP_BYTES, packets4, scratch, waitFor } from "./lanes";
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
  const localAt = i32x4.splat(<i32>section(H_LOCAL));
  const localMask = i32x4.splat(<i32>(word(H_LOCAL_MASK) << 3));
  const localFactor = i32x4.splat(<i32>word(H_LOCAL_FACTOR));
  const detectedAt = section(H_DETECTED4);
  const detectedEnd = detectedAt + <usize>word(H_DETECTED4_COUNT) * PREFIX4_BYTES;
  const hashA = i32x4.splat(HASH_A);
  const hashB = i32x4.splat(<i32>HASH_B);
  const hashC = i32x4.splat(<i32>HASH_C);
  const lowByte = i32x4.splat(0xff);
  const fragment = i32x4.splat(<i32>0xff3f0000);
  const twenty = i32x4.splat(20);
  const tcp = i32x4.splat(6);
  const udp = i32x4.splat(17);
  const loopback = i32x4.splat(127);
  const aboutBlock = i32x4.splat(0xff0000);
  const four = i32x4.splat(4);
  const eight = i32x4.splat(8);
  const tcpLess = i32x4.splat(19);
  const udpLess = i32x4.splat(7);
  const zero = i32x4.splat(0);
  const offsetMask = i32x4.splat(0x3c);
  const highByte = i32x4.splat(0xff00);
  const block = i32x4.splat(BLOCK_IPV4);
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
    ab = v128.shuffle<i32>(a, b, 2, 6, 2, 6);
    cd = v128.shuffle<i32>(c, d, 2, 6, 2, 6);
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
    plain = v128.and(plain, i32x4.gt_s(bytes, v128.bitselect(tcpLess, udpLess, isTcp)));
    plain = v128.andnot(plain, i32x4.gt_s(bytes, rest));
    // The many addresses of 127.0.0.0/8 are not in the set of the node's own.
    plain = v128.andnot(plain, i32x4.eq(v128.and(source, lowByte), loopback));
    plain = v128.andnot(plain, i32x4.eq(v128.and(destination, lowByte), loopback));
    const slow = ~i32x4.bitmask(plain) & 15;
    if (slow != 0) waitFor(list, slow);

    const product = i32x4.mul(source, localFactor);
    const place = i32x4.add(v128.and(i32x4.shr_u(product, 9), localMask), localAt);
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
