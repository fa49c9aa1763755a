import { required } from "../invariant.ts";
import { CT_STATE, CT_STATUS } from "../ir/constants.ts";
import type {
  BaseChain,
  Hook,
  InlineMap,
  InlineSet,
  MapDeclaration,
  MapElement,
  RejectWith,
  Rule,
  SetDeclaration,
  SetElement,
  Verdict,
  WritableField,
} from "../ir/types.ts";
import type { ValueTest } from "../ir/value-test.ts";
import { type Address, type Family, familyOf } from "../net/address.ts";
import { type Memory, PacketSet } from "../packets/packet-set.ts";
import { Ranges } from "../packets/ranges.ts";
import {
  type ConnectionEntry,
  type Direction,
  directionIn,
  natStatus,
  type Tuple,
  tupleBehindNat,
} from "./connection.ts";
import type { Disposition, Rejection } from "./disposition.ts";
import type { Alternatives, Assumption } from "./unknown/assumption.ts";
import type { Condition } from "./unknown/condition.ts";

/** A packet as it enters the node: the first one of its connection, where nothing else is said. */
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
  /** What connection tracking makes of it; undefined: a new connection. */
  readonly ctState?: Exclude<CtState, "new">;
  /** Bits of its connection's status, by `CT_STATUS`. */
  readonly ctStatus?: number;
  readonly ctMark?: number;
  /** Where its connection sends it, if that is translated. */
  readonly sentTo?: { readonly address: Address; readonly port: number };
  /** The entry of its connection in the node's table, which tells more than the four fields before: they are not looked at then,
   *  but that an ICMP error about the connection says by `ctState` which way it goes, as `related` or `related-reply`. */
  readonly connection?: ConnectionEntry;
}

/** What connection tracking makes of a packet. `related`: the first one of a connection that was expected, or an ICMP error
 *  about a connection; `reply`, `related-reply`: established, related, in the other direction than the connection's first
 *  packet; `invalid`: it belongs to nothing (its transport header is cut off, say); `untracked`: it was not looked at
 *  (neighbour discovery). */
export type CtState = "new" | "related" | "established" | "reply" | "related-reply" | "invalid" | "untracked";

/** What packets are to connection tracking that come together: the first ones of connections; later ones, in the direction of
 *  the first one or in the other one; or none. */
export type Tracking = "first" | "original" | "reply" | "invalid" | "untracked";

/** Packets that differ in the fields of a region only. */
export interface Packets extends Pick<Packet, "protocol" | "inInterface"> {
  readonly family: Family;
  readonly tracking: Tracking;
  readonly region: PacketSet;
  /** Of a single packet, where it is known. */
  readonly connection?: ConnectionEntry;
}

/** One packet for itself. Throws where its connection is given, and it has neither of the two tuples of that. */
export function alone(packet: Packet): Packets {
  const { connection, protocol, inInterface, mark } = packet;
  const track = connection === undefined ? trackBySelf(packet) : trackByEntry(packet, connection);
  const memory: Memory = {
    mark: Ranges.of(mark),
    ctstate: Ranges.of(track.state),
    ctstatus: Ranges.of(track.status),
    ctmark: Ranges.of(track.mark),
    toaddr: Ranges.of(track.sentTo.address),
    toport: Ranges.of(track.sentTo.port),
  };
  const region = new PacketSet(
    Ranges.of(packet.destination),
    Ranges.of(packet.destinationPort),
    Ranges.of(packet.source),
    Ranges.of(packet.sourcePort),
    memory,
  );
  const own = { protocol, inInterface, family: familyOf(packet.source), tracking: track.tracking, region };
  return connection === undefined ? own : { ...own, connection };
}

/** What connection tracking knows of a packet, in bits. */
interface Track {
  readonly tracking: Tracking;
  readonly state: number;
  readonly status: number;
  readonly mark: number;
  readonly sentTo: { readonly address: Address; readonly port: number };
}

function trackBySelf({ protocol, destination, destinationPort, ...packet }: Packet): Track {
  const ctState: CtState = packet.ctState ?? "new";
  return {
    tracking: trackingOf(ctState, protocol),
    state: CT_BITS[ctState],
    status: packet.ctStatus ?? 0,
    mark: packet.ctMark ?? 0,
    sentTo: packet.sentTo ?? { address: destination, port: destinationPort },
  };
}

