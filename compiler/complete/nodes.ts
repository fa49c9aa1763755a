/** Nodes on which Pods may run, and in which order a scheduler without a clock takes them. */
import { hashText } from "../net/hash.ts";
import { compareBy } from "../order.ts";
import type { NodeSpec, PodTemplateSpec, TaintSpec, TolerationSpec, WorkloadKind } from "../specs/types.ts";

/** A Node of the input, or a name of which nothing else is known. */
export interface Place {
  readonly name: string;
  readonly node: NodeSpec | undefined;
}

/** The places of `all` that take Pods of `template`, in an order that depends on `owner` and on the names: so a Node that
 *  comes or goes moves few Pods. Node affinity is not looked at. */
export function placesFor(
  template: PodTemplateSpec,
  owner: string,
  kind: WorkloadKind | "Pod",
  all: readonly Place[],
): readonly Place[] {
  const tolerations = kind === "DaemonSet" ? [...template.tolerations, ...DAEMON_TOLERATIONS] : template.tolerations;
  return all
    .filter(
      ({ node }) => node === undefined || (fits(node, template.nodeSelector) && tolerates(node.taints, tolerations)),
    )
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
].map((name) => ({ key: `node.kubernetes.io/${name}`, value: undefined, effect: "" }));

/** Labels that a kubelet gives its Node. A manifest that somebody wrote seldom has them, and is not held to them. */
const KUBELET_LABELS = [
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "kubernetes.io/hostname",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
];

function fits({ meta }: NodeSpec, selector: ReadonlyMap<string, string>): boolean {
  for (const [key, value] of selector) {
    const given = meta.labels.get(key);
    if (given === undefined && !meta.fromServer && KUBELET_LABELS.includes(key)) continue;
    if (given !== value) return false;
  }
  return true;
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
