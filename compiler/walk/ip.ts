/** What a host does with a packet at the IP layer: sends it, takes it, sends it on. */
import { unreachable } from "../invariant.ts";
import { type Address, familyOf, type Ipv6 } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import { type RoutingDecision, routePacket } from "../network/route.ts";
import { selectSource } from "../network/source-address.ts";
import { selectSource6 } from "../network/source-address6.ts";
import type { NextHop, TableRoute } from "../network/types.ts";
import { arrive, chosen, type Journey, record, type WalkEvent } from "./journey.ts";
import { type AtHook, confirmed, isRoutedAgain, type OnHost, type RulesOfHosts, withRoute } from "./on-host.ts";
import { mayBeCut, tooLarge } from "./transmit.ts";
import type { WalkEnd } from "./types.ts";

/** A way on that the host's routing has found. */
interface Way {
  readonly on: OnHost;
  readonly isLocal: boolean;
  readonly outInterface: string;
  readonly nextHop: Address;
  readonly route: TableRoute;
}

/** A host sends the packet of `journey`. */
export function send(rules: RulesOfHosts, host: Host, journey: Journey): WalkEvent[] {
  const on = rules.start(host, arrive(journey, host.name, undefined), undefined);
  return goOn(findWays(on, undefined, 0), (way) =>
    through(rules, "output", way.on, (after) => {
      const query = isRoutedAgain(after);
      const ways: Found[] =
        query === undefined ? [{ way: { ...way, on: after } }] : findWays(after, undefined, query.mark ?? 0);
      return goOn(ways, (final) =>
        through(rules, "postrouting", final.on, (sent) => depart(rules, { ...final, on: sent })),
      );
    }),
  );
}

/** A packet that a host has sent and translated: out, or back by the loopback interface. */
function depart(rules: RulesOfHosts, { on, isLocal, outInterface, nextHop, route }: Way): WalkEvent[] {
  const journey = confirmed(on);
  if (!isLocal) return [{ kind: "out", host: on.host.name, outInterface, nextHop, route, journey }];
  const back: OnHost = { ...on, journey, passage: on.passage?.loopBack() };
  return through(rules, "prerouting", back, (in_) => through(rules, "input", in_, deliver));
}

/** A packet has come in at `inInterface`. `on` is what prerouting has made of it, where a bridge has entered that. */
export function receive(rules: RulesOfHosts, on: OnHost, inInterface: string, isPreroutingDone: boolean): WalkEvent[] {
  const routeOn = (each: OnHost): WalkEvent[] =>
    goOn(findWays(each, inInterface, each.passage?.mark ?? 0), (way) => {
      if (way.isLocal) return through(rules, "input", way.on, deliver);
      const { journey } = way.on;
      if (journey.ttl <= 1) return ends(journey, { kind: "loop", host: on.host.name, interface: inInterface });
      const forwarded: OnHost = { ...way.on, journey: { ...journey, ttl: journey.ttl - 1 } };
      if (!isForwarding(on.host, inInterface, journey))
        return ends(journey, {
          kind: "not-forwarding",
          host: on.host.name,
          interface: inInterface,
          tuple: journey.tuple,
        });
      // Behind that the forward hook does not see it (ip_forward, ip6_forward).
      const narrow = tooLargeFor(way);
      if (narrow !== undefined) return ends(confirmed(way.on), narrow);
      return through(rules, "forward", forwarded, (next) =>
        through(rules, "postrouting", next, (sent) => depart(rules, { ...way, on: sent })),
      );
    });
  return isPreroutingDone ? routeOn(on) : through(rules, "prerouting", on, routeOn);
}

/** The end of a packet to be sent on that does not fit; undefined: it does, or may be cut into fragments. */
function tooLargeFor({ on: { host, journey }, outInterface, route }: Way): WalkEnd | undefined {
  const own = host.interfaces.find(({ name }) => name === outInterface);
  if (own === undefined || journey.bytes <= (route.mtu ?? own.mtu) || mayBeCut(journey)) return undefined;
  return tooLarge(host, own, journey, route);
}

/** IPv6 says only behind the routing decision whether it forwards. */
function isForwarding(host: Host, inInterface: string, { tuple }: Journey): boolean {
  const from = host.interfaces.find(({ name }) => name === inInterface);
  return from?.sysctls[familyOf(tuple.destination)].forwarding === true;
}

