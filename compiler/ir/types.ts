/**
 * The intermediate representation: a netfilter ruleset and an HTTP routing table.
 *
 * It holds what `lower` makes and what real hosts have. Whatever a reader does not understand is kept as an opaque
 * step with its text; it is never dropped and never taken as true.
 * Long because each kind of thing in a program has its type here, and nothing else is here.
 */
import type { Origin } from "../diagnostics.ts";
import type { Address } from "../net/address.ts";

/** What one node does: rules for netfilter, routes for an HTTP proxy. */
export interface Program {
  readonly ruleset: Ruleset;
  readonly routes: readonly HostRoutes[];
  /** Absent: nothing is served over TLS. */
  readonly tls?: TlsTable;
  /** Sorted by port; absent: no Gateway has a listener that is served. */
  readonly listeners?: readonly ListeningPort[];
}

/** Tables in the order in which they are printed. */
export interface Ruleset {
  readonly tables: readonly Table[];
  /** Tables that an earlier ruleset of ours may have made and this one does without: loading removes them. */
  readonly retired?: readonly Pick<Table, "family" | "name">[];
}

export type TableFamily = "ip" | "ip6" | "inet" | "arp" | "bridge" | "netdev";

export interface Table {
  readonly family: TableFamily;
  readonly name: string;
  /** The kernel enters none of its chains. */
  readonly dormant?: true;
  readonly comment?: string;
  readonly sets: readonly SetDeclaration[];
  readonly maps: readonly MapDeclaration[];
  readonly chains: readonly Chain[];
  /** Counters, limits and the like that rules name: not understood, as nft spells them. */
  readonly objects?: readonly { readonly head: string; readonly lines: readonly string[] }[];
  /** Objects that an earlier ruleset of ours may have put into this table and this one does without. */
  readonly retired?: Retired;
}

export interface Retired {
  readonly sets: readonly SetDeclaration[];
  readonly maps: readonly MapDeclaration[];
  readonly chains: readonly string[];
}

// --- chains ---------------------------------------------------------------------------------------------------------

export type Chain = BaseChain | RegularChain;

export type Hook = "prerouting" | "input" | "forward" | "output" | "postrouting" | "ingress" | "egress";

/** A chain that the kernel enters at a hook. */
export interface BaseChain {
  readonly kind: "base";
  readonly name: string;
  readonly type: "filter" | "nat" | "route";
  readonly hook: Hook;
  /** Lower runs first. */
  readonly priority: number;
  /** Verdict when no rule gives one. */
  readonly policy: "accept" | "drop";
  /** Where the policy was read. */
  readonly origin?: Origin;
  readonly device?: string;
  /** When the kernel registers it, where chains of other tables have its hook and priority and the text tells: a listing
   *  does not. */
  readonly registered?: Registration;
  readonly comment?: string;
  readonly rules: readonly Rule[];
}

/** Among the chains that one file makes: `at` grows in the order of its commands. */
export interface Registration {
  readonly file: string;
  readonly at: number;
}

/** A chain that is entered by jump or goto. */
export interface RegularChain {
  readonly kind: "regular";
  readonly name: string;
  /** Written in the one rule that leads to it; `name` is ours. */
  readonly anonymous?: true;
  readonly comment?: string;
  readonly rules: readonly Rule[];
}

/** Steps run from left to right; the first match that fails ends the rule. Earlier steps have had their effect then. */
export interface Rule {
  readonly steps: readonly Step[];
  readonly comment?: string;
  readonly origin?: Origin;
  /** True for a rule that no packet reaches while the ruleset stands still. It serves packets that meet a verdict of
   *  the new ruleset and a chain of the old one while the kernel changes over. */
  readonly whileReplacing?: true;
}

export type Step = Match | Statement;

// --- values ---------------------------------------------------------------------------------------------------------

/** The types of keys, in nft's names. `integer` is the result of numgen and hashes. */
export type DataType =
  | "ipv4_addr"
  | "ipv6_addr"
  | "ether_addr"
  | "ether_type"
  | "inet_proto"
  | "inet_service"
  | "mark"
  | "classid"
  | "integer"
  | "ifname"
  | "iface_index"
  | "ct_state"
  | "ct_status"
  | "ct_dir"
  | "fib_addrtype"
  | "nf_proto"
  | "icmp_type"
  | "icmpv6_type"
  | "icmp_code"
  | "icmpv6_code"
  | "tcp_flag"
  | "pkt_type"
  | "uid"
  | "gid"
  | "dscp";

