/**
 * From the bytes of a packet to what the table is asked. What a packet is taken for is what Linux takes it for (6.18 was
 * asked): ip_rcv and ipv6_rcv for the IP header, conntrack for fragments, its protocol trackers for the transport header.
 * Checksums are not looked at, nor whether TCP's flags or SCTP's chunks open a connection: the packet counts as the first of
 * its connection. Nor are IPv4 options: the kernel looks at them when rules have already seen the packet.
 */
import {
  AUTHENTICATION,
  DESTINATION_OPTIONS,
  EXTENSION_LENGTH,
  EXTENSION_NEXT,
  FRAGMENT,
  FRAGMENT_BYTES,
  FRAGMENT_FIELD,
  FRAGMENT_MORE,
  FRAGMENT_OFFSET_MASK,
  GRE,
  HOP_BY_HOP,
  ICMP,
  ICMP_ECHO_REQUEST,
  ICMP_INFORMATION_REQUEST,
  ICMP_MASK_REQUEST,
  ICMP_TIMESTAMP_REQUEST,
  ICMP_TYPE,
  ICMPV6,
  ICMPV6_DISCOVERY_FIRST,
  ICMPV6_DISCOVERY_LAST,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_LISTENER_REPORT,
  ICMPV6_NODE_INFORMATION,
  IPV4_BYTES,
  IPV4_DESTINATION,
  IPV4_FRAGMENT,
  IPV4_FRAGMENT_OFFSET_MASK,
  IPV4_MORE_FRAGMENTS,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TOTAL_LENGTH,
  IPV6_BYTES,
  IPV6_DESTINATION,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
  NOTHING_NEXT,
  ROUTING,
  SCTP,
  SCTP_BYTES,
  TCP,
  TCP_BYTES,
  TCP_OFFSET,
  UDP,
  UDP_BYTES,
  UDP_LENGTH,
  UDPLITE,
} from "./headers";
import { VERDICT_FRAGMENT, VERDICT_MALFORMED, VERDICT_UNSEEN } from "./layout";

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
  if (given < <u32>IPV4_BYTES) return length < <u32>IPV4_BYTES ? VERDICT_MALFORMED : VERDICT_UNSEEN;
  const header = (<u32>load<u8>(at) & 15) << 2;
  const total = big16(at + IPV4_TOTAL_LENGTH);
  if (header < <u32>IPV4_BYTES || total < header || total > length) return VERDICT_MALFORMED;
  isV6 = false;
  source = at + IPV4_SOURCE;
  destination = at + IPV4_DESTINATION;
  protocol = load<u8>(at, IPV4_PROTOCOL);
  const fragment = big16(at + IPV4_FRAGMENT);
  if ((fragment & IPV4_FRAGMENT_OFFSET_MASK) != 0) return VERDICT_FRAGMENT;
  return parseTransport(at, header, min(given, total), total, (fragment & IPV4_MORE_FRAGMENTS) != 0);
}

function parse6(at: usize, given: u32, length: u32): u32 {
  if (given < <u32>IPV6_BYTES) return length < <u32>IPV6_BYTES ? VERDICT_MALFORMED : VERDICT_UNSEEN;
  const payload = big16(at + IPV6_PAYLOAD_LENGTH);
  let next: u32 = load<u8>(at, IPV6_NEXT_HEADER);
  let total = length;
  if (payload != 0 || next != 0) {
    total = payload + IPV6_BYTES;
    if (total > length) return VERDICT_MALFORMED;
  }
  const there = min(given, total);
  isV6 = true;
  source = at + IPV6_SOURCE;
  destination = at + IPV6_DESTINATION;
  let header: u32 = IPV6_BYTES;
  if (next == HOP_BY_HOP) {
    const verdict = checkOptions(at + header, there - header, total - header);
    if (verdict != SEEN) return verdict;
  }
  let gathered = false;
  let more = false;
  let authenticated = false;
  while (isExtension(next)) {
    // The kernel reads this much of each, and does not mind where the header ends.
    const needed: u32 = next == FRAGMENT ? 4 : 2;
    if (header + needed > total) return next == FRAGMENT && !gathered ? VERDICT_FRAGMENT : end(next, INVALID, more);
    if (header + needed > there) return VERDICT_UNSEEN;
    const here = at + header;
    const after: u32 = load<u8>(here, EXTENSION_NEXT);
    if (next == FRAGMENT) {
      const field = big16(here + FRAGMENT_FIELD);
      const offset = field & FRAGMENT_OFFSET_MASK;
      const bytes = total > header + FRAGMENT_BYTES ? total - header - FRAGMENT_BYTES : 0;
      const last = (field & FRAGMENT_MORE) == 0;
      // A fragment of an odd length is not gathered but goes on as it is, and what has been gathered is not gathered again.
      if (!gathered && (last || (bytes & 7) == 0)) {
        // One without bytes is lost, unless a transport header should be in it: see below.
        if (offset != 0 || (bytes == 0 && (isExtension(after) || after == NOTHING_NEXT))) return VERDICT_FRAGMENT;
        more = !last;
      } else if (offset != 0) {
        return end(after, INVALID, more);
      }
      gathered = true;
      header += FRAGMENT_BYTES;
    } else if (next == AUTHENTICATION) {
      authenticated = true;
      header += (<u32>load<u8>(here, EXTENSION_LENGTH) + 2) << 2;
    } else {
      header += (<u32>load<u8>(here, EXTENSION_LENGTH) + 1) << 3;
    }
    next = after;
  }
  if (next == NOTHING_NEXT) return end(next, INVALID, more);
  protocol = next;
  const verdict = parseTransport(at, header, there, total, more);
  // Conntrack looks behind this header; nft's rules take it for the packet's protocol.
  if (authenticated) protocol = AUTHENTICATION;
  return verdict;
}

