/** What a control plane would add to manifests as people write them: Specs → Specs. */

import type { Report } from "../diagnostics.ts";
import { Field } from "../documents/field.ts";
import type { Address } from "../net/address.ts";
import { prefixContains } from "../net/prefix.ts";
import type { Config } from "../node/config.ts";
import { selects } from "../specs/labels.ts";
import type { NodeSpec, PodSpec, Specs, WorkloadSpec } from "../specs/types.ts";
import { type Assume, type CompletionAssumption, nameOf } from "./assumption.ts";
import { type Blocks, blocksOf } from "./blocks.ts";
import { nodesNamedBy, type Place } from "./node-selector.ts";
import { placesFor } from "./nodes.ts";
import { type AddressesOf, placePods } from "./pods.ts";
import { completeServices, isOpenService } from "./services.ts";
import { type Draft, draftPods } from "./workloads.ts";

export interface Completed {
  readonly specs: Specs;
  readonly assumptions: readonly CompletionAssumption[];
}

/** The same objects, with what the API server, the controllers and the scheduler would have added, marked as assumed: cluster
 *  IPs, node ports, Pods of workloads, nodes and addresses of Pods, and a Node where the input has none and a Pod needs
 *  one. What an object gets depends on its own name, on the blocks, and on what is in the input already; not on the order of
 *  documents, and on other objects only where they want the same. Objects that an API server has written are left as they
 *  are. Reports `no-cluster-ip` and `node-port-range` where nothing is left, `unschedulable` for Pods that no Node takes,
 *  and `not-completed` for those on the network of a Node whose addresses are not known. */
export function complete(specs: Specs, config: Config, report: Report): Completed {
  const isDone = specs.workloads.length === 0 && !specs.services.some(isOpenService) && !specs.pods.some(isOpen);
  if (isDone) return { specs, assumptions: [] };
  const assumptions: CompletionAssumption[] = [];
  const assume: Assume = (assumption) => void assumptions.push(assumption);
  const blocks = blocksOf(config, specs);
  const taken = addressesIn(specs);
  const services = completeServices(specs.services, blocks, taken, assume, report);
  const names = placesOf(specs, config);
  const lookup = (name: string): Place => names.find((place) => place.name === name) ?? { name, node: undefined };
  const open = specs.pods.filter(isOpen).map((pod): Draft => {
    if (pod.nodeName !== undefined) return { pod, place: lookup(pod.nodeName) };
    const { namespace, name } = pod.meta;
    const holding = names.find(({ node }) =>
      node?.podCidrs.some((block) => pod.podIps.some((ip) => prefixContains(block, ip))),
    );
    return { pod, place: holding ?? placesFor(pod, `${namespace}/${name}`, "Pod", names)[0] };
  });
  const made = draftPods(specs, ({ meta, kind, template }) =>
    template.nodeName === undefined
      ? placesFor(template, `${meta.namespace}/${meta.name}`, kind, names)
      : [lookup(template.nodeName)],
  );
  for (const { workload, drafts } of made)
    if (drafts.length > 0 && drafts.every(({ place }) => place === undefined))
      reportUnschedulable(workload.kind, workload.meta, report);
  for (const { pod, place } of open)
    if (place === undefined && pod.podIps.length === 0) reportUnschedulable("Pod", pod.meta, report);
  for (const workload of specs.workloads) if (workload.kind === "CronJob") reportCronJob(workload, specs, report);
  const drafts = [...open, ...made.flatMap((each) => each.drafts.filter(({ place }) => place !== undefined))];
  const placed = placePods(drafts, blocks, addressesOf(config), taken, assume);
  for (const pod of placed)
    if (pod.hostNetwork && pod.podIps.length === 0 && pod.nodeName !== undefined) reportNoAddress(pod, report);
  const byDraft = new Map(drafts.map(({ pod }, i) => [pod, placed[i]]));
  const pods = [
    ...specs.pods.map((pod) => byDraft.get(pod) ?? pod),
    ...placed.filter(({ assumed }) => assumed.includes("pod")),
  ];
  const nodes = assumedNodes(specs, config, names, placed, blocks, assume);
  return { specs: { ...specs, services, pods, nodes: [...specs.nodes, ...nodes] }, assumptions };
}

/** Whether a scheduler and a kubelet have something to add. */
function isOpen({ meta, nodeName, podIps, finished }: PodSpec): boolean {
  return !meta.fromServer && !finished && (nodeName === undefined || podIps.length === 0);
}

/** Addresses that something in the input has. */
function addressesIn({ services, endpointSlices, endpoints, pods, nodes }: Specs): Set<Address> {
  const found = new Set<Address>();
  const add = (address: Address): void => void found.add(address);
  for (const { clusterIps, externalIps, loadBalancerIngress } of services) {
    for (const { value } of [...clusterIps, ...externalIps]) add(value);
    for (const { address } of loadBalancerIngress) add(address);
  }
  for (const slice of endpointSlices) for (const { addresses } of slice.endpoints) addresses.forEach(add);
  for (const { subsets } of endpoints)
    for (const { addresses, notReadyAddresses } of subsets)
      for (const { address } of [...addresses, ...notReadyAddresses]) add(address);
  for (const { podIps } of pods) podIps.forEach(add);
  for (const { addresses } of nodes) addresses.forEach(add);
  return found;
}

