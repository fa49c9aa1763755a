/** Why a packet, or its answer, was lost: a finding for each way in which a leg ends early. */
import type { Diagnostic } from "../diagnostics.ts";
import type { Tuple } from "../evaluate/connection.ts";
import type { PathStep } from "../evaluate/packet.ts";
import { unreachable } from "../invariant.ts";
import type { Hook } from "../ir/types.ts";
import { familyOf, isLoopback, printAddress } from "../net/address.ts";
import { printPrefix } from "../net/prefix.ts";
import type { Host } from "../network/network.ts";
import { interfaceSetting } from "../network/setting-names.ts";
import type { Leg, WalkEnd } from "../walk/types.ts";
import type { KnownNetwork } from "./known-network.ts";
import { droppedByLocalPolicy } from "./local-policy.ts";
import { lostDiscovery } from "./lost-discovery.ts";
import type { LostLeg } from "./lost-leg.ts";
import { lostAtNeighbour, lostInTunnel, lostOnBridge, lostOnLink, wrongRoute } from "./lost-neighbour.ts";
import { lostRoute, noHealthyNode } from "./lost-route.ts";
import { missedService } from "./missed-service.ts";
import { acceptForwarded, isFilterChain, nftFix, ruleName, ruleOrigin } from "./rule-fixes.ts";
import { forwardingOf, ipv4SettingOf, placed, sysctl } from "./settings.ts";
import { strangerFinding } from "./stranger.ts";
import { tooLarge } from "./too-large.ts";

/** The finding about a leg that was lost; undefined: it was not lost by a fault, or rules of the manifests say so. */
export function lostFinding(known: KnownNetwork, lost: LostLeg): Diagnostic | undefined {
  const { end } = lost.leg;
  const host = known.host(end.host);
  return host && (missedService(known, lost, host) ?? findingOf(known, lost, host, end));
}

function findingOf(known: KnownNetwork, lost: LostLeg, host: Host, end: WalkEnd): Diagnostic | undefined {
  switch (end.kind) {
    case "delivered":
      return undefined;
    case "undecided":
      return undecided(lost, host, end);
    case "dropped":
    case "rejected":
      return droppedByLocalPolicy(known, lost, host) ?? rulesDrop(lost, host, end, known);
    case "no-route":
      return lostRoute(known, lost, host, end);
    case "not-forwarding":
      return notForwarding(lost, host, end);
    case "reverse-path":
      return reversePath(known, lost, host, end);
    case "martian-source":
    case "martian-destination":
    case "not-own-source":
      return martian(lost, host, end);
    case "broadcast":
      return undefined;
    case "no-neighbour":
      return end.discovery === undefined
        ? lostAtNeighbour(known, lost, host, end)
        : lostDiscovery(known, lost, end, end.discovery);
    case "bridge-drops":
      return lostOnBridge(lost, host, end);
    case "no-link":
      return lostOnLink(lost, host, end.interface);
    case "no-source":
      return undefined;
    case "no-tunnel-end":
      return lostInTunnel(known, lost, host, end);
    case "too-large":
      return tooLarge(lost, host, end);
    case "loop":
      return loop(lost, host, end);
    case "no-target": {
      const service = known.serviceOf(end.tuple.destination);
      return service?.isUnserved === true ? noHealthyNode(lost, host, service) : undefined;
    }
    case "stranger":
      return strangerFinding(known, lost, end);
    default:
      return unreachable(end);
  }
}

type Undecided = Extract<WalkEnd, { readonly kind: "undecided" }>;

function undecided({ what, leg }: LostLeg, host: Host, { hook, by }: Undecided): Diagnostic {
  const why =
    by === undefined
      ? `too many rules of ${host.name} in ${hook} match by what kpc does not understand`
      : `kpc does not understand ${JSON.stringify(by)}, a rule of ${host.name} in ${hook}`;
  const message = `${why}: what becomes of ${what} is not known`;
  const step = leg.hops.at(-1)?.steps.findLast((each) => each.kind === "rules");
  const last = by === undefined || step?.kind !== "rules" ? undefined : step.path.at(-1);
  const origin = (last?.kind === "rule" ? last.rule.origin : undefined) ?? host.provenance.origin;
  return { severity: "warning", code: "undecided-rules", message, host: host.name, ...placed(origin) };
}

type AtInterface = Extract<WalkEnd, { readonly tuple: Tuple; readonly interface: string | undefined }>;

function notForwarding({ what }: LostLeg, host: Host, { interface: name, tuple }: AtInterface): Diagnostic {
  const setting = forwardingOf(host, name, familyOf(tuple.destination));
  const message =
    `${host.name} does not forward: ${what} to ${printAddress(tuple.destination)} is lost where it came in, at ${name}` +
    ` (${setting.name} is 0)`;
  return {
    ...{ severity: "error", code: "forwarding-off", message, host: host.name },
    ...placed(setting.origin, sysctl(host.name, setting.name, 1)),
  };
}

