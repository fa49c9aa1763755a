/** Endpoints objects: which of them count, and what the EndpointSlice mirroring controller makes of them. */

import type { Field } from "../documents/field.ts";
import { type Family, familyOf } from "../net/address.ts";
import { ignoredLabel } from "../specs/labels.ts";
import type { EndpointSliceSpec, EndpointsSpec, ServicePortSpec, ServiceSpec } from "../specs/types.ts";
import type { Candidate } from "./types.ts";

/** Whether the endpoints of a Service are somebody else's business. An API server stores an empty selector as none. */
export function hasSelector({ selector }: ServiceSpec): boolean {
  return selector !== undefined && selector.size > 0;
}

const SKIP_MIRROR_LABEL = "endpointslice.kubernetes.io/skip-mirror";
const LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader";
const MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by";
const MIRRORING_CONTROLLER = "endpointslicemirroring-controller.k8s.io";

/** What else the input says of the endpoints of a Service. */
interface OtherEndpoints {
  /** All slices that name the Service, also those that are hidden from kube-proxy. */
  readonly slices: readonly EndpointSliceSpec[];
  /** Whether there are Pods in the Service's namespace, other than such as are assumed. */
  readonly hasPods: boolean;
}

/** Why the Endpoints object of `service` does not count; undefined where it does. kube-proxy reads slices only: those of a
 *  Service with a selector are made from its Pods, so that an Endpoints object can only stand in for Pods that are not in
 *  the input; for a Service without a selector a controller mirrors the Endpoints object. */
export function reasonToIgnore(
  { meta }: EndpointsSpec,
  service: ServiceSpec,
  { slices, hasPods }: OtherEndpoints,
): string | undefined {
  if (hasSelector(service)) {
    if (slices.length > 0) return "its Service has a selector, and EndpointSlices are in the input";
    return hasPods ? "its Service has a selector, and Pods are in the input" : undefined;
  }
  if (meta.labels.get(SKIP_MIRROR_LABEL) === "true") return `it carries the label ${SKIP_MIRROR_LABEL}: "true"`;
  if (meta.annotations.has(LEADER_ANNOTATION)) return `it carries the annotation ${LEADER_ANNOTATION}`;
  const label = ignoredLabel(meta);
  if (label !== undefined) return `its mirrored EndpointSlices carry the label ${label}, which they inherit`;
  const isMirrored = slices.some((slice) => slice.meta.labels.get(MANAGED_BY_LABEL) === MIRRORING_CONTROLLER);
  return isMirrored ? "its mirrored EndpointSlices are in the input" : undefined;
}

/** The most addresses of a subset that are mirrored (--mirroring-max-endpoints-per-subset of kube-controller-manager). */
export const MAX_MIRRORED = 1000;

/** Subsets of which a part is not mirrored, with the number of their addresses. */
export function* cutSubsets({ meta, subsets }: EndpointsSpec): Generator<{ count: number; node: Field }> {
  for (const [index, { addresses, notReadyAddresses }] of subsets.entries()) {
    const count = addresses.length + notReadyAddresses.length;
    if (count > MAX_MIRRORED) yield { count, node: meta.field.member("subsets").item(index) };
  }
}

/** The candidates for one port. An address that is ready in one subset and not in another is not ready. */
export function fromEndpoints({ subsets }: EndpointsSpec, port: ServicePortSpec, family: Family): Candidate[] {
  const found = subsets.flatMap(({ addresses, notReadyAddresses, ports }): Candidate[] => {
    const target = ports.find(({ name, protocol }) => name === port.name && protocol === port.protocol);
    if (target?.port === undefined) return [];
    const { port: number } = target;
    const candidate =
      (ready: boolean) =>
      (spec: (typeof addresses)[number]): Candidate => ({
        address: spec.address,
        port: number,
        ready,
        serving: true,
        terminating: false,
        nodeName: spec.nodeName,
        zoneHints: [],
        nodeHints: [],
        origin: spec.field,
      });
    return [...addresses.map(candidate(true)), ...notReadyAddresses.map(candidate(false))]
      .slice(0, MAX_MIRRORED)
      .filter(({ address }) => familyOf(address) === family);
  });
  const keyOf = ({ address, port: number }: Candidate): string => `${address} ${number}`;
  const unready = new Set(found.filter(({ ready }) => !ready).map(keyOf));
  return found.filter((each) => !each.ready || !unready.has(keyOf(each)));
}