/** Fields of headers that rules seldom test, by nft's words. */
export type HeaderField =
  | "ether saddr"
  | "ether daddr"
  | "ether type"
  | "ip protocol"
  | "ip dscp"
  | "ip length"
  | "ip ttl"
  | "ip6 nexthdr"
  | "ip6 dscp"
  | "ip6 length"
  | "ip6 hoplimit"
  | "icmp type"
  | "icmp code"
  | "icmpv6 type"
  | "icmpv6 code"
  | "tcp flags";

/** An unsigned number in host order (a bigint only for 128 bits), or an interface name. */
export type Value = number | bigint | string;

/** All values from `from` to `to`, both included. Of names only those with a common beginning: `namesWith` makes them. */
export interface Interval {
  readonly from: Value;
  readonly to: Value;
}

/** One component of an element's key, or of the right side of a match. */
export type KeyPart = Value | Interval;

// --- expressions ----------------------------------------------------------------------------------------------------

export type Expression =
  | FieldExpression
  | { readonly kind: "numgen"; readonly mode: "random" | "inc"; readonly modulus: number; readonly offset: number }
  /** `(operand & mask) ^ xor`, as the kernel does it; `|` is a mask and a xor. */
  | { readonly kind: "bitwise"; readonly operand: Expression; readonly mask: Value; readonly xor: Value }
  /** `operand << by`, or `operand >> -by`; of 32 bits. */
  | { readonly kind: "shift"; readonly operand: Expression; readonly by: number }
  /** Two values that both come from the packet or its connection, bit by bit. */
  | {
      readonly kind: "combine";
      readonly operator: "and" | "or" | "xor";
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "concat"; readonly parts: readonly Expression[] }
  /** The value that a data map holds for `key`; the rule ends when it holds none. */
  | { readonly kind: "lookup"; readonly key: Expression; readonly map: AskedMap }
  | { readonly kind: "constant"; readonly type: DataType; readonly value: Value }
  | { readonly kind: "opaque"; readonly text: string };

/** A property of the packet or of its connection. */
export type FieldExpression =
  | { readonly kind: "ip"; readonly field: "saddr" | "daddr" }
  | { readonly kind: "ip6"; readonly field: "saddr" | "daddr" }
  /** Ports of the transport header. `protocol` other than `th` implies a match on the protocol. */
  | { readonly kind: "transport"; readonly protocol: "th" | "tcp" | "udp" | "sctp"; readonly field: "sport" | "dport" }
  | { readonly kind: "meta"; readonly key: MetaKey }
  | { readonly kind: "ct"; readonly key: CtKey }
  /** The address type of a packet's address in this node's routing table. */
  | { readonly kind: "fib"; readonly of: "saddr" | "daddr"; readonly result: "type" }
  /** Has no value in packets without that header. */
  | { readonly kind: "header"; readonly field: HeaderField };

/** `iif` and `oif` are interfaces by index, listed by name. */
export type MetaKey =
  | "l4proto"
  | "nfproto"
  | "iif"
  | "oif"
  | "iifname"
  | "oifname"
  | "mark"
  | "priority"
  | "pkttype"
  | "skuid"
  | "skgid";

/** `original-*` are the addresses and ports of the first packet as it came, before any translation; `reply-*` those that replies
 *  to it have, as far as its translation is decided. */
export type CtKey =
  | "state"
  | "status"
  | "mark"
  | "direction"
  | "original-protocol"
  | "original-saddr"
  | "original-daddr"
  | "original-proto-src"
  | "original-proto-dst"
  | "reply-saddr"
  | "reply-daddr"
  | "reply-proto-src"
  | "reply-proto-dst";

// --- matches --------------------------------------------------------------------------------------------------------

export type Match =
  | {
      readonly kind: "compare";
      readonly left: Expression;
      readonly operator: "==" | "!=" | "<" | "<=" | ">" | ">=";
      readonly right: Value;
      /** Holds also where `left` has no value: iptables' `! --ctstate DNAT` takes packets without a connection, and `! --uid-owner`
       *  those without a socket. */
      readonly orAbsent?: true;
    }
  /** `left` is in one of the intervals: sorted, disjoint, at least one. */
  | {
      readonly kind: "within";
      readonly left: Expression;
      readonly negated: boolean;
      readonly intervals: readonly Interval[];
      /** Of a negated one, as above. */
      readonly orAbsent?: true;
    }
  /** An interface name that starts with `prefix` (nft `"eth*"`, iptables `eth+`). */
  | { readonly kind: "name-prefix"; readonly left: Expression; readonly negated: boolean; readonly prefix: string }
  | {
      readonly kind: "member";
      readonly key: Expression;
      readonly negated: boolean;
      readonly set: AskedSet;
      /** Of a negated one: holds also where `key` has no value. A packet without ports is in no set of ipset that has ports. */
      readonly orAbsent?: true;
    }
  /** True with probability `numerator` / 2^31, each time anew (iptables statistic). */
  | { readonly kind: "chance"; readonly numerator: number }
  /** Not understood: `text` is the canonical text without the negation, `spelled` how the format it is from spells it
   *  with the negation, where that is another text. */
  | { readonly kind: "opaque"; readonly text: string; readonly negated: boolean; readonly spelled?: string };

