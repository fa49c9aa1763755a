/** Packets in short texts. */
import type { Tuple } from "../../compiler/evaluate/connection.ts";
import type { Packet } from "../../compiler/evaluate/packet.ts";
import { required } from "../../compiler/invariant.ts";
import { type Address, parseAddress, printAddressPort } from "../../compiler/net/address.ts";

const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17 };

/** `eth0 tcp 203.0.113.5:40000 > 10.1.0.9:80`; `own`: the node sends it. ICMP has ports of 0. */
export function packetText(text: string): Packet {
  const [by = "", protocol = "", from = "", , to = ""] = text.split(" ");
  const [source, destination] = [endOf(from), endOf(to)];
  return {
    protocol: required(PROTOCOLS[protocol], `${protocol} is a protocol`),
    source: source.address,
    sourcePort: source.port,
    destination: destination.address,
    destinationPort: destination.port,
    inInterface: by === "own" ? undefined : by,
    mark: 0,
  };
}

function endOf(text: string): { readonly address: Address; readonly port: number } {
  const [, address = "", port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(text) ?? [];
  return { address: required(parseAddress(address), `${text} is an address and a port`), port: Number(port) };
}

export function tupleText({ source, sourcePort, destination, destinationPort }: Tuple): string {
  return `${printAddressPort(source, sourcePort)} > ${printAddressPort(destination, destinationPort)}`;
}
