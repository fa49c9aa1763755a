/** Flows that together take each kind of way through a cluster: what is walked where no flow is asked for. */
import { AlikeHosts } from "../matrix/alike-hosts.ts";
import { targetsOf } from "../matrix/targets.ts";
import type { MatrixTarget } from "../matrix/types.ts";
import { type ServicePort, servicePortName } from "../model/types.ts";
import { type Address, FAMILIES, type Family, familyOf } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { Host } from "../network/network.ts";
import { lookUpRoute } from "../network/route-lookup.ts";
import type { WalkFlow } from "../walk/types.ts";
import type { CheckedNetwork } from "./checked-network.ts";
import { addressIn, type NodeGroup, nodeGroups } from "./node-groups.ts";

const TCP = 6;
const SOURCE_PORT = 40000;

/** The kubelet's. */
const NODE_PORT = 10250;

/** Up to as many ends all pairs of them are walked, and from each of them to each Service. */
const MOST_ENDS = 24;

export interface ChosenFlows {
  readonly flows: readonly WalkFlow[];
  /** False: not from each end to each other one, but from each to some of each kind. */
  readonly areAllPairs: boolean;
  readonly classes: AlikeHosts;
}

/** `mostEnds`: nodes and pods that are not alike; up to as many, all pairs of ends are walked. Pods of a node that nothing tells apart
 *  count as two. */
export function representativeFlows(
  { input, known, programOf }: CheckedNetwork,
  mostEnds: number = MOST_ENDS,
): ChosenFlows {
  const { cluster, specs } = input;
  const { network } = known;
  const ports = FAMILIES.flatMap((family) => cluster.servicePorts[family]);
  const endpoints = new Map<Address, ServicePort>();
  for (const port of ports)
    for (const { address } of port.candidates) if (!endpoints.has(address)) endpoints.set(address, port);
  const classes = new AlikeHosts(network, programOf);
  const groups = nodeGroups(network, classes, (address) => endpoints.has(address));
  const areAllPairs = groups.reduce((sum, { pods }) => sum + 1 + pods.length, 0) <= mostEnds;
  const hosts = [...network.hosts.values()];
  const clients = hosts.filter(({ role }) => role.kind === "outside");
  const targets = targetsOf(specs, cluster, network);
  const inside = targets.filter(({ entry }) => entry === "cluster-ip");
  const outside = targets.filter(({ entry }) => entry !== "cluster-ip");
  const flows = FAMILIES.flatMap((family) => {
    const of = (targets: readonly MatrixTarget[]): readonly MatrixTarget[] =>
      targets.filter(({ address }) => familyOf(address) === family);
    const choice: Choice = { groups, family, areAllPairs, endpoints, ports: cluster.servicePorts[family] };
    return [
      ...groups.flatMap((group, i) => betweenPods(group, i, choice)),
      ...groups.flatMap((group) => {
        const isForeign = !hasOwnRules(programOf(group.node));
        return toServices(group, of(inside), choice, areAllPairs || isForeign);
      }),
      ...toNodesAndWorld(choice, clients),
      ...fromOutside(clients, of(outside), choice),
      ...fromInside(of(outside), choice),
    ];
  });
  return { flows: unique(flows), areAllPairs, classes };
}

interface Choice {
  readonly groups: readonly NodeGroup[];
  readonly family: Family;
  readonly areAllPairs: boolean;
  /** The first port of a Service that has an address among its endpoints. */
  readonly endpoints: ReadonlyMap<Address, ServicePort>;
  readonly ports: readonly ServicePort[];
}

/** Rules that were read may treat each Service in a way of its own. */
function hasOwnRules(program: ReturnType<CheckedNetwork["programOf"]>): boolean {
  return program?.ruleset.tables.some(({ name }) => name === "kpc") === true;
}

/** From the pods of a node to each other, and to those of other nodes: of all, or of the next one and of those to which no route of
 *  their own leads. With packets that are as large as both may send. */
