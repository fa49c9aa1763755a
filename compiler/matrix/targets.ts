/** All addresses and ports by which Services are asked for, from inside of the cluster and from outside. */
import type { Cluster, ServicePort } from "../model/types.ts";
import { servicePortName } from "../model/types.ts";
import { type Address, FAMILIES, type Family, familyOf, parseAddress } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { Network } from "../network/network.ts";
import type { NetworkSpec } from "../specs/network-types.ts";
import type { ServiceSpec, Specs } from "../specs/types.ts";
import type { MatrixTarget } from "./types.ts";

/** Targets by Service, each by its ways in. */
export function targetsOf({ services, network }: Specs, cluster: Cluster, { hosts }: Network): MatrixTarget[] {
  const byName = new Map(services.map((each) => [`${each.meta.namespace}/${each.meta.name}`, each]));
  const found: MatrixTarget[] = [];
  const all = FAMILIES.flatMap((family) => cluster.servicePorts[family].map((port) => ({ port, family })));
  for (const { port, family } of all) {
    const add = targetMaker(port);
    if (port.servesClusterIp) found.push(add("cluster-ip", port.clusterIp, port.port));
    if (port.nodePort !== undefined)
      for (const node of cluster.nodes) {
        const address = node.internalAddresses.find((each) => familyOf(each.address) === family)?.address;
        if (address !== undefined) found.push(add("node-port", address, port.nodePort, node.name));
      }
    const service = byName.get(`${port.namespace}/${port.name}`);
    for (const address of balancedAddresses(service, family)) found.push(add("load-balancer", address, port.port));
    for (const { address } of port.externalIps) found.push(add("external-ip", address, port.port));
  }
  const wan = [...hosts.values()].find(({ role }) => role.kind === "gateway")?.interfaces.find(isOutside);
  const own = (wan?.addresses ?? []).flatMap(({ address, scope }) => (scope === "global" ? [address] : []));
  found.push(...forwardedPorts(network, cluster, own));
  return found;
}

/** The gateway's interface to the world. */
function isOutside({ name }: { readonly name: string }): boolean {
  return name === "wan0";
}

function targetMaker(
  port: ServicePort,
): (entry: MatrixTarget["entry"], address: Address, number: number, node?: string) => MatrixTarget {
  const [service, protocol] = [servicePortName(port), PROTOCOL_NUMBERS[port.protocol]];
  return (entry, address, number, node) => ({ service, entry, protocol, address, port: number, node });
}

function balancedAddresses(service: ServiceSpec | undefined, family: Family): Address[] {
  const all = (service?.loadBalancerIngress ?? []).map(({ address }) => address);
  return [...new Set(all)].filter((address) => familyOf(address) === family);
}

function forwardedPorts(
  network: NetworkSpec | undefined,
  { servicePorts, nodes }: Cluster,
  own: readonly Address[],
): MatrixTarget[] {
  return (network?.gateway?.forwards ?? []).flatMap(({ to, toPort, protocol, port }) => {
    const addresses = nodes.find(({ name }) => name === to)?.addresses ?? [parseAddress(to)];
    const families = addresses.map((address) => address && familyOf(address));
    return own
      .filter((address) => families.includes(familyOf(address)))
      .map((address): MatrixTarget => {
        const served = servicePorts[familyOf(address)].find(
          (each) => each.nodePort === toPort && each.protocol === protocol,
        );
        return {
          service: served && servicePortName(served),
          entry: "gateway-forward",
          protocol: PROTOCOL_NUMBERS[protocol],
          address,
          port,
          node: undefined,
        };
      });
  });
}
