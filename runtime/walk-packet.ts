/** Packets of predicted walks as bytes. */
import {
  DESTINATION_PORT,
  ETHERNET_BYTES,
  ETHERNET_TYPE,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  SOURCE_PORT,
  UDP_BYTES,
  UDP_LENGTH,
  VXLAN_BYTES,
  VXLAN_FLAGS,
  VXLAN_NETWORK,
} from "../assembly/headers.ts";
import type { WalkPacket } from "../compiler/trace/walk/capture.ts";
import { buildAnswer, buildIpPacket, buildTransport, PROTOCOL } from "./packet.ts";

/** Where the frame is in a datagram of VXLAN, and the packet in that. */
const FRAME = UDP_BYTES + VXLAN_BYTES;
const PACKET = FRAME + ETHERNET_BYTES;
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
  const body = new Uint8Array(PACKET + inner.length);
  const view = new DataView(body.buffer);
  view.setUint16(SOURCE_PORT, sourcePort);
  view.setUint16(DESTINATION_PORT, destinationPort);
  view.setUint16(UDP_LENGTH, body.length);
  view.setUint32(UDP_BYTES + VXLAN_FLAGS, HAS_NETWORK);
  view.setUint32(UDP_BYTES + VXLAN_NETWORK, NETWORK << 8);
  view.setUint16(FRAME + ETHERNET_TYPE, typeof carries.source === "bigint" ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
  body.set(inner, PACKET);
  return body;
}
