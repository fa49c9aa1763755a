import {
  type Context,
  checkText,
  isEmpty,
  NEWER,
  newerWordOf,
  reportInvalid,
  reportMissing,
  warnForbidden,
  warnInvalid,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import type { Address } from "../net/address.ts";
import type { Port } from "../net/port.ts";
import type { Prefix } from "../net/prefix.ts";
import { checkNotSpecial, decodeAddress, decodePrefix } from "./address.ts";
import { decodeOwnAnnotations, type OwnAnnotation } from "./annotations.ts";
import type { Located } from "./located.ts";
import { decodeLabels, decodeMeta } from "./meta.ts";
import {
  dns1035LabelProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  qualifiedNameProblems,
} from "./names.ts";
import { decodeOptionalPort } from "./port.ts";
import { decodeClusterIps } from "./service-cluster-ips.ts";
import { SERVICE, type ServiceFields } from "./service-fields.ts";
import { decodeServicePorts } from "./service-ports.ts";
import { decodeServiceStatus } from "./service-status.ts";
import { warnOfService } from "./service-warnings.ts";
import { readShape } from "./shape.ts";
import { SERVICE_TYPES, type ServiceSpec, type ServiceType, type TrafficPolicy } from "./types.ts";

const POLICIES = ["Cluster", "Local"] as const;
const AFFINITIES = ["ClientIP", "None"] as const;
const TRAFFIC_DISTRIBUTIONS = ["PreferClose", "PreferSameNode", "PreferSameZone"] as const;

/** What the API server fills in for sessionAffinity ClientIP; kube-proxy itself has no default. */
const DEFAULT_AFFINITY_SECONDS = 10800;
const MAX_AFFINITY_SECONDS = 86400;

const STICKY_SESSIONS: OwnAnnotation = { key: "kpc.dev/sticky-sessions", words: ["cookie"] };

/** A Service (v1), after pkg/apis/core/validation. Fields that the API server takes only together with others, and that
 *  kube-proxy ignores or treats in a defined way without them, are worth a warning. */
export function decodeService(context: Context, root: Field): ServiceSpec | undefined {
  const service = readShape(context, root, SERVICE);
  if (service === undefined) return undefined;
  const meta = decodeMeta(context, root, service.metadata, true, dns1123LabelProblems);
  const { spec } = service;
  if (spec === undefined || spec === null) {
    reportMissing(context, root, "spec.ports");
    return undefined;
  }
  const field = root.member("spec");
  const given = decodeType(context, field, spec);
  // kube-proxy makes rules of what a Service has, whatever its type; what only some types may have is then not held against it.
  const isNewer = given === NEWER;
  const type = isNewer ? "LoadBalancer" : given;
  const known = isNewer ? "ClusterIP" : given;
  const { clusterIps, headless, ipFamilies, ipFamilyPolicy } = decodeClusterIps(context, field, spec, known);
  const ports = decodeServicePorts(context, field, spec, type, headless);
  const externalIps = decodeExternalIps(context, field, spec);
  const externalTrafficPolicy = decodeExternalPolicy(context, field, spec, type, externalIps.length > 0);
  const internalTrafficPolicy = decodePolicy(context, field, "internalTrafficPolicy", spec.internalTrafficPolicy);
  const loadBalancerIngress = decodeServiceStatus(context, root, service.status, type);
  checkLoadBalancerFields(context, field, spec, type);
  warnOfService(context, root, spec, known, headless);
  const selector = isEmpty(spec.selector) ? undefined : decodeLabels(context, field, "selector", spec.selector);
  const loadBalancerSourceRanges = decodeSourceRanges(context, field, spec);
  const affinitySeconds = decodeAffinity(context, field, spec);
  const healthCheckNodePort = decodeHealthCheckNodePort(context, field, spec, type, externalTrafficPolicy);
  const trafficDistribution = decodeTrafficDistribution(context, field, spec);
  const externalName = decodeExternalName(context, field, spec, type);
  if (meta === undefined) return undefined;
  warnOfNewName(context, root, meta.name);
  const [sticky] = decodeOwnAnnotations(context, meta, [STICKY_SESSIONS]);
  return {
    meta,
    isSticky: sticky !== undefined,
    type: known,
    clusterIps,
    headless,
    ipFamilies,
    ipFamilyPolicy,
    ports,
    selector,
    externalIps,
    loadBalancerIngress,
    loadBalancerSourceRanges,
    affinitySeconds,
    internalTrafficPolicy: internalTrafficPolicy ?? "Cluster",
    externalTrafficPolicy: isNewer ? "Cluster" : externalTrafficPolicy, // apiservice.ExternalPolicyLocal
    healthCheckNodePort,
    allocatesNodePorts: spec.allocateLoadBalancerNodePorts ?? true,
    publishNotReadyAddresses: spec.publishNotReadyAddresses ?? false,
    trafficDistribution,
    externalName,
  };
}

/** A type that does not exist counts as LoadBalancer, which may have the most fields: one mistake is one finding. */
function decodeType(context: Context, field: Field, { type }: ServiceFields): ServiceType | typeof NEWER {
  if (isEmpty(type)) return "ClusterIP";
  const effect = "kpc makes rules of the addresses and ports that the Service has, as kube-proxy does";
  return newerWordOf(context, field, "type", type, SERVICE_TYPES, effect, { onlyStored: true }) ?? "LoadBalancer";
}

/** A traffic policy: what is not Local is Cluster to kube-proxy. */
function decodePolicy(
  context: Context,
  field: Field,
  key: "externalTrafficPolicy" | "internalTrafficPolicy",
  value: string | null | undefined,
): TrafficPolicy | undefined {
  const word = newerWordOf(context, field, key, value, POLICIES, 'kpc reads it as "Cluster", as kube-proxy does');
  return word === NEWER ? "Cluster" : word;
}

/** Kubernetes 1.36 began to take names that start with a digit (KEP-5311). */
function warnOfNewName(context: Context, root: Field, name: string): void {
  if (/^[a-z]/.test(name) || dns1123LabelProblems(name).length > 0) return;
  for (const problem of dns1035LabelProblems(name)) {
    warnInvalid(context, root.member("metadata").member("name"), `refused before Kubernetes 1.36: ${problem}`);
  }
}

function decodeExternalIps(context: Context, field: Field, { externalIPs }: ServiceFields): Located<Address>[] {
  return located(field, "externalIPs", externalIPs, (text, item) => {
    const address = decodeAddress(context, text, () => item);
    if (address !== undefined) checkNotSpecial(context, address, () => item);
    return address;
  });
}

function decodeSourceRanges(context: Context, field: Field, spec: ServiceFields): Located<Prefix>[] {
  return located(field, "loadBalancerSourceRanges", spec.loadBalancerSourceRanges, (text, item) =>
    decodePrefix(context, text, () => item),
  );
}

/** What `decode` makes of each text in the array `key`, with its field. */
function located<T>(
  field: Field,
  key: string,
  texts: readonly string[] | null | undefined,
  decode: (text: string, item: Field) => T | undefined,
): Located<T>[] {
  if (texts === undefined || texts === null || texts.length === 0) return [];
  const list = field.member(key);
  return texts.flatMap((text, index) => {
    const item = list.item(index);
    const value = decode(text, item);
    return value === undefined ? [] : [{ value, field: item }];
  });
}

/** Fields that only a load balancer has a use for. kube-proxy looks at source ranges for every type. */
function checkLoadBalancerFields(context: Context, field: Field, spec: ServiceFields, type: ServiceType): void {
  if (type === "LoadBalancer") {
    checkText(context, field, "loadBalancerClass", spec.loadBalancerClass, qualifiedNameProblems);
    return;
  }
  for (const key of ["loadBalancerSourceRanges", "allocateLoadBalancerNodePorts", "loadBalancerClass"] as const) {
    if (!isEmpty(spec[key]))
      warnForbidden(context, field.member(key), "may only be used when `type` is 'LoadBalancer'");
  }
}

/** Seconds for which clients stay with their endpoint. */
function decodeAffinity(context: Context, field: Field, spec: ServiceFields): number | undefined {
  const { sessionAffinity, sessionAffinityConfig: config } = spec;
  if (isEmpty(sessionAffinity) || sessionAffinity === "None") {
    if (config === undefined || config === null) return undefined;
    const message = "spec.sessionAffinityConfig is ignored when spec.sessionAffinity is None"; // the API server drops it
    const origin = field.member("sessionAffinityConfig");
    context.report({ severity: "warning", code: "ignored-field", message, origin });
    return undefined;
  }
  const effect = 'kpc reads it as "None", as kube-proxy does';
  const word = newerWordOf(context, field, "sessionAffinity", sessionAffinity, AFFINITIES, effect);
  if (word === NEWER || word === undefined) return undefined;
  const seconds = config?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS;
  if (seconds < 1 || seconds > MAX_AFFINITY_SECONDS) {
    const place = field.member("sessionAffinityConfig").member("clientIP").member("timeoutSeconds");
    reportInvalid(context, place, `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`);
  }
  return seconds;
}

function decodeExternalPolicy(
  context: Context,
  field: Field,
  spec: ServiceFields,
  type: ServiceType,
  hasExternalIps: boolean,
): TrafficPolicy {
  const key = "externalTrafficPolicy";
  const policy = isEmpty(spec[key]) ? undefined : decodePolicy(context, field, key, spec[key]);
  const reachable = type === "LoadBalancer" || type === "NodePort" || (type === "ClusterIP" && hasExternalIps);
  if (policy !== undefined && !reachable)
    warnInvalid(context, field.member(key), "may only be set for externally-accessible services", "forbidden-field");
  return policy ?? "Cluster";
}

/** kube-proxy ignores the port where it has no meaning. */
function decodeHealthCheckNodePort(
  context: Context,
  field: Field,
  spec: ServiceFields,
  type: ServiceType,
  policy: TrafficPolicy,
): Located<Port> | undefined {
  const value = decodeOptionalPort(context, field, "healthCheckNodePort", spec.healthCheckNodePort);
  if (value === undefined) return undefined;
  const place = field.member("healthCheckNodePort");
  if (type !== "LoadBalancer" || policy !== "Local") {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    warnInvalid(context, place, detail, "forbidden-field");
  }
  return { value, field: place };
}

/** PreferClose is the older name of PreferSameZone. */
function decodeTrafficDistribution(
  context: Context,
  field: Field,
  { trafficDistribution }: ServiceFields,
): ServiceSpec["trafficDistribution"] {
  const key = "trafficDistribution";
  const effect = "kpc makes no hints for it; those in EndpointSlices count";
  const word = newerWordOf(context, field, key, trafficDistribution, TRAFFIC_DISTRIBUTIONS, effect);
  if (word === NEWER) return undefined;
  return word === "PreferClose" ? "PreferSameZone" : word;
}

/** A DNS name; it may end in a dot. */
function decodeExternalName(
  context: Context,
  field: Field,
  { externalName }: ServiceFields,
  type: ServiceType,
): string {
  const name = externalName ?? "";
  if (type !== "ExternalName") return name;
  const trimmed = name.replace(/\.$/, "");
  if (trimmed === "") reportMissing(context, field, "externalName");
  checkText(context, field, "externalName", trimmed, dns1123SubdomainProblems);
  return name;
}
