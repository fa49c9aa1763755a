/** IP packets as bytes: the only place, beside the engine's own, where network byte order exists. */
import {
  DESTINATION_PORT,
  ICMP,
  ICMP_CHECKSUM,
  ICMP_CODE,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_IDENTIFIER,
  ICMP_SEQUENCE,
  ICMP_TYPE,
  ICMPV6,
  ICMPV6_ECHO_REPLY,
  ICMPV6_ECHO_REQUEST,
  IPIP,
  IPV4_BYTES,
  IPV4_CHECKSUM,
  IPV4_DESTINATION,
  IPV4_DO_NOT_FRAGMENT,
  IPV4_FRAGMENT,
  IPV4_PLAIN,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TOTAL_LENGTH,
  IPV4_TTL,
  IPV6_BYTES,
  IPV6_DESTINATION,
  IPV6_HOP_LIMIT,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
  IPV6_VERSION,
  SCTP,
  SCTP_ABORT,
  SCTP_CHECKSUM,
  SCTP_CHUNK,
  SCTP_CHUNK_LENGTH,
  SCTP_FIRST_TSN,
  SCTP_INBOUND_STREAMS,
  SCTP_INIT,
  SCTP_INIT_BYTES,
  SCTP_INITIATE_TAG,
  SCTP_OUTBOUND_STREAMS,
  SCTP_WINDOW,
  SOURCE_PORT,
  TCP,
  TCP_ACKNOWLEDGEMENT,
  TCP_BYTES,
  TCP_CHECKSUM,
  TCP_FLAGS,
  TCP_OFFSET,
  TCP_SEQUENCE,
  TCP_WINDOW,
  UDP,
  UDP_CHECKSUM,
  UDP_LENGTH,
} from "../assembly/headers.ts";
import type { Address, Ipv4, Ipv6 } from "../compiler/net/address.ts";

/** IANA protocol numbers of what is built and read here. */
export const PROTOCOL = { icmp: ICMP, ipip: IPIP, tcp: TCP, udp: UDP, icmpv6: ICMPV6, sctp: SCTP } as const;

/** TCP flags. */
export const TCP_FLAG = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;

/** The first packet of a connection: a SYN, a datagram, an INIT, an echo request. Ports of 0 to 65535; for ICMP
 *  `sourcePort` is the identifier. */
