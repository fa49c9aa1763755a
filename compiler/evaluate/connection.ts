/** Connections as a node's kernel keeps them: `conntrack -L` lists the two tuples of each. */
import { CT_STATUS } from "../ir/constants.ts";
import type { Address } from "../net/address.ts";

/** Addresses and ports of a packet; ports are 0 where its protocol has none. */
export interface Tuple {
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
}

/** An entry of a node's connection table. */
export interface ConnectionEntry {
  /** IANA number. */
  readonly protocol: number;
  /** Of the connection's first packet as it came to the node. */
  readonly original: Tuple;
  /** Of a packet that answers it, as that comes to the node. NAT is the difference: without any it is `original` turned round. */
  readonly reply: Tuple;
  /** Bits by `CT_STATUS`. `confirmed`: the node has the connection in its table, because its first packet got through. */
  readonly status: number;
  readonly mark: number;
}

/** `original`: as the first packet of the connection; `reply`: the other way. */
export type Direction = "original" | "reply";

/** Which way a packet goes in a connection; undefined: it is not of that connection. */
export function directionIn(
  { protocol, original, reply }: ConnectionEntry,
  packet: Tuple & { readonly protocol: number },
): Direction | undefined {
  if (protocol !== packet.protocol) return undefined;
  if (isSameTuple(packet, original)) return "original";
  return isSameTuple(packet, reply) ? "reply" : undefined;
}

/** The tuple that packets of a connection have when they leave the node, by their direction. */
export function tupleBehindNat({ original, reply }: ConnectionEntry, direction: Direction): Tuple {
  return turnedRound(direction === "original" ? reply : original);
}

/** The tuple of an answer to a packet that has this one. */
export function turnedRound({ source, sourcePort, destination, destinationPort }: Tuple): Tuple {
  return { source: destination, sourcePort: destinationPort, destination: source, destinationPort: sourcePort };
}

/** The bits of `status` that say what is translated. */
export function natStatus(original: Tuple, reply: Tuple): number {
  const isSourceKept = original.source === reply.destination && original.sourcePort === reply.destinationPort;
  const isDestinationKept = original.destination === reply.source && original.destinationPort === reply.sourcePort;
  return (isSourceKept ? 0 : CT_STATUS.snat) | (isDestinationKept ? 0 : CT_STATUS.dnat);
}

/** Whether two packets have the same addresses and ports. */
export function isSameTuple(a: Tuple, b: Tuple): boolean {
  return (
    a.source === b.source &&
    a.destination === b.destination &&
    a.sourcePort === b.sourcePort &&
    a.destinationPort === b.destinationPort
  );
}
