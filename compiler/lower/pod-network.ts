/** Pods to elsewhere: what they send out of the pod network gets an address of the node (README.md, section 12). */
import { addressField, commented, jump, rule, verdict, within } from "../ir/build.ts";
import type { RegularChain, Rule } from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import { hostPrefix, literalPrefix, type Prefix } from "../net/prefix.ts";
import { resetIdentity } from "./affinity.ts";
import { MASQUERADE } from "./masquerade.ts";
import { regular, type TableShape } from "./shape.ts";
import { fromNode, rangesOf } from "./sources.ts";

const LEAVING = "leaving-pod-network";

/** Before all decisions about Services: one of them may have sent the packet out of the pod network. */
export function leavingRules({ family, settings }: TableShape): Rule[] {
  const { podNetwork } = settings.families[family];
  return podNetwork === undefined
    ? []
    : [rule(within(addressField(family, "saddr"), rangesOf(podNetwork.cidrs)), jump(LEAVING))];
}

export function leavingChains(shape: TableShape): RegularChain[] {
  const { family, settings } = shape;
  const { podNetwork } = settings.families[family];
  if (podNetwork === undefined) return [];
  const inside = [...podNetwork.cidrs, ...podNetwork.nodes.map(hostPrefix), MULTICAST[family]];
  const toInside = within(addressField(family, "daddr"), rangesOf(inside));
  const rules = [
    commented("pods, nodes, multicast", rule(toInside, verdict({ kind: "return" }))),
    commented("this node itself", rule(fromNode(), verdict({ kind: "return" }))),
    ...resetIdentity(shape),
    rule(MASQUERADE),
  ];
  return [regular(LEAVING, rules, "pods to elsewhere")];
}

const MULTICAST: Readonly<Record<Family, Prefix>> = {
  IPv4: literalPrefix("224.0.0.0/4"),
  IPv6: literalPrefix("ff00::/8"),
};
