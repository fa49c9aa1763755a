/** What becomes of a packet on its whole way through a network, and of its answer. */
import type { Tuple } from "../evaluate/connection.ts";
import type { Rejection } from "../evaluate/disposition.ts";
import type { PathStep, SourceChoice } from "../evaluate/packet.ts";
import type { Condition } from "../evaluate/unknown/condition.ts";
import type { Hook } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import type { InterfaceRef, ProxyAnswer, ProxyFrontend } from "../network/network.ts";
import type { NextHop, PolicyRule, RefusingRoute, TableRoute } from "../network/types.ts";

/** The first packet of a connection. */
export interface WalkFlow {
  /** IANA number. */
  readonly protocol: number;
  /** The host that sends it, by name. */
  readonly from: string;
  /** Undefined: the address that the host's routing gives. */
  readonly source: Address | undefined;
  /** 0 where the protocol has no ports; so is the other one. */
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
  /** Length of the packet with its IP header, which no host may cut into fragments; undefined: it fits everywhere. */
  readonly bytes?: number;
  /** What proxies do with the request that the connection is for, by host. */
  readonly proxies?: ReadonlyMap<string, readonly ProxyFrontend[]>;
}

/** All that can become of a packet; probabilities add up to 1 wherever all conditions hold. */
export interface Walk {
  readonly flow: WalkFlow;
  readonly branches: readonly WalkBranch[];
}

export interface WalkBranch {
  readonly probability: number;
  /** What has to hold of that which is not known, for this to happen. */
  readonly condition: Condition;
  readonly there: Leg;
  /** The way of the answer; undefined: nobody answers, or it was not asked for. */
  readonly back: Leg | undefined;
  /** Only where the walk was made for alike destinations. */
  readonly chosen?: ChosenDestination;
  /** The way of what the network says of the packet that was lost, or of its answer; undefined: nothing, or it was not asked for. */
  readonly notice?: NoticeLeg;
}

/** An ICMP error about a packet, or a TCP reset, on its way to who has sent the packet. */
export interface NoticeLeg extends Leg {
  readonly says: Rejection | "packet-too-big";
}

/** What a walk is asked for by who needs its ends only. */
export interface EndsOnly {
  readonly alike: AlikeDestinations | undefined;
}

/** Of destinations that rules choose by chance only one of each group is followed. */
export interface AlikeDestinations {
  /** Equal for destinations of one group. `hosts`: where the packet was by then. */
  readonly groupOf: (destination: Address, hosts: ReadonlySet<string>) => string;
}

/** What rules have chosen. */
export interface ChosenDestination {
  /** One object for all that was chosen at one time. */
  readonly choice: object;
  readonly group: string;
  /** The one that is followed, and others like it. */
  readonly members: readonly DestinationChance[];
}

export interface DestinationChance {
  readonly address: Address;
  readonly probability: number;
}

/** One direction of a walk. */
export interface Leg {
  readonly hops: readonly Hop[];
  readonly end: WalkEnd;
}

/** What happened to a packet on one host. */
export interface Hop {
  readonly host: string;
  /** Undefined: the host has sent it. */
  readonly inInterface: string | undefined;
  /** Undefined: it ended here. */
  readonly outInterface: string | undefined;
  readonly before: Tuple;
  readonly after: Tuple;
  /** IPv4's time to live, IPv6's hop limit, as it was when the packet came. */
  readonly ttl: number;
  readonly steps: readonly WalkStep[];
}

export type WalkStep =
  /** Rules of a hook had a say. */
  | { readonly kind: "rules"; readonly hook: Hook; readonly path: readonly PathStep[] }
  /** `undone`: connection tracking has given the packet the addresses that its connection had before. */
  | {
      readonly kind: "translated";
      readonly by: "rules" | "connection";
      readonly from: Tuple;
      readonly to: Tuple;
      /** What the kernel chooses of the source, of which `to` has the first. */
      readonly choices: readonly SourceChoice[];
    }
  | { readonly kind: "routed"; readonly route: TableRoute; readonly hop: NextHop }
  /** To the interface `to`, by the port `port`; the bridge itself where that is undefined. */
  | {
      readonly kind: "bridged";
      readonly bridge: string;
      readonly inPort: string | undefined;
      readonly port: string | undefined;
      readonly throughRules: boolean;
    }
  | {
      readonly kind: "neighbour";
      readonly asks: Address;
      readonly answeredBy: InterfaceRef;
      /** It answers for an address that it routes elsewhere. */
      readonly isProxy: boolean;
    }
  /** The host has chosen the source. */
  | { readonly kind: "source"; readonly address: Address; readonly masquerade: boolean }
  | { readonly kind: "encapsulated" | "decapsulated"; readonly outer: Tuple }
  /** It is longer than the interface takes, and goes out in fragments. */
  | { readonly kind: "fragmented"; readonly interface: string; readonly bytes: number; readonly mtu: number }
  /** A proxy took the connection, and makes one of its own. */
  | {
      readonly kind: "proxied";
      readonly taken: Tuple;
      readonly made: Tuple;
      readonly target: string;
      /** The client, as it tells the target of an HTTP request (X-Forwarded-For). */
      readonly forwardedFor?: Address;
      /** The connection that it makes begins with the client's address (PROXY protocol). */
      readonly tellsClient?: true;
    };

