/** The cluster as one node sees it: which endpoints each Service port uses there. */
import type { Report } from "../diagnostics.ts";
import type { Cluster, ServicePort } from "../model/types.ts";
import { FAMILIES, type Family, printAddress } from "../net/address.ts";
import { chooseEndpoints, type EndpointLists } from "./endpoints.ts";
import type { NodeContext } from "./settings.ts";

/** A Service port with its endpoints on one node. */
export interface ServicePortView extends ServicePort, EndpointLists {}

/** In the order of the cluster. */
export type NodeView = Readonly<Record<Family, readonly ServicePortView[]>>;

export function viewOf({ servicePorts }: Pick<Cluster, "servicePorts">, node: NodeContext): NodeView {
  const view = (port: ServicePort): ServicePortView => withEndpoints(port, chooseEndpoints(port, node));
  return { IPv4: servicePorts.IPv4.map(view), IPv6: servicePorts.IPv6.map(view) };
}

/** Member by member: what a spread makes takes four times as long to make, and to read, and there is one for each node. */
function withEndpoints(port: ServicePort, { clusterEndpoints, localEndpoints }: EndpointLists): ServicePortView {
  return {
    namespace: port.namespace,
    name: port.name,
    portName: port.portName,
    protocol: port.protocol,
    port: port.port,
    clusterIp: port.clusterIp,
    servesClusterIp: port.servesClusterIp,
    nodePort: port.nodePort,
    externalIps: port.externalIps,
    loadBalancerIps: port.loadBalancerIps,
    sourceRanges: port.sourceRanges,
    affinitySeconds: port.affinitySeconds,
    internalTrafficPolicy: port.internalTrafficPolicy,
    externalTrafficPolicy: port.externalTrafficPolicy,
    healthCheckNodePort: port.healthCheckNodePort,
    candidates: port.candidates,
    hasAnyEndpoint: port.hasAnyEndpoint,
    origin: port.origin,
    clusterIpOrigin: port.clusterIpOrigin,
    nodePortOrigin: port.nodePortOrigin,
    clusterEndpoints,
    localEndpoints,
  };
}

/** How much of the cluster a node serves. */
export interface Served {
  readonly services: number;
  /** Each as often as a Service port has it. */
  readonly endpoints: number;
}

export function countServed(view: NodeView): Served {
  const ports = FAMILIES.flatMap((family) => view[family]);
  return {
    services: new Set(ports.map(({ namespace, name }) => `${namespace}/${name}`)).size,
    endpoints: ports.reduce(
      (sum, { clusterEndpoints, localEndpoints }) => sum + Math.max(clusterEndpoints.length, localEndpoints.length),
      0,
    ),
  };
}

/** External IPs that are the node's own addresses: allowed, and seldom meant. Reports `external-ip-conflict`. */
export function reportOwnAddresses({ externalIps }: Cluster, { name, addresses }: NodeContext, report: Report): void {
  for (const { address, service, origin } of externalIps) {
    if (!addresses.includes(address)) continue;
    const which = name === undefined ? "this node" : `Node ${name}`;
    const message = `external IP ${printAddress(address)} of Service ${service} is an address of ${which}: the port is taken from the node's own programs`;
    report({ severity: "warning", code: "external-ip-conflict", message, origin });
  }
}