// --- statements -----------------------------------------------------------------------------------------------------

export type Statement =
  | { readonly kind: "verdict"; readonly verdict: Verdict }
  /** The verdict that a verdict map holds for `key`; the rule ends when it holds none. */
  | { readonly kind: "vmap"; readonly key: Expression; readonly map: AskedMap }
  | { readonly kind: "dnat"; readonly to: NatTarget; readonly random: NatRandom; readonly persistent?: true }
  /** `by`: the network plugin that translates sources by design, where somebody has recognised it. */
  | {
      readonly kind: "snat";
      readonly to: NatTarget;
      readonly random: NatRandom;
      readonly persistent?: true;
      readonly by?: string;
    }
  | {
      readonly kind: "masquerade";
      readonly ports?: Interval;
      readonly random: NatRandom;
      readonly persistent?: true;
      readonly by?: string;
    }
  | { readonly kind: "redirect"; readonly ports?: Interval; readonly random: NatRandom; readonly persistent?: true }
  | { readonly kind: "reject"; readonly with: RejectWith }
  | { readonly kind: "set"; readonly field: WritableField; readonly value: Expression }
  /** Adds `key` to a dynamic set (`update`: also restarts its timeout). */
  | {
      readonly kind: "remember";
      readonly operation: "add" | "update" | "delete";
      readonly set: string;
      readonly key: Expression;
      readonly timeoutSeconds?: number;
    }
  | { readonly kind: "counter" }
  /** Not understood, or without meaning for the packet's way, as a log. `terminal`: it may end the packet's way through
   *  the chain. `writes`: what may have another value afterwards. */
  | {
      readonly kind: "opaque-statement";
      readonly text: string;
      readonly terminal: boolean;
      readonly writes?: readonly WritableField[];
    };

export type Verdict =
  | { readonly kind: "accept" | "drop" | "continue" | "return" }
  | { readonly kind: "jump" | "goto"; readonly chain: string };

/** Where a translation leads: written out, or looked up in a map of addresses and ports. Absent parts stay as they are. */
export type NatTarget =
  | {
      readonly kind: "literal";
      readonly addresses?: Interval;
      /** The bits that both ends of `addresses` have replace those of the packet's address; its others stay. */
      readonly netmap?: true;
      readonly ports?: Interval;
      /** A packet to this port gets the first of `ports`, one to the next port the second, and so on, over and over. Of
       *  sources it is 0. */
      readonly base?: number;
    }
  /** `family`: in a table of both, where the map holds IPv6 addresses. */
  | { readonly kind: "map"; readonly key: Expression; readonly map: AskedMap; readonly family?: "ip6" };

export type NatRandom = "none" | "random" | "fully-random";

export type RejectWith =
  | "port-unreachable"
  | "host-unreachable"
  | "net-unreachable"
  | "protocol-unreachable"
  | "admin-prohibited"
  | "host-prohibited"
  | "net-prohibited"
  | "policy-fail"
  | "reject-route"
  | "tcp-reset";

/** Setting `ct state` to untracked is nft's `notrack`. */
export type WritableField = Extract<FieldExpression, { kind: "meta" | "ct" }>;

// --- sets and maps --------------------------------------------------------------------------------------------------

/** A component of a key or of a map's data. `sample` is an expression that has the type, where nft needs one to name
 *  it (`typeof`): the type `integer` cannot be written otherwise. */
export interface Component {
  readonly type: DataType;
  readonly sample: Expression;
}

/** What a set or map is besides its types and elements. Absent members: nft's defaults. */
export interface SetProperties {
  readonly name: string;
  readonly key: readonly Component[];
  /** Elements may be intervals. */
  readonly interval: boolean;
  /** Rules fill it at packet time. */
  readonly dynamic?: true;
  /** Its elements stay as they are while a rule asks it. */
  readonly constant?: true;
  /** The most elements that it takes. */
  readonly size?: number;
  /** How long an element lives that does not say it itself; to the millisecond. */
  readonly timeoutSeconds?: number;
  /** Elements may say how long they live. `timeoutSeconds` implies it. */
  readonly timeouts?: true;
  /** How often the kernel looks for elements whose time is over. */
  readonly gcIntervalSeconds?: number;
  /** The kernel saves memory rather than time when it chooses how to store the elements. */
  readonly policy?: "memory";
  /** nft joins intervals that touch or overlap. */
  readonly autoMerge?: true;
  /** What each element counts or limits, as nft spells it: not understood. */
  readonly statements?: readonly string[];
  readonly comment?: string;
}

