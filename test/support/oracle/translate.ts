import type { Address } from "../../../compiler/net/address.ts";
import { prefixContains } from "../../../compiler/net/prefix.ts";
import type { Protocol } from "../../../compiler/net/protocol.ts";
import { clusterList, externalList, hasAny, internalList } from "./lists.ts";
import { isLocalAddress, isNodePortAddress, type Node } from "./node.ts";
import type { OracleEndpoint, OracleServicePort, Services } from "./services.ts";

/** Everything a packet's fate depends on besides the packet. */
export interface OracleWorld {
  readonly node: Node;
  readonly services: Services;
}

/** A packet at one hook: before or after its translation. */
export interface OracleFlow {
  readonly protocol: Protocol;
  readonly source: Address;
  readonly destination: Address;
  readonly port: number;
  /** Undefined: sent by the node itself. */
  readonly inInterface: string | undefined;
}

/** What the nat hooks do to a packet: one of `endpoints`, each as likely. */
export interface Translation {
  readonly endpoints: readonly OracleEndpoint[];
  /** Whether the masquerade mark is set before the pick; hairpin adds its own (section 5). */
  readonly isMarked: boolean;
  readonly stickySeconds: number | undefined;
}

/** What an address is to the service port that owns it. */
export interface Claim {
  readonly servicePort: OracleServicePort;
  readonly as: "clusterIp" | "externalIp" | "loadBalancerIp";
}

/** The one service port that owns (address, protocol, port), the first that claims it; see `Services.ports`. An address
 *  that a Service lists twice is its cluster IP before its external IP before its load balancer IP, the order of the
 *  list in section 10.1. */
export function ownerOf({ services }: OracleWorld, { protocol, destination, port }: OracleFlow): Claim | undefined {
  for (const servicePort of services.ports) {
    if (servicePort.protocol !== protocol || servicePort.port !== port) continue;
    if (servicePort.clusterIp === destination) return { servicePort, as: "clusterIp" };
    if (servicePort.externalIps.includes(destination)) return { servicePort, as: "externalIp" };
    if (servicePort.loadBalancerIps.includes(destination)) return { servicePort, as: "loadBalancerIp" };
  }
  return undefined;
}

/** The one service port that owns the node port, at whatever address. */
export function nodePortOwnerOf(
  { services }: OracleWorld,
  { protocol, port }: OracleFlow,
): OracleServicePort | undefined {
  return services.ports.find(
    (candidate) => candidate.nodePort !== 0 && candidate.nodePort === port && candidate.protocol === protocol,
  );
}

/** Section 7: whether source ranges protect the flow's destination. */
export function isProtected(world: OracleWorld, flow: OracleFlow): boolean {
  const port = ownerOf(world, flow)?.servicePort;
  if (port === undefined || !port.loadBalancerIps.includes(flow.destination) || port.sourceRanges.length === 0) {
    return false;
  }
  return world.node.mode === "nftables" || hasAny(port); // section 10: iptables writes none without endpoints
}

/** Section 7: whether the destination is protected and the source is not allowed. */
export function isFirewalled(world: OracleWorld, flow: OracleFlow): boolean {
  const port = ownerOf(world, flow)?.servicePort;
  if (port === undefined || !isProtected(world, flow)) return false;
  const { sourceRanges, loadBalancerIps } = port;
  const { primary } = world.node;
  const isNodeAllowed = primary !== undefined && sourceRanges.some((range) => prefixContains(range, primary));
  return !(
    sourceRanges.some((range) => prefixContains(range, flow.source)) ||
    (isNodeAllowed && loadBalancerIps.includes(flow.source))
  );
}

/** Section 4.1, steps 2 to 4: the translation of a new connection, undefined when the packet stays as it is. In nftables
 *  mode the firewall (step 1) is expected to be past: it hooks in earlier. */
export function translate(world: OracleWorld, flow: OracleFlow): Translation | undefined {
  const { node } = world;
  const claim = ownerOf(world, flow);
  if (claim !== undefined && isWrittenToNat(node, claim)) {
    const translation = translateClaim(world, claim, flow);
    // Section 13: when the address's chain returns, nftables is done, and iptables goes on to the node ports.
    if (translation !== undefined || node.mode === "nftables") return translation;
  }
  const servicePort = isNodePortAddress(node, flow.destination) ? nodePortOwnerOf(world, flow) : undefined;
  return servicePort === undefined ? undefined : translateExternal(node, servicePort, flow);
}

/** Sections 11.3 and 12.2: an address without endpoints has filter rules only. External addresses need their chain for
 *  the short-circuit as soon as there is any endpoint (section 4.2). */
function isWrittenToNat(node: Node, { servicePort, as }: Claim): boolean {
  return as === "clusterIp" ? internalList(node, servicePort).length > 0 : hasAny(servicePort);
}

function translateClaim(world: OracleWorld, { servicePort, as }: Claim, flow: OracleFlow): Translation | undefined {
  const { node } = world;
  switch (as) {
    case "clusterIp":
      return translateInternal(node, servicePort, flow);
    case "externalIp":
      return translateExternal(node, servicePort, flow);
    case "loadBalancerIp": // section 10: iptables' firewall is a chain that returns
      return isFirewalled(world, flow) ? undefined : translateExternal(node, servicePort, flow);
  }
}

/** Traffic to the cluster IP: sections 2 and 5, first row. */
function translateInternal(node: Node, servicePort: OracleServicePort, flow: OracleFlow): Translation | undefined {
  const isFromOutside = node.detector !== undefined && !node.detector(flow.source, flow.inInterface);
  return pick(servicePort, internalList(node, servicePort), node.masqueradeAll || isFromOutside);
}

/** Traffic to an external IP, load balancer IP or node port: sections 2, 4.2 and 5. */
function translateExternal(node: Node, servicePort: OracleServicePort, flow: OracleFlow): Translation | undefined {
  if (!servicePort.isExternalLocal) return pick(servicePort, clusterList(node, servicePort), true);
  if (node.detector?.(flow.source, flow.inInterface)) return pick(servicePort, clusterList(node, servicePort), false);
  if (isLocalAddress(node, flow.source)) return pick(servicePort, clusterList(node, servicePort), true);
  return pick(servicePort, externalList(node, servicePort), false);
}

function pick(
  { stickySeconds }: OracleServicePort,
  endpoints: readonly OracleEndpoint[],
  isMarked: boolean,
): Translation | undefined {
  return endpoints.length === 0 ? undefined : { endpoints, isMarked, stickySeconds };
}
