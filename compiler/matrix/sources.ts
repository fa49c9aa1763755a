/** Who asks for Services: pods, nodes, hosts outside. */
import type { NetworkLayout } from "../layout/types.ts";
import type { Cluster } from "../model/types.ts";
import { type Family, familyOf } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import type { MatrixSource } from "./types.ts";

export interface FoundSources {
  readonly inside: readonly MatrixSource[];
  readonly outside: readonly MatrixSource[];
  /** Names of pods that are not in the network. */
  readonly leftOut: readonly string[];
}

export function sourcesOf({ pods }: Cluster, { network, aliases }: NetworkLayout): FoundSources {
  const leftOut: string[] = [];
  const inside = pods.flatMap((pod): MatrixSource[] => {
    const name = `pod/${pod.namespace}/${pod.name}`;
    const host = aliases.get(name) ?? name;
    if (network.hosts.has(host)) return [{ name, host, node: pod.nodeName }];
    leftOut.push(name);
    return [];
  });
  const outside: MatrixSource[] = [];
  for (const { name, role } of network.hosts.values()) {
    if (role.kind === "node") inside.push({ name, host: name, node: role.node });
    if (role.kind === "outside") outside.push({ name, host: name, node: undefined });
  }
  return { inside, outside, leftOut };
}

/** Whether the host has an address of the family that others can answer to. */
export function hasAddressIn({ interfaces }: Host, family: Family): boolean {
  return interfaces.some(({ addresses }) =>
    addresses.some(({ address, scope }) => scope === "global" && familyOf(address) === family),
  );
}
