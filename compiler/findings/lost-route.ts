/** A packet for which a host had no route. */
import type { Diagnostic, Fix } from "../diagnostics.ts";
import { type Address, familyOf, isLinkLocal, printAddress } from "../net/address.ts";
import { hostPrefix, type Prefix, prefixContains, printPrefix } from "../net/prefix.ts";
import type { Host } from "../network/network.ts";
import type { TableRoute } from "../network/types.ts";
import type { Hop, WalkEnd } from "../walk/types.ts";
import type { KnownNetwork, ServiceAddress } from "./known-network.ts";
import type { LostLeg } from "./lost-leg.ts";
import { findSetting, placed } from "./settings.ts";

type NoRoute = Extract<WalkEnd, { readonly kind: "no-route" }>;

export function lostRoute(known: KnownNetwork, lost: LostLeg, host: Host, end: NoRoute): Diagnostic {
  const refusal = end.refused ?? (lost.leg.hops.length === 0 ? known.refusalOf(host, end.destination) : undefined);
  if (refusal !== undefined) return refused(lost, host, end, refusal);
  const { destination } = end;
  const service = known.serviceOf(destination);
  if (service?.kind === "external" && known.nodeOf(host) === undefined) return unanswered(known, lost, host, service);
  const hidden = lost.isReply ? leftUntranslated(known, lost, host, destination) : undefined;
  if (hidden !== undefined) return hidden;
  const { isReply, what } = lost;
  const sender = isOnRouter(known, host) ? lastNode(known, lost) : undefined;
  const astray = sender?.route;
  const code = !isReply ? "no-route" : isOneSided(known, sender?.host ?? host, destination) ? ONE_SIDED : "reply-lost";
  if (sender !== undefined && known.isOfPod(destination)) {
    const message =
      `${sender.host.name} has no route to ${known.named(destination)}: ${what} goes by ${printPrefix(astray?.prefix ?? hostPrefix(destination))}` +
      ` to ${host.name}, which does not know pods, and is lost there`;
    const inferred = astray?.provenance?.inferred !== undefined;
    const origin = (inferred ? undefined : astray?.provenance?.origin) ?? sender.host.provenance.origin;
    return {
      ...{ severity: "error", code, message, host: sender.host.name },
      ...placed(origin, routeToPod(known, sender.host, destination)),
    };
  }
  const hint =
    service?.kind === "cluster" ? ": addresses of Services exist only on nodes, and in what passes through them" : "";
  const early = lost.leg.hops.length === 0 && service !== undefined ? ", and routing comes before rules" : "";
  const message = `${host.name} has no route to ${known.named(destination)}${early}: ${what} is lost${hint}`;
  const fix = known.isOfPod(destination)
    ? routeToPod(known, host, destination)
    : defaultRoute(known, host, destination);
  return {
    ...{ severity: "error", code, message, host: host.name },
    ...placed(host.provenance.origin, fix),
  };
}

const ONE_SIDED = "node-without-route";

/** A node has no route to a pod of another node, and that one has a route to the node's own pods. */
function isOneSided(known: KnownNetwork, { name, role }: Host, destination: Address): boolean {
  const owner = known.ownerOf(destination)?.host;
  const other = owner?.role.kind === "pod" ? known.nodeOf(owner) : undefined;
  if (role.kind !== "node" || other === undefined || other.name === name) return false;
  const blocks = (known.addresses.blocks.get(name) ?? []).filter(
    ({ address }) => familyOf(address) === familyOf(destination),
  );
  return blocks.some(({ address }) => known.hasRouteTo(other, address));
}

function refused(
  { what }: LostLeg,
  host: Host,
  end: NoRoute,
  { kind, by }: NonNullable<NoRoute["refused"]>,
): Diagnostic {
  const rule = "prefix" in by ? `the route ${kind} ${printPrefix(by.prefix)}` : `the policy rule ${by.priority}`;
  const how = kind === "blackhole" ? "in silence" : "with an ICMP error to its sender";
  const message = `${rule} of ${host.name} drops ${what} to ${printAddress(end.destination)} ${how}`;
  const command =
    "prefix" in by ? `ip route del ${kind} ${printPrefix(by.prefix)}` : `ip rule del priority ${by.priority}`;
  return {
    ...{ severity: "error", code: kind === "blackhole" ? "blackhole-route" : "no-route", message, host: host.name },
    ...placed(by.provenance?.origin ?? host.provenance.origin, { host: host.name, command }),
  };
}

/** An address of a Service that no node answers for, and to which no route leads. */
export function unanswered(known: KnownNetwork, lost: LostLeg, host: Host, named: ServiceAddress): Diagnostic {
  const { address, service, origin, isUnserved } = named;
  if (isUnserved) return noHealthyNode(lost, host, named);
  const { what } = lost;
  const text = printAddress(address);
  const message = `nobody answers for ${text}, an address of ${service}, where ${host.name} asks: ${what} is lost before it comes to a node`;
  const node = [...known.network.hosts.values()].find(({ role }) => role.kind === "node");
  const via = node && known.underlayAddress(node, familyOf(address));
  const command = via && `ip route add ${printPrefix(hostPrefix(address))} via ${printAddress(via)}`;
  return {
    ...{ severity: "error", code: "address-unanswered", message, host: host.name },
    ...placed(origin, command === undefined ? undefined : { host: host.name, command }),
  };
}

