import { nearest } from "../documents/nearest.ts";
import { WORKLOAD_KINDS, type WorkloadKind } from "./types.ts";

/** The kinds that kpc reads, and the versions of each, the newest first: other ones have other fields, and no server takes
 *  them. */
export const API_VERSIONS = {
  Service: ["v1"],
  Endpoints: ["v1"],
  Pod: ["v1"],
  Node: ["v1"],
  EndpointSlice: ["discovery.k8s.io/v1", "discovery.k8s.io/v1beta1"],
  Ingress: ["networking.k8s.io/v1"],
  IngressClass: ["networking.k8s.io/v1"],
  Secret: ["v1"],
  GatewayClass: ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"],
  Gateway: ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"],
  HTTPRoute: ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"],
  ReferenceGrant: ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"],
  Namespace: ["v1"],
  KubeProxyConfiguration: ["kubeproxy.config.k8s.io/v1alpha1"],
  Deployment: ["apps/v1"],
  StatefulSet: ["apps/v1"],
  DaemonSet: ["apps/v1"],
  ReplicaSet: ["apps/v1"],
  ReplicationController: ["v1"],
  Job: ["batch/v1"],
  CronJob: ["batch/v1"],
  ServiceCIDR: ["networking.k8s.io/v1", "networking.k8s.io/v1beta1"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type KnownKind = keyof typeof API_VERSIONS;

/** Kinds of which each field decides something. */
export type StrictKind = "Gateway" | "GatewayClass" | "HTTPRoute" | "Namespace" | "ReferenceGrant";

export function isKnownKind(kind: string): kind is KnownKind {
  return Object.hasOwn(API_VERSIONS, kind);
}

export function isWorkloadKind(kind: string): kind is WorkloadKind {
  return WORKLOAD_KINDS.some((known) => known === kind);
}

/** Whether kpc reads `kind` in this version. */
export function isReadVersion(kind: KnownKind, apiVersion: string): boolean {
  return API_VERSIONS[kind].some((version) => version === apiVersion);
}

/** Whose kinds an API group holds: `serving.knative.dev/v1` has a Service too, which is none of ours. Groups without a
 *  domain (`apps`, `extensions`) and those below k8s.io are Kubernetes' own. */
export function ownerOf(apiVersion: string): "Kubernetes" | "somebody else" {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return group.includes(".") && !group.endsWith(".k8s.io") ? "somebody else" : "Kubernetes";
}

/** The known kind that `kind` was probably meant to be. */
export function nearestKind(kind: string): KnownKind | undefined {
  return nearest(kind, Object.keys(API_VERSIONS)) as KnownKind | undefined;
}