/** Where rules drop a packet. */
export interface LostAtHook {
  readonly host: string;
  readonly hook: Hook;
  readonly by: PathStep | undefined;
}

export interface TooLarge {
  readonly kind: "too-large";
  readonly host: string;
  readonly interface: string;
  readonly bytes: number;
  readonly mtu: number;
  /** Whose MTU it is; undefined: the interface's. */
  readonly route?: TableRoute;
  /** A bridge drops the packet in silence. */
  readonly byBridge?: true;
}

/** How a leg ends. */
export type WalkEnd =
  | {
      readonly kind: "delivered";
      readonly host: string;
      readonly tuple: Tuple;
      /** The client of the HTTP request, as a proxy has told. */
      readonly forwardedFor?: Address;
      /** The host is a proxy, and passes the request on to nobody. */
      readonly answer?: ProxyAnswer;
    }
  /** `by`: the rule or policy that decided. */
  | { readonly kind: "dropped"; readonly host: string; readonly hook: Hook; readonly by: PathStep | undefined }
  | {
      readonly kind: "rejected";
      readonly host: string;
      readonly hook: Hook;
      readonly by: PathStep | undefined;
      readonly with: Rejection;
    }
  /** The host has no route for it, or one that refuses it. */
  | {
      readonly kind: "no-route";
      readonly host: string;
      readonly destination: Address;
      readonly refused?: { readonly kind: RefusingRoute; readonly by: TableRoute | PolicyRule };
    }
  | {
      readonly kind:
        | "not-forwarding"
        | "reverse-path"
        | "martian-source"
        | "martian-destination"
        | "not-own-source"
        | "broadcast";
      readonly host: string;
      readonly interface: string | undefined;
      readonly tuple: Tuple;
    }
  /** Nobody answers for the next hop. `discovery`: rules drop the packets that ask for it, or that answer. */
  | {
      readonly kind: "no-neighbour";
      readonly host: string;
      readonly interface: string;
      readonly address: Address;
      readonly discovery?: LostAtHook;
    }
  /** A bridge did not pass the packet on. */
  | {
      readonly kind: "bridge-drops";
      readonly host: string;
      readonly bridge: string;
      readonly port: string;
      readonly why: "hairpin-off" | "isolated" | "blocked";
    }
  /** The interface is down, or nothing is connected to it. */
  | { readonly kind: "no-link"; readonly host: string; readonly interface: string }
  /** The rule masquerades, and the host has no address for it. */
  | { readonly kind: "no-source"; readonly host: string; readonly interface: string }
  /** The tunnel has no other end for the next hop. */
  | { readonly kind: "no-tunnel-end"; readonly host: string; readonly interface: string; readonly address: Address }
  /** It does not fit through the interface, and may not be cut into fragments. */
  | TooLarge
  /** `by`: a statement of a rule that kpc does not understand; undefined: it depends on too many matches that kpc does not understand. */
  | { readonly kind: "undecided"; readonly host: string; readonly hook: Hook; readonly by: string | undefined }
  /** A load balancer has nowhere to send connections; `isServed`: its Service has the port. */
  | { readonly kind: "no-target"; readonly host: string; readonly tuple: Tuple; readonly isServed: boolean }
  | { readonly kind: "loop"; readonly host: string; readonly interface: string }
  /** An answer that its receiver does not know: it comes from elsewhere than where the request went. */
  | { readonly kind: "stranger"; readonly host: string; readonly expected: Tuple; readonly got: Tuple };
