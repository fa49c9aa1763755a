/** Blocks from which addresses are taken, and the families of the cluster. */

import { FAMILIES, type Family } from "../net/address.ts";
import { type Prefix, parsePrefix, prefixFamily } from "../net/prefix.ts";
import type { Config } from "../node/config.ts";
import { serviceCidrsOf } from "../node/service-cidrs.ts";
import type { NodeSpec, Specs } from "../specs/types.ts";

export interface Blocks {
  /** Service CIDRs; empty for a family that the cluster does not have. */
  readonly services: Readonly<Record<Family, readonly Prefix[]>>;
  /** Families of Services that take any, the first one preferred. */
  readonly families: readonly Family[];
  /** For Pods on Nodes without pod CIDRs. */
  readonly pods: readonly Prefix[];
}

/** Where nothing is said: the blocks of kubeadm's documentation and, beside them, those that kind uses for IPv6. */
const DEFAULT_SERVICES: Readonly<Record<Family, readonly Prefix[]>> = {
  IPv4: blocks("10.96.0.0/16"),
  IPv6: blocks("fd00:10:96::/112"),
};
const DEFAULT_PODS: readonly Prefix[] = [...blocks("10.244.0.0/16"), ...blocks("fd00:10:244::/64")];

function blocks(text: string): Prefix[] {
  const prefix = parsePrefix(text);
  return "kind" in prefix ? [] : [prefix];
}

/** Service CIDRs are those of the settings, or of ServiceCIDR objects; pod CIDRs those of the Nodes, or of a
 *  Cluster, or `clusterCIDR`. The families are those of the Service CIDRs, else those of the pod CIDRs, else both. A Service that needs a family gets it
 *  from the default block unless Service CIDRs are given. */
export function blocksOf(config: Config, specs: Specs): Blocks {
  const described = specs.network?.pods?.cidrs.map(({ value }) => value) ?? [];
  const clusterCidr = described.length > 0 ? described : (config.clusterCidr ?? []);
  const podFamilies = familiesIn(
    clusterCidr.length > 0 ? clusterCidr : specs.nodes.flatMap(({ podCidrs }) => podCidrs),
  );
  const pods =
    clusterCidr.length > 0 ? clusterCidr : DEFAULT_PODS.filter((block) => podFamilies.includes(prefixFamily(block)));
  const given = serviceCidrsOf(config, specs);
  if (given.length === 0) return { services: DEFAULT_SERVICES, families: podFamilies, pods };
  const services = {
    IPv4: given.filter((block) => prefixFamily(block) === "IPv4"),
    IPv6: given.filter((block) => prefixFamily(block) === "IPv6"),
  };
  const first = config.serviceCidrs === undefined ? firstBlocksOf(specs) : [];
  return { services, families: familiesIn([...first, ...given]), pods };
}

/** The blocks of Service addresses that the API server was started with, which decide the cluster's first family. */
function firstBlocksOf({ serviceCidrs }: Specs): readonly Prefix[] {
  return serviceCidrs.find(({ meta }) => meta.name === "kubernetes")?.cidrs.map(({ value }) => value) ?? [];
}

/** The blocks of Pods on `node`. */
export function podBlocksOf(node: NodeSpec | undefined, { pods }: Blocks): readonly Prefix[] {
  return node !== undefined && node.podCidrs.length > 0 ? node.podCidrs : pods;
}

function familiesIn(given: readonly Prefix[]): readonly Family[] {
  return given.length === 0 ? FAMILIES : [...new Set(given.map(prefixFamily))];
}