/** The kernel calls a connection established as soon as it has seen a reply (nf_conntrack_in). */
function trackByEntry(packet: Packet, connection: ConnectionEntry): Track {
  const error = directionOfError(packet);
  const direction =
    error ?? required(directionIn(connection, packet), "a packet of a connection has one of its tuples");
  const { expected, confirmed, "seen-reply": seen } = CT_STATUS;
  const isReply = error === undefined && direction === "reply";
  const nat = natStatus(connection.original, connection.reply);
  const status = connection.status | nat | (isReply ? seen : 0) | confirmed;
  const isRelated = error !== undefined || (status & (expected | seen)) === expected;
  const after = tupleBehindNat(connection, direction);
  return {
    tracking: direction,
    state: isRelated ? CT_STATE.related : (status & seen) !== 0 ? CT_STATE.established : CT_STATE.new,
    status,
    mark: connection.mark,
    sentTo: {
      address: after.destination,
      port: error === undefined ? after.destinationPort : packet.destinationPort,
    },
  };
}

/** Which way an ICMP error goes that is about another packet of its connection: against that. */
function directionOfError({ protocol, ctState }: Packet): Direction | undefined {
  if (!isIcmp(protocol)) return undefined;
  return ctState === "related" ? "original" : ctState === "related-reply" ? "reply" : undefined;
}

const CT_BITS: Readonly<Record<CtState, number>> = {
  ...CT_STATE,
  reply: CT_STATE.established,
  "related-reply": CT_STATE.related,
};

/** ICMP has no connections that are expected: its related packets are errors about connections that are there. */
export function isIcmp(protocol: number): boolean {
  return protocol === 1 || protocol === 58;
}

function trackingOf(ctState: CtState, protocol: number): Tracking {
  switch (ctState) {
    case "new":
      return "first";
    case "related":
      return isIcmp(protocol) ? "original" : "first";
    case "established":
      return "original";
    case "related-reply":
      return "reply";
    default:
      return ctState;
  }
}

/** What connection tracking makes of packets of `tracking` with a state of these bits. */
export function ctStateOf(tracking: Tracking, bits: number): CtState {
  const isRelated = bits === CT_STATE.related;
  switch (tracking) {
    case "first":
      return isRelated ? "related" : "new";
    case "original":
      return isRelated ? "related" : "established";
    case "reply":
      return isRelated ? "related-reply" : "reply";
    default:
      return tracking;
  }
}

/** A packet that the node looks for a route for. */
export interface RouteQuery {
  /** `sending`: the node's own packet, before its rules see it; `output`: again behind them, when they have changed where it goes;
   *  `prerouting`: a packet that came in, behind the rules that may translate it. */
  readonly at: "sending" | "output" | "prerouting";
  /** IANA number. */
  readonly protocol: number;
  /** As the packet has them by now. */
  readonly tuple: Tuple;
  /** Undefined: it is not known. */
  readonly mark: number | undefined;
  /** Undefined: the packet is the node's own. */
  readonly inInterface: string | undefined;
}

/** Where the node's routing table leads a packet. `masqueradeSource`: the source that masquerading gives it there; undefined: the node
 *  has no address for it, and the kernel drops what a rule masquerades (nf_nat_masquerade_ipv4). */
export type Route =
  | { readonly kind: "local"; readonly masqueradeSource?: Address | undefined }
  | { readonly kind: "forward"; readonly interface: string; readonly masqueradeSource?: Address | undefined }
  | { readonly kind: "none" };

/** The node around the rules. */
export interface Environment {
  /** Where packets go; undefined: to the node itself by `localAddresses`, all others on by an interface that is not known. Asked of
   *  single packets only. */
  readonly route?: (query: RouteQuery) => Route;
  /** The first address of an interface, which `redirect` gives to packets that came in by it; undefined: it has none, and the kernel
   *  drops them (nf_nat_redirect). Where this is not given, packets get the first of `localAddresses`. */
  readonly addressOf?: (inInterface: string, family: Family) => Address | undefined;
  /** Addresses of type LOCAL besides loopback. */
  readonly localAddresses: ReadonlySet<Address>;
  /** The node may have more addresses than those. Any unicast address may be one: that is assumed both ways. */
  readonly moreAddresses?: true;
  /** Clients and endpoints that sets filled at packet time hold: set name, and the parts of the key joined by blanks. */
  readonly remembered: ReadonlyMap<string, ReadonlySet<string>>;
  /** Lists of which it is told what rules do to them. */
  readonly watched?: ReadonlySet<string>;
  /** What is assumed of that which is not known. */
  readonly given?: Condition;
  /** Is told of each step, and may throw when there were enough. */
  readonly spend?: (steps: number) => void;
  /** Rules that a single packet passes as if they were not there, and base chains whose policy accepts it. */
  readonly without?: ReadonlySet<Rule | BaseChain>;
  /** Is told of each rule that has a statement for a single packet, and of each base chain whose policy drops it, in order. */
  readonly met?: (what: Rule | BaseChain) => void;
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
  /** What has to hold of the unknown matches for this to happen. */
  readonly condition: Condition;
  /** The same as assumptions: all of these hold, and one of each of `choices`. */
  readonly assumptions: readonly Assumption[];
  readonly choices: readonly Alternatives[];
}

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
  readonly disposition: Disposition;
  /** Whether a rule accepted the packet: that makes no difference to it. */
  readonly isAccepted?: boolean | undefined;
  /** The network plugin that translates the source by design. */
  readonly designer?: string | undefined;
  /** The packet as it leaves the rules; undefined: they have dropped or refused it, or no routes are known. */
  readonly sent?: Departure | undefined;
  /** The rules that decided, in order. */
  readonly reasons: readonly Reason[];
  /** All that happened on the way, in order; empty for engines that see no rules. */
  readonly path: readonly PathStep[];
}

