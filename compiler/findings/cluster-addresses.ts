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
  const isUnhealthy = port.externalTrafficPolicy === "Local" && !port.candidates.some(({ ready }) => ready);
  const external = (list: ServicePort["externalIps"], isUnserved: boolean): ServiceAddress[] =>
    list.map(({ address, origin }) => ({ address, service, kind: "external", isUnserved, origin }));
  return [
    { address: port.clusterIp, service, kind: "cluster", isUnserved: false, origin: port.clusterIpOrigin },
    ...external(port.externalIps, false),
    ...external(port.loadBalancerIps, isUnhealthy),
  ];
}
