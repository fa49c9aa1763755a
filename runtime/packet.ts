/** IP packets as bytes: the only place, beside the engine's own, where network byte order exists. */
import type { Address, Ipv4, Ipv6 } from "../compiler/net/address.ts";

/** IANA protocol numbers of what is built and read here. */
export const PROTOCOL = { icmp: 1, ipip: 4, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;

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
    view.setUint32(8, 2); // acknowledges a SYN as built here
    body[13] = TCP_FLAG.syn | TCP_FLAG.ack;
  } else if (flow.protocol === PROTOCOL.icmp) body[0] = ECHO_REPLY;
  else if (flow.protocol === PROTOCOL.icmpv6) body[0] = ECHO_REPLY_V6;
  return buildIpPacket(flow, body, ttl);
}

/** An IP packet around `body`, what follows the IP header, whose checksum is zero and becomes right. */
export function buildIpPacket(flow: NewFlow, body: Uint8Array, ttl: number): Uint8Array {
  const v6 = typeof flow.source === "bigint";
  const header = v6 ? 40 : 20;
  const packet = new Uint8Array(header + body.length);
  packet.set(body, header);
  const view = new DataView(packet.buffer);
  if (v6) {
    view.setUint32(0, 0x60000000);
    view.setUint16(4, body.length);
    packet[6] = flow.protocol;
    packet[7] = ttl;
    writeAddress(packet, 8, flow.source);
    writeAddress(packet, 24, flow.destination);
  } else {
    packet[0] = 0x45;
    view.setUint16(2, packet.length);
    view.setUint16(6, 0x4000); // do not fragment
    packet[8] = ttl;
    packet[9] = flow.protocol;
    writeAddress(packet, 12, flow.source);
    writeAddress(packet, 16, flow.destination);
    writeHeaderChecksum(packet, 20);
  }
  if (flow.protocol !== PROTOCOL.ipip) writeTransportChecksum(packet, header, flow.protocol, v6);
  return packet;
}

const HOP_LIMIT = 64;

/** Writes the checksum of an IPv4 header of `length` bytes that has zeros there. */
export function writeHeaderChecksum(packet: Uint8Array, length: number): void {
  const view = new DataView(packet.buffer, packet.byteOffset);
  view.setUint16(10, checksum(packet.subarray(0, length), 0));
}

/** What follows the IP header of the first packet of a connection; its checksum is zero. */
export function buildTransport({ protocol, sourcePort, destinationPort }: NewFlow): Uint8Array {
  const sizes: Readonly<Record<number, number>> = { [PROTOCOL.tcp]: 20, [PROTOCOL.sctp]: 32 };
  const body = new Uint8Array(sizes[protocol] ?? 12);
  const view = new DataView(body.buffer);
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) {
    body[0] = protocol === PROTOCOL.icmp ? ECHO_REQUEST : ECHO_REQUEST_V6;
    view.setUint16(4, sourcePort);
    view.setUint16(6, 1);
    return body;
  }
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  switch (protocol) {
    case PROTOCOL.tcp:
      view.setUint32(4, 1); // sequence number
      body[12] = 0x50; // five words of header
      body[13] = TCP_FLAG.syn;
      view.setUint16(14, 0xffff); // window
      break;
    case PROTOCOL.udp:
      view.setUint16(4, body.length);
      break;
    case PROTOCOL.sctp: // one INIT chunk
      body[12] = 1;
      view.setUint16(14, 20); // its length
      view.setUint32(16, 1); // initiate tag
      view.setUint32(20, 0xffff); // receiver window
      view.setUint16(24, 1); // outbound streams
      view.setUint16(26, 1); // inbound streams
      view.setUint32(28, 1); // initial TSN
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
    view.setUint32(8, crc32c(body), true);
    return;
  }
  const addresses = v6 ? packet.subarray(8, 40) : packet.subarray(12, 20);
  const pseudo =
    v6 || protocol === PROTOCOL.tcp || protocol === PROTOCOL.udp ? sum16(addresses, body.length + protocol) : 0;
  const sum = checksum(body, pseudo);
  const isUdp = protocol === PROTOCOL.udp;
  view.setUint16(CHECKSUM_AT[protocol] ?? (body.length & ~1) - 2, sum === 0 && isUdp ? 0xffff : sum);
}

const CHECKSUM_AT: Readonly<Record<number, number>> = {
  [PROTOCOL.tcp]: 16,
  [PROTOCOL.udp]: 6,
  [PROTOCOL.icmp]: 2,
  [PROTOCOL.icmpv6]: 2,
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
  if (packet.length < 20) return undefined;
  const version = (packet[0] as number) >> 4;
  if (version === 4) {
    const length = ((packet[0] as number) & 15) * 4;
    return readTransport(
      packet.subarray(length),
      packet[9] as number,
      readAddress(packet, 12, 4),
      readAddress(packet, 16, 4),
    );
  }
  if (version !== 6 || packet.length < 40) return undefined;
  return readTransport(
    packet.subarray(40),
    packet[6] as number,
    readAddress(packet, 8, 16),
    readAddress(packet, 24, 16),
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
    const icmp = { type: body[0] as number, code: body[1] as number };
    const sourcePort = ECHOES.has(icmp.type) ? view.getUint16(4) : 0;
    const answers = icmp.type === ECHO_REPLY || icmp.type === ECHO_REPLY_V6;
    return { protocol, source, destination, sourcePort, destinationPort: 0, icmp, answers };
  }
  if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp && protocol !== PROTOCOL.sctp) return undefined;
  const answers =
    (protocol === PROTOCOL.tcp && ((body[13] ?? 0) & TCP_FLAG.rst) !== 0) ||
    (protocol === PROTOCOL.sctp && body[12] === SCTP_ABORT);
  return { protocol, source, destination, sourcePort: view.getUint16(0), destinationPort: view.getUint16(2), answers };
}

const SCTP_ABORT = 6;
const ECHO_REPLY = 0;
const ECHO_REQUEST = 8;
const ECHO_REQUEST_V6 = 128;
const ECHO_REPLY_V6 = 129;
const ECHOES: ReadonlySet<number> = new Set([ECHO_REPLY, ECHO_REQUEST, ECHO_REQUEST_V6, ECHO_REPLY_V6]);

/** Whether a packet asks for an echo: the first packet of an ICMP "connection". */
export function isEchoRequest({ icmp }: PacketHead): boolean {
  return icmp !== undefined && (icmp.type === ECHO_REQUEST || icmp.type === ECHO_REQUEST_V6);
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
