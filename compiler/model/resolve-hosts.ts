/** Nodes and Pods of the input as machines and hosts of the cluster. */
import { type Assumed, type Origin, withAssumed } from "../diagnostics.ts";
import { Memo } from "../memo.ts";
import { firstOfEachFamily } from "../net/address.ts";
import { compareBy } from "../order.ts";
import type { NodeSpec, PodSpec, Specs } from "../specs/types.ts";
import type { ClusterNode, ClusterPod } from "./hosts.ts";

const NODES = new Memo<NodeSpec, ClusterNode>();
const PODS = new Memo<PodSpec, ClusterPod>();

/** All Nodes, sorted by name (code units). */
export function resolveNodes({ nodes }: Specs): readonly ClusterNode[] {
  return nodes.map((node) => NODES.of(node, [], () => resolveNode(node))).sort(compareBy(({ name }) => name));
}

function resolveNode(node: NodeSpec): ClusterNode {
  const { meta, addresses, internalAddresses, podCidrs, podCidrsField, zone, assumed } = node;
  return {
    name: meta.name,
    addresses,
    internalAddresses: internalAddresses.map(({ value, field }) => ({ address: value, origin: field })),
    podCidrs,
    zone,
    isAssumed: assumed === true,
    origin: meta.field,
    podCidrsOrigin: podCidrsField,
  };
}

/** All Pods that have not finished, sorted by namespace and name (code units). */
export function resolvePods({ nodes, pods }: Specs): readonly ClusterPod[] {
  const byName = new Map<string | undefined, NodeSpec>(nodes.map((node) => [node.meta.name, node]));
  return pods
    .filter(({ finished }) => !finished)
    .map((pod) => {
      const node = byName.get(pod.nodeName);
      return PODS.of(pod, [node], () => resolvePod(pod, node));
    })
    .sort(
      compareBy(
        ({ namespace }) => namespace,
        ({ name }) => name,
      ),
    );
}

function resolvePod(pod: PodSpec, node: NodeSpec | undefined): ClusterPod {
  const { meta, podIps, hostNetwork, assumed } = pod;
  const place = (assumption: Assumed, ...path: readonly string[]): Origin => ({
    span: () => path.reduce((at, key) => at.member(key), meta.field).span(),
    ...(assumed.some((each) => each === assumption) ? { assumed: [assumption] } : {}),
  });
  return {
    namespace: meta.namespace,
    name: meta.name,
    nodeName: pod.nodeName,
    addresses: hostNetwork && podIps.length === 0 ? firstOfEachFamily(node?.addresses ?? []) : podIps,
    isHostNetwork: hostNetwork,
    labels: meta.labels,
    ports: pod.ports,
    containers: pod.containers,
    origin: withAssumed(meta.field, assumed),
    addressOrigin: place("pod address", "status", "podIPs"),
    nodeOrigin: place("pod node", "spec", "nodeName"),
  };
}
