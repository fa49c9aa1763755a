import { type Report, withAssumed } from "../diagnostics.ts";
import { type Address, FAMILIES, type Family, familyOf, printAddress } from "../net/address.ts";
import { prefixFamily } from "../net/prefix.ts";
import { compareBy } from "../order.ts";
import { ignoredLabel, SERVICE_NAME_LABEL } from "../specs/labels.ts";
import type { Located } from "../specs/located.ts";
import type { ServicePortSpec, ServiceSpec, Specs, TrafficPolicy } from "../specs/types.ts";
import { CandidateIndex, joins, serviceKey } from "./candidates.ts";
import { type Claimant, resolveConflicts } from "./claims.ts";
import { resolveGateways } from "./gateways.ts";
import { resolveIngresses } from "./ingress.ts";
import { cutSubsets, hasSelector, MAX_MIRRORED } from "./mirrored.ts";
import { resolveNodes, resolvePods } from "./resolve-hosts.ts";
import { checkNodeNames, checkService } from "./service-checks.ts";
import { CertificateIndex, resolveDefaultCertificate } from "./tls.ts";
import {
  type Cluster,
  type ExternalIp,
  type IngressSettings,
  type ServicePort,
  servesWhileTerminating,
  servicePortName,
} from "./types.ts";

/** Joins the objects of `specs`. Services that kube-proxy would ignore are left out, with a reason. */
export function resolveCluster(specs: Specs, settings: IngressSettings, report: Report): Cluster {
  const index = new CandidateIndex(specs);
  const services = checkServices(specs, index, report);
  const externalIps = joinExternalIps(services, report);
  const certificates = new CertificateIndex(specs.secrets);
  const ingresses = resolveIngresses(specs, index, certificates, settings, report);
  return {
    servicePorts: portsOfServices(services, index, report),
    ingresses,
    defaultCertificate: resolveDefaultCertificate(settings, certificates, report),
    listeners: resolveGateways(specs, index, certificates, settings, ingresses, report),
    externalIps,
    nodes: resolveNodes(specs),
    pods: resolvePods(specs),
  };
}

/** The Service ports alone, where nobody asks for the rest. */
export function resolveServicePorts(specs: Specs, report: Report): Cluster["servicePorts"] {
  const index = new CandidateIndex(specs);
  const services = checkServices(specs, index, report);
  joinExternalIps(services, report);
  return portsOfServices(services, index, report);
}

/** The Services that kube-proxy would look at. Reports what is strange about Services and their endpoints. */
function checkServices(specs: Specs, index: CandidateIndex, report: Report): readonly ServiceSpec[] {
  const services = specs.services.filter((service) => isProxied(service, report));
  if (services.length === 0 && !specs.services.some(lacksClusterIp)) reportNoServices(specs, report);
  reportStraySlices(specs, index, report);
  for (const service of services) reportUnmatchedPorts(service, index, report);
  for (const service of specs.services) checkService(service, index, report);
  checkNodeNames(specs, report);
  warnOfEndpoints(specs, report);
  for (const service of services) reportIgnoredEndpoints(service, index, report);
  return services;
}

function portsOfServices(
  services: readonly ServiceSpec[],
  index: CandidateIndex,
  report: Report,
): Cluster["servicePorts"] {
  const servicePorts = (family: Family): ServicePort[] => {
    const claimants = services.flatMap((service): Claimant[] => {
      const { creationTimestamp } = service.meta;
      return resolveService(service, family, index).map((port) => ({ service: port, creationTimestamp }));
    });
    const sorted = resolveConflicts(claimants, report).sort(BY_NAME);
    for (const port of sorted) reportNoEndpoints(port, report);
    return sorted;
  };
  const [ipv4, ipv6] = FAMILIES;
  return { IPv4: servicePorts(ipv4), IPv6: servicePorts(ipv6) };
}

const BY_NAME = compareBy<ServicePort>(
  ({ namespace }) => namespace,
  ({ name }) => name,
  ({ portName }) => portName,
);

