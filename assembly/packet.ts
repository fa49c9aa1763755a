/**
 * From the bytes of a packet to what the table is asked. What a packet is taken for is what Linux takes it for: ip_rcv and
 * ipv6_rcv for the IP header, conntrack's protocol trackers for the transport header. Checksums are not looked at, nor
 * whether a TCP segment opens a connection: the packet counts as the first of its connection.
 */
import { BLOCK_IPV4, VERDICT_FRAGMENT, VERDICT_MALFORMED, VERDICT_UNSEEN } from "./layout";

/** The packet is one that rules see. */
export const SEEN: u32 = 0;

/** What connection tracking makes of it. */
export const NEW: u32 = 0;
export const INVALID: u32 = 1;
export const UNTRACKED: u32 = 2;

// What `parse` has found.

/** Whether it is an IPv6 packet. */
export let isV6: bool = false;
/** Where its addresses are. */
export let source: usize = 0;
export let destination: usize = 0;
export let protocol: u32 = 0;
/** Source port in the lower half, destination port in the upper one, in the packet's byte order; 0 without ports. */
export let ports: u32 = 0;
export let tracking: u32 = 0;

const ICMP: u32 = 1;
const TCP: u32 = 6;
const UDP: u32 = 17;
const ICMPV6: u32 = 58;
const SCTP: u32 = 132;

function big16(at: usize): u32 {
  return ((<u32>load<u8>(at)) << 8) | <u32>load<u8>(at, 1);
}

/** Reads the packet at `at`, of which `given` bytes are there and which has `length` bytes. Gives `SEEN`, or the verdict of
 *  packets that no rule sees. */
export function parse(at: usize, given: u32, length: u32): u32 {
  ports = 0;
  tracking = NEW;
  if (given < 1) return VERDICT_MALFORMED;
  const version = load<u8>(at) >> 4;
  if (version == 4) return parse4(at, given, length);
  if (version == 6) return parse6(at, given, length);
  return VERDICT_MALFORMED;
}

function parse4(at: usize, given: u32, length: u32): u32 {
  if (given < 20) return length < 20 ? VERDICT_MALFORMED : VERDICT_UNSEEN;
  const header = (<u32>load<u8>(at) & 15) << 2;
  const total = big16(at + 2);
  if (header < 20 || total < header || total > length) return VERDICT_MALFORMED;
  isV6 = false;
  source = at + 12;
  destination = at + 16;
  protocol = load<u8>(at, 9);
  const fragment = big16(at + 6);
  if ((fragment & 0x1fff) != 0) return VERDICT_FRAGMENT;
  return parseTransport(at, header, min(given, total), total, (fragment & 0x2000) != 0);
}

function parse6(at: usize, given: u32, length: u32): u32 {
  if (given < 40) return length < 40 ? VERDICT_MALFORMED : VERDICT_UNSEEN;
  const payload = big16(at + 4);
  let next: u32 = load<u8>(at, 6);
  let total = length;
  if (payload != 0 || next != 0) {
    total = payload + 40;
    if (total > length) return VERDICT_MALFORMED;
  }
  const there = min(given, total);
  isV6 = true;
  source = at + 8;
  destination = at + 24;
  let header: u32 = 40;
  let more = false;
  // Hop-by-hop options, routing, fragment, authentication, destination options.
  while (next == 0 || next == 43 || next == 44 || next == 51 || next == 60) {
    if (header + 8 > total) {
      if (next == 0 && header == 40) return VERDICT_MALFORMED;
      return end(next, INVALID, more);
    }
    if (header + 8 > there) return VERDICT_UNSEEN;
    const here = at + header;
    const after: u32 = load<u8>(here);
    if (next == 44) {
      const fragment = big16(here + 2);
      if ((fragment & 0xfff8) != 0) return VERDICT_FRAGMENT;
      more = more || (fragment & 1) != 0;
      header += 8;
    } else {
      const bytes = next == 51 ? (<u32>load<u8>(here, 1) + 2) << 2 : (<u32>load<u8>(here, 1) + 1) << 3;
      if (next == 0 && header == 40 && header + bytes > total) return VERDICT_MALFORMED;
      header += bytes;
    }
    next = after;
  }
  if (next == 59) return end(next, INVALID, more); // no next header
  protocol = next;
  return parseTransport(at, header, there, total, more);
}

/** The packet has a transport header that is no good, or none: of fragments nobody knows yet. */
function end(next: u32, state: u32, more: bool): u32 {
  if (more) return VERDICT_FRAGMENT;
  protocol = next;
  tracking = state;
  return SEEN;
}

/** The transport header is `header` bytes behind `at`. `more`: it is the first of several fragments. */
function parseTransport(at: usize, header: u32, given: u32, total: u32, more: bool): u32 {
  const here = at + header;
  const rest = total > header ? total - header : 0;
  const there = given > header ? given - header : 0;
  const needed = bytesOf(protocol);
  if (rest < needed) return end(protocol, INVALID, more);
  if (there < needed) return VERDICT_UNSEEN;
  switch (protocol) {
    case TCP: {
      const bytes = (<u32>(load<u8>(here, 12) >> 4)) << 2;
      if (bytes < 20 || (!more && bytes > rest)) tracking = INVALID;
      break;
    }
    case UDP: {
      const bytes = big16(here + 4);
      if (bytes < 8 || (!more && bytes > rest)) tracking = INVALID;
      break;
    }
    case SCTP:
      break;
    case ICMP: {
      // Requests for echo, time, information and address mask open something like a connection.
      const type = load<u8>(here);
      if (!isV6 && type != 8 && type != 13 && type != 15 && type != 17) tracking = INVALID;
      return SEEN;
    }
    case ICMPV6: {
      if (!isV6) return SEEN;
      const type = load<u8>(here);
      if ((type >= 130 && type <= 136) || type == 143) tracking = UNTRACKED;
      else if (type != 128 && type != 139) tracking = INVALID;
      return SEEN;
    }
    default:
      return SEEN;
  }
  if (tracking == NEW) ports = load<u32>(here);
  return SEEN;
}

/** The least that a header of a protocol has. */
function bytesOf(number: u32): u32 {
  if (number == TCP) return 20;
  if (number == UDP) return 8;
  if (number == SCTP) return 12;
  if (number == ICMP && !isV6) return 8;
  if (number == ICMPV6 && isV6) return 8;
  return 0;
}
