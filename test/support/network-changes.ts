/** What may be different on one host of a network, for laws that compare hosts. */
import type { Described } from "../../compiler/described.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { addressBits, type Family, familyOf } from "../../compiler/net/address.ts";
import { hostPrefix } from "../../compiler/net/prefix.ts";
import type { Host, HostInterface, Network } from "../../compiler/network/network.ts";
import type { RoutingTables, TableRoute } from "../../compiler/network/types.ts";
import { PacketWalker } from "../../compiler/walk/walk.ts";
import { addressOf } from "./walks.ts";

/** Changes the host, which is a node or a pod; `others`: all hosts of its kind. */
type HostChange = (host: Host, others: readonly Host[]) => Host;

/** By what is different: of a node, and of a pod or its end on the node. */
export const NODE_CHANGES: Readonly<Record<string, HostChange>> = {
  "does not forward": interfaces(
    () => true,
    (each) => withSysctl(each, { forwarding: false }),
  ),
  "checks the reverse path": interfaces(
    ({ name }) => name === "eth0",
    (each) => withSysctl(each, { reversePathFilter: 1 }),
  ),
  "hides bridged packets from rules": (host) => ({ ...host, bridgeNetfilter: { IPv4: false, IPv6: false } }),
  "lacks the first route to other pods": routes((all) => without(all, all.findIndex(leadsToPods))),
  "refuses one block": routes((all, family) =>
    all.map((route) =>
      leadsToPods(route) && family === "IPv4" ? { ...route, kind: "blackhole" as const, hops: [] } : route,
    ),
  ),
  "has two next hops": (host, others) =>
    routes((all) =>
      all.map((route) => {
        const [hop] = route.hops;
        const gateway = globalOf(
          others.find(({ name }) => name !== host.name),
          hop?.gateway,
        );
        return !leadsToPods(route) || hop === undefined || gateway === undefined
          ? route
          : { ...route, hops: [hop, { ...hop, gateway, weight: 2 }] };
      }),
    )(host, others),
  "answers for others": interfaces(
    ({ name }) => name === "eth0",
    (each) => ({ ...each, proxyArp: true }),
  ),
  "has a policy rule": (host, others) =>
    withRule(
      host,
      globalOf(
        others.find(({ name }) => name !== host.name),
        0 as never,
      ),
    ),
  "has another address": interfaces(
    ({ name }) => name === "eth0",
    (each) => ({
      ...each,
      addresses: [...each.addresses, { address: addressOf("10.244.1.11"), length: 32, scope: "global" as const }],
    }),
  ),
  "is down": interfaces(
    ({ name }) => name === "eth0",
    (each) => ({ ...each, isUp: false }),
  ),
};

export const POD_CHANGES: Readonly<Record<string, HostChange>> = {
  "has no default route": routes((all) => all.filter(({ prefix }) => prefix.length > 0)),
  "is down": interfaces(
    ({ kind }) => kind !== "loopback",
    (each) => ({ ...each, isUp: false }),
  ),
  "has an address of another subnet": interfaces(
    ({ kind }) => kind !== "loopback",
    (each) => ({
      ...each,
      addresses: [...each.addresses, { address: addressOf("10.244.2.77"), length: 32, scope: "global" as const }],
    }),
  ),
  "checks the reverse path": interfaces(
    () => true,
    (each) => withSysctl(each, { reversePathFilter: 1 }),
  ),
};

/** Of the interface of a node that leads to a pod. */
export const PORT_CHANGES: Readonly<Record<string, (port: HostInterface) => HostInterface>> = {
  "is blocked": (each) => (each.port === undefined ? each : { ...each, port: { ...each.port, isForwarding: false } }),
  "does not send back": (each) =>
    each.port === undefined ? each : { ...each, port: { ...each.port, hairpin: false } },
  "is isolated": (each) => (each.port === undefined ? each : { ...each, port: { ...each.port, isolated: true } }),
  "is out of the bridge": ({ port: _, ...each }) => each,
  "is down": (each) => ({ ...each, isUp: false }),
  "does not answer for others": (each) => ({ ...each, proxyArp: false }),
};

/** What is different, and of which of the hosts of the kind, by number. */
export interface NetworkChange {
  readonly of: "node" | "pod" | "port";
  readonly name: string;
  readonly which: number;
}

