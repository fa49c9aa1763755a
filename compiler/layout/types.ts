/** What a cluster's network is laid out from, and what comes of it. */
import type { Origin } from "../diagnostics.ts";
import type { ClusterNode, ClusterPod } from "../model/hosts.ts";
import type { ServicePort } from "../model/types.ts";
import type { Address } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import type { Host, Network } from "../network/network.ts";
import type { Provenance } from "../network/provenance.ts";
import type { NetworkSpec } from "../specs/network-types.ts";
import type { ServiceSpec } from "../specs/types.ts";
import type { LayoutRules } from "./host-rules.ts";

export interface LayoutInput {
  readonly nodes: readonly ClusterNode[];
  readonly pods: readonly ClusterPod[];
  readonly services: readonly ServiceSpec[];
  readonly servicePorts: readonly ServicePort[];
  readonly network: NetworkSpec | undefined;
  /** Blocks of pods, by kube-proxy's settings. */
  readonly clusterCidrs: readonly Prefix[];
  /** The nodes' rules masquerade what pods send elsewhere: a plugin of which nothing else is said leaves that to them. */
  readonly masqueradesPods: boolean;
  /** kube-proxy sets route_localnet, for node ports at 127.0.0.1. */
  readonly localhostNodePorts: boolean;
  /** Nodes of which their own files tell, by name: that counts instead of what would be laid out. */
  readonly collected: ReadonlyMap<string, CollectedHost>;
  readonly serviceCidrs?: readonly Prefix[];
  /** Addresses that a controller has given to Ingresses. */
  readonly ingressAddresses?: readonly Address[];
  /** Load balancers of the ingress proxy tell it clients by the PROXY protocol. */
  readonly proxyProtocol?: boolean;
  /** Addresses that a question names: those that nobody has are somebody's outside. */
  readonly mentioned?: readonly Address[];
}

/** A node as its own files describe it. */
export interface CollectedHost {
  readonly host: Host;
  /** By which interface the node reaches single addresses. */
  readonly behind: ReadonlyMap<Address, string>;
}

export interface NetworkLayout {
  readonly network: Network;
  /** Rules besides kube-proxy's, by host. */
  readonly rules: ReadonlyMap<string, LayoutRules>;
  /** Pods in their node's network, by their own names: the node's host. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Blocks of all pods. */
  readonly podCidrs: readonly Prefix[];
  readonly ingressProxy: FoundProxy;
}

/** A subnet that joins nodes, in one family. */
export interface Underlay {
  readonly cidr: Prefix;
  readonly gateway: Address;
  readonly origin: Origin | undefined;
  /** Undefined: it stands in the input. */
  readonly inferred: string | undefined;
}

// --- the ingress proxy ---------------------------------------------------------------------------------------------------

export type Scheme = "http" | "https";

/** The ingress proxy of a cluster: one program, on one or several hosts. */
export interface IngressProxy {
  /** Whose endpoints it is; undefined: no Service leads to it. */
  readonly service: ServiceSpec | undefined;
  readonly instances: readonly ProxyInstance[];
  /** What the names of hosts stand for outside, by the Cluster; empty: that is not said. */
  readonly addresses: readonly Address[];
  readonly provenance: Provenance;
}

/** The proxy in one pod, or on one node. */
export interface ProxyInstance {
  /** The host that has its network: `pod/NAMESPACE/NAME` or `node/NAME`. */
  readonly host: string;
  /** The pod, by that name; or the host. */
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly listeners: readonly ProxyListener[];
  /** Ports of the pod's node that lead to it. */
  readonly hostPorts: readonly ProxyHostPort[];
}

/** A TCP port of a node that leads to `to` of a pod there. */
export interface ProxyHostPort {
  readonly node: string;
  readonly port: number;
  /** Undefined: at each address of the node. */
  readonly at: Address | undefined;
  readonly to: number;
}

/** A TCP port at which the proxy takes requests. */
export interface ProxyListener {
  readonly scheme: Scheme;
  readonly port: number;
}

/** `proxy` undefined: nothing says who it is. More than one of `candidates`: that cannot be told from each other. */
export type FoundProxy =
  | { readonly proxy: IngressProxy }
  | { readonly proxy?: undefined; readonly candidates: readonly string[] };
