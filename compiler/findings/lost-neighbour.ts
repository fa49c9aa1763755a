/** A packet that found nobody behind an interface: no answer for the next hop, a port that lets nothing out, a wire that leads nowhere. */
import type { Diagnostic, DiagnosticCode, Fix, Origin } from "../diagnostics.ts";
import { type Address, isLinkLocal, printAddress } from "../net/address.ts";
import { printPrefix } from "../net/prefix.ts";
import type { Host, HostInterface, InterfaceRef } from "../network/network.ts";
import { lookUpRoute } from "../network/route-lookup.ts";
import { interfaceSetting } from "../network/setting-names.ts";
import type { TableRoute } from "../network/types.ts";
import type { WalkEnd } from "../walk/types.ts";
import type { KnownNetwork } from "./known-network.ts";
import type { LostLeg } from "./lost-leg.ts";
import { defaultRoute, routeOf, routeToPod, unanswered } from "./lost-route.ts";
import { findSetting, forwardingOf, placed, sysctl } from "./settings.ts";

type NoNeighbour = Extract<WalkEnd, { readonly kind: "no-neighbour" }>;

export function lostAtNeighbour(known: KnownNetwork, lost: LostLeg, host: Host, end: NoNeighbour): Diagnostic {
  const { address, interface: name } = end;
  const service = known.serviceOf(address);
  const gateway = host.role.kind === "outside" ? known.gatewayBeside(host, name) : undefined;
  if (gateway !== undefined && known.hasRouteTo(gateway.host, address) && !gateway.interface.proxyArp)
    return doesNotAnswer(known, lost, host, end, { host: gateway.host.name, interface: gateway.interface.name });
  if (service?.kind === "external" && known.ownerOf(address) === undefined)
    return unanswered(known, lost, gateway?.host ?? host, service);
  const where = `nobody answers for ${known.named(address)} at ${name} of ${host.name}`;
  const cause = causeOf(known, lost, host, end);
  const message = `${where}${cause.why === undefined ? "" : `: ${cause.why}`}; ${lost.what} is lost`;
  return {
    ...{ severity: "error", code: cause.code ?? "no-neighbour", message, host: cause.host },
    ...placed(cause.origin, cause.fix),
  };
}

/** A router that has a route to the address does not say so. */
function doesNotAnswer(
  known: KnownNetwork,
  { what }: LostLeg,
  { name: asker }: Host,
  { address, interface: name }: NoNeighbour,
  router: InterfaceRef,
): Diagnostic {
  const setting = interfaceSetting("ipv4", router.interface, "proxy_arp");
  const message =
    `nobody answers for ${known.named(address)} at ${name} of ${asker}: ${router.host} has a route to it, and does not answer for others` +
    ` there (${setting} is 0); ${what} is lost`;
  const origin = known.host(router.host)?.provenance.origin;
  return {
    ...{ severity: "error", code: "no-neighbour", message, host: router.host },
    ...placed(origin, sysctl(router.host, setting, 1)),
  };
}

export interface LossCause {
  readonly code?: DiagnosticCode;
  readonly why: string | undefined;
  readonly host: string;
  readonly origin: Origin | undefined;
  readonly fix: Fix | undefined;
}

function causeOf(known: KnownNetwork, lost: LostLeg, host: Host, { interface: name, address }: NoNeighbour): LossCause {
  const peer = known.peerOf(host.name, name);
  const node = peer && known.host(peer.host);
  const owner = known.ownerOf(address);
  const wire = owner && known.peerOf(owner.host.name, owner.interface.name);
  // A pod asks its node, or another pod on the same bridge.
  if (host.role.kind === "pod" && node !== undefined && node.role.kind === "node" && peer !== undefined) {
    const own = node.interfaces.find((each) => each.name === peer.interface);
    const far = wire?.host === node.name ? node.interfaces.find((each) => each.name === wire.interface) : undefined;
    const ports = [own, far].flatMap((port) => port ?? []);
    const bridge = node.interfaces.find(({ kind }) => kind === "bridge");
    const cause =
      causeAtPorts(node, bridge, ports) ?? (own === undefined ? undefined : causeAtWire(known, node, own, address));
    if (cause !== undefined) return cause;
  }
  if (owner !== undefined && wire?.host === host.name) {
    const port = host.interfaces.find((each) => each.name === wire.interface);
    const bridge = host.interfaces.find((each) => each.name === name && each.kind === "bridge");
    const cause = port && causeAtPorts(host, bridge, [port]);
    if (cause !== undefined) return cause;
  }
  if (owner !== undefined && !owner.interface.isUp) return isDown(owner.host, owner.interface.name);
  const hop = lost.leg.hops.at(-1);
  const destination = hop?.after.destination ?? address;
  // A bridge that passes a packet on as its rules have translated it has looked for a route, too.
  const route = (hop && routeOf(hop)) ?? known.routeTo(host, destination);
  return wrongRoute(known, host, destination, route);
}

