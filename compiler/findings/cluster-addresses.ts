/** Addresses of a cluster that stand for pods and Services. */
import type { Cluster, ServicePort } from "../model/types.ts";
import { FAMILIES, familyOf } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { ClusterAddresses, ServedPort, ServiceAddress } from "./known-network.ts";

/** `podCidrs`: blocks of all pods. */
export function clusterAddresses(cluster: Cluster, podCidrs: readonly Prefix[]): ClusterAddresses {
  return {
    podCidrs,
    blocks: new Map(cluster.nodes.map((node) => [`node/${node.name}`, node.podCidrs])),
    services: FAMILIES.flatMap((family) => cluster.servicePorts[family].flatMap(addressesOf)),
    ports: FAMILIES.flatMap((family) =>
      cluster.servicePorts[family].filter(({ hasAnyEndpoint }) => hasAnyEndpoint).map(servedPort),
    ),
  };
}

function servedPort(port: ServicePort): ServedPort {
  const { externalIps, loadBalancerIps, candidates, nodePort, healthCheckNodePort } = port;
  return {
    ...{ service: `${port.namespace}/${port.name}`, protocol: PROTOCOL_NUMBERS[port.protocol], port: port.port },
    ...{ nodePort, healthCheckNodePort, policy: port.externalTrafficPolicy, origin: port.origin },
    family: familyOf(port.clusterIp),
    addresses: [
      ...(port.servesClusterIp ? [port.clusterIp] : []),
      ...[...externalIps, ...loadBalancerIps].map(({ address }) => address),
    ],
    localNodes: new Set(
      candidates.flatMap(({ nodeName, ready }) => (ready && nodeName !== undefined ? [nodeName] : [])),
    ),
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
