/** IP packets put together from their parts, also as no program would send them. Checksums are right wherever there is room
 *  for one. */
import {
  buildTransport,
  type NewFlow,
  PROTOCOL,
  writeAddress,
  writeHeaderChecksum,
  writeTransportChecksum,
} from "../../runtime/packet.ts";

/** Whose packet it is. */
export type Ends = Pick<NewFlow, "protocol" | "source" | "destination">;

/** What deviates from a plain IPv4 packet. */
export interface Ipv4Fields {
  readonly options?: Uint8Array;
  /** Flags and offset, as they stand in the header. */
  readonly fragment?: number;
  readonly identification?: number;
  /** The first byte: version, and header length in words. */
  readonly first?: number;
  readonly totalLength?: number;
}

export function ipv4Packet(ends: Ends, body: Uint8Array, fields: Ipv4Fields = {}): Uint8Array {
  const { options = new Uint8Array(), fragment = 0x4000, identification = 0 } = fields;
  const header = 20 + options.length;
  const packet = new Uint8Array(header + body.length);
  const view = new DataView(packet.buffer);
  packet[0] = fields.first ?? 0x40 | (header / 4);
  view.setUint16(2, fields.totalLength ?? packet.length);
  view.setUint16(4, identification);
  view.setUint16(6, fragment);
  packet[8] = HOP_LIMIT;
  packet[9] = ends.protocol;
  writeAddress(packet, 12, ends.source);
  writeAddress(packet, 16, ends.destination);
  packet.set(options, 20);
  packet.set(body, header);
  writeHeaderChecksum(packet, header);
  return packet;
}

/** An IPv6 extension header: its number, and its bytes; the first of them becomes the number of what follows. */
export interface Layer {
  readonly next: number;
  readonly bytes: Uint8Array;
}

/** What deviates from a plain IPv6 packet. */
export interface Ipv6Fields {
  readonly first?: number;
  readonly payloadLength?: number;
  /** The number of what follows the header. */
  readonly next?: number;
}

export function ipv6Packet(
  ends: Ends,
  body: Uint8Array,
  layers: readonly Layer[] = [],
  fields: Ipv6Fields = {},
): Uint8Array {
  const header = 40 + layers.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const packet = new Uint8Array(header + body.length);
  const view = new DataView(packet.buffer);
  packet[0] = fields.first ?? 0x60;
  view.setUint16(4, fields.payloadLength ?? packet.length - 40);
  packet[6] = fields.next ?? layers[0]?.next ?? ends.protocol;
  packet[7] = HOP_LIMIT;
  writeAddress(packet, 8, ends.source);
  writeAddress(packet, 24, ends.destination);
  let at = 40;
  for (const [i, { bytes }] of layers.entries()) {
    packet.set(bytes, at);
    packet[at] = layers[i + 1]?.next ?? ends.protocol;
    at += bytes.length;
  }
  packet.set(body, at);
  return packet;
}

const HOP_LIMIT = 64;

/** What follows the IP header, with `change` made to it, `length` bytes more behind it, and the checksum that goes with all
 *  that. */
export function transportOf(
  flow: NewFlow,
  length = 0,
  change: (body: Uint8Array) => void = () => undefined,
): Uint8Array {
  const bare = buildTransport(flow);
  const body = new Uint8Array(bare.length + length);
  body.set(bare);
  body.fill(0xa5, bare.length, body.length - 2).fill(0, Math.max(bare.length, (body.length & ~1) - 2));
  const view = new DataView(body.buffer);
  if (flow.protocol === PROTOCOL.udp) view.setUint16(4, body.length);
  if (flow.protocol === PROTOCOL.sctp) view.setUint16(14, body.length - 12); // all of it is one chunk
  change(body);
  return withChecksum(flow, body);
}

function withChecksum(ends: Ends, body: Uint8Array): Uint8Array {
  const v6 = typeof ends.source === "bigint";
  // The kernel's connection tracking takes the protocol for UDP's when it checks UDP-Lite: what others call right is wrong.
  const isUdpLite = ends.protocol === UDP_LITE;
  const packet = v6 ? ipv6Packet(ends, body) : ipv4Packet(ends, body);
  writeTransportChecksum(packet, v6 ? 40 : 20, isUdpLite ? PROTOCOL.udp : ends.protocol, v6);
  return packet.subarray(v6 ? 40 : 20);
}

/** An ICMP error of IPv4 that says of the packet `about` that nobody listens at its port. */
export function icmpError(ends: Ends, about: Uint8Array): Uint8Array {
  const body = new Uint8Array(8 + about.length);
  body.set([3, 3]);
  body.set(about, 8);
  return ipv4Packet(ends, withChecksum(ends, body));
}

export const UDP_LITE = 136;

// --- IPv6 extension headers --------------------------------------------------------------------------------------------

export const EXTENSION = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  none: 59,
  destination: 60,
} as const;

/** Hop-by-hop or destination options of `length` bytes, a multiple of 8, that do nothing. */
export function options(next: 0 | 60, length: number): Layer {
  const bytes = new Uint8Array(length);
  bytes[1] = length / 8 - 1;
  let at = 2;
  // Padding of more than seven bytes in a row is refused: a number of options that may be skipped.
  for (; length - at > 7; at += 6) bytes.set([SKIPPED_OPTION, 4], at);
  bytes.set([PAD_N, length - at - 2], at);
  return { next, bytes };
}

const PAD_N = 1;
const SKIPPED_OPTION = 0x1e; // for experiments (RFC 4727): skipped by who does not know it

/** A routing header of segment routing's kind with no segments left. */
export function routing(length: number): Layer {
  const bytes = new Uint8Array(length);
  bytes[1] = length / 8 - 1;
  bytes[2] = 4;
  return { next: EXTENSION.routing, bytes };
}

/** `length`: a multiple of 4, 12 at least. */
export function authentication(length: number): Layer {
  const bytes = new Uint8Array(length);
  bytes[1] = length / 4 - 2;
  return { next: EXTENSION.authentication, bytes };
}

/** `offset` in bytes, a multiple of 8. */
export function fragment(offset: number, more: boolean, identification: number): Layer {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint16(2, offset | (more ? 1 : 0));
  view.setUint32(4, identification);
  return { next: EXTENSION.fragment, bytes };
}