/** The route is not the one by which the host reaches `destination`. */
export function wrongRoute(
  known: KnownNetwork,
  host: Host,
  destination: Address,
  route: TableRoute | undefined,
): LossCause {
  const origin = route?.provenance?.origin ?? host.provenance.origin;
  const [hop] = route?.hops ?? [];
  const right = known.ownerOf(destination) === undefined ? undefined : routeToPod(known, host, destination, route);
  const isConnected = route?.isAutomatic === true;
  if (route === undefined || hop === undefined || (hop.gateway === undefined && right === undefined) || isConnected)
    return { why: undefined, host: host.name, origin, fix: isConnected ? right : undefined };
  const via = hop.gateway === undefined ? `dev ${hop.interface}` : `via ${printAddress(hop.gateway)}`;
  return {
    why: `the route to ${printPrefix(route.prefix)} leads there`,
    host: host.name,
    origin,
    fix: right ?? { host: host.name, command: `ip route del ${printPrefix(route.prefix)} ${via}` },
  };
}

/** What keeps ports of one bridge from each other; `bridge` undefined: the wires lead to the host itself. */
function causeAtPorts(
  host: Host,
  bridge: HostInterface | undefined,
  ports: readonly HostInterface[],
): LossCause | undefined {
  const down = ports.find(({ isUp }) => !isUp);
  if (down !== undefined) return isDown(host, down.name);
  if (bridge === undefined) return undefined;
  const outside = ports.find(({ port }) => port?.bridge !== bridge.name);
  if (outside !== undefined) return outOfBridge(host, outside.name, bridge.name);
  const blocked = ports.find(({ port }) => port?.isForwarding === false);
  if (blocked !== undefined)
    return {
      ...{ why: `the port ${blocked.name} of the bridge ${bridge.name} is blocked`, host: host.name },
      origin: blocked.port?.provenance?.origin ?? blocked.provenance.origin,
      fix: { host: host.name, command: `bridge link set dev ${blocked.name} state 3` },
    };
  const [first, second] = ports;
  if (first?.port?.isolated !== true || second?.port?.isolated !== true) return undefined;
  return {
    ...{ why: `the ports ${first.name} and ${second.name} of the bridge ${bridge.name} are isolated`, host: host.name },
    origin: second.port.provenance?.origin ?? second.provenance.origin,
    fix: { host: host.name, command: `bridge link set dev ${second.name} isolated off` },
  };
}

/** Why a node does not answer for the gateway of a pod on `own`, the wire of that. */
function causeAtWire(known: KnownNetwork, node: Host, own: HostInterface, address: Address): LossCause | undefined {
  if (own.port !== undefined) return undefined;
  if (typeof address === "bigint") {
    if (own.addresses.some((each) => each.address === address)) return undefined;
    const text = printAddress(address);
    return {
      why: `${node.name} does not have the address on ${own.name}`,
      host: node.name,
      origin: own.provenance.origin ?? node.provenance.origin,
      fix: { host: node.name, command: `ip address add ${text}/${isLinkLocal(address) ? 64 : 128} dev ${own.name}` },
    };
  }
  if (!own.proxyArp) {
    const setting = interfaceSetting("ipv4", own.name, "proxy_arp");
    return {
      why: `${node.name} does not answer for others there (${setting} is 0)`,
      host: node.name,
      origin: findSetting(node, setting).origin,
      fix: { host: node.name, command: `sysctl -w ${setting}=1` },
    };
  }
  // A host that does not forward answers for nobody else (arp_process).
  if (own.sysctls.IPv4.forwarding) return leadsElsewhere(known, node, own, address);
  const setting = forwardingOf(node, own.name, "IPv4");
  return {
    ...{ code: "forwarding-off", host: node.name, origin: setting.origin },
    why: `${node.name} does not forward, and so does not answer for others (${setting.name} is 0)`,
    fix: sysctl(node.name, setting.name, 1),
  };
}

