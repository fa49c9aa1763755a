/** Mistakes that only show when Services are joined with their Pods and Nodes. */
import type { Report } from "../diagnostics.ts";
import type { Field } from "../documents/field.ts";
import { nearest } from "../documents/nearest.ts";
import { protocolWord } from "../specs/port.ts";
import type { PodSpec, ServicePortSpec, ServiceSpec, Specs } from "../specs/types.ts";
import type { CandidateIndex } from "./candidates.ts";

/** Reports `no-matching-pod`, `unknown-target-port`, `affinity-per-port` and `pod-ignored` for a Service. */
export function checkService(service: ServiceSpec, index: CandidateIndex, report: Report): void {
  if (service.type === "ExternalName") return;
  checkSelector(service, index, report);
  for (const port of service.ports) checkTargetPort(service, port, index.podsOf(service), report);
  checkAffinity(service, report);
  reportPods(service, index, report);
}

function nameOf({ meta }: ServiceSpec | PodSpec): string {
  return `${meta.namespace}/${meta.name}`;
}

// --- selectors ---------------------------------------------------------------------------------------------------------

/** A selector that matches nothing, although there are Pods and no other endpoints. */
function checkSelector(service: ServiceSpec, index: CandidateIndex, report: Report): void {
  const { selector, meta } = service;
  if (selector === undefined || index.podsOf(service).length > 0) return;
  if (index.slicesOf(service).some(({ endpoints }) => endpoints.length > 0)) return;
  const pods = index.podsIn(meta.namespace);
  const elsewhere = index.podsMatching(selector).map((pod) => pod.meta.namespace);
  const closest = elsewhere.length > 0 ? undefined : nearestPod(selector, pods);
  if (elsewhere.length === 0 && closest === undefined) return;
  const text = [...selector].map(([key, value]) => `${key}=${value}`).join(",");
  const message = `selector ${text} of Service ${nameOf(service)} matches none of the ${pods.length} Pod${pods.length === 1 ? "" : "s"} in namespace ${meta.namespace}`;
  const hint =
    closest === undefined
      ? `, but ${elsewhere.length} in ${[...new Set(elsewhere)].join(", ")}`
      : `: the nearest, ${closest.pod.meta.name}, has ${closest.differences.join(", ")}`;
  report({
    severity: "warning",
    code: "no-matching-pod",
    message: `${message}${hint}`,
    origin: meta.field.member("spec").member("selector"),
    ...(closest === undefined
      ? {}
      : { notes: [{ message: "its labels", origin: closest.pod.meta.field.member("metadata").member("labels") }] }),
  });
}

/** The Pod whose labels need the fewest changes; of equal ones the first by name. */
function nearestPod(
  selector: ReadonlyMap<string, string>,
  pods: readonly PodSpec[],
): { readonly pod: PodSpec; readonly differences: readonly string[] } | undefined {
  let best: { readonly pod: PodSpec; readonly differences: readonly string[]; readonly cost: number } | undefined;
  for (const pod of pods) {
    const differences: string[] = [];
    let cost = 0;
    for (const [key, value] of selector) {
      const found = pod.meta.labels.get(key);
      if (found === value) continue;
      const near = nearest(key, pod.meta.labels.keys());
      const isNear = found === undefined ? near !== undefined : nearest(value, [found]) !== undefined;
      cost += isNear ? 1 : found === undefined ? 10 : 5;
      differences.push(
        found !== undefined
          ? `${key}=${found}`
          : near !== undefined
            ? `${near}=${pod.meta.labels.get(near)}`
            : `no label ${key}`,
      );
    }
    if (best === undefined || cost < best.cost) best = { pod, differences, cost };
  }
  return best;
}