/** A load balancer that no health check of a node answers. */
export function noHealthyNode({ what }: LostLeg, host: Host, { address, service, origin }: ServiceAddress): Diagnostic {
  const message =
    `the load balancer of ${service} has no healthy node for ${printAddress(address)}: its externalTrafficPolicy is Local, ` +
    `and no node has a ready Pod of the Service; ${what} is lost`;
  return { ...{ severity: "error", code: "address-unanswered", message, host: host.name }, ...placed(origin) };
}

/** The request went out of the cluster with the pod's own address, and a router does not know the way back to that. */
function leftUntranslated(
  known: KnownNetwork,
  { branch }: LostLeg,
  host: Host,
  destination: Address,
): Diagnostic | undefined {
  const owner = known.ownerOf(destination)?.host;
  const node = owner?.role.kind === "pod" ? known.nodeOf(owner) : undefined;
  const wasThere = branch.there.hops.some((hop) => hop.host === host.name && hop.before.source === destination);
  if (node === undefined || owner === undefined || !wasThere) return undefined;
  const { origin } = findSetting(node, "pods.masquerade");
  const message =
    `${node.name} lets packets of ${owner.name} out with the pod's own source ${printAddress(destination)}: ` +
    `${host.name} does not know where pods are, and the answer is lost there`;
  const cidr = known.podCidrs.find((each) => prefixContains(each, destination)) ?? hostPrefix(destination);
  return {
    ...{ severity: "error", code: "source-not-translated", message, host: node.name },
    ...placed(origin, { host: node.name, command: masquerade(cidr, known.podCidrs) }),
  };
}

/** What stays among pods keeps its source. */
function masquerade(cidr: Prefix, podCidrs: readonly Prefix[]): string {
  const program = familyOf(cidr.address) === "IPv4" ? "iptables" : "ip6tables";
  const text = printPrefix(cidr);
  const others = podCidrs.filter((each) => each !== cidr && familyOf(each.address) === familyOf(cidr.address));
  const kept = others.map((each) => `${program} -t nat -A POSTROUTING -s ${text} -d ${printPrefix(each)} -j RETURN; `);
  return `${kept.join("")}${program} -t nat -A POSTROUTING -s ${text} ! -d ${text} -j MASQUERADE`;
}

function isOnRouter(known: KnownNetwork, host: Host): boolean {
  return known.nodeOf(host) === undefined;
}

/** The node that the packet passed last, and the route that it took there. */
function lastNode(
  known: KnownNetwork,
  { leg }: LostLeg,
): { readonly host: Host; readonly route: TableRoute | undefined } | undefined {
  const hop = leg.hops.findLast((each) => each.host.startsWith("node/"));
  const host = hop && known.host(hop.host);
  return host && { host, route: routeOf(hop) };
}

export function routeOf({ steps }: Hop): TableRoute | undefined {
  const step = steps.findLast((each) => each.kind === "routed");
  return step?.kind === "routed" ? step.route : undefined;
}

/** By the node of the pod, or by its wire. In the place of `wrong`, where that is more specific than the block of the node's pods. */
export function routeToPod(known: KnownNetwork, host: Host, destination: Address, wrong?: TableRoute): Fix | undefined {
  const owner = known.ownerOf(destination);
  const node = owner && known.nodeOf(owner.host);
  if (node === undefined || owner === undefined) return undefined;
  const block = blockOf(known, node, destination);
  const prefix = wrong !== undefined && wrong.prefix.length > block.length ? wrong.prefix : block;
  if (node.name !== host.name) {
    const via = known.underlayAddress(node, familyOf(destination));
    if (via === undefined) return undefined;
    return { host: host.name, command: `ip route replace ${printPrefix(prefix)} via ${printAddress(via)}` };
  }
  const wire = known.peerOf(owner.host.name, owner.interface.name);
  const port = host.interfaces.find(({ name }) => wire?.host === host.name && name === wire.interface);
  if (port === undefined) return undefined;
  const bridge = port.port?.bridge;
  const target = bridge === undefined ? hostPrefix(destination) : prefix;
  return { host: host.name, command: `ip route replace ${printPrefix(target)} dev ${bridge ?? port.name}` };
}

/** The block of the node's pods that has the address. */
function blockOf({ addresses }: KnownNetwork, node: Host, destination: Address): Prefix {
  const blocks = addresses.blocks.get(node.name) ?? [];
  return blocks.find((block) => prefixContains(block, destination)) ?? hostPrefix(destination);
}

/** As other hosts of its kind have one. */
export function defaultRoute(known: KnownNetwork, host: Host, destination: Address): Fix | undefined {
  const family = familyOf(destination);
  const others = [...known.network.hosts.values()].filter((each) => each !== host && isLike(each, host));
  const gateway = others
    .flatMap(({ routing }) => routing[family].tables["main"] ?? [])
    .find(({ prefix, kind }) => prefix.length === 0 && kind === "unicast")?.hops[0]?.gateway;
  if (gateway === undefined) return undefined;
  // A link-local address is on each of the host's wires.
  const out = isLinkLocal(gateway) ? ` dev ${host.interfaces.find(({ kind }) => kind === "ethernet")?.name}` : "";
  return { host: host.name, command: `ip route add default via ${printAddress(gateway)}${out}` };
}

/** Another node, or a pod of the same node. */
function isLike({ role }: Host, { role: own }: Host): boolean {
  return role.kind === "pod" && own.kind === "pod" ? role.node === own.node : role.kind === own.kind;
}