/** Whether kube-proxy would look at `service`; else says why not. */
function isProxied(service: ServiceSpec, report: Report): boolean {
  const { meta } = service;
  const subject = `Service ${meta.namespace}/${meta.name}`;
  const ignore = (why: string): boolean => {
    report({
      severity: "info",
      code: "service-ignored",
      message: `${subject} is left out: ${why}`,
      origin: meta.field,
    });
    return false;
  };
  const label = ignoredLabel(meta);
  if (label !== undefined) return ignore(`it carries the label ${label}`);
  if (service.type === "ExternalName") return ignore("type ExternalName is only a DNS name");
  if (service.headless) return ignore("it is headless (clusterIP: None), so DNS answers with the Pods themselves");
  if (!lacksClusterIp(service)) return true;
  const message = `${subject} has no clusterIP: the API server gives one; take the manifest from the cluster, or set spec.clusterIP`;
  report({ severity: "error", code: "no-cluster-ip", message, origin: meta.field });
  return false;
}

/** The API server gives each Service an address that has a use for one. */
function lacksClusterIp({ type, headless, clusterIps }: ServiceSpec): boolean {
  return type !== "ExternalName" && !headless && clusterIps.length === 0;
}

/** Services of which none has rules (all headless, say) are no mistake; but whoever loads the result should know it. */
function reportNoServices({ services }: Specs, report: Report): void {
  const what = services.length === 0 ? "the input has no Service" : "no Service of the input gets rules (-v says why)";
  const message = `${what}: loading the result removes all rules of kpc`;
  report({ severity: "note", code: "no-services", message });
}

/** The ports of `service` in one family: none when it has no cluster IP there, node ports included. */
function resolveService(service: ServiceSpec, family: Family, index: CandidateIndex): ServicePort[] {
  const clusterIp = clusterIpOf(service, family);
  if (clusterIp === undefined) return [];
  return service.ports.map((port) => resolvePort(service, port, clusterIp, family, index));
}

/** The entry of `clusterIPs` in a family that `ipFamilies` has. */
function clusterIpOf({ clusterIps, ipFamilies }: ServiceSpec, family: Family): Located<Address> | undefined {
  return ipFamilies.includes(family) ? clusterIps.find(({ value }) => familyOf(value) === family) : undefined;
}

function resolvePort(
  service: ServiceSpec,
  port: ServicePortSpec,
  clusterIp: Located<Address>,
  family: Family,
  index: CandidateIndex,
): ServicePort {
  const externalIps = service.externalIps.filter(({ value }) => familyOf(value) === family);
  const loadBalancerIps = service.loadBalancerIngress.filter(
    ({ address, ipMode }) => familyOf(address) === family && ipMode === "VIP",
  );
  const candidates = index.candidates(service, port, family);
  return {
    namespace: service.meta.namespace,
    name: service.meta.name,
    portName: port.name,
    protocol: port.protocol,
    port: port.port,
    clusterIp: clusterIp.value,
    servesClusterIp: true,
    nodePort: port.nodePort?.value,
    externalIps: externalIps.map(({ value, field: node }) => ({ address: value, origin: node })),
    loadBalancerIps: loadBalancerIps.map(({ address, field: node }) => ({ address, origin: node })),
    sourceRanges: service.loadBalancerSourceRanges
      .map(({ value }) => value)
      .filter((range) => prefixFamily(range) === family),
    affinitySeconds: service.affinitySeconds,
    internalTrafficPolicy: service.internalTrafficPolicy,
    externalTrafficPolicy: effectiveExternalPolicy(service),
    healthCheckNodePort:
      service.type === "LoadBalancer" && service.externalTrafficPolicy === "Local"
        ? service.healthCheckNodePort?.value
        : undefined,
    candidates,
    hasAnyEndpoint: candidates.some((each) => each.ready || servesWhileTerminating(each)),
    origin: port.field,
    clusterIpOrigin: withAssumed(port.field, clusterIp.assumed === true ? ["cluster IP"] : []),
    nodePortOrigin: withAssumed(port.field, port.nodePort?.assumed === true ? ["node port"] : []),
  };
}

/** externalTrafficPolicy has no meaning for a ClusterIP Service without external IPs. */
function effectiveExternalPolicy({ type, externalIps, externalTrafficPolicy }: ServiceSpec): TrafficPolicy {
  return type === "ClusterIP" && externalIps.length === 0 ? "Cluster" : externalTrafficPolicy;
}

// --- findings ----------------------------------------------------------------------------------------------------------

function reportNoEndpoints(port: ServicePort, report: Report): void {
  if (port.hasAnyEndpoint) return;
  const message = `Service ${servicePortName(port)} has no usable endpoint in ${familyOf(port.clusterIp)}: its packets are rejected`;
  report({ severity: "info", code: "no-endpoints", message, origin: port.origin });
}