// --- nodes -----------------------------------------------------------------------------------------------------------------

/** Where Pods may run: the Nodes of the input; else the names that settings, Pods and endpoints mention; else one that is
 *  made up. */
function placesOf(
  { nodes, pods, endpointSlices, endpoints, workloads }: Specs,
  { nodeName }: Config,
): readonly Place[] {
  if (nodes.length > 0) return nodes.map((node) => ({ name: node.meta.name, node }));
  const mentioned = [
    nodeName,
    ...pods.map((pod) => pod.nodeName),
    ...workloads.map(({ template }) => template.nodeName),
    ...[...pods, ...workloads.map(({ template }) => template)].flatMap(nodesNamedBy),
    ...endpointSlices.flatMap((slice) => slice.endpoints.map((endpoint) => endpoint.nodeName)),
    ...endpoints.flatMap(({ subsets }) =>
      subsets.flatMap((subset) =>
        [...subset.addresses, ...subset.notReadyAddresses].map((address) => address.nodeName),
      ),
    ),
  ];
  const names = new Set(mentioned.filter((name) => name !== undefined));
  return [...(names.size > 0 ? names : [ASSUMED_NAME])].map((name) => ({ name, node: undefined }));
}

const ASSUMED_NAME = "node-1";

/** A Node for the only name, or for the one that is compiled for, where the input has no Node and a Pod was placed. */
function assumedNodes(
  { nodes }: Specs,
  { nodeName }: Config,
  places: readonly Place[],
  placed: readonly PodSpec[],
  blocks: Blocks,
  assume: Assume,
): readonly NodeSpec[] {
  const [only, second] = places;
  const name = nodeName ?? (second === undefined ? only?.name : undefined);
  if (nodes.length > 0 || name === undefined || !placed.some((pod) => pod.nodeName === name)) return [];
  const node = nowhere(`Node ${name}`);
  assume({ what: ["node"], text: `Node ${name}`, subject: name, origin: undefined, from: [] });
  const meta = { name, namespace: "", labels: NOTHING, annotations: NOTHING, creationTimestamp: undefined };
  const podCidrs = blocks.pods;
  return [
    {
      meta: { ...meta, fromServer: false, controller: undefined, field: node },
      addresses: [],
      internalAddresses: [],
      podCidrs,
      podCidrsField: node,
      taints: [],
      zone: undefined,
      assumed: true,
    },
  ];
}

const NOTHING: ReadonlyMap<string, string> = new Map();

/** The place of an object that stands in no text. */
function nowhere(what: string): Field {
  const source = { name: `<${what}, assumed>`, text: "" };
  return Field.root({ source, value: {}, locate: () => ({ source, start: 0, end: 0 }) });
}

/** Of a Node its addresses; of the node that is compiled for those of the settings. */
function addressesOf({ nodeName, nodeIp = [], nodeIps = [] }: Config): AddressesOf {
  return ({ name, node }) => {
    const isOurs = nodeName === undefined ? node === undefined : name === nodeName;
    return [...(isOurs ? [...nodeIp, ...nodeIps] : []), ...(node?.addresses ?? [])];
  };
}

// --- findings ----------------------------------------------------------------------------------------------------------

function reportUnschedulable(kind: string, { namespace, name, field: node }: PodSpec["meta"], report: Report): void {
  const message = `no Node takes ${kind === "Pod" ? "" : "the Pods of "}${kind} ${namespace}/${name} (nodeSelector, node affinity, taints): ${kind === "Pod" ? "it" : "they"} would stay pending, and kpc leaves ${kind === "Pod" ? "it" : "them"} out`;
  report({ severity: "warning", code: "unschedulable", message, origin: nameOf(node) });
}

/** Between its times a CronJob has no Pods: a note where a Service waits for them. */
function reportCronJob({ meta, labels }: WorkloadSpec, { services }: Specs, report: Report): void {
  if (meta.fromServer) return;
  const waiting = services.find(
    (service) => service.meta.namespace === meta.namespace && selects(service.selector, labels),
  );
  const effect = waiting === undefined ? "" : `: Service ${meta.namespace}/${waiting.meta.name} has no endpoints of it`;
  const message = `CronJob ${meta.namespace}/${meta.name} has no Pods until it fires, and kpc assumes none${effect}`;
  report({
    severity: waiting === undefined ? "info" : "note",
    code: "not-completed",
    message,
    origin: nameOf(meta.field),
  });
}

function reportNoAddress({ meta, nodeName }: PodSpec, report: Report): void {
  const message = `Pod ${meta.namespace}/${meta.name} is on the network of Node ${nodeName}, whose addresses are not known: it is not an endpoint (--node-ip, or the Node, gives them)`;
  report({ severity: "info", code: "not-completed", message, origin: nameOf(meta.field) });
}