/** The cluster with one host of its network changed; as it is where the network has no such host. */
export function withChange(described: Described, { of, name, which }: NetworkChange): Described {
  const { network } = described.layout;
  const all = [...network.hosts.values()].filter(({ role }) => role.kind === (of === "node" ? "node" : "pod"));
  const chosen = all[which % Math.max(all.length, 1)];
  if (chosen === undefined) return described;
  const hosts = new Map(network.hosts);
  if (of === "port") {
    const wire = network.links.find(({ ends }) => ends.some(({ host }) => host === chosen.name));
    const end = wire?.ends.find(({ host }) => host !== chosen.name);
    const node = end && hosts.get(end.host);
    const change = PORT_CHANGES[name];
    if (node === undefined || change === undefined) return described;
    hosts.set(node.name, interfaces((each) => each.name === end?.interface, change)(node, all));
  } else {
    const change = (of === "node" ? NODE_CHANGES : POD_CHANGES)[name];
    if (change === undefined) return described;
    hosts.set(chosen.name, change(chosen, all));
  }
  return withNetwork(described, { hosts, links: network.links });
}

function withNetwork(described: Described, network: Network): Described {
  const evaluators = new Map<string, Evaluator | undefined>();
  const evaluatorOf = (host: Host): Evaluator | undefined => {
    const program = described.programOf(host);
    const known = evaluators.get(host.name) ?? (program && new Evaluator(program));
    evaluators.set(host.name, known);
    return known;
  };
  const layout = { ...described.layout, network };
  return { ...described, layout, walker: new PacketWalker(network, evaluatorOf) };
}

function interfaces(
  isMeant: (each: HostInterface) => boolean,
  change: (each: HostInterface) => HostInterface,
): HostChange {
  return (host) => {
    const changed = host.interfaces.map((each) => (isMeant(each) ? change(each) : each));
    const routing = (family: Family): RoutingTables => ({
      ...host.routing[family],
      interfaces: host.routing[family].interfaces.map((each) => {
        const now = changed.find(({ name }) => name === each.name);
        return now === undefined
          ? each
          : { ...each, isUp: now.isUp, addresses: now.addresses, sysctls: now.sysctls[family] };
      }),
    });
    return { ...host, interfaces: changed, routing: { IPv4: routing("IPv4"), IPv6: routing("IPv6") } };
  };
}

function withSysctl(each: HostInterface, change: Partial<HostInterface["sysctls"]["IPv4"]>): HostInterface {
  const { IPv4, IPv6 } = each.sysctls;
  return { ...each, sysctls: { IPv4: { ...IPv4, ...change }, IPv6: { ...IPv6, ...change } } };
}

function routes(change: (all: readonly TableRoute[], family: Family) => readonly TableRoute[]): HostChange {
  return (host) => {
    const routing = (family: Family): RoutingTables => {
      const { tables, ...rest } = host.routing[family];
      return { ...rest, tables: { ...tables, main: change(tables["main"] ?? [], family) } };
    };
    return { ...host, routing: { IPv4: routing("IPv4"), IPv6: routing("IPv6") } };
  };
}

function leadsToPods({ prefix, hops }: TableRoute): boolean {
  return prefix.length > 0 && prefix.length < addressBits(familyOf(prefix.address)) && hops[0]?.gateway !== undefined;
}

function without<T>(all: readonly T[], at: number): readonly T[] {
  return all.filter((_, i) => i !== at);
}

/** The host's first address of the family of `like`. */
function globalOf(host: Host | undefined, like: TableRoute["hops"][number]["gateway"]): typeof like {
  return host?.interfaces
    .flatMap(({ addresses }) => addresses)
    .find(({ address, scope }) => scope === "global" && like !== undefined && familyOf(address) === familyOf(like))
    ?.address;
}

function withRule(host: Host, to: ReturnType<typeof globalOf>): Host {
  if (to === undefined) return host;
  const own = host.routing.IPv4;
  const rule = { priority: 100, to: hostPrefix(to), action: { kind: "prohibit" as const } };
  return { ...host, routing: { ...host.routing, IPv4: { ...own, rules: [...own.rules, rule] } } };
}
