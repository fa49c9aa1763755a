import { asObject, asOneOf, type Context } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { checkMembers } from "../documents/unknown-members.ts";
import { decodeLoadBalancers, decodeOutside, decodeUnderlay } from "./network-edge.ts";
import { decodeGateway } from "./network-gateway.ts";
import { decodeIngressProxy } from "./network-ingress.ts";
import { decodeNodeNetworks } from "./network-node.ts";
import { decodePodNetwork } from "./network-pods.ts";
import { type NetworkSpec, NODE_PROXIES } from "./network-types.ts";

export const CLUSTER_MEMBERS: ReadonlySet<string> = new Set([
  "apiVersion",
  "kind",
  "metadata",
  "pods",
  "underlay",
  "gateway",
  "outside",
  "loadBalancers",
  "ingress",
  "nodes",
  "proxy",
]);

/** A Cluster (kpc.dev/v1alpha1): the network that the nodes are in. All of it is optional; what is not said is inferred from
 *  Nodes, Pods and Services. */
export function decodeNetwork(context: Context, root: Field): NetworkSpec {
  checkMembers(context, root, CLUSTER_MEMBERS);
  const part = <T>(key: string, decode: (context: Context, field: Field) => T): T | undefined => {
    const field = asObject(context, root.get(key));
    return field === undefined ? undefined : decode(context, field);
  };
  asObject(context, root.get("metadata")); // for people: nothing reads it
  return {
    pods: part("pods", decodePodNetwork),
    underlay: part("underlay", decodeUnderlay),
    gateway: part("gateway", decodeGateway),
    outside: decodeOutside(context, root.get("outside")),
    loadBalancers: decodeLoadBalancers(context, root.get("loadBalancers")),
    ingress: part("ingress", decodeIngressProxy),
    nodes: decodeNodeNetworks(context, root.get("nodes")),
    proxy: asOneOf(context, root.get("proxy"), NODE_PROXIES),
    field: root,
  };
}
