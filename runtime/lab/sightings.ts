/** Frames that packet sockets heard, as packets of flows. */
import {
  DESTINATION_PORT,
  ETHERNET_BYTES,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_TYPE,
  ICMPV6_ECHO_REPLY,
  ICMPV6_ECHO_REQUEST,
  IPV4_DESTINATION,
  IPV4_FRAGMENT,
  IPV4_FRAGMENT_OFFSET_MASK,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TTL,
  IPV6_BYTES,
  IPV6_DESTINATION,
  IPV6_HOP_LIMIT,
  IPV6_NEXT_HEADER,
  IPV6_SOURCE,
  SCTP_ABORT,
  SCTP_CHUNK,
  SCTP_INIT,
  SCTP_INIT_ACK,
  SOURCE_PORT,
  TCP_FLAGS,
  UDP_BYTES,
  VXLAN_BYTES,
} from "../../assembly/headers.ts";
import type { Tuple } from "../../compiler/evaluate/connection.ts";
import { PROTOCOL, readAddress, TCP_FLAG } from "../packet.ts";

/** A packet at an interface of a host. */
export interface LabSighting {
  readonly host: string;
  readonly interface: string;
  readonly direction: "in" | "out";
  readonly packet: SightedPacket;
  readonly frame: SightedFrame;
}

/** An Ethernet frame as a packet socket had it. */
export interface SightedFrame {
  /** The first ones. */
  readonly bytes: Buffer;
  /** Of the whole frame. */
  readonly length: number;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
}

export interface SightedPacket {
  /** IANA number. */
  readonly protocol: number;
  /** For ICMP, ports are 0. */
  readonly tuple: Tuple;
  /** IPv4's time to live, IPv6's hop limit. */
  readonly ttl: number;
  /** The first packet of a flow, the first answer to it, a refusal (RST, ABORT), or something else. */
  readonly role: PacketRole;
  /** The packet in that of a tunnel. */
  readonly carries?: SightedPacket;
}

export type PacketRole = "request" | "answer" | "reset" | "other";

/** Of UDP, and of echoes: a packet of a flow has no shorter header. */
const LEAST_BYTES = UDP_BYTES;
const VXLAN_PORTS: ReadonlySet<number> = new Set([4789, 8472]);

/** Reads an Ethernet frame, or its beginning; undefined: no packet of a flow that labs make. */
export function readFrame(frame: Buffer): SightedPacket | undefined {
  const version = (frame[ETHERNET_BYTES] ?? 0) >> 4;
  const isV6 = version === 6;
  const header = isV6 ? IPV6_BYTES : ((frame[ETHERNET_BYTES] ?? 0) & 15) * 4;
  const at = ETHERNET_BYTES + header;
  if ((version !== 4 && !isV6) || frame.length < at + LEAST_BYTES) return undefined;
  // Only the first fragment has the header of a transport protocol.
  const isLaterFragment =
    !isV6 && (frame.readUInt16BE(ETHERNET_BYTES + IPV4_FRAGMENT) & IPV4_FRAGMENT_OFFSET_MASK) !== 0;
  if (isLaterFragment) return undefined;
  const protocol = frame.readUInt8(ETHERNET_BYTES + (isV6 ? IPV6_NEXT_HEADER : IPV4_PROTOCOL));
  const ttl = frame.readUInt8(ETHERNET_BYTES + (isV6 ? IPV6_HOP_LIMIT : IPV4_TTL));
  const source = readAddress(frame, ETHERNET_BYTES + (isV6 ? IPV6_SOURCE : IPV4_SOURCE), isV6 ? 16 : 4);
  const destination = readAddress(frame, ETHERNET_BYTES + (isV6 ? IPV6_DESTINATION : IPV4_DESTINATION), isV6 ? 16 : 4);
  const withPorts = (role: PacketRole, carries?: SightedPacket): SightedPacket => ({
    protocol,
    tuple: {
      source,
      sourcePort: frame.readUInt16BE(at + SOURCE_PORT),
      destination,
      destinationPort: frame.readUInt16BE(at + DESTINATION_PORT),
    },
    ttl,
    role,
    ...(carries === undefined ? {} : { carries }),
  });
  switch (protocol) {
    case PROTOCOL.tcp:
      return frame.length <= at + TCP_FLAGS ? undefined : withPorts(roleOfSegment(frame.readUInt8(at + TCP_FLAGS)));
    case PROTOCOL.sctp:
      return frame.length <= at + SCTP_CHUNK
        ? undefined
        : withPorts(SCTP_ROLES[frame.readUInt8(at + SCTP_CHUNK)] ?? "other");
    case PROTOCOL.udp: {
      const isTunnel = VXLAN_PORTS.has(frame.readUInt16BE(at + DESTINATION_PORT));
      const inner = isTunnel ? readFrame(frame.subarray(at + UDP_BYTES + VXLAN_BYTES)) : undefined;
      return inner === undefined ? withPorts(roleOfText(frame.subarray(at + UDP_BYTES))) : withPorts(inner.role, inner);
    }
    case PROTOCOL.icmp:
    case PROTOCOL.icmpv6: {
      const type = frame.readUInt8(at + ICMP_TYPE);
      if (protocol === PROTOCOL.icmpv6 && type >= ND_FIRST && type <= ND_LAST) return undefined;
      const tuple = { source, sourcePort: 0, destination, destinationPort: 0 };
      return { protocol, tuple, ttl, role: ICMP_ROLES[`${protocol} ${type}`] ?? "other" };
    }
    default:
      return undefined;
  }
}

/** Types of ICMPv6 by which neighbours find each other (RFC 4861): they belong to no flow, as ARP does not. */
const ND_FIRST = 133;
const ND_LAST = 137;

const ICMP_ROLES: Readonly<Record<string, PacketRole>> = {
  [`${PROTOCOL.icmp} ${ICMP_ECHO_REQUEST}`]: "request",
  [`${PROTOCOL.icmp} ${ICMP_ECHO_REPLY}`]: "answer",
  [`${PROTOCOL.icmpv6} ${ICMPV6_ECHO_REQUEST}`]: "request",
  [`${PROTOCOL.icmpv6} ${ICMPV6_ECHO_REPLY}`]: "answer",
};

/** By the kind of the first chunk. */
const SCTP_ROLES: Readonly<Record<number, PacketRole>> = {
  [SCTP_INIT]: "request",
  [SCTP_INIT_ACK]: "answer",
  [SCTP_ABORT]: "reset",
};

function roleOfSegment(flags: number): PacketRole {
  if ((flags & TCP_FLAG.rst) !== 0) return "reset";
  if ((flags & TCP_FLAG.syn) === 0) return "other";
  return (flags & TCP_FLAG.ack) === 0 ? "request" : "answer";
}

/** By what clients and servers of a lab say in datagrams. */
function roleOfText(payload: Buffer): PacketRole {
  const word = payload.subarray(0, 3).toString("latin1");
  return word === "ask" ? "request" : word === "saw" ? "answer" : "other";
}
