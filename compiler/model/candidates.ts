/** Endpoints that Services might use, wherever they were written down: slices, Endpoints objects, Pods. */
import { withAssumed } from "../diagnostics.ts";
import { type Family, familyOf } from "../net/address.ts";
import type { Port } from "../net/port.ts";
import { compareBy } from "../order.ts";
import { ignoredLabel, SERVICE_NAME_LABEL, selects } from "../specs/labels.ts";
import type {
  EndpointPortSpec,
  EndpointSliceSpec,
  EndpointsSpec,
  PodSpec,
  ServicePortSpec,
  ServiceSpec,
  Specs,
} from "../specs/types.ts";
import { fromEndpoints, reasonToIgnore } from "./mirrored.ts";
import type { Candidate } from "./types.ts";

/** The name under which a Service's slices, Endpoints and Pods are found. */
export function serviceKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** Pods by key and value of a label, each list by name. */
type PodsByLabel = ReadonlyMap<string, ReadonlyMap<string, readonly PodSpec[]>>;

/** Finds candidates by Service. */
export class CandidateIndex {
  private readonly slices = new Map<string, EndpointSliceSpec[]>();
  /** Slices that name a Service and that kube-proxy does not see. */
  private readonly hiddenSlices = new Map<string, EndpointSliceSpec[]>();
  private readonly endpoints = new Map<string, EndpointsSpec>();
  private readonly podsByNamespace = new Map<string, PodSpec[]>();
  /** Of namespaces that were asked about. */
  private readonly podsByLabel = new Map<string, PodsByLabel>();
  private readonly podsByService = new Map<ServiceSpec, readonly PodSpec[]>();
  private readonly zones: ReadonlyMap<string | undefined, string | undefined>;

  constructor(specs: Specs) {
    for (const slice of [...specs.endpointSlices].sort(compareBy(({ meta }) => meta.name))) {
      const service = slice.meta.labels.get(SERVICE_NAME_LABEL);
      if (service === undefined || service === "") continue;
      const slices = ignoredLabel(slice.meta) === undefined ? this.slices : this.hiddenSlices;
      append(slices, serviceKey(slice.meta.namespace, service), slice);
    }
    for (const endpoints of specs.endpoints)
      this.endpoints.set(serviceKey(endpoints.meta.namespace, endpoints.meta.name), endpoints);
    for (const pod of [...specs.pods].sort(compareBy(({ meta }) => meta.name)))
      append(this.podsByNamespace, pod.meta.namespace, pod);
    this.zones = new Map(specs.nodes.map(({ meta, zone }) => [meta.name, zone]));
  }

  /** The slices that name `service`, of both families. */
  slicesOf(service: ServiceSpec): readonly EndpointSliceSpec[] {
    return this.slices.get(serviceKey(service.meta.namespace, service.meta.name)) ?? [];
  }

  /** Names of all Services that slices name, with one of the slices. */
  *slicedServices(): Generator<readonly [key: string, slice: EndpointSliceSpec]> {
    for (const [key, [slice]] of this.slices) if (slice !== undefined) yield [key, slice];
  }

  /** The Endpoints object of `service`, with the reason why it does not count. */
  endpointsOf(
    service: ServiceSpec,
  ): { readonly endpoints: EndpointsSpec; readonly ignored: string | undefined } | undefined {
    const key = serviceKey(service.meta.namespace, service.meta.name);
    const endpoints = this.endpoints.get(key);
    if (endpoints === undefined) return undefined;
    const slices = [...(this.slices.get(key) ?? []), ...(this.hiddenSlices.get(key) ?? [])];
    const hasPods = this.podsIn(service.meta.namespace).some(({ assumed }) => !assumed.includes("pod"));
    return { endpoints, ignored: reasonToIgnore(endpoints, service, { slices, hasPods }) };
  }

  /** The Pods that the selector of `service` matches. */
  podsOf(service: ServiceSpec): readonly PodSpec[] {
    const { selector } = service;
    if (selector === undefined) return [];
    const known = this.podsByService.get(service);
    if (known !== undefined) return known;
    const pods = this.podsLabelled(service.meta.namespace, selector).filter(({ meta }) =>
      selects(selector, meta.labels),
    );
    this.podsByService.set(service, pods);
    return pods;
  }

  /** Pods of a namespace, by name, among them all that `selector` matches: those with the rarest of its labels. */
  private podsLabelled(namespace: string, selector: ReadonlyMap<string, string>): readonly PodSpec[] {
    const byLabel = this.labelsOf(namespace);
    const lists = [...selector].map(([key, value]) => byLabel.get(key)?.get(value) ?? []);
    return lists.reduce((rarest, each) => (each.length < rarest.length ? each : rarest), this.podsIn(namespace));
  }