export interface SetDeclaration extends SetProperties {
  readonly elements: readonly SetElement[];
}

export interface MapDeclaration extends SetProperties {
  readonly data: "verdict" | readonly Component[];
  readonly elements: readonly MapElement[];
}

/** A set that stands in the rule that asks it. */
export interface InlineSet {
  /** The types of keys. */
  readonly key: readonly DataType[];
  readonly elements: readonly SetElement[];
}

/** A map that stands in the rule that asks it. */
export interface InlineMap {
  readonly key: readonly DataType[];
  readonly data: "verdict" | readonly DataType[];
  readonly elements: readonly MapElement[];
}

/** What an element is for: keys of these parts, or all keys that no other element of its set has. */
export type ElementKey = readonly KeyPart[] | OtherKeys;

export interface OtherKeys {
  readonly kind: "others";
}

/** What a rule asks: a set of its table, by name, or one that stands in the rule. */
export type AskedSet = string | InlineSet;
export type AskedMap = string | InlineMap;

export interface SetElement {
  readonly key: ElementKey;
  /** How long it lives; to the millisecond. */
  readonly timeoutSeconds?: number;
  /** What it counts or limits, as nft spells it: not understood. */
  readonly statements?: readonly string[];
  readonly comment?: string;
  readonly origin?: Origin;
}

export interface MapElement extends SetElement {
  readonly value: Verdict | readonly Value[];
}

// --- routes ---------------------------------------------------------------------------------------------------------

/** What the proxy does with requests for one host. */
export interface HostRoutes {
  /** A host name, `*.` and a suffix, or undefined for requests of no listed host. */
  readonly host?: string;
  /** In the order in which they are tried. */
  readonly paths: readonly PathRoute[];
  /** For requests that no path takes. */
  readonly fallback: RouteTarget;
  /** Requests without TLS are redirected to https, if the host has a certificate. */
  readonly httpsRedirect?: true;
  /** Where the fallback is given. */
  readonly fallbackOrigin?: Origin;
}

export interface PathRoute {
  readonly match: "exact" | "prefix";
  /** As the request spells it; a prefix has no trailing slash, except `/`. */
  readonly path: string;
  readonly target: RouteTarget;
  /** Rules with the same host, path and type, which are never used, in the order in which they would win. */
  readonly shadowed?: readonly ShadowedPath[];
  readonly origin?: Origin;
}

/** A rule that lost against another one with the same path. */
export interface ShadowedPath {
  readonly target: RouteTarget;
  readonly origin?: Origin;
}

export type RouteTarget =
  | {
      readonly kind: "endpoints";
      readonly backend: string;
      readonly endpoints: readonly RouteEndpoint[];
      /** Those that get no new clients, since they are about to end. */
      readonly draining?: readonly RouteEndpoint[];
      /** A client stays with the endpoint that it had before. */
      readonly sticky?: "cookie";
      /** The backend is this host outside of the cluster; there are no endpoints. */
      readonly external?: ExternalHost;
    }
  /** Answered by the proxy itself: 404 for no route, 503 for a backend that has nothing to send to. */
  | { readonly kind: "status"; readonly status: 404 | 503; readonly reason: string };

/** A host that is looked up by name (or an address as text). */
export interface ExternalHost {
  readonly host: string;
  readonly port: number;
}

export interface RouteEndpoint {
  readonly address: Address;
  readonly port: number;
}

// --- listeners ------------------------------------------------------------------------------------------------------

/** A port of the proxy at which listeners of Gateways are served. Ingresses are served at ports of their own. */
export interface ListeningPort {
  readonly port: number;
  readonly protocol: "http" | "https";
  /** Precise hosts, then wildcards, the longest first, then all other hosts; each host once. The first host that takes a
   *  request decides: what none of its paths takes is answered with 404. Requests of no listed host, likewise. */
  readonly hosts: readonly ListenerHost[];
  /** Of `https`. */
  readonly tls?: TlsTable;
}

