/** Nodes on which Pods may run, and in which order a scheduler without a clock takes them. */
import { hashText } from "../net/hash.ts";
import { compareBy } from "../order.ts";
import type { PodTemplateSpec, TaintSpec, TolerationSpec, WorkloadKind } from "../specs/types.ts";
import { isWanted, type Place } from "./node-selector.ts";

/** The places of `all` that take Pods of `template`, in an order that depends on `owner` and on the names: so a Node that
 *  comes or goes moves few Pods. What Pods ask of other Pods (affinity, spreading) is not looked at. */
export function placesFor(
  template: PodTemplateSpec,
  owner: string,
  kind: WorkloadKind | "Pod",
  all: readonly Place[],
): readonly Place[] {
  const added = kind === "DaemonSet" ? [...DAEMON_TOLERATIONS, ...(template.hostNetwork ? [NO_NETWORK] : [])] : [];
  const tolerations = [...template.tolerations, ...added];
  return all
    .filter((place) => isWanted(place, template) && tolerates(place.node?.taints ?? [], tolerations))
    .map((place) => ({ place, rank: hashText(`${owner} on ${place.name}`) }))
    .sort(
      compareBy(
        ({ rank }) => rank,
        ({ place }) => place.name,
      ),
    )
    .map(({ place }) => place);
}

/** What the DaemonSet controller lets its Pods tolerate. */
const DAEMON_TOLERATIONS: readonly TolerationSpec[] = [
  "not-ready",
  "unreachable",
  "disk-pressure",
  "memory-pressure",
  "pid-pressure",
  "unschedulable",
].map(tolerationOf);

/** Pods on the network of the Node need no other. */
const NO_NETWORK = tolerationOf("network-unavailable");

function tolerationOf(name: string): TolerationSpec {
  return { key: `node.kubernetes.io/${name}`, value: undefined, effect: "" };
}

function tolerates(taints: readonly TaintSpec[], tolerations: readonly TolerationSpec[]): boolean {
  return taints.every((taint) =>
    tolerations.some(
      ({ key, value, effect }) =>
        (key === "" || key === taint.key) &&
        (value === undefined || value === taint.value) &&
        (effect === "" || effect === taint.effect),
    ),
  );
}