function reportStraySlices(specs: Specs, index: CandidateIndex, report: Report): void {
  for (const { meta, addressType } of specs.endpointSlices) {
    const label = ignoredLabel(meta);
    const why =
      label !== undefined
        ? `it carries the label ${label}`
        : (meta.labels.get(SERVICE_NAME_LABEL) ?? "") === ""
          ? `it has no label ${SERVICE_NAME_LABEL}`
          : addressType === "FQDN"
            ? "addressType FQDN is not for kube-proxy"
            : undefined;
    if (why === undefined) continue;
    const message = `EndpointSlice ${meta.namespace}/${meta.name} is left out: ${why}`;
    report({ severity: "info", code: "slice-ignored", message, origin: meta.field });
  }
  const known = new Set(specs.services.map(({ meta }) => serviceKey(meta.namespace, meta.name)));
  for (const [key, slice] of index.slicedServices()) {
    if (known.has(key)) continue;
    const message = `EndpointSlice ${slice.meta.namespace}/${slice.meta.name} belongs to Service ${key}, which is not in the input`;
    report({ severity: "info", code: "slice-without-service", message, origin: slice.meta.field });
  }
}

/** A slice port that joins no port of its Service is most often a name that was mistyped. */
function reportUnmatchedPorts(service: ServiceSpec, index: CandidateIndex, report: Report): void {
  for (const slice of index.slicesOf(service)) {
    for (const port of slice.ports) {
      if (service.ports.some((servicePort) => joins(port, servicePort))) continue;
      const wanted = service.ports
        .map((servicePort) => `"${servicePort.name}" (${servicePort.protocol.toUpperCase()})`)
        .join(", ");
      report({
        severity: "warning",
        code: "unmatched-slice-port",
        message: `port "${port.name}" (${port.protocol.toUpperCase()}) of EndpointSlice ${slice.meta.namespace}/${slice.meta.name} joins no port of Service ${service.meta.name}, which has ${wanted}`,
        origin: port.field,
        notes: [{ message: "the Service", origin: service.meta.field }],
      });
    }
  }
}

/** The API server warns of each one; once will do. */
function warnOfEndpoints({ endpoints: [first] }: Specs, report: Report): void {
  if (first === undefined) return;
  const message = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
  report({ severity: "warning", code: "deprecated", message, origin: first.meta.field.member("kind") });
}

/** An Endpoints object that does not count: worth a warning where its Service has nothing else. */
function reportIgnoredEndpoints(service: ServiceSpec, index: CandidateIndex, report: Report): void {
  const object = index.endpointsOf(service);
  if (object === undefined) return;
  const { namespace, name, field: node } = object.endpoints.meta;
  if (object.ignored === undefined) {
    for (const { count, node: origin } of cutSubsets(object.endpoints)) {
      const message = `Endpoints ${namespace}/${name} has ${count} addresses in a subset: only the first ${MAX_MIRRORED} are mirrored`;
      report({ severity: "warning", code: "too-many-items", message, origin });
    }
    return;
  }
  const isAll = !hasSelector(service) && index.slicesOf(service).length === 0;
  report({
    severity: isAll ? "warning" : "info",
    code: "endpoints-ignored",
    message: `Endpoints ${namespace}/${name} is left out: ${object.ignored}${isAll ? "; its Service has no other endpoints" : ""}`,
    origin: node,
  });
}

/** External IPs that are nobody's cluster IP; of the others it says whose they are: allowed, and seldom meant. */
function joinExternalIps(services: readonly ServiceSpec[], report: Report): ExternalIp[] {
  const clusterIps = new Map(
    services.flatMap((service) => service.clusterIps.map((located) => [located.value, { service, located }] as const)),
  );
  return services.flatMap(({ meta, externalIps }) =>
    externalIps.flatMap(({ value, field: origin }): ExternalIp[] => {
      const owner = clusterIps.get(value);
      const service = `${meta.namespace}/${meta.name}`;
      if (owner === undefined) return [{ address: value, service, origin }];
      report({
        severity: "warning",
        code: "external-ip-conflict",
        message: `external IP ${printAddress(value)} of Service ${service} is a cluster IP of Service ${owner.service.meta.namespace}/${owner.service.meta.name}`,
        origin,
        notes: [{ message: "the cluster IP", origin: owner.located.field }],
      });
      return [];
    }),
  );
}
