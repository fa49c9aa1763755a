/**
 * Pods of one node that nothing tells apart: rules, routes, wires and the pods' own settings treat them alike, but for their
 * addresses and for the names of their interfaces. A connection of one of them ends as that of any other does, unless the packet
 * meets another one of them on its way.
 */
import type { Program, Value } from "../ir/types.ts";
import { type Address, addressBits, FAMILIES, familyOf } from "../net/address.ts";
import { maskAddress, type Prefix, prefixRange } from "../net/prefix.ts";
import type { Host, HostInterface, InterfaceRef, Network } from "../network/network.ts";
import type { TableRoute } from "../network/types.ts";
import { TestedConstants } from "./tested-constants.ts";

/** A route to one address only. */
interface SingleRoute {
  readonly host: string;
  readonly table: string;
  readonly route: TableRoute;
}

export class PodClasses {
  private readonly constants = new TestedConstants();
  private readonly hosts: Network["hosts"];
  private readonly peers = new Map<string, InterfaceRef>();
  private readonly routesTo = new Map<Address, SingleRoute[]>();
  /** Addresses that are more than one pod's: of a router, of a proxy's target, of several hosts. */
  private readonly special = new Set<Address>();

  /** `programOf`: the rules of a host; undefined: it has none. */
  constructor({ hosts, links }: Network, programOf: (host: Host) => Program | undefined) {
    this.hosts = hosts;
    for (const {
      ends: [a, b],
    } of links) {
      this.peers.set(refKey(a), b);
      this.peers.set(refKey(b), a);
    }
    const owners = new Map<Address, string>();
    for (const host of hosts.values()) {
      const program = programOf(host);
      if (program !== undefined) this.constants.addProgram(program);
      this.addRouting(host);
      this.addAddresses(host, owners);
    }
  }

  /** Equal for pods of one class; undefined: no other host is like this one. */
  keyOf(host: Host): string | undefined {
    if (host.role.kind !== "pod" || !this.constants.isComplete) return undefined;
    const own = host.interfaces.filter(({ kind }) => kind !== "loopback");
    if (own.some(({ proxyArp, kind }) => proxyArp || kind !== "ethernet")) return undefined;
    const addresses = own.flatMap((each) => each.addresses.map(({ address }) => address));
    const peers = own.map(({ name }) => this.peers.get(refKey({ host: host.name, interface: name })));
    const names = peers.flatMap((peer) => peer?.interface ?? []);
    const values: Value[] = [...addresses, ...names];
    if (addresses.some((each) => this.special.has(each)) || values.some((each) => this.constants.isSingle(each)))
      return undefined;
    const tokens = new Map<unknown, string>([
      [host.name, "own host"],
      ...addresses.map((address, i) => [address, `own address ${i}`] as const),
      ...names.map((name, i) => [name, `other end ${i}`] as const),
    ]);
    // What the pod listens on does not matter to what it sends.
    const { interfaces, routing, bridgeNetfilter, proxies, role } = host;
    const parts = {
      node: role.node,
      own: { interfaces, routing, bridgeNetfilter, proxies },
      peers: peers.map((peer) => peer && { host: peer.host, interface: this.interfaceAt(peer) }),
      routes: addresses.map((address) =>
        (this.routesTo.get(address) ?? []).filter((route) => route.host !== host.name),
      ),
      intervals: values.map((value) => this.constants.intervalsWith(value)),
    };
    return shapeOf(parts, tokens);
  }

  private interfaceAt({ host, interface: name }: InterfaceRef): HostInterface | undefined {
    return this.hosts.get(host)?.interfaces.find((each) => each.name === name);
  }

  private addRouting({ name, routing }: Host): void {
    for (const family of FAMILIES) {
      const { rules, tables } = routing[family];
      for (const { from, to, inInterface } of rules) {
        for (const prefix of [from, to]) if (prefix !== undefined) this.constants.add(prefixRange(prefix));
        if (inInterface !== undefined) this.constants.add(inInterface);
      }
      for (const [table, routes] of Object.entries(tables))
        for (const route of routes) this.addRoute({ host: name, table, route });
    }
  }

  private addRoute(single: SingleRoute): void {
    const { prefix, hops } = single.route;
    for (const { gateway } of hops) if (gateway !== undefined) this.special.add(gateway);
    if (prefix.length < addressBits(familyOf(prefix.address))) {
      this.constants.add(prefixRange(prefix));
      return;
    }
    const known = this.routesTo.get(prefix.address);
    if (known === undefined) this.routesTo.set(prefix.address, [single]);
    else known.push(single);
  }

  private addAddresses({ name, interfaces, proxies }: Host, owners: Map<Address, string>): void {
    for (const { addresses, tunnel } of interfaces) {
      for (const { address, length, scope } of addresses) {
        const subnet: Prefix = { address: maskAddress(address, length), length };
        if (length < addressBits(familyOf(address))) this.constants.add(prefixRange(subnet));
        if (scope !== "global") continue;
        if ((owners.get(address) ?? name) !== name) this.special.add(address);
        owners.set(address, name);
      }
      for (const pair of tunnel?.remotes ?? []) for (const address of pair) this.special.add(address);
    }
    for (const { address, targets } of proxies)
      for (const each of [address, ...targets.map((target) => target.address)]) this.special.add(each);
  }
}

function refKey({ host, interface: name }: InterfaceRef): string {
  return `${host} ${name}`;
}

/** `value` as text, without places, and with other words for what `tokens` has. */
function shapeOf(value: unknown, tokens: ReadonlyMap<unknown, string>): string {
  return JSON.stringify(value, (member, part: unknown): unknown => {
    if (member === "provenance") return undefined;
    const token = tokens.get(part);
    if (token !== undefined) return token;
    if (typeof part === "bigint") return `${part}n`;
    return part instanceof Map || part instanceof Set ? [...part] : part;
  });
}
