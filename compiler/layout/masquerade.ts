/** What pods send out of their network gets an address of the node: the rules by which plugins do that. */
import type { Source } from "../diagnostics.ts";
import type { ClusterNode } from "../model/hosts.ts";
import { FAMILIES, type Family, familyOf } from "../net/address.ts";
import { type Prefix, printPrefix } from "../net/prefix.ts";
import type { LayoutPlan } from "./plan.ts";
import type { PodNetwork } from "./presets.ts";

/** The rules of a node, as `nft -f` reads them; undefined: nothing masquerades, or kpc's own rules do. */
export function masqueradeRules(node: ClusterNode, plan: LayoutPlan): Source | undefined {
  const { masquerade } = plan.podNetwork;
  if (masquerade === "none" || masquerade === "kpc") return undefined;
  const tables = FAMILIES.flatMap((family) => {
    const of = (prefixes: readonly Prefix[]): Prefix[] =>
      prefixes.filter(({ address }) => familyOf(address) === family);
    const cluster = of(plan.podCidrs);
    if (cluster.length === 0) return [];
    const rules = RULES[masquerade](family, cluster, of(node.podCidrs));
    const keyword = family === "IPv4" ? "ip" : "ip6";
    return [
      `table ${keyword} pod-network {`,
      "  chain postrouting {",
      "    type nat hook postrouting priority srcnat + 1; policy accept;",
      ...rules.map((rule) => `    ${rule}`),
      "  }",
      "}",
    ];
  });
  const name = `rules of the pod network (masquerade: ${masquerade})`;
  return tables.length === 0 ? undefined : { name, text: `${tables.join("\n")}\n` };
}

type Rules = (family: Family, cluster: readonly Prefix[], own: readonly Prefix[]) => readonly string[];

const MULTICAST: Readonly<Record<Family, string>> = { IPv4: "224.0.0.0/4", IPv6: "ff00::/8" };

/** Blocks that ip-masq-agent leaves alone. */
const PRIVATE: Readonly<Record<Family, string>> = {
  IPv4: "{ 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16 }",
  IPv6: "{ fc00::/7, fe80::/10 }",
};

const RULES: Readonly<Record<Exclude<PodNetwork["masquerade"], "none" | "kpc">, Rules>> = {
  cluster: (family, cluster) => [`${from(family, cluster)} ${notTo(family, cluster)} masquerade`],
  "cni-bridge": (family, _cluster, own) =>
    own.map(
      (block) =>
        `${from(family, [block])} ${notTo(family, [block])} ${ip(family)} daddr != ${MULTICAST[family]} masquerade`,
    ),
  // Marked packets are kube-proxy's, which masquerades them itself.
  flannel: (family, cluster, own) => [
    "meta mark & 0x4000 == 0x4000 return",
    `${from(family, own)} ${to(family, cluster)} return`,
    `${from(family, cluster)} ${to(family, own)} return`,
    `${notFrom(family, cluster)} ${to(family, own)} return`,
    `${from(family, cluster)} ${ip(family)} daddr != ${MULTICAST[family]} masquerade`,
    `${notFrom(family, cluster)} ${to(family, cluster)} masquerade`,
  ],
  kindnet: (family, cluster) => [
    "fib daddr type local return",
    ...cluster.map((block) => `${to(family, [block])} return`),
    "masquerade",
  ],
  calico: (family, cluster) => [`${from(family, cluster)} ${notTo(family, cluster)} masquerade`],
  "ip-masq-agent": (family) => [
    "fib daddr type local return",
    `${ip(family)} daddr ${PRIVATE[family]} return`,
    "masquerade",
  ],
};

function ip(family: Family): string {
  return family === "IPv4" ? "ip" : "ip6";
}

function blocks(prefixes: readonly Prefix[]): string {
  const texts = prefixes.map((prefix) => printPrefix(prefix));
  return texts.length === 1 ? (texts[0] ?? "") : `{ ${texts.join(", ")} }`;
}

const from = (family: Family, prefixes: readonly Prefix[]): string => `${ip(family)} saddr ${blocks(prefixes)}`;
const to = (family: Family, prefixes: readonly Prefix[]): string => `${ip(family)} daddr ${blocks(prefixes)}`;
const notFrom = (family: Family, prefixes: readonly Prefix[]): string => `${ip(family)} saddr != ${blocks(prefixes)}`;
const notTo = (family: Family, prefixes: readonly Prefix[]): string => `${ip(family)} daddr != ${blocks(prefixes)}`;
