/** Frames that packet sockets heard, as packets of flows. */
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

const ETHERNET = 14;
const VXLAN_PORTS: ReadonlySet<number> = new Set([4789, 8472]);
const VXLAN = 8;

/** Reads an Ethernet frame, or its beginning; undefined: no packet of a flow that labs make. */
export function readFrame(frame: Buffer): SightedPacket | undefined {
  const version = (frame[ETHERNET] ?? 0) >> 4;
  const isV6 = version === 6;
  const header = isV6 ? 40 : ((frame[ETHERNET] ?? 0) & 15) * 4;
  const at = ETHERNET + header;
  if ((version !== 4 && !isV6) || frame.length < at + 8) return undefined;
  // Only the first fragment has the header of a transport protocol.
  const isLaterFragment = !isV6 && (frame.readUInt16BE(ETHERNET + 6) & 0x1fff) !== 0;
  if (isLaterFragment) return undefined;
  const protocol = frame.readUInt8(ETHERNET + (isV6 ? 6 : 9));
  const ttl = frame.readUInt8(ETHERNET + (isV6 ? 7 : 8));
  const source = readAddress(frame, ETHERNET + (isV6 ? 8 : 12), isV6 ? 16 : 4);
  const destination = readAddress(frame, ETHERNET + (isV6 ? 24 : 16), isV6 ? 16 : 4);
  const withPorts = (role: PacketRole, carries?: SightedPacket): SightedPacket => ({
    protocol,
    tuple: { source, sourcePort: frame.readUInt16BE(at), destination, destinationPort: frame.readUInt16BE(at + 2) },
    ttl,
    role,
    ...(carries === undefined ? {} : { carries }),
  });
  switch (protocol) {
    case PROTOCOL.tcp:
      return frame.length < at + 14 ? undefined : withPorts(roleOfSegment(frame.readUInt8(at + 13)));
    case PROTOCOL.sctp:
      return frame.length < at + 13 ? undefined : withPorts(SCTP_ROLES[frame.readUInt8(at + 12)] ?? "other");
    case PROTOCOL.udp: {
      const isTunnel = VXLAN_PORTS.has(frame.readUInt16BE(at + 2));
      const inner = isTunnel ? readFrame(frame.subarray(at + 8 + VXLAN)) : undefined;
      return inner === undefined ? withPorts(roleOfText(frame.subarray(at + 8))) : withPorts(inner.role, inner);
    }
    case PROTOCOL.icmp:
    case PROTOCOL.icmpv6: {
      const type = frame.readUInt8(at);
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
  [`${PROTOCOL.icmp} 8`]: "request",
  [`${PROTOCOL.icmp} 0`]: "answer",
  [`${PROTOCOL.icmpv6} 128`]: "request",
  [`${PROTOCOL.icmpv6} 129`]: "answer",
};

/** By the kind of the first chunk: INIT, INIT ACK, ABORT. */
const SCTP_ROLES: Readonly<Record<number, PacketRole>> = { 1: "request", 2: "answer", 6: "reset" };

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
