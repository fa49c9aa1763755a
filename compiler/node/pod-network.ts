/** The blocks of pods whose packets to elsewhere kpc's rules masquerade. */
import type { Report } from "../diagnostics.ts";
import { FAMILIES, type Family, familyOf } from "../net/address.ts";
import { type Prefix, prefixFamily } from "../net/prefix.ts";
import type { Specs } from "../specs/types.ts";
import type { Config } from "./config.ts";
import type { PodNetworkBlocks } from "./settings.ts";

/** For each family; undefined where kpc's rules do not masquerade. Reports `no-pod-network` where they should and no block is known. */
export function podNetworksOf(
  config: Config,
  specs: Specs,
  report: Report,
): Readonly<Partial<Record<Family, PodNetworkBlocks>>> {
  const inCluster = specs.network?.pods?.masquerade;
  const asked = config.masquerade ?? (inCluster?.value === "kpc" ? "kpc" : "none");
  if (asked === "none") return {};
  const nodes = specs.nodes.flatMap(({ addresses }) => addresses);
  const networks: Partial<Record<Family, PodNetworkBlocks>> = {};
  for (const family of FAMILIES) {
    const cidrs = blocksOf(family, config, specs);
    if (cidrs.length > 0) networks[family] = { cidrs, nodes: nodes.filter((address) => familyOf(address) === family) };
  }
  if (Object.keys(networks).length === 0) {
    const origin = config.masquerade === undefined ? inCluster?.field : config.origins?.masquerade;
    report({
      severity: "warning",
      code: "no-pod-network",
      message:
        "masquerade: kpc has no effect: no block of pods is known (pods.cidrs of a Cluster, clusterCIDR, or podCIDRs of Nodes says one)",
      ...(origin === undefined ? {} : { origin }),
    });
  }
  return networks;
}

/** Of the first that says one for the family: the Cluster, the settings, the Nodes. */
function blocksOf(family: Family, { clusterCidr = [] }: Config, { network, nodes }: Specs): readonly Prefix[] {
  const given = network?.pods?.cidrs.map(({ value }) => value) ?? [];
  const ofNodes = nodes.flatMap(({ podCidrs }) => podCidrs);
  const candidates = [given, clusterCidr, ofNodes].map((blocks) =>
    blocks.filter((block) => prefixFamily(block) === family),
  );
  return candidates.find((blocks) => blocks.length > 0) ?? [];
}