/** What the proxy does with requests for one host of a listener. */
export interface ListenerHost {
  /** A host name, or `*.` and a suffix: one or more labels in the place of `*`. Undefined: all other hosts. */
  readonly host?: string;
  /** In the order in which they are tried. */
  readonly paths: readonly RequestRule[];
  /** That of the listener. */
  readonly origin?: Origin;
}

/** One match of a rule of an HTTPRoute. A `PathRoute` is one, too, without conditions and filters. */
export interface RequestRule {
  readonly match: "exact" | "prefix";
  /** As the request spells it; a prefix has no trailing slash, except `/`. */
  readonly path: string;
  /** What else a request needs. Without it the next path is tried, also one with a shorter prefix. */
  readonly conditions?: RequestConditions;
  readonly target: RequestTarget;
  /** What is changed in requests and their responses, in order. */
  readonly filters?: readonly RouteFilter[];
  /** Rules with the same host, path, type and conditions, which are never used, in the order in which they would win. */
  readonly shadowed?: readonly ShadowedRule[];
  readonly origin?: Origin;
}

/** A rule that lost against another one with the same path and conditions. */
export interface ShadowedRule {
  readonly target: RequestTarget;
  readonly origin?: Origin;
}

/** All of them have to hold; at least one is there. */
export interface RequestConditions {
  /** In upper case. */
  readonly method?: string;
  /** Names in lower case. The first header of the name has this value. */
  readonly headers?: readonly NamedText[];
  /** The first parameter of the name has this value; both as the request spells them. */
  readonly parameters?: readonly NamedText[];
}

export interface NamedText {
  readonly name: string;
  readonly value: string;
}

export type RequestTarget =
  | RouteTarget
  /** Each request goes to one of them at random, by weight. */
  | { readonly kind: "shares"; readonly shares: readonly RouteShare[] }
  | RouteRedirect
  /** Answered by the proxy itself: a reference of the rule leads nowhere. */
  | { readonly kind: "status"; readonly status: 500; readonly reason: string };

export interface RouteShare {
  /** Above 0. */
  readonly weight: number;
  readonly target: Extract<RequestTarget, { readonly kind: "endpoints" | "status" }>;
  /** They follow those of the rule. */
  readonly filters?: readonly RouteFilter[];
}

/** Answered by the proxy itself: another URL. */
export interface RouteRedirect {
  readonly kind: "redirect";
  readonly scheme: "http" | "https";
  /** Absent: that of the request, without its port. */
  readonly host?: string;
  /** Written behind the host; absent: no port is. */
  readonly port?: number;
  /** Absent: the path of the request. Its query is kept. */
  readonly path?: PathReplacement;
  readonly status: 301 | 302 | 303 | 307 | 308;
}

export type RouteFilter =
  /** First `set`, then `add`, then `remove`. Names in lower case, each in one of them once. */
  | {
      readonly kind: "request-headers" | "response-headers";
      readonly set: readonly NamedText[];
      readonly add: readonly NamedText[];
      readonly remove: readonly string[];
    }
  /** Host and path that the backend sees; what is absent is as in the request. The query is kept. */
  | { readonly kind: "rewrite"; readonly host?: string; readonly path?: PathReplacement };

/** `all`: `path` is the new path. `prefix`: `path`, without a trailing slash (empty for the root), is what the prefix of the rule
 *  becomes; `/` where nothing is left. */
export interface PathReplacement {
  readonly part: "all" | "prefix";
  readonly path: string;
}

// --- TLS ------------------------------------------------------------------------------------------------------------

/** Which certificate the proxy shows to a client that asks for a host (SNI). */
export interface TlsTable {
  /** Those that are shown, sorted by name. Private keys are not part of a program. */
  readonly certificates: readonly Certificate[];
  /** Precise hosts, then wildcards (`*.` and a suffix: one label more); each sorted by name. */
  readonly hosts: readonly TlsHost[];
  /** Name of the default certificate: for other hosts, and for clients that name none. Absent: their handshakes are refused. */
  readonly fallback?: string;
}

export interface Certificate {
  /** That of its Secret: `namespace/name`. */
  readonly name: string;
  /** DNS names that it is valid for, as they stand in it; a wildcard begins with `*.`. */
  readonly names: readonly string[];
  /** Milliseconds since 1970: valid from the one to the other, both included. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly origin?: Origin;
}

export interface TlsHost {
  readonly host: string;
  /** How many labels stand in the place of the `*` of `host`. Absent: one. `any`: one or more; more specific rows win. */
  readonly labels?: "any";
  /** Name of its certificate. Absent: the default certificate is shown. */
  readonly certificate?: string;
  /** Why the default certificate is shown, although the manifests name another one. */
  readonly reason?: string;
  readonly origin?: Origin;
}