/** A packet behind the hooks of a node. */
export interface Departure {
  /** `forward` also of the node's own packets. */
  readonly route: Route;
  /** IANA number. */
  readonly protocol: number;
  readonly tuple: Tuple;
  /** Undefined: it is not known. */
  readonly mark: number | undefined;
  /** Its connection as the node keeps it from here on: a reply, and the connection's next packet, come with this entry. Undefined:
   *  it belongs to none, or to one that was not given. */
  readonly connection: ConnectionEntry | undefined;
  /** What the kernel chooses, where `tuple` has the first of several. */
  readonly choices: readonly SourceChoice[];
}

/** Part of a source that is not known. */
export interface SourceChoice {
  readonly of: "address" | "port";
  /** From which it is chosen: `a port of 1024-65535`. */
  readonly text: string;
}

/** A chain, and the hook at which a packet is in it. */
export interface Location {
  readonly hook: Hook;
  readonly table: string;
  readonly family: "ip" | "ip6" | "inet";
  /** The chain that the kernel entered at the hook. */
  readonly base: BaseChain;
  readonly chain: string;
  /** Jumps and gotos that led here from the base chain. */
  readonly depth: number;
}

/** Something that happened to a single packet, or just did not. */
export type PathStep = RuleStep | MissedStep | PolicyStep;

/** A rule did something. */
export interface RuleStep extends Reason {
  readonly kind: "rule";
  readonly effect: Effect;
}

/** What a statement of a rule did. */
export type Effect =
  | { readonly kind: "verdict"; readonly verdict: Verdict }
  /** `translated` of the step is the new destination, unless it is not one address. */
  | { readonly kind: "destination" }
  /** `source`: what the rule says; undefined: an address of the node. */
  | { readonly kind: "source"; readonly source: string | undefined }
  | { readonly kind: "reject"; readonly with: RejectWith }
  /** Values as they were and are; undefined: not known. */
  | {
      readonly kind: "write";
      readonly field: WritableField;
      readonly before: number | undefined;
      readonly after: number | undefined;
    }
  /** `seconds`: for which it is kept; undefined: it was removed, or stays for good. */
  | { readonly kind: "remember"; readonly set: string; readonly seconds: number | undefined }
  /** What is not understood was taken to end the packet's way through the hook. */
  | { readonly kind: "taken"; readonly text: string };

/** A rule that would have applied but for one thing: the source of the packet, where it translates sources or writes a field, or
 *  a field that another rule wrote before. */
export interface MissedStep extends Location {
  readonly kind: "missed";
  readonly rule: Rule;
  readonly bearing: Bearing;
  /** The matches that failed. */
  readonly failed: readonly ValueTest[];
}

/** What a rule does besides verdicts, itself or by the chain to which it leads. */
export interface Bearing {
  /** It translates the source. */
  readonly source: boolean;
  /** Fields that it writes, as `describe` names them. */
  readonly writes: ReadonlySet<string>;
}

/** No rule of a base chain decided. */
export interface PolicyStep extends Location {
  readonly kind: "policy";
}

/** A rule that had its say. */
export interface Reason extends Location {
  readonly rule: Rule;
  /** The element of a set or map that made the rule apply, and where it is from; verdict maps in rules have no declaration. */
  readonly element?: SetElement | MapElement | undefined;
  readonly declaration?: SetDeclaration | MapDeclaration | InlineSet | InlineMap | undefined;
  /** What it changed: the new destination. */
  readonly translated?: { readonly address: Address; readonly port: number } | undefined;
}

export function packetFamily(packet: Packet): Family {
  return familyOf(packet.source);
}

/** A host of which `addresses` are known, and nothing remembered: where none is known it may have any. */
export function hostOf(addresses: readonly Address[]): Environment {
  const environment = environmentOf(addresses);
  return addresses.length > 0 ? environment : { ...environment, moreAddresses: true };
}

/** A node that has `addresses`, and nothing remembered. */
export function environmentOf(addresses: readonly Address[]): Environment {
  return { localAddresses: new Set(addresses), remembered: new Map() };
}
