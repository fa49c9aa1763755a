/** What the kernel does with a packet where it routes: sends it on, takes it, or refuses it, and why (Linux: ip_route_output_key,
 *  ip_route_input). */
import { required } from "../invariant.ts";
import { type Address, familyOf, type Ipv4, type Ipv6, isLoopbackNet } from "../net/address.ts";
import { lookUpInLocal, lookUpRoute, type RouteKey } from "./route-lookup.ts";
import { selectSource } from "./source-address.ts";
import { selectSource6 } from "./source-address6.ts";
import type { Interface, NextHop, PolicyRule, RefusingRoute, RoutingTables, TableRoute } from "./types.ts";

/** Where a packet goes. `source`: of a packet that had none. */
export type RoutingDecision =
  | {
      readonly kind: "local" | "forward" | "broadcast";
      /** Of several equal ones, one by a hash of the packet. */
      readonly hops: readonly NextHop[];
      readonly route: TableRoute;
      readonly source: Address | undefined;
    }
  | { readonly kind: RefusingRoute; readonly by: TableRoute | PolicyRule }
  | { readonly kind: "no-route" | "not-forwarding" }
  /** The host sends from addresses of its own only. */
  | { readonly kind: "not-own-source" }
  /** A source that is an address of the host, or that nobody may have; a destination that may not come in. */
  | { readonly kind: "martian-source" | "martian-destination" }
  /** Answers would not leave by the interface that the packet came in by. */
  | { readonly kind: "reverse-path" };

/** The decision about a packet that the host sends (`inInterface` undefined), or that came in. */
export function routePacket(host: RoutingTables, key: RouteKey): RoutingDecision {
  if (host.family === "IPv6") return routePacket6(host, key);
  return key.inInterface === undefined ? routeOwn(host, key) : routeIncoming(host, key, key.inInterface);
}

/** IPv6 checks neither where a source comes from nor, before the forward hook, whether the host forwards. */
function routePacket6(host: RoutingTables, key: RouteKey): RoutingDecision {
  const from = host.interfaces.find((each) => each.name === key.inInterface);
  if (key.destination === 1n && from !== undefined && from.isLoopback !== true) return { kind: "martian-destination" };
  const found = lookUpRoute(host, key);
  if (found.kind === "none") return { kind: "no-route" };
  if (found.kind !== "route") return { kind: found.kind, by: found.by };
  const { route, hops } = found;
  const [hop] = hops;
  const kind = route.kind === "unicast" ? "forward" : "local";
  const isChosen = key.source === undefined && key.inInterface === undefined && hop !== undefined;
  if (!isChosen) return { kind, hops, route, source: key.source };
  const out = route.kind === "local" ? "lo" : hop.interface;
  return {
    kind,
    hops,
    route,
    source: route.preferredSource ?? selectSource6(host.interfaces, out, key.destination as Ipv6),
  };
}

function routeOwn(host: RoutingTables, key: RouteKey): RoutingDecision {
  const { source } = key;
  if (source !== undefined) {
    if (isMulticast(source) || isLimitedBroadcast(source) || isZero(source)) return { kind: "martian-source" };
    if (key.isForged !== true && !isOwnAddress(host, source)) return { kind: "not-own-source" };
  }
  const found = lookUpRoute(host, key);
  if (found.kind === "none") return { kind: "no-route" };
  if (found.kind !== "route") return { kind: found.kind, by: found.by };
  const { route } = found;
  const hops = found.hops.map((each) => withoutOwnGateway(host, each));
  const kind = route.kind === "local" || route.kind === "broadcast" ? route.kind : "forward";
  const [hop] = found.hops;
  if (source !== undefined && isLoopbackNet(source) && kind !== "local") {
    const out = host.interfaces.find(({ name }) => name === hop?.interface);
    if (out?.isLoopback !== true && out?.sysctls.routeLocalnet !== true) return { kind: "martian-source" };
  }
  const chosen =
    source ??
    route.preferredSource ??
    (kind === "local" || hop === undefined
      ? key.destination
      : selectSource(host.interfaces, hop.interface, hop.gateway, route.scope));
  return { kind, hops, route, source: chosen };
}

