/** From what came out to what happened. */
import type { Rejection } from "../../compiler/evaluate/disposition.ts";
import type { RejectWith } from "../../compiler/ir/types.ts";
import { type Address, printAddressPort } from "../../compiler/net/address.ts";
import { isEchoRequest, type PacketHead, PROTOCOL } from "../packet.ts";
import type { ProbeResult } from "./prober.ts";

/** What becomes of one packet, as far as it can be seen from outside: an accepted packet looks like an untouched one. */
export type Observation =
  | { readonly kind: "drop" }
  | { readonly kind: "reject"; readonly with: Rejection }
  /** It arrived: at the node itself (`local`) or on its way out. */
  | {
      readonly kind: "arrived";
      readonly address: Address;
      readonly port: number;
      readonly translated: boolean;
      readonly masquerade: boolean;
      readonly local: boolean;
    };

/** What an answer means for the packet. One that reached the node counts as arrived, whatever the node's own programs
 *  answer: nobody listens there. */
export function observe({ flow, events }: ProbeResult): Observation {
  for (const event of events) {
    if (event.kind === "error" || event.head.protocol !== flow.protocol || !isFirst(event.head)) continue;
    const { source, destination, sourcePort, destinationPort } = event.head;
    // To its own address a packet is masqueraded with another port, when ports are chosen at random.
    const masquerade = source !== flow.source || sourcePort !== flow.sourcePort;
    const translated = destination !== flow.destination || destinationPort !== flow.destinationPort;
    const local = event.kind === "local";
    return { kind: "arrived", address: destination, port: destinationPort, translated, masquerade, local };
  }
  for (const event of events) {
    if (event.kind !== "error" && event.head.answers && event.head.icmp === undefined)
      return { kind: "reject", with: "tcp-reset" };
    if (event.kind !== "error" && event.head.icmp !== undefined && !event.head.answers)
      return { kind: "reject", with: reasonOf(event.head.protocol, event.head.icmp) };
  }
  return { kind: "drop" };
}

/** Whether a packet opens a connection: errors and answers of the node's own programs do not. */
function isFirst(head: PacketHead): boolean {
  return !head.answers && (head.icmp === undefined || isEchoRequest(head));
}

/** The reject type that sends this message (net/ipv4/netfilter/ipt_REJECT.c and its sibling). */
function reasonOf(protocol: number, { type, code }: { readonly type: number; readonly code: number }): Rejection {
  return REASONS[protocol === PROTOCOL.icmp ? 4 : 6].get(`${type}/${code}`) ?? `icmp ${type}/${code}`;
}

const REASONS: Readonly<Record<4 | 6, ReadonlyMap<string, RejectWith>>> = {
  4: new Map([
    ["3/0", "net-unreachable"],
    ["3/1", "host-unreachable"],
    ["3/3", "port-unreachable"],
    ["3/13", "admin-prohibited"],
  ]),
  6: new Map([
    ["1/0", "net-unreachable"],
    ["1/1", "admin-prohibited"],
    ["1/3", "host-unreachable"],
    ["1/4", "port-unreachable"],
  ]),
};

/** An observation in a few words. */
export function describeObservation(observation: Observation): string {
  if (observation.kind === "drop") return "drop";
  if (observation.kind === "reject") return `reject with ${observation.with}`;
  const { address, port, masquerade, translated } = observation;
  const source = masquerade ? " (masqueraded)" : "";
  return translated ? `dnat to ${printAddressPort(address, port)}${source}` : `pass${source}`;
}
