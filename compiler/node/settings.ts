import type { Address, Family } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";

/** Whose outcomes to produce (lower/README.md, section 10). This is behaviour; the output format is chosen elsewhere. */
export type Mode = "nftables" | "iptables";

export const MODES = ["nftables", "iptables"] as const satisfies readonly Mode[];

/** What is known of one node. */
export interface NodeContext {
  /** Undefined: no endpoint is local. */
  readonly name: string | undefined;
  /** Its label `topology.kubernetes.io/zone`; undefined or empty: zone hints are not followed. */
  readonly zone: string | undefined;
  /** Known addresses; empty when none is known. */
  readonly addresses: readonly Address[];
}

/** How one node treats Service traffic, resolved: nothing here refers to another object any more. */
export interface Settings {
  readonly mode: Mode;
  /** Masquerade all traffic to cluster IPs. */
  readonly masqueradeAll: boolean;
  /** Connection tracking takes TCP packets out of their window for valid: nothing is dropped for being invalid. */
  readonly tcpBeLiberal: boolean;
  readonly families: Readonly<Record<Family, FamilySettings>>;
}

export interface FamilySettings {
  readonly detector: Detector | undefined;
  /** Blocks that Service addresses come from; empty when they are not known. */
  readonly serviceCidrs: readonly Prefix[];
  readonly nodePorts: NodePortAddresses;
  /** Whether node ports answer on the loopback address (iptables mode, IPv4). */
  readonly localhostNodePorts: boolean;
  /** The node's own address that it is known by. */
  readonly primaryAddress: Address | undefined;
  /** What pods send out of these blocks gets an address of the node; undefined: that is somebody else's work. */
  readonly podNetwork: PodNetworkBlocks | undefined;
}

/** The pod network of one family. */
export interface PodNetworkBlocks {
  readonly cidrs: readonly Prefix[];
  /** Addresses of the cluster's nodes: pods reach them as themselves. */
  readonly nodes: readonly Address[];
}

/** How to tell that a packet comes from a pod of this node. Having none differs from one that says no. */
export type Detector =
  | { readonly kind: "source"; readonly prefixes: readonly Prefix[] }
  | { readonly kind: "interface"; readonly name: string }
  | { readonly kind: "interface-prefix"; readonly prefix: string };

/** The addresses on which node ports answer; loopback is ruled by `localhostNodePorts`. */
export type NodePortAddresses =
  | { readonly kind: "every-local" }
  | { readonly kind: "listed"; readonly addresses: readonly Address[] }
  /** Local addresses in these blocks, told apart when the packet comes: the node's addresses are not known. */
  | { readonly kind: "local-within"; readonly prefixes: readonly Prefix[] };