/** A host answers for what it has a route to by another interface. */
function leadsElsewhere(known: KnownNetwork, node: Host, own: HostInterface, address: Address): LossCause | undefined {
  const key = { destination: address, source: undefined, mark: 0, inInterface: own.name };
  const found = lookUpRoute(node.routing.IPv4, key);
  if (found.kind === "route" && found.hops[0]?.interface !== own.name) return undefined;
  return {
    code: "no-route",
    why: `${node.name} has no route to ${printAddress(address)} by another interface, and so does not answer for it`,
    host: node.name,
    origin: node.provenance.origin,
    fix: defaultRoute(known, node, address),
  };
}

function isDown(host: Host, name: string): LossCause {
  const { provenance } = host.interfaces.find((each) => each.name === name) ?? host;
  return {
    ...{ why: `${name} of ${host.name} is down`, host: host.name },
    origin: provenance.origin ?? host.provenance.origin,
    fix: { host: host.name, command: `ip link set ${name} up` },
  };
}

function outOfBridge(host: Host, port: string, bridge: string): LossCause {
  const { provenance } = host.interfaces.find((each) => each.name === port) ?? host;
  return {
    ...{ why: `${port} is not a port of the bridge ${bridge}`, host: host.name },
    origin: provenance.origin ?? host.provenance.origin,
    fix: { host: host.name, command: `ip link set ${port} master ${bridge}` },
  };
}

type BridgeDrops = Extract<WalkEnd, { readonly kind: "bridge-drops" }>;

export function lostOnBridge({ what }: LostLeg, host: Host, { bridge, port, why }: BridgeDrops): Diagnostic {
  const own = host.interfaces.find((each) => each.name === port);
  const origin = own?.provenance.origin ?? host.provenance.origin;
  switch (why) {
    case "hairpin-off": {
      const message = `${what} would have to leave the bridge ${bridge} of ${host.name} by ${port}, where it came in: hairpin is off there, and it is lost`;
      const said = host.settings["pods.hairpin"]?.origin;
      return {
        ...{ severity: "error", code: "hairpin-off", message, host: host.name },
        ...placed(said ?? origin, { host: host.name, command: `bridge link set dev ${port} hairpin on` }),
      };
    }
    case "isolated":
    case "blocked": {
      const state = why === "isolated" ? "isolated on off" : "state 3";
      const message = `the bridge ${bridge} of ${host.name} does not pass ${what} on from ${port}: the port is ${why}`;
      const option = why === "isolated" ? "isolated off" : state;
      return {
        ...{ severity: "error", code: "no-neighbour", message, host: host.name },
        ...placed(origin, { host: host.name, command: `bridge link set dev ${port} ${option}` }),
      };
    }
  }
}

export function lostOnLink({ what }: LostLeg, host: Host, name: string): Diagnostic {
  const own = host.interfaces.find((each) => each.name === name);
  const state = own?.isUp === false ? "is down" : "leads nowhere";
  const message = `${name} of ${host.name} ${state}: ${what} is lost there`;
  return {
    ...{ severity: "error", code: "no-neighbour", message, host: host.name },
    ...placed(own?.provenance.origin ?? host.provenance.origin, { host: host.name, command: `ip link set ${name} up` }),
  };
}

type NoTunnelEnd = Extract<WalkEnd, { readonly kind: "no-tunnel-end" }>;

export function lostInTunnel(
  known: KnownNetwork,
  { what }: LostLeg,
  host: Host,
  { interface: name, address }: NoTunnelEnd,
): Diagnostic {
  const own = host.interfaces.find((each) => each.name === name);
  const message = `the tunnel ${name} of ${host.name} has no other end for ${known.named(address)}: ${what} is lost there`;
  return {
    ...{ severity: "error", code: "no-neighbour", message, host: host.name },
    ...placed(own?.provenance.origin ?? host.provenance.origin, tunnelFix(known, host, name, address)),
  };
}

function tunnelFix(known: KnownNetwork, host: Host, name: string, address: Address): Fix | undefined {
  const owner = known.ownerOf(address)?.host;
  const outer = owner && known.underlayAddress(owner, "IPv4");
  if (outer === undefined) return undefined;
  const remote = printAddress(outer);
  return { host: host.name, command: `bridge fdb append 00:00:00:00:00:00 dev ${name} dst ${remote}` };
}
