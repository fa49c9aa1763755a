/**
 * The intermediate representation: a netfilter ruleset, and an HTTP routing table, whose types are in routes.ts.
 *
 * It holds what `lower` makes and what real hosts have. Whatever a reader does not understand is kept as an opaque
 * step with its text; it is never dropped and never taken as true.
 * Long because each kind of thing in a program has its type here, and nothing else is here.
 */
import type { Origin } from "../diagnostics.ts";
import type { HostRoutes, ListeningPort, TlsTable } from "./routes.ts";

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
  readonly objects?: readonly TableObject[];
  /** Objects that an earlier ruleset of ours may have put into this table and this one does without. */
  readonly retired?: Retired;
}

/** A counter, a limit or the like that rules name: not understood, as nft spells it. */
export interface TableObject {
  readonly head: string;
  readonly lines: readonly string[];
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
  | InertStatement
  /** Not understood, or without meaning for the packet's way, as a log. `terminal`: it may end the packet's way through
   *  the chain. `writes`: what may have another value afterwards. */
  | {
      readonly kind: "opaque-statement";
      readonly text: string;
      readonly terminal: boolean;
      readonly writes?: readonly WritableField[];
    };

/** Does nothing to the packet, nor to what becomes of it or of a later one. */
export type InertStatement = { readonly kind: "counter" };

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
export type WritableField =
  | { readonly kind: "meta"; readonly key: "mark" | "priority" }
  | { readonly kind: "ct"; readonly key: "mark" | "state" };

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
