/** Addresses of a cluster that stand for pods and Services. */
import type { Cluster, ServicePort } from "../model/types.ts";
import { FAMILIES } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import type { ClusterAddresses, ServiceAddress } from "./known-network.ts";

/** `podCidrs`: blocks of all pods. */
export function clusterAddresses(cluster: Cluster, podCidrs: readonly Prefix[]): ClusterAddresses {
  return {
    podCidrs,
    blocks: new Map(cluster.nodes.map((node) => [`node/${node.name}`, node.podCidrs])),
    services: FAMILIES.flatMap((family) => cluster.servicePorts[family].flatMap(addressesOf)),
  };
}

function addressesOf(port: ServicePort): ServiceAddress[] {
  const service = `${port.namespace}/${port.name}`;
  const external = [...port.externalIps, ...port.loadBalancerIps];
  return [
    { address: port.clusterIp, service, kind: "cluster", origin: port.clusterIpOrigin },
    ...external.map(({ address, origin }) => ({ address, service, kind: "external" as const, origin })),
  ];
}