function routeIncoming(host: RoutingTables, key: RouteKey, name: string): RoutingDecision {
  const from = required(
    host.interfaces.find((each) => each.name === name),
    `the host has interface ${name}`,
  );
  const { source = 0 as Ipv4, destination } = key;
  if (isMulticast(source) || isLimitedBroadcast(source)) return { kind: "martian-source" };
  if (isLimitedBroadcast(destination)) return { kind: "martian-destination" };
  if (isZero(source)) return { kind: "martian-source" };
  if (isZero(destination)) return { kind: "martian-destination" };
  if (isLoopbackNet(destination) && !from.sysctls.routeLocalnet && !from.isLoopback)
    return { kind: "martian-destination" };
  if (isLoopbackNet(source) && !from.sysctls.routeLocalnet && !from.isLoopback) return { kind: "martian-source" };
  const found = lookUpRoute(host, key);
  if (found.kind === "none") return from.sysctls.forwarding ? { kind: "no-route" } : { kind: "not-forwarding" };
  if (found.kind !== "route")
    return from.sysctls.forwarding ? { kind: found.kind, by: found.by } : { kind: "not-forwarding" };
  const { route } = found;
  const hops = found.hops.map((each) => withoutOwnGateway(host, each));
  if (route.kind === "broadcast") {
    const wrong = checkSource(host, { ...key, destination: 0 as Ipv4 }, from, undefined);
    return wrong ?? { kind: "broadcast", hops, route, source: undefined };
  }
  if (route.kind === "local")
    return checkSource(host, key, from, undefined) ?? { kind: "local", hops, route, source: undefined };
  if (!from.sysctls.forwarding) return { kind: "not-forwarding" };
  return checkSource(host, key, from, hops[0]?.interface) ?? { kind: "forward", hops, route, source: undefined };
}

/** What speaks against the source of a packet that came in by `from` (Linux: fib_validate_source). */
function checkSource(
  host: RoutingTables,
  { source, destination }: RouteKey,
  from: Interface,
  outInterface: string | undefined,
): RoutingDecision | undefined {
  if (source === undefined) return undefined;
  const { reversePathFilter, acceptLocal, sendRedirects } = from.sysctls;
  const hasCustomRules = host.rules.some(({ priority }) => priority !== 0 && priority !== 32766 && priority !== 32767);
  if (reversePathFilter === 0 && (outInterface !== from.name || !sendRedirects)) {
    if (acceptLocal) return undefined;
    if (!hasCustomRules && !hasCustomLocalRoutes(host)) {
      const isOwn = host.interfaces.some(({ addresses }) => addresses.some(({ address }) => address === source));
      return isOwn ? { kind: "martian-source" } : undefined;
    }
  }
  // The way back is looked for as if answers came in by the interface that the packet goes out by, without its mark.
  const back = lookUpRoute(host, { destination: source, source: destination, mark: 0, inInterface: outInterface });
  if (back.kind !== "route") return reversePathFilter === 0 ? undefined : { kind: "reverse-path" };
  const { route, hops } = back;
  if (route.kind === "broadcast" || (route.kind === "local" && !acceptLocal)) return { kind: "martian-source" };
  if (hops.some((hop) => hop.interface === from.name)) return undefined;
  // Through an interface without an address Linux does not look whether there is any other way back.
  const isStrict = reversePathFilter === 1 || (reversePathFilter === 2 && !hasAddress(from, source));
  return isStrict ? { kind: "reverse-path" } : undefined;
}

function hasAddress({ addresses }: Interface, source: Address): boolean {
  return addresses.some(({ address }) => familyOf(address) === familyOf(source));
}

function hasCustomLocalRoutes({ tables }: RoutingTables): boolean {
  return Object.values(tables).some((routes) =>
    routes.some(({ kind, isAutomatic }) => kind === "local" && isAutomatic !== true),
  );
}

function isOwnAddress(host: RoutingTables, address: Address): boolean {
  if (host.interfaces.some(({ addresses }) => addresses.some((each) => each.address === address))) return true;
  const found = lookUpInLocal(host, address);
  return found?.kind === "route" && found.route.kind === "local";
}

const firstByte = (address: Address): number => (typeof address === "number" ? address >>> 24 : -1);
const isZero = (address: Address): boolean => address === 0;
const isMulticast = (address: Address): boolean => firstByte(address) >>> 4 === 14;
const isLimitedBroadcast = (address: Address): boolean => familyOf(address) === "IPv4" && address === 0xffffffff;

/** A gateway that is an address of the interface itself stands for the subnet of that (fib_check_nh). */
function withoutOwnGateway({ family, interfaces }: RoutingTables, hop: NextHop): NextHop {
  const { gateway, ...direct } = hop;
  if (family === "IPv6" || gateway === undefined || hop.isOnLink === true) return hop;
  const own = interfaces.find(({ name }) => name === hop.interface)?.addresses;
  return own?.some(({ address }) => address === gateway) ? direct : hop;
}