function deliver(on: OnHost): WalkEvent[] {
  const journey = confirmed(on);
  const forwardedFor = journey.isAnswer ? undefined : journey.proxied.at(-1)?.forwardedFor;
  const told = forwardedFor === undefined ? {} : { forwardedFor };
  return ends(journey, { kind: "delivered", host: on.host.name, tuple: journey.tuple, ...told });
}

/** What is behind `hook`, for each of the things that can become of the packet there. */
export function through(
  rules: RulesOfHosts,
  hook: Parameters<RulesOfHosts["enter"]>[0],
  on: OnHost,
  next: (after: OnHost) => WalkEvent[],
): WalkEvent[] {
  return rules.enter(hook, on).flatMap((each: AtHook) => (each.ended === undefined ? next(each.on) : [each.ended]));
}

type Found = { readonly way: Way; readonly ended?: undefined } | { readonly ended: WalkEvent };

function goOn(found: readonly Found[], next: (way: Way) => WalkEvent[]): WalkEvent[] {
  return found.flatMap((each) => (each.ended === undefined ? next(each.way) : [each.ended]));
}

/** Where the host's tables lead the packet: one of several by chance, where hops are equal. */
function findWays(on: OnHost, inInterface: string | undefined, mark: number): Found[] {
  const { journey, host } = on;
  const { source, destination } = journey.tuple;
  const key = { destination, source, mark, inInterface, ...(journey.isForged ? { isForged: true as const } : {}) };
  const decision = routePacket(host.routing[familyOf(destination)], key);
  switch (decision.kind) {
    case "local":
    case "forward":
      return waysOf(on, decision);
    case "broadcast":
    case "not-forwarding":
    case "reverse-path":
    case "martian-source":
    case "martian-destination":
    case "not-own-source": {
      const end = { kind: decision.kind, host: host.name, interface: inInterface, tuple: journey.tuple } as const;
      return [{ ended: { kind: "end", end, journey } }];
    }
    case "no-route":
      return [
        { ended: { kind: "end", end: { kind: "no-route", host: host.name, destination }, journey: confirmed(on) } },
      ];
    case "blackhole":
    case "unreachable":
    case "prohibit": {
      const { kind, by } = decision;
      return [
        {
          ended: {
            kind: "end",
            end: { kind: "no-route", host: host.name, destination, refused: { kind, by } },
            journey: confirmed(on),
          },
        },
      ];
    }
    default:
      return unreachable(decision);
  }
}

type Positive = Extract<RoutingDecision, { readonly hops: readonly NextHop[] }>;

function waysOf(on: OnHost, { kind, hops, route }: Positive): Found[] {
  const isLocal = kind === "local";
  const total = hops.reduce((sum, { weight }) => sum + weight, 0);
  return (isLocal ? hops.slice(0, 1) : hops).map((hop) => {
    const outInterface = isLocal ? "lo" : hop.interface;
    const nextHop = hop.gateway ?? on.journey.tuple.destination;
    const masqueradeSource = masqueradeSourceOf(on.host, outInterface, nextHop, on.journey.tuple.destination);
    const journey = record(chosen(on.journey, isLocal ? 1 : hop.weight / total), routedStep(route, hop));
    const routed = withRoute(
      { ...on, journey },
      isLocal ? { kind: "local", masqueradeSource } : { kind: "forward", interface: outInterface, masqueradeSource },
    );
    return { way: { on: routed, isLocal, outInterface, nextHop, route } };
  });
}

function routedStep(route: TableRoute, hop: NextHop): Parameters<typeof record>[1] {
  return { kind: "routed", route, hop };
}

/** The source that masquerading gives to packets to `nextHop` (nf_nat_masquerade_ipv4, nf_nat_masquerade_ipv6). */
export function masqueradeSourceOf(
  host: Host,
  outInterface: string,
  nextHop: Address,
  destination: Address,
): Address | undefined {
  const { interfaces } = host.routing[familyOf(destination)];
  return familyOf(destination) === "IPv4"
    ? selectSource(interfaces, outInterface, nextHop, "global")
    : selectSource6(interfaces, outInterface, destination as Ipv6);
}

/** The source that the host gives a packet of its own to `destination`; undefined: it has no route there, or no address. */
export function ownSource(host: Host, destination: Address): Address | undefined {
  const key = { destination, source: undefined, mark: 0, inInterface: undefined };
  const decision = routePacket(host.routing[familyOf(destination)], key);
  return "hops" in decision ? decision.source : undefined;
}

function ends(journey: Journey, end: Extract<WalkEvent, { readonly kind: "end" }>["end"]): WalkEvent[] {
  return [{ kind: "end", end, journey }];
}