function betweenPods({ node, pods, firstPods }: NodeGroup, i: number, choice: Choice): WalkFlow[] {
  const { groups, family, areAllPairs } = choice;
  const next = groups[(i + 1) % groups.length];
  const others = groups.filter((each) => each.node !== node);
  const walked = others.filter((each) => areAllPairs || each === next || !hasOwnRoute(node, each, family));
  const targets = walked.flatMap((each) => (areAllPairs ? each.pods : each.firstPods));
  return [
    ...pods.flatMap((from) => pods.filter((to) => to !== from).flatMap((to) => betweenEnds(from, to, family))),
    ...firstPods.flatMap((from) => targets.flatMap((to) => betweenEnds(from, to, family))),
    ...(areAllPairs ? [...pods, ...targets] : pods).flatMap((to) => betweenEnds(node, to, family)),
  ];
}

function betweenEnds(from: Host, to: Host, family: Family): WalkFlow[] {
  const destination = addressIn(to, family);
  if (destination === undefined || addressIn(from, family) === undefined) return [];
  const flow = flowTo(from, destination, to.listeners?.[0]?.port ?? 80);
  return [{ ...flow, bytes: Math.min(mtuOf(from), mtuOf(to)) }];
}

/** The node has a route to the pods of `other`, rather than a default one. */
function hasOwnRoute({ routing }: Host, other: NodeGroup, family: Family): boolean {
  const [pod] = other.firstPods;
  const destination = pod && addressIn(pod, family);
  if (destination === undefined) return true;
  const found = lookUpRoute(routing[family], { destination, source: undefined, mark: 0, inInterface: undefined });
  return found.kind === "route" && found.route.prefix.length > 0;
}

/** From pods and from the node: to all Services, or to one of each kind; and from each endpoint to its own. */
function toServices(
  { node, pods, firstPods }: NodeGroup,
  targets: readonly MatrixTarget[],
  { family, endpoints, ports, areAllPairs }: Choice,
  areAllWalked: boolean,
): WalkFlow[] {
  const kinds = oneOfEachKind(ports, node.name);
  const own = pods.filter((each) => addressIn(each, family) !== undefined);
  // The second pod: what the first one gets of a Service may be itself, and not a neighbour.
  const asking = areAllPairs ? [...own, node] : [...own.slice(own.length > 1 ? 1 : 0, 2), node];
  const all = asking.flatMap((from) =>
    (areAllWalked ? targets : kinds.map(targetOf)).flatMap((target) => askedBy(from, target, family)),
  );
  const served = areAllPairs ? own : firstPods;
  const toOwn = served.flatMap((from) => {
    const address = addressIn(from, family);
    const port = address === undefined ? undefined : endpoints.get(address);
    return port === undefined || !port.servesClusterIp ? [] : askedBy(from, targetOf(port), family);
  });
  return [...all, ...toOwn];
}

type AskedTarget = Pick<MatrixTarget, "address" | "port" | "protocol">;

function targetOf({ clusterIp, port, protocol }: ServicePort): AskedTarget {
  return { address: clusterIp, port, protocol: PROTOCOL_NUMBERS[protocol] };
}

function askedBy(from: Host, { address, port, protocol }: AskedTarget, family: Family): WalkFlow[] {
  return addressIn(from, family) === undefined ? [] : [{ ...flowTo(from, address, port), protocol }];
}

/** One of those ports of Services that rules and load balancers treat alike: one with an endpoint on the node before others, and of
 *  those one with few endpoints. */
function oneOfEachKind(ports: readonly ServicePort[], node: string): readonly ServicePort[] {
  const kinds = new Map<string, { readonly port: ServicePort; readonly rank: number }>();
  for (const port of ports) {
    if (!port.servesClusterIp || !port.hasAnyEndpoint) continue;
    const { candidates } = port;
    const isHere = candidates.some(({ nodeName }) => `node/${nodeName}` === node);
    const rank = candidates.length + (isHere ? 0 : 1e6);
    const key = kindOf(port);
    const before = kinds.get(key);
    if (before === undefined || rank < before.rank) kinds.set(key, { port, rank });
  }
  return [...kinds.values()].map(({ port }) => port);
}