function reversePath(
  known: KnownNetwork,
  { what }: LostLeg,
  host: Host,
  { interface: name, tuple }: AtInterface,
): Diagnostic {
  const source = printAddress(tuple.source);
  const message = `${host.name} drops ${what}: it came in at ${name}, and ${host.name} has no route back to ${source} by that interface (rp_filter)`;
  // Without the filter the answer would be lost: the route is to blame.
  if (!known.isReached(host, tuple.source)) {
    const { origin, fix } = wrongRoute(known, host, tuple.source, known.routeTo(host, tuple.source));
    if (fix !== undefined)
      return {
        ...{ severity: "error", code: "reverse-path-filter", host: host.name },
        ...{ message: `${message}; by the route that it has it does not reach ${source} either` },
        ...placed(origin, fix),
      };
  }
  const filter = host.interfaces.find((each) => each.name === name)?.sysctls.IPv4.reversePathFilter;
  const setting = ipv4SettingOf(host, name, "rp_filter", filter);
  // The larger value of `all` and of the interface counts: 2 is loose, and wins over 1.
  const own = name === undefined ? "" : ` ${interfaceSetting("ipv4", name, "rp_filter")}=0`;
  const fix =
    filter === 2
      ? { host: host.name, command: `sysctl -w net.ipv4.conf.all.rp_filter=0${own}` }
      : sysctl(host.name, setting.name, 2);
  return {
    ...{ severity: "error", code: "reverse-path-filter", message, host: host.name },
    ...placed(setting.origin, fix),
  };
}

function martian({ what }: LostLeg, host: Host, end: AtInterface): Diagnostic {
  const { source, destination } = end.tuple;
  if (isLoopback(source) || isLoopback(destination)) {
    const setting = ipv4SettingOf(host, end.interface, "route_localnet");
    const address = printAddress(isLoopback(source) ? source : destination);
    const message = `${host.name} drops ${what}: packets from or to ${address} do not pass other interfaces than lo (route_localnet is 0)`;
    return {
      ...{ severity: "error", code: "localnet-off", message, host: host.name },
      ...placed(setting.origin, sysctl(host.name, setting.name, 1)),
    };
  }
  const own = host.interfaces.find(({ addresses }) => addresses.some(({ address }) => address === source));
  const text = printAddress(source);
  if (own === undefined || end.kind === "not-own-source") {
    const message = `${host.name} drops ${what}: nobody may send from ${text} there`;
    return {
      ...{ severity: "error", code: "martian-source", message, host: host.name },
      ...placed(host.provenance.origin),
    };
  }
  const message = `${host.name} drops ${what}: it comes from ${text}, which ${host.name} has itself, at ${own.name}`;
  return {
    ...{ severity: "error", code: "martian-source", message, host: host.name },
    ...placed(own.provenance.origin ?? host.provenance.origin, {
      host: host.name,
      command: `ip address del ${text} dev ${own.name}`,
    }),
  };
}

/** The table of kpc's own rules, which drop what manifests say. */
const OWN_TABLE = "kpc";

type Refused = Extract<WalkEnd, { readonly by: PathStep | undefined; readonly hook: Hook }>;

function rulesDrop(
  { what, leg }: LostLeg,
  host: Host,
  { by, hook }: Refused,
  known: KnownNetwork,
): Diagnostic | undefined {
  if (by === undefined || by.table === OWN_TABLE) return undefined;
  if (hook !== "forward") {
    const message = `${host.name} drops ${what} in ${hook}: ${ruleName(by)} does not let it through`;
    return {
      ...{ severity: "error", code: "rules-drop", message, host: host.name },
      ...placed(ruleOrigin(by) ?? host.provenance.origin, { host: host.name, command: nftFix(by) }),
    };
  }
  const { source, destination } = leg.hops.at(-1)?.after ?? {};
  const from = source === undefined ? "" : ` from ${printAddress(source)} to ${printAddress(destination ?? source)}`;
  const message = `${host.name} drops ${what}${from} where it forwards: ${ruleName(by)} does not let it through`;
  const cidrs = known.podCidrs.filter(({ address }) => familyOf(address) === familyOf(source ?? address));
  const command = isFilterChain(by) ? acceptForwarded(by, cidrs.map(printPrefix)) : nftFix(by);
  return {
    ...{ severity: "error", code: "forward-drops", message, host: host.name },
    ...placed(ruleOrigin(by) ?? host.provenance.origin, { host: host.name, command }),
  };
}

type Circle = Extract<WalkEnd, { readonly kind: "loop" }>;

function loop({ what, leg }: LostLeg, host: Host, end: Circle): Diagnostic {
  const circle = circleOf(leg, end);
  const names = [...new Set(circle.map((hop) => hop.host))];
  const routed = circle.flatMap(({ host: at, steps }) =>
    steps.flatMap((step) => (step.kind === "routed" ? [{ at, route: step.route }] : [])),
  );
  // The route that somebody has written, rather than one that follows from the cluster.
  const said = routed.findLast(({ route }) => route.provenance?.inferred === undefined) ?? routed.at(-1);
  const message = `${what} goes round in a circle between ${names.join(" and ")} until its time to live is up`;
  const fix = said && { host: said.at, command: `ip route del ${printPrefix(said.route.prefix)}` };
  return {
    ...{ severity: "error", code: "loop", message, host: said?.at ?? host.name },
    ...placed(said?.route.provenance?.origin ?? host.provenance.origin, fix),
  };
}

/** The hops since the packet came to the host by that interface before. */
function circleOf({ hops }: Leg, { host, interface: name }: Circle): Leg["hops"] {
  const before = hops.findLastIndex((hop, i) => hop.host === host && hop.inInterface === name && i < hops.length - 1);
  return before < 0 ? hops : hops.slice(before);
}
