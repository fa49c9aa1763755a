/** Flows that together take each kind of way through a cluster: what is walked where no flow is asked for. */
import type { Cluster, ServicePort } from "../model/types.ts";
import { type Address, FAMILIES, type Family, familyOf } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { Host } from "../network/network.ts";
import { lookUpRoute } from "../network/route-lookup.ts";
import type { WalkFlow } from "../walk/types.ts";
import type { KnownNetwork } from "./known-network.ts";

const TCP = 6;
const SOURCE_PORT = 40000;

/** Pods of one node. */
interface NodePods {
  readonly node: Host;
  readonly pods: readonly Host[];
}

/** From each node: a pod to pods of this and other nodes, to a Service of each kind and to somebody outside; the node to a Service;
 *  somebody outside to the node's ports, and to external addresses of Services. For both families. */
export function representativeFlows(known: KnownNetwork, cluster: Cluster): readonly WalkFlow[] {
  const hosts = [...known.network.hosts.values()];
  const nodes = hosts
    .filter(({ role }) => role.kind === "node")
    .map((node) => ({
      node,
      pods: hosts.filter(({ role }) => role.kind === "pod" && `node/${role.node}` === node.name),
    }));
  const client = hosts.find(({ role }) => role.kind === "outside");
  return FAMILIES.flatMap((family) => {
    const ports = oneOfEachKind(cluster.servicePorts[family]);
    return [
      ...podFlows(nodes, family),
      ...nodes.flatMap(({ node, pods }) => serviceFlows(node, pods, ports, cluster.servicePorts[family], family)),
      ...(client === undefined ? [] : outsideFlows(client, nodes, ports, family)),
    ];
  });
}

/** From a pod of each node to another one there, and to a pod of other nodes: of each if routes differ, else of the next one. */
function podFlows(nodes: readonly NodePods[], family: Family): WalkFlow[] {
  return nodes.flatMap(({ node, pods }, i) => {
    const [from, other] = pods.filter((pod) => addressIn(pod, family) !== undefined);
    if (from === undefined) return [];
    const others = nodes.filter((each) => each.node !== node && each.pods.length > 0);
    const next = nodes[(i + 1) % nodes.length];
    const walked = others.filter((each) => others.length <= MANY || each === next || !hasOwnRoute(node, each, family));
    const targets = [...(other === undefined ? [] : [other]), ...walked.flatMap((each) => each.pods.slice(0, 1))];
    return targets.flatMap((target) => {
      const destination = addressIn(target, family);
      if (destination === undefined) return [];
      const flow: WalkFlow = { ...flowTo(from, destination, target.listeners?.[0]?.port ?? 80), bytes: 0 };
      return [flow, { ...flow, bytes: Math.min(mtuOf(from), mtuOf(target)) }];
    });
  });
}

/** Up to as many nodes a pod asks pods of all other nodes. */
const MANY = 12;

/** The node has a route to the pods of `other`, rather than a default one. */
function hasOwnRoute({ routing }: Host, other: NodePods, family: Family): boolean {
  const [pod] = other.pods;
  const destination = pod && addressIn(pod, family);
  if (destination === undefined) return true;
  const found = lookUpRoute(routing[family], { destination, source: undefined, mark: 0, inInterface: undefined });
  return found.kind === "route" && found.route.prefix.length > 0;
}

/** The first of those ports of Services that rules and load balancers treat alike. */
function oneOfEachKind(ports: readonly ServicePort[]): readonly ServicePort[] {
  const kinds = new Map<string, ServicePort>();
  for (const port of ports) {
    if (!port.servesClusterIp || !port.hasAnyEndpoint) continue;
    const { protocol, internalTrafficPolicy, externalTrafficPolicy, nodePort, affinitySeconds } = port;
    const parts = [protocol, internalTrafficPolicy, externalTrafficPolicy, nodePort !== undefined];
    const external = [port.externalIps.length > 0, port.loadBalancerIps.length > 0, affinitySeconds !== undefined];
    const key = [...parts, ...external].join();
    if (!kinds.has(key)) kinds.set(key, port);
  }
  return [...kinds.values()];
}

function serviceFlows(
  node: Host,
  pods: readonly Host[],
  kinds: readonly ServicePort[],
  all: readonly ServicePort[],
  family: Family,
): WalkFlow[] {
  const [pod] = pods.filter((each) => addressIn(each, family) !== undefined);
  const toService = (from: Host, { clusterIp, port, protocol }: ServicePort): WalkFlow => ({
    ...flowTo(from, clusterIp, port),
    protocol: PROTOCOL_NUMBERS[protocol],
  });
  // A pod that is an endpoint may get itself.
  const own = pods.flatMap((each) => {
    const address = addressIn(each, family);
    const port = all.find(({ candidates }) => candidates.some((candidate) => candidate.address === address));
    return port === undefined ? [] : [toService(each, port)];
  });
  const [first] = kinds;
  return [
    ...(pod === undefined ? [] : kinds.map((port) => toService(pod, port))),
    ...own.slice(0, 1),
    ...(first === undefined || addressIn(node, family) === undefined ? [] : [toService(node, first)]),
  ];
}

/** Between the world and the nodes, both ways. */
function outsideFlows(
  client: Host,
  nodes: readonly NodePods[],
  ports: readonly ServicePort[],
  family: Family,
): WalkFlow[] {
  const own = addressIn(client, family);
  if (own === undefined) return [];
  const toWorld = nodes.flatMap(({ pods }) => pods.slice(0, 1)).filter((pod) => addressIn(pod, family) !== undefined);
  const external = ports.flatMap(({ externalIps, loadBalancerIps, sourceRanges, port, protocol }) =>
    sourceRanges.length > 0
      ? []
      : [...externalIps, ...loadBalancerIps].map(({ address }) => ({
          ...flowTo(client, address, port),
          protocol: PROTOCOL_NUMBERS[protocol],
        })),
  );
  const nodePorts = ports.flatMap(({ nodePort, externalTrafficPolicy, protocol }) =>
    nodePort === undefined || externalTrafficPolicy === "Local"
      ? []
      : nodes.flatMap(({ node }) => {
          const address = addressIn(node, family);
          return address === undefined
            ? []
            : [{ ...flowTo(client, address, nodePort), protocol: PROTOCOL_NUMBERS[protocol] }];
        }),
  );
  return [...toWorld.map((pod) => flowTo(pod, own, 443)), ...external, ...nodePorts];
}

function flowTo(from: Host, destination: Address, destinationPort: number): WalkFlow {
  return {
    ...{ protocol: TCP, from: from.name, source: undefined },
    sourcePort: SOURCE_PORT,
    destination,
    destinationPort,
  };
}

/** An address of the host, not of its loopback interface or of a bridge. */
function addressIn({ interfaces }: Host, family: Family): Address | undefined {
  return interfaces
    .filter(({ kind }) => kind === "ethernet")
    .flatMap(({ addresses }) => addresses)
    .find(({ address, scope }) => scope === "global" && familyOf(address) === family)?.address;
}

function mtuOf({ interfaces }: Host): number {
  return interfaces.find(({ kind }) => kind === "ethernet")?.mtu ?? 0;
}
