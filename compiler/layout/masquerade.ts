/** What pods send out of their network gets an address of the node: the rules by which plugins do that. */
import { required } from "../invariant.ts";
import { equal, rule, verdict } from "../ir/build.ts";
import { PRIORITY } from "../ir/constants.ts";
import type { Match, Rule } from "../ir/types.ts";
import type { ClusterNode } from "../model/hosts.ts";
import { FAMILIES, type Family, familyOf, parseAddress } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import { inBlocks, type LayoutRules, MASQUERADE, natChain, natTable, TO_HOST } from "./host-rules.ts";
import type { LayoutPlan } from "./plan.ts";
import type { PodNetwork } from "./presets.ts";

/** The rules of a node; undefined: nothing masquerades, or kpc's own rules do. */
export function masqueradeRules(node: ClusterNode, plan: LayoutPlan): LayoutRules | undefined {
  const { masquerade } = plan.podNetwork;
  if (masquerade === "none" || masquerade === "kpc") return undefined;
  const tables = FAMILIES.flatMap((family) => {
    const of = (prefixes: readonly Prefix[]): Prefix[] =>
      prefixes.filter(({ address }) => familyOf(address) === family);
    const cluster = of(plan.podCidrs);
    if (cluster.length === 0) return [];
    const rules = RULES[masquerade](family, cluster, of(node.podCidrs));
    return [natTable(family, "pod-network", [natChain("postrouting", PRIORITY.srcnat + 1, rules)])];
  });
  return tables.length === 0 ? undefined : { name: `rules of the pod network (masquerade: ${masquerade})`, tables };
}

/** `cluster`: blocks of all pods, at least one; `own`: those of the node's pods. */
type Rules = (family: Family, cluster: readonly Prefix[], own: readonly Prefix[]) => readonly Rule[];

function block(address: string, length: number): Prefix {
  return { address: required(parseAddress(address), "the address of a constant block parses"), length };
}

const MULTICAST: Readonly<Record<Family, Prefix>> = { IPv4: block("224.0.0.0", 4), IPv6: block("ff00::", 8) };

/** Blocks that ip-masq-agent leaves alone. */
const PRIVATE: Readonly<Record<Family, readonly Prefix[]>> = {
  IPv4: [block("10.0.0.0", 8), block("172.16.0.0", 12), block("192.168.0.0", 16), block("169.254.0.0", 16)],
  IPv6: [block("fc00::", 7), block("fe80::", 10)],
};

/** The bit by which kube-proxy marks packets that it masquerades itself. */
const KUBE_PROXY_MARK = 0x4000;

const RETURN = verdict({ kind: "return" });

const RULES: Readonly<Record<Exclude<PodNetwork["masquerade"], "none" | "kpc">, Rules>> = {
  cluster: masqueradeLeaving,
  "cni-bridge": (family, _cluster, own) =>
    own.map((each) =>
      rule(from(family, [each]), notTo(family, [each]), notTo(family, [MULTICAST[family]]), MASQUERADE),
    ),
  flannel: (family, cluster, own) => {
    const marked = { kind: "bitwise", operand: { kind: "meta", key: "mark" }, mask: KUBE_PROXY_MARK, xor: 0 } as const;
    const ofOwnPods = [
      rule(from(family, own), to(family, cluster), RETURN),
      rule(from(family, cluster), to(family, own), RETURN),
      rule(notFrom(family, cluster), to(family, own), RETURN),
    ];
    return [
      rule(equal(marked, KUBE_PROXY_MARK), RETURN),
      ...(own.length === 0 ? [] : ofOwnPods),
      rule(from(family, cluster), notTo(family, [MULTICAST[family]]), MASQUERADE),
      rule(notFrom(family, cluster), to(family, cluster), MASQUERADE),
    ];
  },
  kindnet: (family, cluster) => [
    rule(TO_HOST, RETURN),
    ...cluster.map((each) => rule(to(family, [each]), RETURN)),
    rule(MASQUERADE),
  ],
  calico: masqueradeLeaving,
  "ip-masq-agent": (family) => [rule(TO_HOST, RETURN), rule(to(family, PRIVATE[family]), RETURN), rule(MASQUERADE)],
};

/** What pods send to others than pods. */
function masqueradeLeaving(family: Family, cluster: readonly Prefix[]): Rule[] {
  return [rule(from(family, cluster), notTo(family, cluster), MASQUERADE)];
}

const from = (family: Family, blocks: readonly Prefix[]): Match => inBlocks(family, "saddr", blocks);
const to = (family: Family, blocks: readonly Prefix[]): Match => inBlocks(family, "daddr", blocks);
const notFrom = (family: Family, blocks: readonly Prefix[]): Match => inBlocks(family, "saddr", blocks, true);
const notTo = (family: Family, blocks: readonly Prefix[]): Match => inBlocks(family, "daddr", blocks, true);
