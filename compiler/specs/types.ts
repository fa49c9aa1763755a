/** The objects of the input, decoded and checked one by one; no object knows another. */

import type { PrivateText } from "../certificates/private-key.ts";
import type { Field } from "../documents/field.ts";
import type { Address, Family } from "../net/address.ts";
import type { Port } from "../net/port.ts";
import type { Prefix } from "../net/prefix.ts";
import type { Protocol } from "../net/protocol.ts";
import type {
  GatewayClassSpec,
  HttpGatewaySpec,
  HttpRouteSpec,
  NamespaceSpec,
  ReferenceGrantSpec,
} from "./gateway-types.ts";
import type { Located } from "./located.ts";
import type { Meta } from "./metadata.ts";
import type { NetworkSpec } from "./network-types.ts";

export type { Located } from "./located.ts";
export type { Meta } from "./metadata.ts";

export interface Specs {
  readonly services: readonly ServiceSpec[];
  readonly endpointSlices: readonly EndpointSliceSpec[];
  /** Older objects, one per Service. */
  readonly endpoints: readonly EndpointsSpec[];
  readonly pods: readonly PodSpec[];
  readonly nodes: readonly NodeSpec[];
  readonly ingresses: readonly IngressSpec[];
  readonly ingressClasses: readonly IngressClassSpec[];
  readonly secrets: readonly SecretSpec[];
  readonly gatewayClasses: readonly GatewayClassSpec[];
  readonly gateways: readonly HttpGatewaySpec[];
  readonly httpRoutes: readonly HttpRouteSpec[];
  readonly referenceGrants: readonly ReferenceGrantSpec[];
  readonly namespaces: readonly NamespaceSpec[];
  /** Objects of which a control plane makes Pods. */
  readonly workloads: readonly WorkloadSpec[];
  readonly serviceCidrs: readonly ServiceCidrSpec[];
  /** kube-proxy's own settings: files among the manifests, or the text in its ConfigMap. */
  readonly kubeProxies: readonly KubeProxySpec[];
  /** What a Cluster says of the network; undefined: the input has none, or one with an error. */
  readonly network: NetworkSpec | undefined;
  /** Objects of kinds that kpc does not read, by `apiVersion/Kind`: how many were left out, and the first of them. */
  readonly skipped: ReadonlyMap<string, SkippedKind>;
  /** No object of a kind that is read, no mistake and no empty List: perhaps the wrong input. */
  readonly nothing: boolean;
}

export interface SkippedKind {
  readonly count: number;
  readonly first: Field;
  /** `namespace/name` of each, with its place. */
  readonly objects: readonly Located<string>[];
}

export type TrafficPolicy = "Cluster" | "Local";

/** In the API server's order, which is that of the alphabet. */
export const SERVICE_TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"] as const;

export type ServiceType = (typeof SERVICE_TYPES)[number];

export const IP_FAMILY_POLICIES = ["PreferDualStack", "RequireDualStack", "SingleStack"] as const;

export type IpFamilyPolicy = (typeof IP_FAMILY_POLICIES)[number];

export interface ServiceSpec {
  readonly meta: Meta;
  readonly type: ServiceType;
  /** `clusterIPs`, or `clusterIP` alone; empty for `None`, and where nothing is given. */
  readonly clusterIps: readonly Located<Address>[];
  /** `clusterIP: None`. */
  readonly headless: boolean;
  readonly ipFamilies: readonly Family[];
  readonly ipFamilyPolicy: IpFamilyPolicy | undefined;
  readonly ports: readonly ServicePortSpec[];
  /** Undefined when there is none: endpoints are then somebody else's business. */
  readonly selector: ReadonlyMap<string, string> | undefined;
  readonly externalIps: readonly Located<Address>[];
  /** `status.loadBalancer.ingress` entries that have an address. */
  readonly loadBalancerIngress: readonly LoadBalancerIngressSpec[];
  readonly loadBalancerSourceRanges: readonly Located<Prefix>[];
  /** Seconds, when sessionAffinity is ClientIP; 10800 where the manifest leaves it to the server. */
  readonly affinitySeconds: number | undefined;
  readonly internalTrafficPolicy: TrafficPolicy;
  readonly externalTrafficPolicy: TrafficPolicy;
  readonly healthCheckNodePort: Located<Port> | undefined;
  /** `allocateLoadBalancerNodePorts`; true where the manifest leaves it to the server. */
  readonly allocatesNodePorts: boolean;
  readonly publishNotReadyAddresses: boolean;
  /** Only the EndpointSlice controller reads it: it decides which hints endpoints made from Pods have. */
  readonly trafficDistribution: "PreferSameZone" | "PreferSameNode" | undefined;
  /** Of type ExternalName; others may have one that has no effect. */
  readonly externalName: string;
  /** Annotation `kpc.dev/sticky-sessions: cookie`: the HTTP proxy sends a client to the endpoint that it had before. */
  readonly isSticky: boolean;
}

