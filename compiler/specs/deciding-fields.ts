/** The fields of the API that decide something: what rules come out, or which objects belong together. A misspelt one is an
 *  error, where any other unknown field is only newer than this list, perhaps. */
import { meaningOf } from "../words.ts";
import type { KnownKind, StrictKind } from "./kinds.ts";
import type { WorkloadKind } from "./types.ts";

/** All but workloads, which are read leniently, and kinds of which each field decides: leaves, or the members of a map; the path of an element is that of its list. */
export const DECIDING_FIELDS = {
  Service: [
    "metadata.annotations",
    "metadata.creationTimestamp",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "spec.allocateLoadBalancerNodePorts",
    "spec.clusterIP",
    "spec.clusterIPs",
    "spec.externalIPs",
    "spec.externalTrafficPolicy",
    "spec.healthCheckNodePort",
    "spec.internalTrafficPolicy",
    "spec.ipFamilies",
    "spec.ipFamilyPolicy",
    "spec.loadBalancerSourceRanges",
    "spec.ports.name",
    "spec.ports.nodePort",
    "spec.ports.port",
    "spec.ports.protocol",
    "spec.ports.targetPort",
    "spec.publishNotReadyAddresses",
    "spec.selector",
    "spec.sessionAffinity",
    "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
    "spec.trafficDistribution",
    "spec.type",
    "status.loadBalancer.ingress.ip",
    "status.loadBalancer.ingress.ipMode",
  ],
  EndpointSlice: [
    "addressType",
    "endpoints.addresses",
    "endpoints.conditions.ready",
    "endpoints.conditions.serving",
    "endpoints.conditions.terminating",
    "endpoints.hints.forNodes.name",
    "endpoints.hints.forZones.name",
    "endpoints.nodeName",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "ports.name",
    "ports.port",
    "ports.protocol",
  ],
  Endpoints: [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "subsets.addresses.ip",
    "subsets.addresses.nodeName",
    "subsets.notReadyAddresses.ip",
    "subsets.notReadyAddresses.nodeName",
    "subsets.ports.name",
    "subsets.ports.port",
    "subsets.ports.protocol",
  ],
  Pod: [
    "metadata.deletionTimestamp",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "spec.containers.ports.containerPort",
    "spec.containers.ports.hostIP",
    "spec.containers.ports.hostPort",
    "spec.containers.ports.name",
    "spec.containers.ports.protocol",
    "spec.hostNetwork",
    "spec.initContainers.ports.containerPort",
    "spec.initContainers.ports.hostIP",
    "spec.initContainers.ports.hostPort",
    "spec.initContainers.ports.name",
    "spec.initContainers.ports.protocol",
    "spec.initContainers.restartPolicy",
    "spec.nodeName",
    "spec.nodeSelector",
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchExpressions.key",
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchExpressions.operator",
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchExpressions.values",
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchFields.key",
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchFields.operator",
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchFields.values",
    "status.conditions.status",
    "status.conditions.type",
    "status.phase",
    "status.podIP",
    "status.podIPs.ip",
  ],
  Node: [
    "metadata.labels",
    "metadata.name",
    "spec.podCIDR",
    "spec.podCIDRs",
    "status.addresses.address",
    "status.addresses.type",
  ],
  Ingress: [
    "metadata.annotations",
    "metadata.creationTimestamp",
    "metadata.name",
    "metadata.namespace",
    ...backend("spec.defaultBackend"),
    "spec.ingressClassName",
    "spec.rules.host",
    ...backend("spec.rules.http.paths.backend"),
    "spec.rules.http.paths.path",
    "spec.rules.http.paths.pathType",
    "spec.tls.hosts",
    "spec.tls.secretName",
  ],
  IngressClass: ["metadata.annotations", "metadata.creationTimestamp", "metadata.name", "spec.controller"],
  Secret: ["data", "metadata.name", "metadata.namespace", "stringData", "type"],
  KubeProxyConfiguration: [
    "bindAddress",
    "clusterCIDR",
    "conntrack.tcpBeLiberal",
    "detectLocal.bridgeInterface",
    "detectLocal.interfaceNamePrefix",
    "detectLocalMode",
    "hostnameOverride",
    "iptables.localhostNodePorts",
    "iptables.masqueradeAll",
    "mode",
    "nftables.masqueradeAll",
    "nodePortAddresses",
  ],
  ServiceCIDR: ["metadata.name", "spec.cidrs"],
} as const satisfies Readonly<Record<Exclude<KnownKind, WorkloadKind | StrictKind>, readonly string[]>>;

function backend(path: string): readonly string[] {
  return [`${path}.resource.name`, `${path}.service.name`, `${path}.service.port.name`, `${path}.service.port.number`];
}

/** Whether the field at `path` (`spec.ports[0].nodePort`) of an object of `kind` decides something, or holds one that does. All
 *  fields of kinds that are not in the table do: those of Lists. */
export function isDeciding(kind: string, path: string): boolean {
  const fields = fieldsOf(kind);
  const plain = path.replace(/\[\d+\]/g, "");
  return fields === undefined || fields.some((field) => field === plain || field.startsWith(`${plain}.`));
}

/** Where a deciding field of this name belongs in an object of `kind`; undefined when there is none. Names that many things
 *  have say nothing. */
export function placeOf(kind: string, name: string): string | undefined {
  if (COMMON_NAMES.has(name)) return undefined;
  for (const field of fieldsOf(kind) ?? []) {
    const steps = field.split(".");
    const at = steps.indexOf(name);
    if (at >= 0) return steps.slice(0, at + 1).join(".");
  }
  return undefined;
}

const COMMON_NAMES: ReadonlySet<string> = new Set([
  "address",
  "annotations",
  "host",
  "ip",
  "labels",
  "metadata",
  "name",
  "namespace",
  "path",
  "port",
  "protocol",
  "resource",
  "service",
  "spec",
  "status",
  "type",
]);

function fieldsOf(kind: string): readonly string[] | undefined {
  return meaningOf<readonly string[]>(DECIDING_FIELDS, kind);
}
