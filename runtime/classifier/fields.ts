/** Packets as people write them. */
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import { PROTOCOL_NUMBERS, type Protocol } from "../../compiler/net/protocol.ts";
import { buildPacket } from "../packet.ts";

/** The first packet of a connection. */
export interface PacketFields {
  /** `tcp`, `udp`, `sctp`, or an IANA number. */
  readonly protocol: Protocol | Uppercase<Protocol> | number;
  readonly source: string;
  /** 0 unless given. */
  readonly sourcePort?: number;
  readonly destination: string;
  readonly destinationPort?: number;
}

/** The packet's bytes, its IP header first. Throws `TypeError` for what is no packet. */
export function packetFrom(fields: PacketFields): Uint8Array {
  const source = addressIn(fields.source);
  const destination = addressIn(fields.destination);
  if (typeof source !== typeof destination)
    throw new TypeError(`${fields.source} and ${fields.destination} are addresses of two families`);
  const { protocol: name } = fields;
  const protocol = typeof name === "number" ? name : PROTOCOL_NUMBERS[name.toLowerCase() as Protocol];
  if (!isBelow(protocol, 256)) throw new TypeError(`${name} is no protocol: expected tcp, udp, sctp or a number`);
  const { sourcePort = 0, destinationPort = 0 } = fields;
  for (const port of [sourcePort, destinationPort])
    if (!isBelow(port, 65536)) throw new TypeError(`${port} is no port: expected a number from 0 to 65535`);
  return buildPacket({ protocol, source, destination, sourcePort, destinationPort });
}

function addressIn(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new TypeError(`${text} is no IP address`);
  return address;
}

function isBelow(value: number | undefined, end: number): boolean {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value < end;
}