export interface ServicePortSpec {
  /** Empty for the unnamed port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: Port;
  /** A number, or the name of a container port; undefined means the same as `port`. */
  readonly targetPort: Port | string | undefined;
  readonly nodePort: Located<Port> | undefined;
  readonly field: Field;
}

export interface LoadBalancerIngressSpec {
  readonly address: Address;
  readonly ipMode: "VIP" | "Proxy";
  readonly field: Field;
}

export interface EndpointSliceSpec {
  readonly meta: Meta;
  readonly addressType: "IPv4" | "IPv6" | "FQDN";
  readonly endpoints: readonly EndpointSpec[];
  readonly ports: readonly EndpointPortSpec[];
}

export interface EndpointSpec {
  /** At least one; only the first counts. Empty for FQDN slices. */
  readonly addresses: readonly Address[];
  /** Absent conditions have their defaults here: ready, serving, not terminating. */
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly nodeName: string | undefined;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
  readonly field: Field;
}

export interface EndpointPortSpec {
  /** Empty for the unnamed port. */
  readonly name: string;
  readonly protocol: Protocol;
  /** Undefined means all ports, which kube-proxy skips. */
  readonly port: Port | undefined;
  readonly field: Field;
}

/** An Endpoints object has the name of its Service. */
export interface EndpointsSpec {
  readonly meta: Meta;
  readonly subsets: readonly EndpointSubsetSpec[];
}

export interface EndpointSubsetSpec {
  readonly addresses: readonly EndpointAddressSpec[];
  readonly notReadyAddresses: readonly EndpointAddressSpec[];
  readonly ports: readonly EndpointPortSpec[];
}

export interface EndpointAddressSpec {
  readonly address: Address;
  readonly nodeName: string | undefined;
  readonly field: Field;
}

export interface PodSpec extends PodTemplateSpec {
  readonly meta: Meta;
  readonly podIps: readonly Address[];
  readonly ready: boolean;
  /** Something has said whether it is ready: it has conditions or a phase. */
  readonly hasStatus: boolean;
  /** What of it kpc has chosen. */
  readonly assumed: readonly ("pod" | "pod address" | "pod node")[];
  /** `Succeeded` or `Failed`: takes no traffic any more. */
  readonly finished: boolean;
  /** Has a deletionTimestamp. */
  readonly terminating: boolean;
}

/** What a Pod and the template of a workload have in common. */
export interface PodTemplateSpec {
  readonly nodeName: string | undefined;
  readonly hostNetwork: boolean;
  readonly nodeSelector: ReadonlyMap<string, string>;
  /** Required node affinity: terms of which a node has to meet one; undefined where nothing is required. */
  readonly nodeAffinity: readonly NodeSelectorTermSpec[] | undefined;
  readonly tolerations: readonly TolerationSpec[];
  /** Names of the containers that run at the same time, sidecars last. */
  readonly containers: readonly string[];
  /** Container ports that are declared, sidecars' last; of equal names and protocols the first counts. */
  readonly ports: readonly ContainerPortSpec[];
}

/** All of it has to hold. */
export interface NodeSelectorTermSpec {
  readonly labels: readonly NodeRequirementSpec[];
  readonly fields: readonly NodeRequirementSpec[];
}

export const NODE_OPERATORS = ["DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"] as const;

export interface NodeRequirementSpec {
  /** A label, or the field metadata.name. */
  readonly key: string;
  /** Undefined where there is none, or none that kpc knows. */
  readonly operator: (typeof NODE_OPERATORS)[number] | undefined;
  readonly values: readonly string[];
}

export interface TolerationSpec {
  /** Empty: every key. */
  readonly key: string;
  /** Undefined: every value (operator Exists). */
  readonly value: string | undefined;
  /** Empty: every effect. */
  readonly effect: string;
}

export const WORKLOAD_KINDS = [
  "CronJob",
  "DaemonSet",
  "Deployment",
  "Job",
  "ReplicaSet",
  "ReplicationController",
  "StatefulSet",
] as const;

export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

export interface WorkloadSpec {
  readonly kind: WorkloadKind;
  readonly meta: Meta;
  /** Pods that it runs at a time; 0 for a DaemonSet, which runs one on each Node instead, and for a CronJob, whose Jobs do
   *  not run between its times. */
  readonly replicas: number;
  /** Number of the first Pod of a StatefulSet. */
  readonly firstOrdinal: number;
  /** `selector.matchLabels`, or the template's labels where there is none. */
  readonly selector: ReadonlyMap<string, string>;
  /** Labels of its Pods. */
  readonly labels: ReadonlyMap<string, string>;
  readonly template: PodTemplateSpec;
}

