/** Every address and port at which a Service is reached, and every decision about it (README.md, sections 2 and 4–7). */
import type { Origin } from "../diagnostics.ts";
import type { KeyPart } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import type { Port } from "../net/port.ts";
import { hostPrefix, type Prefix, prefixContains } from "../net/prefix.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { ServicePortView } from "../node/view.ts";
import type { FrontendKey } from "./keys.ts";

export type Frontend = AddressFrontend | NodePortFrontend;

interface FrontendBase {
  readonly service: ServicePortView;
  readonly port: Port;
  readonly dispatch: Dispatch;
  /** What happens to packets that `dispatch` leaves untranslated. */
  readonly unserved: "reject" | "drop" | undefined;
  readonly origin: Origin;
}

/** Which sources get an address of the node, besides endpoints that reach themselves. */
export type MasqueradeReason = "always" | "from-node";

export interface AddressFrontend extends FrontendBase {
  readonly kind: "cluster-ip" | "external-ip" | "load-balancer-ip";
  readonly address: Address;
  /** Sources that get in; undefined when all do. */
  readonly allowedSources: readonly Prefix[] | undefined;
  readonly masquerade: "as-cluster-ip" | MasqueradeReason;
}

export interface NodePortFrontend extends FrontendBase {
  readonly kind: "node-port";
  readonly masquerade: MasqueradeReason;
}

/** Which endpoints a packet is sent to. */
export type Dispatch =
  | { readonly kind: "none" }
  | { readonly kind: "endpoints"; readonly list: "cluster" | "local" }
  /** externalTrafficPolicy Local: pods of this node and the node itself reach all endpoints, others the local ones. */
  | { readonly kind: "by-source" };

export function keyKindOf({ kind }: Frontend): FrontendKey {
  return kind === "node-port" ? "node-port" : "address";
}

/** By what `frontendKey` or `NODE_PORT_KEY` of keys.ts finds it. */
export function keyOf(frontend: Frontend): KeyPart[] {
  const { service, port } = frontend;
  const protocol = PROTOCOL_NUMBERS[service.protocol];
  return frontend.kind === "node-port" ? [protocol, port] : [frontend.address, protocol, port];
}

/** The frontends of `service`, cluster IP first. `nodeAddress` is the node's primary address of the family: a source
 *  range that holds it also lets the load balancer's own addresses in. */
export function frontendsOf(service: ServicePortView, nodeAddress: Address | undefined): Frontend[] {
  const external = externalTreatment(service);
  const frontends: AddressFrontend[] = [
    {
      kind: "cluster-ip",
      service,
      address: service.clusterIp,
      port: service.port,
      allowedSources: undefined,
      masquerade: "as-cluster-ip",
      origin: service.clusterIpOrigin,
      ...(service.servesClusterIp ? clusterIpTreatment(service) : NOTHING),
    },
  ];
  // An address may be listed in several roles: the first one dispatches, a load balancer's ranges count all the same.
  const dispatched = new Set(service.servesClusterIp ? [service.clusterIp] : []);
  const treatmentOf = (address: Address): Treatment => {
    const again = dispatched.has(address);
    dispatched.add(address);
    return again ? { ...external, ...NOTHING } : external;
  };
  for (const { address, origin } of service.externalIps) {
    const { port } = service;
    frontends.push({
      kind: "external-ip",
      service,
      address,
      port,
      allowedSources: undefined,
      origin,
      ...treatmentOf(address),
    });
  }
  const allowedSources = allowedLoadBalancerSources(service, nodeAddress);
  for (const { address, origin } of service.loadBalancerIps) {
    const { port } = service;
    frontends.push({
      kind: "load-balancer-ip",
      service,
      address,
      port,
      allowedSources,
      origin,
      ...treatmentOf(address),
    });
  }
  const all: Frontend[] = frontends;
  if (service.nodePort !== undefined) {
    all.push({ kind: "node-port", service, port: service.nodePort, origin: service.nodePortOrigin, ...external });
  }
  return all;
}

/** For addresses that something else answers for. */
const NOTHING = { dispatch: { kind: "none" }, unserved: undefined } as const satisfies Pick<
  FrontendBase,
  "dispatch" | "unserved"
>;

type Treatment = Pick<NodePortFrontend, "dispatch" | "unserved" | "masquerade">;

/** Cluster IPs follow internalTrafficPolicy; there is no short-circuit when no local endpoint is left. */
function clusterIpTreatment(service: ServicePortView): Pick<FrontendBase, "dispatch" | "unserved"> {
  if (!service.hasAnyEndpoint) return { dispatch: { kind: "none" }, unserved: "reject" };
  const list = service.internalTrafficPolicy === "Local" ? "local" : "cluster";
  const endpoints = list === "local" ? service.localEndpoints : service.clusterEndpoints;
  if (endpoints.length === 0) return { dispatch: { kind: "none" }, unserved: "drop" };
  return { dispatch: { kind: "endpoints", list }, unserved: undefined };
}

/** External addresses and node ports follow externalTrafficPolicy. With Local the dispatch exists even without a local
 *  endpoint, for the sources that it short-circuits; only what it leaves alone is dropped. */
function externalTreatment(service: ServicePortView): Treatment {
  const local = service.externalTrafficPolicy === "Local";
  const masquerade = local ? "from-node" : "always";
  if (!service.hasAnyEndpoint) return { dispatch: { kind: "none" }, unserved: "reject", masquerade };
  if (!local) {
    if (service.clusterEndpoints.length === 0) return { dispatch: { kind: "none" }, unserved: "drop", masquerade };
    return { dispatch: { kind: "endpoints", list: "cluster" }, unserved: undefined, masquerade };
  }
  const unserved = service.localEndpoints.length === 0 ? "drop" : undefined;
  return { dispatch: { kind: "by-source" }, unserved, masquerade };
}

/** Some platforms make a node that is itself allowed send with the load balancer's address as source. */
function allowedLoadBalancerSources(
  service: ServicePortView,
  nodeAddress: Address | undefined,
): readonly Prefix[] | undefined {
  if (service.sourceRanges.length === 0) return undefined;
  const nodeIsAllowed =
    nodeAddress !== undefined && service.sourceRanges.some((range) => prefixContains(range, nodeAddress));
  if (!nodeIsAllowed) return service.sourceRanges;
  return [...service.sourceRanges, ...service.loadBalancerIps.map(({ address }) => hostPrefix(address))];
}