function kindOf(port: ServicePort): string {
  const { protocol, internalTrafficPolicy, externalTrafficPolicy, nodePort, affinitySeconds } = port;
  const parts = [protocol, internalTrafficPolicy, externalTrafficPolicy, nodePort !== undefined];
  const external = [port.externalIps.length > 0, port.loadBalancerIps.length > 0, affinitySeconds !== undefined];
  return [...parts, ...external].join();
}

/** Pods and nodes ask nodes, and somebody outside. */
function toNodesAndWorld({ groups, family, areAllPairs }: Choice, clients: readonly Host[]): WalkFlow[] {
  const asked = areAllPairs ? clients : clients.slice(0, 1);
  return groups.flatMap(({ node, firstPods }, i) => {
    const senders = [...firstPods, node];
    const next = groups[(i + 1) % groups.length];
    const nodes = (areAllPairs ? groups : next === undefined ? [] : [next]).map((each) => each.node);
    const to = (target: Host, port: number): WalkFlow[] => {
      const destination = addressIn(target, family);
      if (destination === undefined) return [];
      return senders.flatMap((from) =>
        from === target || addressIn(from, family) === undefined ? [] : [flowTo(from, destination, port)],
      );
    };
    return [...asked.flatMap((each) => to(each, 443)), ...nodes.flatMap((each) => to(each, NODE_PORT))];
  });
}

/** Hosts outside ask for all that Services have there: load balancers and forwarded ports each, of node ports one of each kind on each
 *  node. */
function fromOutside(clients: readonly Host[], targets: readonly MatrixTarget[], choice: Choice): WalkFlow[] {
  const asked = choice.areAllPairs ? targets : fewerTargets(targets, choice, () => true);
  return clients.flatMap((from) => asked.flatMap((target) => askedBy(from, target, choice.family)));
}

/** Pods and nodes ask for the same: a node its own ports, its pods those of the next node. */
function fromInside(targets: readonly MatrixTarget[], choice: Choice): WalkFlow[] {
  const { groups, family, areAllPairs } = choice;
  return groups.flatMap(({ node, firstPods }, i) => {
    const nextName = groups[(i + 1) % groups.length]?.node.name;
    const askedOf = (name: string | undefined): readonly MatrixTarget[] =>
      fewerTargets(targets, choice, (each) => areAllPairs || each === name).filter(
        ({ entry }) => entry !== "gateway-forward",
      );
    return [
      ...firstPods
        .slice(0, areAllPairs ? undefined : 1)
        .flatMap((from) => askedOf(nextName).flatMap((target) => askedBy(from, target, family))),
      ...askedOf(node.name).flatMap((target) => askedBy(node, target, family)),
    ];
  });
}

/** Without node ports of a kind that the node has already. */
function fewerTargets(
  targets: readonly MatrixTarget[],
  { ports }: Choice,
  isAsked: (node: string) => boolean,
): readonly MatrixTarget[] {
  const byName = new Map(ports.map((port) => [servicePortName(port), kindOf(port)]));
  const seen = new Set<string>();
  return targets.filter(({ entry, node, service, protocol }) => {
    if (entry !== "node-port") return true;
    if (!isAsked(`node/${node}`)) return false;
    const key = [node, protocol, byName.get(service ?? "") ?? service].join();
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}

function unique(flows: readonly WalkFlow[]): readonly WalkFlow[] {
  const keyOf = ({ from, destination, destinationPort, protocol }: WalkFlow): string =>
    `${from} ${destination} ${destinationPort} ${protocol}`;
  return [...new Map(flows.map((flow) => [keyOf(flow), flow])).values()];
}

function flowTo(from: Host, destination: Address, destinationPort: number): WalkFlow {
  return {
    ...{ protocol: TCP, from: from.name, source: undefined },
    sourcePort: SOURCE_PORT,
    destination,
    destinationPort,
  };
}

function mtuOf({ interfaces }: Host): number {
  return interfaces.find(({ kind }) => kind === "ethernet")?.mtu ?? 0;
}