/** Pods that the selector matches and that are no ready endpoints, where endpoints are made from Pods. */
function reportPods(service: ServiceSpec, index: CandidateIndex, report: Report): void {
  if (index.slicesOf(service).length > 0) return;
  for (const pod of index.podsOf(service)) {
    const why = pod.finished
      ? "it has ended"
      : pod.podIps.length === 0
        ? "it has no address"
        : pod.terminating
          ? "it is being deleted"
          : pod.ready || service.publishNotReadyAddresses
            ? undefined
            : "it is not ready";
    if (why === undefined) continue;
    const message = `Pod ${nameOf(pod)} is not a ready endpoint of Service ${nameOf(service)}: ${why}`;
    report({ severity: "info", code: "pod-ignored", message, origin: pod.meta.field });
  }
}

// --- ports -------------------------------------------------------------------------------------------------------------

/** A name that no container port of the Service's Pods has. */
function checkTargetPort(service: ServiceSpec, port: ServicePortSpec, pods: readonly PodSpec[], report: Report): void {
  const { targetPort, protocol, field: node } = port;
  const [first] = pods;
  if (typeof targetPort !== "string" || first === undefined) return;
  const named = pods.flatMap(({ ports }) => ports.filter(({ name }) => name !== ""));
  if (named.some((each) => each.name === targetPort && each.protocol === protocol)) return;
  const known = [...new Set(named.map((each) => `${each.name} (${protocolWord(each.protocol)})`))];
  const near = nearest(
    targetPort,
    named.map(({ name }) => name),
  );
  const hint = near === undefined || near === targetPort ? "" : `, did you mean "${near}"?`;
  const others = known.length === 0 ? "no named ports" : known.join(", ");
  report({
    severity: "warning",
    code: "unknown-target-port",
    message: `targetPort "${targetPort}" (${protocolWord(protocol)}) of Service ${nameOf(service)}: no Pod that its selector matches has a container port of this name: they have ${others}${hint}`,
    origin: node.member("targetPort"),
    notes: [{ message: `Pod ${nameOf(first)}`, origin: first.meta.field }],
  });
}

function checkAffinity({ affinitySeconds, ports, meta }: ServiceSpec, report: Report): void {
  if (affinitySeconds === undefined || ports.length < 2) return;
  const names = ports.map(({ name }) => name).join(", ");
  report({
    severity: "warning",
    code: "affinity-per-port",
    message: `sessionAffinity ClientIP of Service ${meta.namespace}/${meta.name} holds for each port by itself: a client may get another Pod on each of the ports ${names}`,
    origin: meta.field.member("spec").member("sessionAffinity"),
  });
}

// --- nodes -------------------------------------------------------------------------------------------------------------

/** Nodes that Pods and endpoints are on, and that are not in the input although others are. With one Node only it is probably
 *  the only one that was asked for. Reports `unknown-node`. */
export function checkNodeNames({ nodes, pods, endpointSlices }: Specs, report: Report): void {
  if (nodes.every(({ assumed }) => assumed)) return;
  const known = new Set(nodes.map(({ meta }) => meta.name));
  const unknown = new Map<string, { count: number; readonly first: Field }>();
  const count = (name: string | undefined, field: Field, ...path: readonly string[]): void => {
    if (name === undefined || known.has(name)) return;
    const found = unknown.get(name);
    if (found !== undefined) found.count++;
    else unknown.set(name, { count: 1, first: path.reduce((at, key) => at.member(key), field) });
  };
  for (const { nodeName, meta } of pods) count(nodeName, meta.field, "spec", "nodeName");
  for (const { endpoints } of endpointSlices)
    for (const { nodeName, field } of endpoints) count(nodeName, field, "nodeName");
  for (const [name, { count: many, first }] of unknown) {
    const near = nearest(name, known);
    const hint = near === undefined ? "" : `, did you mean "${near}"?`;
    report({
      severity: nodes.length > 1 || near !== undefined ? "warning" : "info",
      code: "unknown-node",
      message: `Node ${name} is not in the input, and ${many === 1 ? "1 Pod or endpoint is" : `${many} Pods or endpoints are`} on it${hint}`,
      origin: first,
    });
  }
}