export interface NewFlow {
  /** IANA number: ICMP has one for each family. */
  readonly protocol: number;
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** `flow` as an IP packet with right checksums: connection tracking takes no other. */
export function buildPacket(flow: NewFlow): Uint8Array {
  return buildIpPacket(flow, buildTransport(flow), HOP_LIMIT);
}

/** The first answer to a flow, from its receiver's side: a SYN with ACK, a datagram, an echo reply. */
export function buildAnswer(flow: NewFlow, ttl: number): Uint8Array {
  const body = buildTransport(flow);
  const view = new DataView(body.buffer);
  if (flow.protocol === PROTOCOL.tcp) {
    view.setUint32(TCP_ACKNOWLEDGEMENT, 2); // acknowledges a SYN as built here
    body[TCP_FLAGS] = TCP_FLAG.syn | TCP_FLAG.ack;
  } else if (flow.protocol === PROTOCOL.icmp) body[ICMP_TYPE] = ICMP_ECHO_REPLY;
  else if (flow.protocol === PROTOCOL.icmpv6) body[ICMP_TYPE] = ICMPV6_ECHO_REPLY;
  return buildIpPacket(flow, body, ttl);
}

/** An IP packet around `body`, what follows the IP header, whose checksum is zero and becomes right. */
export function buildIpPacket(flow: NewFlow, body: Uint8Array, ttl: number): Uint8Array {
  const v6 = typeof flow.source === "bigint";
  const header = v6 ? IPV6_BYTES : IPV4_BYTES;
  const packet = new Uint8Array(header + body.length);
  packet.set(body, header);
  const view = new DataView(packet.buffer);
  if (v6) {
    packet[0] = IPV6_VERSION;
    view.setUint16(IPV6_PAYLOAD_LENGTH, body.length);
    packet[IPV6_NEXT_HEADER] = flow.protocol;
    packet[IPV6_HOP_LIMIT] = ttl;
    writeAddress(packet, IPV6_SOURCE, flow.source);
    writeAddress(packet, IPV6_DESTINATION, flow.destination);
  } else {
    packet[0] = IPV4_PLAIN;
    view.setUint16(IPV4_TOTAL_LENGTH, packet.length);
    view.setUint16(IPV4_FRAGMENT, IPV4_DO_NOT_FRAGMENT);
    packet[IPV4_TTL] = ttl;
    packet[IPV4_PROTOCOL] = flow.protocol;
    writeAddress(packet, IPV4_SOURCE, flow.source);
    writeAddress(packet, IPV4_DESTINATION, flow.destination);
    writeHeaderChecksum(packet, IPV4_BYTES);
  }
  if (flow.protocol !== PROTOCOL.ipip) writeTransportChecksum(packet, header, flow.protocol, v6);
  return packet;
}

const HOP_LIMIT = 64;

/** Writes the checksum of an IPv4 header of `length` bytes that has zeros there. */
export function writeHeaderChecksum(packet: Uint8Array, length: number): void {
  const view = new DataView(packet.buffer, packet.byteOffset);
  view.setUint16(IPV4_CHECKSUM, checksum(packet.subarray(0, length), 0));
}

/** What follows the IP header of the first packet of a connection; its checksum is zero. */
export function buildTransport({ protocol, sourcePort, destinationPort }: NewFlow): Uint8Array {
  const sizes: Readonly<Record<number, number>> = { [PROTOCOL.tcp]: TCP_BYTES, [PROTOCOL.sctp]: SCTP_INIT_BYTES };
  const body = new Uint8Array(sizes[protocol] ?? 12);
  const view = new DataView(body.buffer);
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) {
    body[ICMP_TYPE] = protocol === PROTOCOL.icmp ? ICMP_ECHO_REQUEST : ICMPV6_ECHO_REQUEST;
    view.setUint16(ICMP_IDENTIFIER, sourcePort);
    view.setUint16(ICMP_SEQUENCE, 1);
    return body;
  }
  view.setUint16(SOURCE_PORT, sourcePort);
  view.setUint16(DESTINATION_PORT, destinationPort);
  switch (protocol) {
    case PROTOCOL.tcp:
      view.setUint32(TCP_SEQUENCE, 1);
      body[TCP_OFFSET] = (TCP_BYTES / 4) << 4;
      body[TCP_FLAGS] = TCP_FLAG.syn;
      view.setUint16(TCP_WINDOW, 0xffff);
      break;
    case PROTOCOL.udp:
      view.setUint16(UDP_LENGTH, body.length);
      break;
    case PROTOCOL.sctp:
      body[SCTP_CHUNK] = SCTP_INIT;
      view.setUint16(SCTP_CHUNK_LENGTH, SCTP_INIT_BYTES - SCTP_CHUNK);
      view.setUint32(SCTP_INITIATE_TAG, 1);
      view.setUint32(SCTP_WINDOW, 0xffff);
      view.setUint16(SCTP_OUTBOUND_STREAMS, 1);
      view.setUint16(SCTP_INBOUND_STREAMS, 1);
      view.setUint32(SCTP_FIRST_TSN, 1);
      break;
  }
  return body;
}

/** Writes the checksum of the transport header that begins `header` bytes behind the packet's start and has zeros there. Of
 *  protocols that are not built here the kernel takes it that all words together are one: the last of them makes it right. */
export function writeTransportChecksum(packet: Uint8Array, header: number, protocol: number, v6: boolean): void {
  const body = packet.subarray(header);
  const view = new DataView(packet.buffer, packet.byteOffset + header);
  if (protocol === PROTOCOL.sctp) {
    view.setUint32(SCTP_CHECKSUM, crc32c(body), true);
    return;
  }
  const addresses = v6 ? packet.subarray(IPV6_SOURCE, IPV6_BYTES) : packet.subarray(IPV4_SOURCE, IPV4_BYTES);
  const pseudo =
    v6 || protocol === PROTOCOL.tcp || protocol === PROTOCOL.udp ? sum16(addresses, body.length + protocol) : 0;
  const sum = checksum(body, pseudo);
  const isUdp = protocol === PROTOCOL.udp;
  view.setUint16(CHECKSUM_AT[protocol] ?? (body.length & ~1) - 2, sum === 0 && isUdp ? 0xffff : sum);
}

const CHECKSUM_AT: Readonly<Record<number, number>> = {
  [PROTOCOL.tcp]: TCP_CHECKSUM,
  [PROTOCOL.udp]: UDP_CHECKSUM,
  [PROTOCOL.icmp]: ICMP_CHECKSUM,
  [PROTOCOL.icmpv6]: ICMP_CHECKSUM,
};

