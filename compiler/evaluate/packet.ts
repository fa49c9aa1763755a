import type { Hook, MapDeclaration, MapElement, RejectWith, Rule, SetDeclaration, SetElement } from "../ir/types.ts";
import { type Address, type Family, familyOf } from "../net/address.ts";
import type { Assumption } from "./assumption.ts";
import type { Region } from "./region.ts";

/** The first packet of a connection, as it enters the node. */
export interface Packet {
  /** IANA number. */
  readonly protocol: number;
  readonly source: Address;
  readonly destination: Address;
  /** 0 where the protocol has no ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** The interface that it came in by; undefined for packets of the node's own programs. */
  readonly inInterface: string | undefined;
  readonly mark: number;
  /** What connection tracking makes of it, when it is not the first packet of a connection: it cannot tell what the packet
   *  belongs to (its transport header is cut off, say), or does not look at it (neighbour discovery). */
  readonly ctState?: "invalid" | "untracked";
}

/** Packets that differ in addresses and ports only. */
export interface Packets extends Pick<Packet, "protocol" | "inInterface" | "mark" | "ctState"> {
  readonly family: Family;
  readonly region: Region;
}

/** The node around the rules. */
export interface Environment {
  /** Addresses of type LOCAL besides loopback. */
  readonly localAddresses: ReadonlySet<Address>;
  /** Clients and endpoints that sets filled at packet time hold: set name, and the parts of the key joined by blanks. */
  readonly remembered: ReadonlyMap<string, ReadonlySet<string>>;
  /** Is told of each step, and may throw when there were enough. */
  readonly spend?: (steps: number) => void;
}

/** What happens to a packet: possibly one of several things, by chance. */
export interface Outcome {
  /** `pass`: no rule decided. `mixed`: chance decides between several. */
  readonly verdict: "dnat" | "accept" | "drop" | "reject" | "pass" | "mixed";
  readonly rejectWith?: Rejection;
  /** Destinations of translated packets; probabilities of the whole outcome add up to 1. */
  readonly endpoints: readonly EndpointOutcome[];
  /** Set when every translation is remembered for the client. */
  readonly sticky?: Sticky;
  readonly results: readonly Result[];
  /** Unknown matches that were assumed to hold or not to hold on the way. */
  readonly assumptions: readonly Assumption[];
}

/** A type of reject; what a kernel sent that is none of them, by type and code. */
export type Rejection = RejectWith | `icmp ${number}/${number}`;

export interface EndpointOutcome {
  readonly address: Address;
  readonly port: number;
  readonly probability: number;
  /** Whether the endpoint sees another address than the client's: one of the node, or `source`. */
  readonly masquerade: boolean;
  readonly source?: string;
}

export interface Sticky {
  readonly timeoutSeconds: number;
}

/** One of the things that can happen. */
export interface Result {
  readonly probability: number;
  readonly verdict: Exclude<Outcome["verdict"], "mixed">;
  readonly rejectWith?: Rejection;
  readonly endpoint?: { readonly address: Address; readonly port: number };
  /** Whether the source is changed: to an address of the node, or to `source`. */
  readonly masquerade: boolean;
  /** The addresses and ports that a rule gives as sources, as text. */
  readonly source?: string;
  readonly sticky?: Sticky;
  /** What else was done to the packet that is not followed: rules or parts of them, as text. */
  readonly takenBy?: readonly string[];
  /** The rules that decided, in order. */
  readonly reasons: readonly Reason[];
}

/** A rule that had its say. */
export interface Reason {
  readonly hook: Hook;
  readonly table: string;
  readonly family: "ip" | "ip6" | "inet";
  readonly chain: string;
  readonly rule: Rule;
  /** The element of a set or map that made the rule apply, and where it is from; anonymous maps have no declaration. */
  readonly element?: SetElement | MapElement;
  readonly declaration?: SetDeclaration | MapDeclaration;
  /** What it changed: the new destination. */
  readonly translated?: { readonly address: Address; readonly port: number };
}

export function packetFamily(packet: Packet): Family {
  return familyOf(packet.source);
}

/** A node that has `addresses`, and nothing remembered. */
export function environmentOf(addresses: readonly Address[]): Environment {
  return { localAddresses: new Set(addresses), remembered: new Map() };
}
