/** Which hosts a host's routes, tunnels and proxies name, and with what. */
import { type Address, addressBits, FAMILIES, familyOf } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import type { TableRoute } from "../network/types.ts";

/** One thing that a host's own configuration says. */
export interface HostFact {
  /** Names of the nodes and pods that it is about, besides the host itself. */
  readonly about: ReadonlySet<string>;
  readonly content: unknown;
}

/** What facts ask of the network. */
export interface FactOwners {
  /** The node or pod that alone has the address. */
  readonly ownerOf: (address: Address) => string | undefined;
  /** The node in whose part of the cluster all addresses of the block are. */
  readonly nodeOfBlock: (route: TableRoute) => string | undefined;
  /** The pod at the other end of the host's interface. */
  readonly podBehind: (host: Host, interfaceName: string) => string | undefined;
  readonly nodeOf: (host: string) => string | undefined;
}

/** All routes, ends of tunnels and targets of proxies of `host`: each next hop, end and target for itself. */
export function factsOf(host: Host, owners: FactOwners): HostFact[] {
  const facts: HostFact[] = [];
  const add = (content: unknown, named: readonly (string | undefined)[]): void => {
    const about = new Set(named.filter((each): each is string => each !== undefined && each !== host.name));
    const ofPods = new Set([...about].flatMap((each) => withoutItself(each, owners.nodeOf(each))));
    // Who swaps a pod swaps its node.
    for (const node of ofPods) about.delete(node);
    // What a pod says of its own node is about the pod itself.
    if (host.role.kind === "pod") about.delete(owners.nodeOf(host.name) ?? "");
    facts.push({ about, content });
  };
  for (const family of FAMILIES)
    for (const [table, routes] of Object.entries(host.routing[family].tables))
      for (const route of routes) {
        const { hops, ...rest } = route;
        const isSingle = route.prefix.length === addressBits(familyOf(route.prefix.address));
        const to = isSingle ? owners.ownerOf(route.prefix.address) : owners.nodeOfBlock(route);
        const named = [to, route.preferredSource && owners.ownerOf(route.preferredSource)];
        const content = { table, rest, weight: hops.reduce((sum, { weight }) => sum + weight, 0) };
        if (hops.length === 0) add(content, named);
        hops.forEach((hop, i) => {
          const via = [hop.gateway && owners.ownerOf(hop.gateway), owners.podBehind(host, hop.interface)];
          // A bridge takes the first next hop of several.
          add({ ...content, hop, isFirst: i === 0 }, [...named, ...via]);
        });
      }
  for (const { name, tunnel } of host.interfaces)
    for (const [nextHop, outer] of tunnel?.remotes ?? [])
      add({ tunnel: name, nextHop, outer }, [owners.ownerOf(nextHop), owners.ownerOf(outer)]);
  for (const { targets, ...frontend } of host.proxies)
    for (const target of targets) add({ frontend, count: targets.length, target }, [owners.ownerOf(target.address)]);
  return facts;
}

function withoutItself(host: string, node: string | undefined): string[] {
  return node === undefined || node === host ? [] : [node];
}