/** A port that a container declares. Others may be open as well. */
export interface ContainerPortSpec {
  readonly container: string;
  /** Empty for a port without a name. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: Port;
  /** The port of the node that leads to it; missing: none. */
  readonly hostPort?: HostPortSpec;
}

export interface HostPortSpec {
  readonly port: Port;
  /** Undefined: each address of the node. */
  readonly address: Address | undefined;
}

export interface NodeSpec {
  readonly meta: Meta;
  /** InternalIP and then ExternalIP addresses, as kube-proxy picks the primary one. */
  readonly addresses: readonly Address[];
  /** The InternalIP addresses among them. */
  readonly internalAddresses: readonly Located<Address>[];
  readonly podCidrs: readonly Prefix[];
  /** Where they stand; the whole Node where there are none. */
  readonly podCidrsField: Field;
  /** Those that keep Pods away (effect NoSchedule or NoExecute), and the one of `spec.unschedulable`. */
  readonly taints: readonly TaintSpec[];
  /** The input has no Node: kpc has made this one, with the cluster's pod CIDRs. */
  readonly assumed?: true;
  /** Label `topology.kubernetes.io/zone`. */
  readonly zone: string | undefined;
}

export interface TaintSpec {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

export interface IngressSpec {
  readonly meta: Meta;
  /** `spec.ingressClassName`, or the older annotation, which wins on objects that have both. */
  readonly className: string | undefined;
  /** `status.loadBalancer.ingress` entries that have an address. */
  readonly addresses: readonly Address[];
  readonly defaultBackend: IngressBackendSpec | undefined;
  readonly rules: readonly IngressRuleSpec[];
  readonly tls: readonly IngressTlsSpec[];
  /** Annotation `kpc.dev/https-redirect`; undefined: there is none. */
  readonly httpsRedirect: boolean | undefined;
}

export interface IngressTlsSpec {
  /** As in rules; empty means the controller's default certificate for every host. */
  readonly hosts: readonly string[];
  /** Undefined: the default certificate. */
  readonly secretName: string | undefined;
  readonly field: Field;
}

export interface IngressRuleSpec {
  /** Lower case; `*.` and a suffix for wildcards; undefined for requests of every host. */
  readonly host: string | undefined;
  /** Undefined for a rule without `http`. */
  readonly paths: readonly IngressPathSpec[] | undefined;
  /** Paths that are left out: their `pathType` is of a newer API, or they have errors. */
  readonly leftOut: number;
  readonly field: Field;
}

export interface IngressPathSpec {
  /** Begins with a slash; `/` where the manifest leaves it out. */
  readonly path: string;
  readonly pathType: "Exact" | "Prefix" | "ImplementationSpecific";
  readonly backend: IngressBackendSpec;
  readonly field: Field;
}

export type IngressBackendSpec =
  | { readonly kind: "service"; readonly name: string; readonly port: Port | string; readonly field: Field }
  | { readonly kind: "resource"; readonly name: string; readonly field: Field };

export interface IngressClassSpec {
  readonly meta: Meta;
  readonly controller: string;
  readonly isDefault: boolean;
}

/** A Secret: its certificate and key, if it is of type kubernetes.io/tls. */
export interface SecretSpec {
  readonly meta: Meta;
  /** `Opaque` where the manifest gives none. */
  readonly type: string;
  /** PEM, as far as anybody has looked; undefined: there is none. */
  readonly certificate: string | undefined;
  readonly privateKey: PrivateText | undefined;
}

/** Blocks that Service addresses are taken from: at most one of each family in an object, and any number of objects. */
export interface ServiceCidrSpec {
  readonly meta: Meta;
  readonly cidrs: readonly Located<Prefix>[];
}

/** A KubeProxyConfiguration: what of it decides rules; undefined where it says nothing. */
export interface KubeProxySpec {
  readonly hostnameOverride: string | undefined;
  /** The primary address of the node. */
  readonly bindAddress: Address | undefined;
  readonly mode: "iptables" | "ipvs" | "nftables" | undefined;
  /** The modes have a section each. */
  readonly masqueradeAll: Readonly<Record<"iptables" | "nftables", boolean>>;
  readonly localhostNodePorts: boolean | undefined;
  readonly detectLocalMode: "BridgeInterface" | "ClusterCIDR" | "InterfaceNamePrefix" | "NodeCIDR" | undefined;
  readonly bridgeInterface: string | undefined;
  readonly interfaceNamePrefix: string | undefined;
  readonly clusterCidrs: readonly Located<Prefix>[];
  readonly nodePortAddresses: readonly (Prefix | "primary")[];
  readonly tcpBeLiberal: boolean;
  /** Names of other fields that are set to something other than their default. */
  readonly others: readonly Located<string>[];
  /** The whole document. */
  readonly field: Field;
}
