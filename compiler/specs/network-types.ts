/** `kind: Cluster`: what a description of a cluster's network says besides its Nodes, Pods and Services. */
import type { Field } from "../documents/field.ts";
import type { Address } from "../net/address.ts";
import type { Port } from "../net/port.ts";
import type { Prefix } from "../net/prefix.ts";
import type { Protocol } from "../net/protocol.ts";
import type { Located } from "./located.ts";

/** Undefined, or empty: not said. */
export interface NetworkSpec {
  readonly pods: PodNetworkSpec | undefined;
  readonly underlay: UnderlaySpec | undefined;
  readonly gateway: GatewaySpec | undefined;
  readonly outside: readonly OutsideSpec[];
  readonly loadBalancers: readonly LoadBalancerSpec[];
  readonly ingress: IngressProxySpec | undefined;
  readonly nodes: readonly NodeNetworkSpec[];
  /** Whose rules the nodes have: kpc's own, or none. */
  readonly proxy: (typeof NODE_PROXIES)[number] | undefined;
  /** The whole document. */
  readonly field: Field;
}

export const NODE_PROXIES = ["kpc", "none"] as const;

export const POD_NETWORKS = [
  "bridge",
  "calico",
  "calico-ipip",
  "calico-vxlan",
  "flannel-host-gw",
  "flannel-vxlan",
  "kindnet",
  "kubenet",
  "routed",
] as const;

export type PodNetworkName = (typeof POD_NETWORKS)[number];

/** Whether pods of a node are ports of one bridge. */
export function hasBridge(network: PodNetworkName): boolean {
  return network === "bridge" || network === "kubenet" || network.startsWith("flannel-");
}

export const TUNNELS = ["ipip", "none", "vxlan"] as const;

export type TunnelName = (typeof TUNNELS)[number];

export const POD_MASQUERADES = [
  "calico",
  "cluster",
  "cni-bridge",
  "flannel",
  "ip-masq-agent",
  "kindnet",
  "kpc",
  "none",
] as const;

/** How pods are connected, and how what they send leaves the pod network. */
export interface PodNetworkSpec {
  readonly network: Located<PodNetworkName> | undefined;
  /** Blocks of all pods' addresses. */
  readonly cidrs: readonly Located<Prefix>[];
  readonly tunnel: TunnelName | undefined;
  readonly masquerade: Located<(typeof POD_MASQUERADES)[number]> | undefined;
  readonly mtu: Located<number> | undefined;
  /** The bridge's name. */
  readonly bridge: string | undefined;
  readonly hairpin: Located<boolean> | undefined;
  readonly field: Field;
}

/** The network that joins the nodes. */
export interface UnderlaySpec {
  readonly cidrs: readonly Located<Prefix>[];
  readonly interface: string | undefined;
  readonly mtu: Located<number> | undefined;
  readonly field: Field;
}

/** The router between the nodes and the world. */
export interface GatewaySpec {
  readonly inside: readonly Located<Address>[];
  /** Its address outside, and the length of the subnet there. */
  readonly outside: readonly Located<AddressInSubnet>[];
  readonly masquerade: Located<boolean> | undefined;
  readonly forwards: readonly PortForwardSpec[];
  /** It has routes to the pods of each node. */
  readonly knowsPods: Located<boolean> | undefined;
  readonly field: Field;
}

export interface AddressInSubnet {
  readonly address: Address;
  readonly length: number;
}

export interface PortForwardSpec {
  readonly protocol: Protocol;
  readonly port: Port;
  /** A node's name or an address. */
  readonly to: string;
  readonly toPort: Port;
  readonly field: Field;
}

/** A host in the world. */
export interface OutsideSpec {
  readonly name: string;
  readonly addresses: readonly Located<Address>[];
  readonly field: Field;
}

export const BALANCER_KINDS = ["nat", "proxy", "routed"] as const;

export const BALANCER_NODES = ["all", "healthy"] as const;

export interface LoadBalancerSpec {
  /** `namespace/name` of the Service. */
  readonly service: Located<string>;
  readonly kind: (typeof BALANCER_KINDS)[number] | undefined;
  /** Only a balancer that translates (`nat`) may keep the client's address or not. */
  readonly keepsClient: boolean | undefined;
  /** `healthy`: those whose health check of the Service answers. */
  readonly nodes: (typeof BALANCER_NODES)[number] | undefined;
  /** Its own addresses in the underlay. */
  readonly addresses: readonly Located<Address>[];
  readonly field: Field;
}

/** The program that takes requests for the hosts of Ingresses, on one or several pods or nodes. One of `service`, `pods` and `nodes` is
 *  there. */
export interface IngressProxySpec {
  /** `namespace/name` of the Service whose endpoints it is. */
  readonly service: Located<string> | undefined;
  readonly pods: IngressPodsSpec | undefined;
  /** Names of nodes on which it runs outside of pods. */
  readonly nodes: readonly Located<string>[];
  /** Where it listens; undefined: as the Service or the pods say, else 80 and 443. */
  readonly ports: Readonly<Record<"http" | "https", Located<Port> | undefined>>;
  /** What the names of hosts stand for, outside. */
  readonly addresses: readonly Located<Address>[];
  readonly field: Field;
}

/** The pods of a namespace that have all of `labels`. */
export interface IngressPodsSpec {
  readonly namespace: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly field: Field;
}

/** What is different on one node. */
export interface NodeNetworkSpec {
  readonly name: Located<string>;
  /** Each name once. */
  readonly sysctls: readonly Located<SysctlSpec>[];
  readonly routes: readonly RouteSpec[];
  /** A file with the node's rules, beside the manifest. */
  readonly rules: Located<string> | undefined;
  /** A folder with what the node's commands printed, beside the manifest. */
  readonly files: Located<string> | undefined;
  readonly field: Field;
}

export interface SysctlSpec {
  /** With dots, also where an interface's name has one: `net.ipv4.conf.flannel.1.rp_filter`. */
  readonly name: string;
  readonly value: string;
}

export const ROUTE_KINDS = ["blackhole", "prohibit", "unicast", "unreachable"] as const;

/** A route of the table main. */
export interface RouteSpec {
  readonly kind: (typeof ROUTE_KINDS)[number];
  readonly to: Prefix;
  /** Of the family of `to`. */
  readonly via: Address | undefined;
  readonly interface: string | undefined;
  readonly metric: number | undefined;
  readonly source: Address | undefined;
  readonly field: Field;
}
