/** Lays out the network that Nodes, Pods, Services and a Cluster document describe. */
import { Memo } from "../memo.ts";
import type { ClusterNode } from "../model/hosts.ts";
import type { Host, Link } from "../network/network.ts";
import { plugIn } from "./collected.ts";
import { toHost } from "./draft.ts";
import { hostPortTables } from "./host-ports.ts";
import type { LayoutRules } from "./host-rules.ts";
import { findIngressProxy } from "./ingress-proxy.ts";
import { masqueradeRules } from "./masquerade.ts";
import { layOutNode } from "./node.ts";
import { type LayoutPlan, type PlannedPod, planOf } from "./plan.ts";
import { layOutPod } from "./pod.ts";
import { podNetworkOf } from "./presets.ts";
import type { LayoutInput, NetworkLayout } from "./types.ts";
import { layOutWorld } from "./world.ts";

export function layOut(input: LayoutInput): NetworkLayout {
  const plan = planOf(input, podNetworkOf(input.network?.pods, input.masqueradesPods));
  const hosts = new Map<string, Host>();
  const links: Link[] = [];
  const rules = new Map<string, LayoutRules>();
  for (const node of input.nodes) {
    const name = `node/${node.name}`;
    const collected = input.collected.get(node.name);
    if (collected === undefined) {
      const made = layOutNode(node, plan);
      hosts.set(name, toHost(made.draft));
      links.push(...made.links);
    } else {
      hosts.set(name, collected.host);
      links.push(...plugIn(node, collected, plan));
    }
    const own = nodeRules(node, plan);
    if (own !== undefined) rules.set(name, own);
  }
  for (const pods of plan.pods.values()) for (const pod of pods) hosts.set(pod.host, podHost(pod, plan));
  const world = layOutWorld(plan);
  for (const draft of world.drafts) hosts.set(draft.name, toHost(draft));
  links.push(...world.links);
  for (const [name, own] of world.rules) rules.set(name, own);
  const { aliases, podCidrs } = plan;
  return { network: { hosts, links }, rules, aliases, podCidrs, ingressProxy: findIngressProxy(input) };
}

const PODS = new Memo<PlannedPod, Host>();

function podHost(planned: PlannedPod, plan: LayoutPlan): Host {
  const { podNetwork, input, mtu } = plan;
  const inputs = [podNetwork.shape, podNetwork.tunnel, podNetwork.name, input.network?.pods?.mtu?.value, mtu];
  return PODS.of(planned, inputs, () => toHost(layOutPod(planned, plan)));
}

/** What plugins of the pod network load on a node; undefined: nothing. */
function nodeRules(node: ClusterNode, plan: LayoutPlan): LayoutRules | undefined {
  const own = masqueradeRules(node, plan);
  const tables = hostPortTables(node, plan);
  if (tables.length === 0) return own;
  return { name: own?.name ?? "rules of the pod network", tables: [...tables, ...(own?.tables ?? [])] };
}