  private labelsOf(namespace: string): PodsByLabel {
    const known = this.podsByLabel.get(namespace);
    if (known !== undefined) return known;
    const byLabel = new Map<string, Map<string, PodSpec[]>>();
    for (const pod of this.podsIn(namespace))
      for (const [key, value] of pod.meta.labels) {
        const byValue = byLabel.get(key) ?? new Map<string, PodSpec[]>();
        byLabel.set(key, byValue);
        append(byValue, value, pod);
      }
    this.podsByLabel.set(namespace, byLabel);
    return byLabel;
  }

  /** The Pods of all namespaces that `selector` would match. */
  podsMatching(selector: ReadonlyMap<string, string>): readonly PodSpec[] {
    return [...this.podsByNamespace.values()].flatMap((pods) =>
      pods.filter(({ meta }) => selects(selector, meta.labels)),
    );
  }

  /** The Pods of a namespace, by name. */
  podsIn(namespace: string): readonly PodSpec[] {
    return this.podsByNamespace.get(namespace) ?? [];
  }

  /** The candidates for one port, each address and port once, sorted by them: those of its slices and those of an Endpoints
   *  object that counts; with neither, those of the Pods that the selector matches. */
  candidates(service: ServiceSpec, port: ServicePortSpec, family: Family): Candidate[] {
    const slices = this.slicesOf(service);
    const found = slices.flatMap((slice) => fromSlice(slice, port, family));
    const object = this.endpointsOf(service);
    const isMirrored = object !== undefined && object.ignored === undefined;
    if (isMirrored) found.push(...fromEndpoints(object.endpoints, port, family));
    if (slices.length === 0 && !isMirrored) found.push(...this.fromPods(service, port, family));
    return sortedOnce(found);
  }

  /** What the EndpointSlice controller would make of the Pods. */
  private fromPods(service: ServiceSpec, port: ServicePortSpec, family: Family): Candidate[] {
    const found: Candidate[] = [];
    for (const pod of this.podsOf(service)) {
      const address = pod.podIps.find((ip) => familyOf(ip) === family);
      const target = targetPortOf(pod, port);
      if (address === undefined || target === undefined || pod.finished) continue;
      const zone = this.zones.get(pod.nodeName);
      const hinted = service.trafficDistribution !== undefined;
      found.push({
        address,
        port: target,
        ready: service.publishNotReadyAddresses || (pod.ready && !pod.terminating),
        serving: pod.ready,
        terminating: pod.terminating,
        nodeName: pod.nodeName,
        zoneHints: hinted && zone !== undefined ? [zone] : [],
        nodeHints: service.trafficDistribution === "PreferSameNode" && pod.nodeName !== undefined ? [pod.nodeName] : [],
        origin: withAssumed(pod.meta.field, pod.assumed),
      });
    }
    return found;
  }
}

function fromSlice(slice: EndpointSliceSpec, port: ServicePortSpec, family: Family): Candidate[] {
  if (slice.addressType !== family) return [];
  const target = slice.ports.find((candidate) => joins(candidate, port));
  if (target?.port === undefined) return [];
  const { port: number } = target;
  const found: Candidate[] = [];
  for (const {
    addresses,
    ready,
    serving,
    terminating,
    nodeName,
    zoneHints,
    nodeHints,
    field: node,
  } of slice.endpoints) {
    const [address] = addresses;
    if (address === undefined) continue;
    found.push({ address, port: number, ready, serving, terminating, nodeName, zoneHints, nodeHints, origin: node });
  }
  return found;
}

/** By name and protocol; a slice port without a number stands for all ports, and kube-proxy skips it. */
export function joins(slicePort: EndpointPortSpec, servicePort: Pick<ServicePortSpec, "name" | "protocol">): boolean {
  return (
    slicePort.name === servicePort.name && slicePort.protocol === servicePort.protocol && slicePort.port !== undefined
  );
}

/** The number behind `targetPort` on one Pod; undefined when it is a name that the Pod does not have. */
function targetPortOf(pod: PodSpec, { targetPort, port, protocol }: ServicePortSpec): Port | undefined {
  if (targetPort === undefined) return port;
  if (typeof targetPort === "number") return targetPort;
  return pod.ports.find((named) => named.name === targetPort && named.protocol === protocol)?.port;
}

/** Sorted by address and port. One candidate for each: the last that is not terminating; the first where all are. */
export function sortedOnce(candidates: Candidate[]): Candidate[] {
  const kept: Candidate[] = [];
  for (const candidate of candidates.sort(byAddressAndPort)) {
    const last = kept.at(-1);
    if (last === undefined || byAddressAndPort(last, candidate) !== 0) kept.push(candidate);
    else if (!candidate.terminating) kept[kept.length - 1] = candidate;
  }
  return kept;
}

function byAddressAndPort(a: Candidate, b: Candidate): number {
  return a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port;
}

function append<T>(map: Map<string, T[]>, key: string, item: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [item]);
  else list.push(item);
}
