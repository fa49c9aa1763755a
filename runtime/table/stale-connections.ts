/** Which entries of conntrack lead UDP packets to endpoints that their Service no longer has. UDP has no beginning: as long as a client
 *  sends, its entry lives, and rules are not asked. */
import type { ServicePort } from "../../compiler/model/types.ts";
import type { Address, Family } from "../../compiler/net/address.ts";
import { familyOf } from "../../compiler/net/address.ts";

/** An address and port, or a port of the node's addresses, where UDP packets to a Service go. */
export interface UdpFrontend {
  readonly family: Family;
  /** Undefined: the node's addresses. */
  readonly address: Address | undefined;
  readonly port: number;
  /** Those that may answer, whatever policies and topology say of new connections. */
  readonly endpoints: readonly ConnectionEnd[];
}

/** One end of a connection. */
export interface ConnectionEnd {
  readonly address: Address;
  readonly port: number;
}

/** A UDP connection that conntrack knows. */
export interface TrackedConnection {
  /** Where its first packet was sent. */
  readonly destination: ConnectionEnd;
  /** Who answers: an endpoint, or the destination itself where nothing was translated. */
  readonly answering: ConnectionEnd;
}

/** The UDP frontends of a Service port; none where it is of another protocol. */
export function udpFrontendsOf(service: ServicePort): UdpFrontend[] {
  if (service.protocol !== "udp") return [];
  const family = familyOf(service.clusterIp);
  const endpoints = service.candidates.filter(({ ready, serving }) => ready || serving);
  const at = (address: Address | undefined, port: number): UdpFrontend => ({ family, address, port, endpoints });
  return [
    ...(service.servesClusterIp ? [at(service.clusterIp, service.port)] : []),
    ...service.externalIps.map(({ address }) => at(address, service.port)),
    ...service.loadBalancerIps.map(({ address }) => at(address, service.port)),
    ...(service.nodePort === undefined ? [] : [at(undefined, service.nodePort)]),
  ];
}

/** Whether two frontends of one address and port let the same endpoints answer. */
function haveSameEndpoints(one: UdpFrontend, other: UdpFrontend): boolean {
  const left = new Set(one.endpoints.map(endKey));
  const right = new Set(other.endpoints.map(endKey));
  return left.size === right.size && [...left].every((end) => right.has(end));
}

/** Frontends with entries to look for: those that have come, gone, or have other endpoints; as they are `after`, and without endpoints where
 *  they have gone. */
export function changedFrontends(before: readonly UdpFrontend[], after: readonly UdpFrontend[]): UdpFrontend[] {
  const old = new Map(before.map((each) => [frontendKeyOf(each), each]));
  const now = new Map(after.map((each) => [frontendKeyOf(each), each]));
  const changed = [...now].flatMap(([key, each]) => {
    const was = old.get(key);
    return was !== undefined && haveSameEndpoints(was, each) ? [] : [each];
  });
  const gone = [...old].flatMap(([key, each]) => (now.has(key) ? [] : [{ ...each, endpoints: [] }]));
  return [...changed, ...gone];
}

/**
 * The entries to delete of `connections` after rules have changed: those that were opened to one of `frontends`, and are answered by none
 * of its endpoints. So are connections that were opened while nothing translated them.
 *
 * A node port counts at `nodeAddresses` alone: the same port of other destinations is none of ours.
 */
export function staleConnections<Of extends TrackedConnection>(
  frontends: readonly UdpFrontend[],
  connections: Iterable<Of>,
  nodeAddresses: readonly Address[],
): Of[] {
  const byAddress = new Map<string, ReadonlySet<string>>();
  const byPort = new Map<string, ReadonlySet<string>>();
  for (const { family, address, port, endpoints } of frontends) {
    const answering = new Set(endpoints.map(endKey));
    if (address === undefined) byPort.set(`${family} ${port}`, answering);
    else byAddress.set(endKey({ address, port }), answering);
  }
  const own = new Set(nodeAddresses);
  const stale: Of[] = [];
  for (const connection of connections) {
    const { destination, answering } = connection;
    const atPort = own.has(destination.address)
      ? byPort.get(`${familyOf(destination.address)} ${destination.port}`)
      : undefined;
    const wanted = byAddress.get(endKey(destination)) ?? atPort;
    if (wanted !== undefined && !wanted.has(endKey(answering))) stale.push(connection);
  }
  return stale;
}

function frontendKeyOf({ family, address, port }: UdpFrontend): string {
  return address === undefined ? `${family} ${port}` : endKey({ address, port });
}

/** Addresses of both families are told apart by their type. */
function endKey({ address, port }: ConnectionEnd): string {
  return `${typeof address} ${address} ${port}`;
}
