/** Pods that workloads would make. */
import { compareBy } from "../order.ts";
import { SERVICE_NAME_LABEL, selects } from "../specs/labels.ts";
import type { PodSpec, Specs, WorkloadSpec } from "../specs/types.ts";
import type { Place } from "./node-selector.ts";

/** A Pod that has no address yet; its node is chosen where the template leaves it open. */
export interface Draft {
  readonly pod: PodSpec;
  readonly place: Place | undefined;
}

/** What became of a workload. */
export interface Made {
  readonly workload: WorkloadSpec;
  readonly drafts: readonly Draft[];
}

/** The Pods of all workloads of `specs` that have none in the input, sorted by names. A workload that an API server has
 *  written, or that another one controls, gets none; nor does one whose Services have endpoints in the input. */
export function draftPods(specs: Specs, places: (workload: WorkloadSpec) => readonly Place[]): Made[] {
  const names = new Set(specs.pods.map(({ meta }) => `${meta.namespace}/${meta.name}`));
  const covered = coverage(specs);
  const isOpen = (workload: WorkloadSpec): boolean =>
    !workload.meta.fromServer &&
    workload.meta.controller === undefined &&
    !hasPods(workload, specs) &&
    !covered(workload);
  return specs.workloads
    .filter(isOpen)
    .sort(
      compareBy(
        ({ meta }) => meta.namespace,
        ({ kind }) => (kind === "StatefulSet" ? 0 : 1), // whose names are fixed
        ({ meta }) => meta.name,
        ({ kind }) => kind,
      ),
    )
    .map((workload) => ({ workload, drafts: draftsOf(workload, places(workload), names) }));
}

/** Whether a Pod of the input belongs to `workload`. */
function hasPods({ kind, meta, selector }: WorkloadSpec, { pods }: Specs): boolean {
  return pods.some(
    (pod) =>
      pod.meta.namespace === meta.namespace &&
      (pod.meta.controller === `${kind}/${meta.name}` || selects(selector, pod.meta.labels)),
  );
}

/** Whether there are Services that select a workload, all of them with slices or an Endpoints object: then these say where
 *  its Pods are. */
function coverage({ services, endpointSlices, endpoints }: Specs): (workload: WorkloadSpec) => boolean {
  const known = new Set([
    ...endpointSlices.map(({ meta }) => `${meta.namespace}/${meta.labels.get(SERVICE_NAME_LABEL) ?? ""}`),
    ...endpoints.map(({ meta }) => `${meta.namespace}/${meta.name}`),
  ]);
  return ({ meta, labels }) => {
    const own = services.filter((each) => each.meta.namespace === meta.namespace && selects(each.selector, labels));
    return own.length > 0 && own.every((each) => known.has(`${each.meta.namespace}/${each.meta.name}`));
  };
}

function draftsOf(workload: WorkloadSpec, places: readonly Place[], names: Set<string>): Draft[] {
  const { kind, meta, replicas, firstOrdinal } = workload;
  const suffixes =
    kind === "DaemonSet"
      ? places.map(({ name }) => name)
      : Array.from({ length: replicas }, (_, i) => String(firstOrdinal + i));
  const isFree = suffixes.every((suffix) => !names.has(`${meta.namespace}/${meta.name}-${suffix}`));
  const base = isFree || kind === "StatefulSet" ? meta.name : `${meta.name}-${kind.toLowerCase()}`;
  return suffixes.flatMap((suffix, i): readonly Draft[] => {
    const name = `${base}-${suffix}`;
    if (names.has(`${meta.namespace}/${name}`)) return [];
    names.add(`${meta.namespace}/${name}`);
    return [{ pod: draftOf(workload, name, suffix), place: places[i % Math.max(1, places.length)] }];
  });
}

function draftOf({ kind, meta, labels, template }: WorkloadSpec, name: string, suffix: string): PodSpec {
  return {
    ...template,
    meta: {
      ...meta,
      field: meta.field.member("spec").member("template"),
      name,
      labels: new Map([...labels, ...ownLabels(kind, meta.name, name, suffix)]),
      annotations: NOTHING,
      controller: `${kind}/${meta.name}`,
    },
    podIps: [],
    ready: true,
    hasStatus: false,
    finished: false,
    terminating: false,
    assumed: ["pod"],
  };
}

const NOTHING: ReadonlyMap<string, string> = new Map();

/** Labels that the controllers add and that Services select by. */
function ownLabels(
  kind: WorkloadSpec["kind"],
  owner: string,
  name: string,
  suffix: string,
): readonly (readonly [string, string])[] {
  switch (kind) {
    case "StatefulSet":
      return [
        ["statefulset.kubernetes.io/pod-name", name],
        ["apps.kubernetes.io/pod-index", suffix],
      ];
    case "Job":
      return [
        ["job-name", owner],
        ["batch.kubernetes.io/job-name", owner],
      ];
    default:
      // The controllers of other kinds add no label that has a fixed value.
      return [];
  }
}
