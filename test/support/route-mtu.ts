/** Networks of which a route has an MTU of its own. */

import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { printPrefix } from "../../compiler/net/prefix.ts";
import type { Host, Network } from "../../compiler/network/network.ts";
import type { RoutingTables, TableRoute } from "../../compiler/network/types.ts";
import type { WalkFlow } from "../../compiler/walk/types.ts";
import { PacketWalker } from "../../compiler/walk/walk.ts";
import type { LabSubject } from "./lab-walks.ts";
import { type ClusterKind, describeShop, flowOf } from "./walks.ts";

/** A route of a host, as `ip route` prints its prefix: `default` is one of /0. */
export interface NarrowRoute {
  readonly title: string;
  readonly host: string;
  readonly route: string;
  readonly flow: string;
}

export const ROUTE_MTU = 1400;

/** Each flow takes the route; its host sends the packets, or forwards them. */
export const NARROW_ROUTES: readonly NarrowRoute[] = [
  {
    title: "of the sender, IPv4",
    host: "pod/shop/client",
    route: "0.0.0.0/0",
    flow: "pod/shop/client > 10.244.2.10:8080",
  },
  {
    title: "of the sender, IPv6",
    host: "pod/shop/client",
    route: "::/0",
    flow: "pod/shop/client > [fd00:244:0:2::10]:8080",
  },
  { title: "of a router, IPv4", host: "node/n1", route: "10.244.2.0/24", flow: "pod/shop/client > 10.244.2.10:8080" },
  {
    title: "of a router, IPv6",
    host: "node/n1",
    route: "fd00:244:0:2::/64",
    flow: "pod/shop/client > [fd00:244:0:2::10]:8080",
  },
];

/** A datagram of `bytes`, with its IP header. */
export function datagram(flow: string, bytes: number): WalkFlow {
  return { ...flowOf(flow), protocol: 17, bytes };
}

/** The shop, where the route has `mtu`. */
export function describeNarrow(
  { host, route }: NarrowRoute,
  mtu: number,
  kind: ClusterKind = { pods: "bridge" },
): Omit<LabSubject, "flows"> {
  const { layout, programOf } = describeShop(kind);
  let changed = 0;
  const narrowed = (each: TableRoute): TableRoute => {
    if (printPrefix(each.prefix) !== route) return each;
    changed++;
    return { ...each, mtu };
  };
  const inTables = (tables: RoutingTables): RoutingTables => ({
    ...tables,
    tables: Object.fromEntries(Object.entries(tables.tables).map(([name, routes]) => [name, routes.map(narrowed)])),
  });
  const inHost = (each: Host): Host =>
    each.name === host
      ? { ...each, routing: { IPv4: inTables(each.routing.IPv4), IPv6: inTables(each.routing.IPv6) } }
      : each;
  const hosts = new Map([...layout.network.hosts].map(([name, each]) => [name, inHost(each)]));
  if (changed !== 1) throw new Error(`${host} has ${changed} routes to ${route}`);
  const network: Network = { ...layout.network, hosts };
  const evaluators = new Map<string, Evaluator>();
  const evaluatorOf = (each: Host): Evaluator | undefined => {
    const program = programOf(each);
    const known = evaluators.get(each.name) ?? (program && new Evaluator(program));
    if (known !== undefined) evaluators.set(each.name, known);
    return known;
  };
  return { network, programOf, walker: new PacketWalker(network, evaluatorOf) };
}
