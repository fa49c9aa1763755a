/** Packets of predicted walks as bytes. */
import type { WalkPacket } from "../compiler/trace/walk/capture.ts";
import { buildAnswer, buildIpPacket, buildTransport, PROTOCOL } from "./packet.ts";

/** Bytes before a packet in a tunnel: a header of UDP, of VXLAN, and of Ethernet. */
const UDP_HEADER = 8;
const VXLAN_HEADER = 8;
const ETHERNET_HEADER = 14;
const HAS_NETWORK = 0x08000000;
/** Of all tunnels here. */
const NETWORK = 1;

/** An IP packet with right checksums; what is in a tunnel is in it. */
export function walkPacketBytes(packet: WalkPacket): Uint8Array {
  const { ttl, isAnswer, carries } = packet;
  if (carries !== undefined) return buildIpPacket(packet, wrapped(packet, carries), ttl);
  return isAnswer ? buildAnswer(packet, ttl) : buildIpPacket(packet, buildTransport(packet), ttl);
}

function wrapped({ protocol, sourcePort, destinationPort }: WalkPacket, carries: WalkPacket): Uint8Array {
  const inner = walkPacketBytes(carries);
  if (protocol === PROTOCOL.ipip) return inner;
  const head = UDP_HEADER + VXLAN_HEADER + ETHERNET_HEADER;
  const body = new Uint8Array(head + inner.length);
  const view = new DataView(body.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint16(4, body.length);
  view.setUint32(UDP_HEADER, HAS_NETWORK);
  view.setUint32(UDP_HEADER + 4, NETWORK << 8);
  view.setUint16(head - 2, typeof carries.source === "bigint" ? 0x86dd : 0x0800);
  body.set(inner, head);
  return body;
}
