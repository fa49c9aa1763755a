/** The cluster: names joined, selectors expanded, conflicts resolved. Nothing here depends on a node. */
import type { Origin } from "../diagnostics.ts";
import type { Address, Family } from "../net/address.ts";
import type { Port } from "../net/port.ts";
import type { Prefix } from "../net/prefix.ts";
import type { Protocol } from "../net/protocol.ts";
import type { TrafficPolicy } from "../specs/types.ts";
import type { IngressBackend, IngressCertificate, ServiceEndpoint } from "./backend-types.ts";
import type { ServedListener } from "./gateway-types.ts";
import type { ClusterNode, ClusterPod, LocatedAddress } from "./hosts.ts";

export type { IngressBackend, IngressCertificate, ServiceEndpoint } from "./backend-types.ts";

export interface Cluster {
  /** Service ports per family, sorted by namespace, name and port name (code units). */
  readonly servicePorts: Readonly<Record<Family, readonly ServicePort[]>>;
  /** Those that are ours to serve, the oldest first; of equal age by namespace and name. */
  readonly ingresses: readonly Ingress[];
  /** The one that the settings name. */
  readonly defaultCertificate: IngressCertificate | undefined;
  /** Listeners of our Gateways that are served, those of the oldest one first. */
  readonly listeners: readonly ServedListener[];
  /** External IPs that are no cluster IP of the input, each as often as Services list it. */
  readonly externalIps: readonly ExternalIp[];
  /** Sorted by name (code units). */
  readonly nodes: readonly ClusterNode[];
  /** Those that have not finished, sorted by namespace and name (code units). */
  readonly pods: readonly ClusterPod[];
}

/** An external IP of the Service `namespace/name`. */
export interface ExternalIp extends LocatedAddress {
  readonly service: string;
}

/** One port of one Service in one family: the unit of work (lower/README.md, section 1.2). */
export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  /** Empty for the unnamed port. */
  readonly portName: string;
  readonly protocol: Protocol;
  readonly port: Port;
  readonly clusterIp: Address;
  /** False when an older Service holds the same address and port. */
  readonly servesClusterIp: boolean;
  readonly nodePort: Port | undefined;
  readonly externalIps: readonly LocatedAddress[];
  /** Load balancer addresses that this node answers for (ipMode VIP). */
  readonly loadBalancerIps: readonly LocatedAddress[];
  /** Sources that may use `loadBalancerIps`; empty means all. */
  readonly sourceRanges: readonly Prefix[];
  /** Seconds for which a client stays with its endpoint. */
  readonly affinitySeconds: number | undefined;
  readonly internalTrafficPolicy: TrafficPolicy;
  /** `Local` only where it has an effect. */
  readonly externalTrafficPolicy: TrafficPolicy;
  readonly healthCheckNodePort: Port | undefined;
  /** Sorted by address and port, without duplicates. */
  readonly candidates: readonly Candidate[];
  /** Whether anything could serve this port on some node: decides between reject and drop. */
  readonly hasAnyEndpoint: boolean;
  /** The port in its Service. */
  readonly origin: Origin;
  /** The port in its Service, with what is assumed of the cluster IP. */
  readonly clusterIpOrigin: Origin;
  /** The port in its Service, with what is assumed of the node port. */
  readonly nodePortOrigin: Origin;
}

/** An endpoint for one port of a Service, before policies and topology. */
export interface Candidate extends ServiceEndpoint {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly nodeName: string | undefined;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}

/** Whether a candidate takes new connections where no other is ready. */
export function servesWhileTerminating({ serving, terminating }: Candidate): boolean {
  return serving && terminating;
}

/** `namespace/name:portname`, as kube-proxy's comments have it; without the colon when the port has no name. */
export function servicePortName(service: Pick<ServicePort, "namespace" | "name" | "portName">): string {
  const { namespace, name, portName } = service;
  return portName === "" ? `${namespace}/${name}` : `${namespace}/${name}:${portName}`;
}

/** What settings say of all Ingresses. */
export interface IngressSettings {
  /** The controller that IngressClasses name when an Ingress is ours. */
  readonly controller: string;
  /** The Secret of the default certificate, `namespace/name`, and where it is named. */
  readonly defaultCertificate?: { readonly name: string; readonly origin: Origin | undefined };
  /** Whether Services of type ExternalName are backends. Default: false. */
  readonly allowsExternalNames?: boolean;
}

/** HTTP routes of one Ingress object, with their backends found. */
export interface Ingress {
  readonly namespace: string;
  readonly name: string;
  readonly defaultBackend: IngressBackend | undefined;
  readonly rules: readonly IngressRule[];
  readonly tls: readonly IngressTls[];
  /** Whether its hosts are to be redirected to https; undefined: it does not say. */
  readonly httpsRedirect: boolean | undefined;
}

/** An entry of `tls`. */
export interface IngressTls {
  /** Empty: all hosts that no other entry names. */
  readonly hosts: readonly { readonly host: string; readonly origin: Origin }[];
  /** Undefined: the default certificate. */
  readonly certificate: IngressCertificate | undefined;
  readonly origin: Origin;
}

export interface IngressRule {
  /** Undefined: requests of every host. */
  readonly host: string | undefined;
  /** Empty for a rule without paths: the host is known, and everything goes to a default backend. */
  readonly paths: readonly IngressPath[];
  readonly origin: Origin;
}

export interface IngressPath {
  readonly path: string;
  readonly pathType: "Exact" | "Prefix" | "ImplementationSpecific";
  readonly backend: IngressBackend;
  readonly origin: Origin;
}