export function writeAddress(packet: Uint8Array, at: number, address: Address): void {
  const view = new DataView(packet.buffer, packet.byteOffset);
  if (typeof address === "number") {
    view.setUint32(at, address);
  } else {
    view.setBigUint64(at, address >> 64n);
    view.setBigUint64(at + 8, address & 0xffffffffffffffffn);
  }
}

/** What a packet says of itself. */
export interface PacketHead {
  /** IANA number. */
  readonly protocol: number;
  readonly source: Address;
  readonly destination: Address;
  /** The identifier of an echo; 0 for other ICMP. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Type and code; of ICMP and ICMPv6 only. */
  readonly icmp?: { readonly type: number; readonly code: number };
  /** What refuses or ends a connection, and the answer to an echo: a TCP reset, an SCTP abort, an echo reply. */
  readonly answers: boolean;
}

/** The head of an IP packet; undefined for what is no TCP, UDP, SCTP or ICMP packet of either family. */
export function readPacket(packet: Uint8Array): PacketHead | undefined {
  if (packet.length < IPV4_BYTES) return undefined;
  const version = (packet[0] as number) >> 4;
  if (version === 4) {
    const length = ((packet[0] as number) & 15) * 4;
    return readTransport(
      packet.subarray(length),
      packet[IPV4_PROTOCOL] as number,
      readAddress(packet, IPV4_SOURCE, 4),
      readAddress(packet, IPV4_DESTINATION, 4),
    );
  }
  if (version !== 6 || packet.length < IPV6_BYTES) return undefined;
  return readTransport(
    packet.subarray(IPV6_BYTES),
    packet[IPV6_NEXT_HEADER] as number,
    readAddress(packet, IPV6_SOURCE, 16),
    readAddress(packet, IPV6_DESTINATION, 16),
  );
}

/** The head of what follows an IP header, which the caller has read. */
export function readTransport(
  body: Uint8Array,
  protocol: number,
  source: Address,
  destination: Address,
): PacketHead | undefined {
  if (body.length < 8) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) {
    const icmp = { type: body[ICMP_TYPE] as number, code: body[ICMP_CODE] as number };
    const sourcePort = ECHOES.has(icmp.type) ? view.getUint16(ICMP_IDENTIFIER) : 0;
    const answers = icmp.type === ICMP_ECHO_REPLY || icmp.type === ICMPV6_ECHO_REPLY;
    return { protocol, source, destination, sourcePort, destinationPort: 0, icmp, answers };
  }
  if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp && protocol !== PROTOCOL.sctp) return undefined;
  const answers =
    (protocol === PROTOCOL.tcp && ((body[TCP_FLAGS] ?? 0) & TCP_FLAG.rst) !== 0) ||
    (protocol === PROTOCOL.sctp && body[SCTP_CHUNK] === SCTP_ABORT);
  return {
    protocol,
    source,
    destination,
    sourcePort: view.getUint16(SOURCE_PORT),
    destinationPort: view.getUint16(DESTINATION_PORT),
    answers,
  };
}

const ECHOES: ReadonlySet<number> = new Set([
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_ECHO_REPLY,
]);

/** Whether a packet asks for an echo: the first packet of an ICMP "connection". */
export function isEchoRequest({ icmp }: PacketHead): boolean {
  return icmp !== undefined && (icmp.type === ICMP_ECHO_REQUEST || icmp.type === ICMPV6_ECHO_REQUEST);
}

/** The address of `length` bytes (4 or 16) at `at`. */
export function readAddress(bytes: Uint8Array, at: number, length: number): Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (length === 4) return view.getUint32(at) as Ipv4;
  return ((view.getBigUint64(at) << 64n) | view.getBigUint64(at + 8)) as Ipv6;
}

/** The Internet checksum (RFC 1071) of `bytes`, with `start` added in. */
function checksum(bytes: Uint8Array, start: number): number {
  let sum = sum16(bytes, start);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function sum16(bytes: Uint8Array, start: number): number {
  let sum = start;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
  return bytes.length % 2 === 0 ? sum : sum + ((bytes.at(-1) as number) << 8);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

/** SCTP's checksum (RFC 9260, appendix A). */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 255] as number);
  return ~crc >>> 0;
}
