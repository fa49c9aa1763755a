/** From what came out to what happened. */
import { type Address, printAddressPort } from "../../compiler/net/address.ts";
import { PROTOCOL } from "../packet.ts";
import type { Event, Probe } from "./prober.ts";

/** The fate of one packet, as far as it can be seen from outside: an accepted packet looks like an untouched one. */
export type Observation =
  | { readonly kind: "drop" }
  | { readonly kind: "reject"; readonly with: "port-unreachable" | "tcp-reset" | `icmp ${number}/${number}` }
  /** It arrived: at the node itself (`local`) or on its way out. */
  | {
      readonly kind: "arrived";
      readonly address: Address;
      readonly port: number;
      readonly translated: boolean;
      readonly masquerade: boolean;
      readonly local: boolean;
    };

/** What `events` mean for the packet of `probe`. A packet that reached the node counts as arrived, whatever the node's own
 *  programs answer: nobody listens there. */
export function observe({ flow }: Probe, events: readonly Event[]): Observation {
  for (const event of events) {
    if (event.kind === "error" || event.head.icmp !== undefined || event.head.protocol !== flow.protocol) continue;
    const { source, destination, sourcePort, destinationPort } = event.head;
    // Answers of the node's own TCP go the other way round.
    if (event.head.reset && destination === flow.source && destinationPort === flow.sourcePort) continue;
    // To its own address a packet is masqueraded with another port, when ports are chosen at random.
    const masquerade = source !== flow.source || sourcePort !== flow.sourcePort;
    const translated = destination !== flow.destination || destinationPort !== flow.destinationPort;
    return {
      kind: "arrived",
      address: destination,
      port: destinationPort,
      translated,
      masquerade,
      local: event.kind === "local",
    };
  }
  for (const event of events) {
    if (event.kind === "error") continue;
    const { icmp, protocol, reset } = event.head;
    if (reset) return { kind: "reject", with: "tcp-reset" };
    if (icmp === undefined) continue;
    const portUnreachable =
      protocol === PROTOCOL.icmp ? icmp.type === 3 && icmp.code === 3 : icmp.type === 1 && icmp.code === 4;
    return { kind: "reject", with: portUnreachable ? "port-unreachable" : `icmp ${icmp.type}/${icmp.code}` };
  }
  return { kind: "drop" };
}

/** An observation in a few words. */
export function describeObservation(observation: Observation): string {
  if (observation.kind === "drop") return "drop";
  if (observation.kind === "reject") return `reject with ${observation.with}`;
  const { address, port, masquerade, translated } = observation;
  const source = masquerade ? " (masqueraded)" : "";
  return translated ? `dnat to ${printAddressPort(address, port)}${source}` : `pass${source}`;
}