function isExtension(next: u32): bool {
  return (
    next == HOP_BY_HOP || next == ROUTING || next == FRAGMENT || next == AUTHENTICATION || next == DESTINATION_OPTIONS
  );
}

/** What the kernel makes of hop-by-hop options before any rule: of the `rest` bytes of the packet, `there` are given. */
function checkOptions(header: usize, there: u32, rest: u32): u32 {
  if (rest < 8) return VERDICT_MALFORMED;
  if (there < 8) return VERDICT_UNSEEN;
  const length = (<u32>load<u8>(header, EXTENSION_LENGTH) + 1) << 3;
  if (length > rest) return VERDICT_MALFORMED;
  if (length > there) return VERDICT_UNSEEN;
  let at = header + 2;
  const end = header + length;
  let padding: usize = 0;
  let count = 0;
  while (at < end) {
    const type: u32 = load<u8>(at);
    // One byte of padding, or an option with its length.
    if (type != 0 && at + 2 > end) return VERDICT_MALFORMED;
    const bytes: usize = type == 0 ? 1 : <usize>load<u8>(at, 1) + 2;
    if (at + bytes > end) return VERDICT_MALFORMED;
    if (type <= 1) {
      padding += bytes;
      if (padding > 7) return VERDICT_MALFORMED;
      for (let i: usize = 2; i < bytes; i++) if (load<u8>(at + i) != 0) return VERDICT_MALFORMED;
    } else {
      padding = 0;
      if (++count > MAX_OPTIONS) return VERDICT_MALFORMED;
      // Who does not know an option drops the packet, unless its two highest bits say otherwise. That holds for jumbograms,
      // which are longer than anything that is given here.
      if (type >> 6 != 0) return VERDICT_MALFORMED;
      if (type == ROUTER_ALERT && bytes != 4) return VERDICT_MALFORMED;
    }
    at += bytes;
  }
  return SEEN;
}

/** net.ipv6.max_hbh_opts_number, unless somebody sets it. */
const MAX_OPTIONS = 8;
const ROUTER_ALERT: u32 = 5;

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
  // First fragments of IPv6 whose transport header is cut off are not gathered either; of most protocols that is to say
  // without a byte of it.
  if (isV6 && rest < (protocol == TCP || protocol == UDP || protocol == ICMPV6 ? needed : 1)) more = false;
  if (rest < needed) return end(protocol, INVALID, more);
  if (there < needed) return VERDICT_UNSEEN;
  switch (protocol) {
    case TCP: {
      const bytes = (<u32>(load<u8>(here, TCP_OFFSET) >> 4)) << 2;
      if (bytes < <u32>TCP_BYTES || (!more && bytes > rest)) tracking = INVALID;
      break;
    }
    case UDP: {
      const bytes = big16(here + UDP_LENGTH);
      if (bytes < <u32>UDP_BYTES || (!more && bytes > rest)) tracking = INVALID;
      break;
    }
    case UDPLITE: {
      // How many of its bytes the checksum is of; 0: all.
      const covered = big16(here + UDP_LENGTH);
      if (covered != 0 && (covered < <u32>UDP_BYTES || (!more && covered > rest))) tracking = INVALID;
      return SEEN;
    }
    case GRE: {
      // Of the version that PPTP uses, nothing but PPP.
      if (rest < 8) return SEEN;
      if (there < 8) return VERDICT_UNSEEN;
      if ((load<u8>(here, 1) & 7) == 1 && big16(here + 2) != GRE_PPP) tracking = INVALID;
      return SEEN;
    }
    case SCTP:
      break;
    case ICMP: {
      // Requests for echo, time, information and address mask open something like a connection.
      const type = load<u8>(here, ICMP_TYPE);
      if (
        isV6 ||
        (type != <u8>ICMP_ECHO_REQUEST &&
          type != <u8>ICMP_TIMESTAMP_REQUEST &&
          type != <u8>ICMP_INFORMATION_REQUEST &&
          type != <u8>ICMP_MASK_REQUEST)
      )
        tracking = INVALID;
      return SEEN;
    }
    case ICMPV6: {
      const type = load<u8>(here, ICMP_TYPE);
      if (
        isV6 &&
        ((type >= <u8>ICMPV6_DISCOVERY_FIRST && type <= <u8>ICMPV6_DISCOVERY_LAST) ||
          type == <u8>ICMPV6_LISTENER_REPORT)
      )
        tracking = UNTRACKED;
      else if (!isV6 || (type != <u8>ICMPV6_ECHO_REQUEST && type != <u8>ICMPV6_NODE_INFORMATION)) tracking = INVALID;
      return SEEN;
    }
    default:
      return SEEN;
  }
  if (tracking == NEW) ports = load<u32>(here);
  return SEEN;
}

/** Of UDP, UDP-Lite and ICMP. */
const SHORT_BYTES: u32 = UDP_BYTES;
const GRE_PPP: u32 = 0x880b;

/** The least that conntrack wants of a protocol: its header, and of SCTP the beginning of a chunk. */
function bytesOf(number: u32): u32 {
  if (number == TCP) return TCP_BYTES;
  if (number == SCTP) return SCTP_BYTES;
  if (number == UDP || number == UDPLITE || number == ICMP || number == ICMPV6) return SHORT_BYTES;
  return 0;
}
