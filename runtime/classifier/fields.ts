/** Packets as people write them. */
import { describe, isRecord } from "../../compiler/arguments.ts";
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
  if (!isRecord(fields))
    throw new TypeError(`packet: expected {protocol, source, destination} or bytes, found ${describe(fields)}`);
  const source = addressIn(fields.source, "packet.source");
  const destination = addressIn(fields.destination, "packet.destination");
  if (typeof source !== typeof destination)
    throw new TypeError(
      `packet.source and packet.destination: expected two addresses of one family, found ${fields.source} and ${fields.destination}`,
    );
  return buildPacket({
    protocol: protocolIn(fields.protocol),
    source,
    destination,
    sourcePort: portIn(fields.sourcePort, "packet.sourcePort"),
    destinationPort: portIn(fields.destinationPort, "packet.destinationPort"),
  });
}

function protocolIn(value: PacketFields["protocol"]): number {
  const number = typeof value === "string" ? PROTOCOL_NUMBERS[value.toLowerCase() as Protocol] : value;
  if (!isBelow(number, 256))
    throw new TypeError(`packet.protocol: expected tcp, udp, sctp or a number from 0 to 255, found ${describe(value)}`);
  return number;
}

function portIn(value: number | undefined, what: string): number {
  const port = value === undefined ? 0 : value;
  if (!isBelow(port, 65536))
    throw new TypeError(`${what}: expected a number from 0 to 65535, found ${describe(value)}`);
  return port;
}

function addressIn(text: unknown, what: string): Address {
  const address = typeof text === "string" ? parseAddress(text) : undefined;
  if (address === undefined) throw new TypeError(`${what}: expected an IP address, found ${describe(text)}`);
  return address;
}

function isBelow(value: unknown, end: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < end;
}
