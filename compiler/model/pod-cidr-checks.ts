/** Pod CIDRs: of Nodes against each other, and of Pods against their Node's. */
import type { Report } from "../diagnostics.ts";
import { type Address, familyOf, printAddress } from "../net/address.ts";
import { prefixContains, prefixesOverlap, prefixFamily, printPrefix } from "../net/prefix.ts";
import { compareBy } from "../order.ts";
import { isOutside } from "./blocks.ts";
import type { ClusterNode, ClusterPod } from "./hosts.ts";
import type { NetworkCheckInput } from "./network-check-input.ts";

/** Blocks of two Nodes that have addresses in common. Each block is reported once, with the largest one that holds it; of equal ones
 *  with that of the first Node. */
export function reportOverlappingPodCidrs(nodes: readonly ClusterNode[], report: Report): void {
  const blocks = nodes
    .flatMap((node) => node.podCidrs.map((prefix) => ({ node, prefix })))
    .sort(
      compareBy(
        ({ prefix }) => prefixFamily(prefix),
        ({ prefix }) => prefix.address,
        ({ prefix }) => prefix.length,
      ),
    );
  let holder: (typeof blocks)[number] | undefined;
  for (const block of blocks) {
    if (holder === undefined || !prefixesOverlap(holder.prefix, block.prefix)) holder = block;
    if (holder.node === block.node) continue;
    const message = `pod CIDR ${printPrefix(block.prefix)} of Node ${block.node.name} overlaps ${printPrefix(holder.prefix)} of Node ${holder.node.name}: packets to these addresses go to only one of the two`;
    const origin = block.node.podCidrsOrigin;
    report({ severity: "warning", code: "overlapping-pod-cidrs", message, origin, notes: notesOf(holder.node) });
  }
}

function notesOf({ name, podCidrsOrigin }: ClusterNode) {
  return [{ message: `Node ${name}`, origin: podCidrsOrigin }];
}

// --- Pods --------------------------------------------------------------------------------------------------------------

/** A Pod with an address that its Node, or the cluster, has no block for. */
interface StrayPod {
  readonly pod: ClusterPod;
  readonly address: Address;
}

/** Pods with an address in no pod CIDR of their Node: the first of each Node. Calico takes blocks of its own; where no Pod has
 *  an address of its Node's block, another plugin probably does so too, which is said once. */
export function reportPodsOutside({ cluster, specs }: NetworkCheckInput, report: Report): void {
  const { nodes, pods } = cluster;
  if (takesOwnBlocks(specs)) return;
  const byName = nodesByName(nodes);
  const outside = new Map<ClusterNode, [StrayPod, ...StrayPod[]]>();
  let inside = 0;
  for (const pod of pods) {
    const node = byName.get(pod.nodeName);
    if (node === undefined || pod.isHostNetwork || pod.addressOrigin.assumed !== undefined) continue;
    const address = strayAddress(pod, node);
    const strays = outside.get(node);
    if (address === undefined) inside++;
    else if (strays === undefined) outside.set(node, [{ pod, address }]);
    else strays.push({ pod, address });
  }
  const [first, second] = [...outside.values()].flat();
  if (first !== undefined && second !== undefined && inside === 0) {
    const message = `no Pod has an address of its Node's pod CIDR, as Pod ${nameOf(first.pod)} has not: the network plugin takes other blocks, and kpc knows no routes to them`;
    report({ severity: "warning", code: "pod-outside-cidr", message, origin: first.pod.addressOrigin });
    return;
  }
  for (const [node, own] of outside) reportStrays(node, own, nodes, report);
}

/** Pods may be on no known Node. */
function nodesByName(nodes: readonly ClusterNode[]): ReadonlyMap<string | undefined, ClusterNode> {
  return new Map(nodes.map((node) => [node.name, node]));
}

/** Pods with an address in none of the blocks that a Cluster names: the first, and how many. */
export function reportPodsOutsideAll({ cluster, specs }: NetworkCheckInput, report: Report): void {
  const blocks = specs.network?.pods?.cidrs ?? [];
  const byName = takesOwnBlocks(specs) ? undefined : nodesByName(cluster.nodes);
  const strays = cluster.pods.flatMap((pod): StrayPod[] => {
    if (pod.isHostNetwork || pod.addressOrigin.assumed !== undefined) return [];
    const node = byName?.get(pod.nodeName);
    if (node !== undefined && strayAddress(pod, node) !== undefined) return []; // which is told by its node
    const address = pod.addresses.find((each) => isOutside(each, blocks));
    return address === undefined ? [] : [{ pod, address }];
  });
  const [first] = strays;
  if (first === undefined) return;
  const { pod, address } = first;
  const shown = blocks.map(({ value }) => printPrefix(value)).join(", ");
  const message = `Pod ${nameOf(pod)} has no address of the blocks of all pods (${shown}) but ${printAddress(address)}${nor(strays.length - 1)}`;
  const notes = blocks.slice(0, 1).map(({ field }) => ({ message: "the blocks", origin: field }));
  report({ severity: "warning", code: "pod-outside-cidr", message, origin: pod.addressOrigin, notes });
}

function reportStrays(
  node: ClusterNode,
  [{ pod, address }, ...others]: readonly [StrayPod, ...StrayPod[]],
  nodes: readonly ClusterNode[],
  report: Report,
): void {
  const owner = nodes.find(({ podCidrs }) => podCidrs.some((block) => prefixContains(block, address)));
  const effect = owner === undefined ? "other nodes have no route to it" : `packets to it go to Node ${owner.name}`;
  const blocks = node.podCidrs.map(printPrefix).join(", ");
  const message = `Pod ${nameOf(pod)} has no address of the pod CIDR of its Node ${node.name} (${blocks}) but ${printAddress(address)}${nor(others.length)}: ${effect}`;
  report({ severity: "warning", code: "pod-outside-cidr", message, origin: pod.addressOrigin, notes: notesOf(node) });
}

/** An address of `pod` whose family has blocks on the node, none of which holds it. */
function strayAddress({ addresses }: ClusterPod, { podCidrs, isAssumed }: ClusterNode): Address | undefined {
  return addresses.find((address) => {
    const own = podCidrs.filter((block) => prefixFamily(block) === familyOf(address));
    return !isAssumed && own.length > 0 && !own.some((block) => prefixContains(block, address));
  });
}

/** Whether the network plugin takes addresses from other blocks than the Nodes' pod CIDRs. */
function takesOwnBlocks({ network }: NetworkCheckInput["specs"]): boolean {
  return network?.pods?.network?.value.startsWith("calico") === true;
}

function nor(count: number): string {
  return count === 0 ? "" : count === 1 ? ", nor has 1 more Pod" : `, nor have ${count} more Pods`;
}

function nameOf({ namespace, name }: ClusterPod): string {
  return `${namespace}/${name}`;
}
