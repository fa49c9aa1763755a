import { type Address, type Family, familyOf, printAddressPort } from "../../../compiler/net/address.ts";
import type { Prefix } from "../../../compiler/net/prefix.ts";
import { type Protocol, parseManifestProtocol } from "../../../compiler/net/protocol.ts";
import { namespaceOf, readServices, readSlices, type ServiceManifest, type SliceManifest } from "./manifests.ts";
import { readAddresses, readPrefixes } from "./node.ts";

/** One port of one Service in one family: the unit of work (section 1.2). */
export interface OracleServicePort {
  readonly protocol: Protocol;
  readonly port: number;
  /** 0: none. */
  readonly nodePort: number;
  readonly clusterIp: Address;
  readonly externalIps: readonly Address[];
  readonly loadBalancerIps: readonly Address[];
  readonly sourceRanges: readonly Prefix[];
  readonly isInternalLocal: boolean;
  /** externalTrafficPolicy Local where it has an effect (sections 1.2 and 2). */
  readonly isExternalLocal: boolean;
  /** Undefined: no session affinity. */
  readonly stickySeconds: number | undefined;
  readonly endpoints: readonly OracleEndpoint[];
}

/** An address and port that a slice lists for a service port, in whatever state (section 1.4). */
export interface OracleEndpoint {
  readonly address: Address;
  readonly port: number;
  readonly isReady: boolean;
  readonly isServing: boolean;
  readonly isTerminating: boolean;
  readonly nodeName: string | undefined;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}

/** What the manifests say in one family. */
export interface Services {
  /** In the order in which they may claim an address and port, or a node port: see `ownerOf`. */
  readonly ports: readonly OracleServicePort[];
  readonly clusterIps: readonly Address[];
  /** TCP ports that iptables mode accepts (section 8.1). */
  readonly healthCheckNodePorts: readonly number[];
}

/** The Services of `objects` that have a cluster IP in `family` (section 1.3: the others do not exist there). */
export function readFamily(objects: readonly unknown[], family: Family): Services {
  const slices = readSlices(objects);
  const services = readServices(objects)
    .flatMap((service) => {
      const clusterIp = clusterIpOf(service, family);
      return clusterIp === undefined ? [] : [{ service, clusterIp }];
    })
    .sort((a, b) => compareAge(a.service, b.service));
  return {
    ports: services.flatMap(({ service, clusterIp }) => readPorts(service, clusterIp, slices)),
    clusterIps: services.map(({ clusterIp }) => clusterIp),
    healthCheckNodePorts: services.flatMap(({ service: { spec } }) =>
      spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local" && spec.healthCheckNodePort
        ? [spec.healthCheckNodePort]
        : [],
    ),
  };
}

/** kpc's rule where kube-proxy leaves the winner open (section 11): the oldest Service first, one without a
 *  creationTimestamp as the youngest, then by namespace and name. */
function compareAge(a: ServiceManifest, b: ServiceManifest): number {
  return (
    compare(createdAt(a), createdAt(b)) ||
    compare(namespaceOf(a.metadata), namespaceOf(b.metadata)) ||
    compare(a.metadata.name, b.metadata.name)
  );
}

function createdAt({ metadata }: ServiceManifest): number {
  return metadata.creationTimestamp ? Date.parse(metadata.creationTimestamp) : Number.POSITIVE_INFINITY;
}

/** Strings by code units. */
function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Section 1.3: the entry of `clusterIPs` at the family's place in `ipFamilies`; without those, `clusterIP`. */
function clusterIpOf({ spec }: ServiceManifest, family: Family): Address | undefined {
  const texts = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ""];
  const text = spec.ipFamilies?.length ? texts[spec.ipFamilies.indexOf(family)] : spec.clusterIP;
  return readAddresses([text ?? ""], family)[0];
}

/** Section 1.2. The ports of one Service, by name, then protocol. */
function readPorts(
  service: ServiceManifest,
  clusterIp: Address,
  slices: readonly SliceManifest[],
): OracleServicePort[] {
  const { metadata, spec, status } = service;
  const family = familyOf(clusterIp);
  const externalIps = readAddresses(spec.externalIPs ?? [], family);
  const ingress = (status?.loadBalancer?.ingress ?? []).filter(({ ipMode }) => ipMode !== "Proxy");
  const loadBalancerIps = readAddresses(
    ingress.map(({ ip }) => ip ?? ""),
    family,
  );
  const obeysExternalPolicy =
    spec.type === "LoadBalancer" || spec.type === "NodePort" || (spec.externalIPs ?? []).length > 0;
  const owned = slices.filter(
    (slice) =>
      slice.metadata.labels?.["kubernetes.io/service-name"] === metadata.name &&
      namespaceOf(slice.metadata) === namespaceOf(metadata) &&
      slice.addressType === family,
  );
  const named = (spec.ports ?? []).flatMap(({ name, protocol: text, port, nodePort }) => {
    const protocol = parseManifestProtocol(text ?? "TCP");
    return protocol === undefined ? [] : [{ name: name ?? "", protocol, port, nodePort: nodePort ?? 0 }];
  });
  named.sort((a, b) => compare(a.name, b.name) || compare(a.protocol, b.protocol));
  return named.map(({ name, protocol, port, nodePort }) => ({
    protocol,
    port,
    nodePort,
    clusterIp,
    externalIps,
    loadBalancerIps,
    sourceRanges: readPrefixes(spec.loadBalancerSourceRanges ?? [], family),
    isInternalLocal: spec.internalTrafficPolicy === "Local",
    isExternalLocal:
      spec.externalTrafficPolicy === "Local" &&
      obeysExternalPolicy &&
      (nodePort !== 0 || loadBalancerIps.length > 0 || externalIps.length > 0),
    stickySeconds:
      spec.sessionAffinity === "ClientIP"
        ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800) // what the API server fills in
        : undefined,
    endpoints: readEndpoints(owned, name, protocol),
  }));
}

/** Section 1.4: the endpoints that `slices` list under this port name and protocol, each address and port once. */
function readEndpoints(slices: readonly SliceManifest[], name: string, protocol: Protocol): OracleEndpoint[] {
  const found = new Map<string, OracleEndpoint>();
  for (const slice of slices) {
    for (const slicePort of slice.ports ?? []) {
      // The API server fills in an absent name as "". A port without a number is skipped.
      if ((slicePort.name ?? "") !== name || parseManifestProtocol(slicePort.protocol ?? "TCP") !== protocol) continue;
      if (!slicePort.port) continue;
      for (const { addresses, conditions, nodeName, hints } of slice.endpoints ?? []) {
        const address = readAddresses(addresses.slice(0, 1), slice.addressType as Family)[0]; // only the first counts
        if (address === undefined) continue;
        const endpoint = {
          address,
          port: slicePort.port,
          isReady: conditions?.ready ?? true,
          isServing: conditions?.serving ?? true,
          isTerminating: conditions?.terminating ?? false,
          nodeName: nodeName ?? undefined,
          zoneHints: (hints?.forZones ?? []).map((zone) => zone.name),
          nodeHints: (hints?.forNodes ?? []).map((node) => node.name),
        };
        // What is not terminating replaces what was there: it may be the newer Pod at the address.
        const key = printAddressPort(address, slicePort.port);
        if (!found.has(key) || !endpoint.isTerminating) found.set(key, endpoint);
      }
    }
  }
  return [...found.values()];
}
