import { prefixContains } from "../../../compiler/net/prefix.ts";
import { externalList, internalList, verdictOfEmpty } from "./lists.ts";
import { isLocalAddress, isLoopback, isNodePortAddress } from "./node.ts";
import { isFirewalled, isProtected, nodePortOwnerOf, type OracleFlow, type OracleWorld, ownerOf } from "./translate.ts";

/** A filter hook; all but `before-nat` come after the destination is translated. */
export type OracleHook = "before-nat" | "input" | "forward" | "output";

/** A packet at a filter hook. */
export interface Seen {
  /** With the addresses it has now. */
  readonly flow: OracleFlow;
  readonly isTranslated: boolean;
  /** Whether it carries the masquerade mark. */
  readonly isMarked: boolean;
}

/** A final word of the filter rules; undefined: none of them decides. */
export type FilterVerdict = "accept" | "drop" | "reject" | undefined;

/** What the filter rules of `hook` say. */
export function filter(world: OracleWorld, hook: OracleHook, seen: Seen): FilterVerdict {
  return world.node.mode === "nftables" ? filterNftables(world, hook, seen) : filterIptables(world, hook, seen);
}

/** Section 11.1, in the order of its table. */
function filterNftables(world: OracleWorld, hook: OracleHook, { flow }: Seen): FilterVerdict {
  switch (hook) {
    case "before-nat":
      return isFirewalled(world, flow) ? "drop" : undefined;
    case "input":
      return (
        (isNodePortAddress(world.node, flow.destination) ? checkNodePort(world, flow) : undefined) ??
        checkInternal(world, flow) ??
        checkExternal(world, flow)
      );
    case "forward":
    case "output":
      return checkInternal(world, flow) ?? checkExternal(world, flow) ?? checkClusterIps(world, flow);
  }
}

/** Section 12.1. The jumps of its table are prepended one after the other, so the last row runs first. */
function filterIptables(world: OracleWorld, hook: OracleHook, { flow, isTranslated, isMarked }: Seen): FilterVerdict {
  switch (hook) {
    case "before-nat":
      return undefined;
    case "input":
      return (
        checkMartian(world, flow, isTranslated) ?? // KUBE-FIREWALL
        checkProtected(world, flow) ?? // KUBE-PROXY-FIREWALL
        checkHealthPort(world, flow) ?? // KUBE-NODEPORTS
        checkExternal(world, flow) ?? // KUBE-EXTERNAL-SERVICES
        checkLocalNodePort(world, flow)
      );
    case "forward":
      return (
        checkProtected(world, flow) ?? // KUBE-PROXY-FIREWALL
        (isMarked ? "accept" : undefined) ?? // KUBE-FORWARD
        checkInternal(world, flow) ?? // KUBE-SERVICES
        checkExternal(world, flow) ?? // KUBE-EXTERNAL-SERVICES
        checkLocalNodePort(world, flow)
      );
    case "output":
      return (
        checkMartian(world, flow, isTranslated) ?? // KUBE-FIREWALL
        checkProtected(world, flow) ?? // KUBE-PROXY-FIREWALL
        checkInternal(world, flow) // KUBE-SERVICES
      );
  }
}

/** Section 6, cluster IPs. */
function checkInternal(world: OracleWorld, flow: OracleFlow): FilterVerdict {
  const claim = ownerOf(world, flow);
  if (claim?.as !== "clusterIp") return undefined;
  return verdictOfEmpty(claim.servicePort, internalList(world.node, claim.servicePort));
}

/** Section 6, external IPs and load balancer IPs. */
function checkExternal(world: OracleWorld, flow: OracleFlow): FilterVerdict {
  const claim = ownerOf(world, flow);
  if (claim === undefined || claim.as === "clusterIp") return undefined;
  return verdictOfEmpty(claim.servicePort, externalList(world.node, claim.servicePort));
}

/** Section 6, node ports, at an address that the caller has looked at. */
function checkNodePort(world: OracleWorld, flow: OracleFlow): FilterVerdict {
  const servicePort = nodePortOwnerOf(world, flow);
  return servicePort && verdictOfEmpty(servicePort, externalList(world.node, servicePort));
}

/** Section 8: iptables looks at any LOCAL destination here, whatever --nodeport-addresses says. */
function checkLocalNodePort(world: OracleWorld, flow: OracleFlow): FilterVerdict {
  return isLocalAddress(world.node, flow.destination) ? checkNodePort(world, flow) : undefined;
}

/** Section 11.2, cluster-ips-check. */
function checkClusterIps({ node, services }: OracleWorld, { destination }: OracleFlow): FilterVerdict {
  if (services.clusterIps.includes(destination)) return "reject";
  return node.servicePrefixes.some((prefix) => prefixContains(prefix, destination)) ? "drop" : undefined;
}

/** Section 12.1: whatever still has a protected address as destination was not let through to a translation. */
function checkProtected(world: OracleWorld, flow: OracleFlow): FilterVerdict {
  return isProtected(world, flow) ? "drop" : undefined;
}

/** Section 8: what localhost node ports need beside route_localnet. */
function checkMartian(
  { node }: OracleWorld,
  { source, destination }: OracleFlow,
  isTranslated: boolean,
): FilterVerdict {
  const isMartian = isLoopback(destination) && !isLoopback(source);
  return node.localhostNodePorts && isMartian && !isTranslated ? "drop" : undefined;
}

/** Section 8.1. */
function checkHealthPort({ services }: OracleWorld, { protocol, port }: OracleFlow): FilterVerdict {
  return protocol === "tcp" && services.healthCheckNodePorts.includes(port) ? "accept" : undefined;
}
