/** Who can be reached over the wires and bridges behind an interface, and who answers there for an address. */
import { required } from "../invariant.ts";
import type { Address } from "../net/address.ts";
import { familyOf } from "../net/address.ts";
import type { Host, HostInterface, InterfaceRef, Network } from "../network/network.ts";
import { indexOf, type LocatedInterface, type NetworkIndex } from "../network/network-index.ts";
import { lookUpRoute } from "../network/route-lookup.ts";

/** Who answered for an address. */
export interface Answer extends LocatedInterface {
  /** It answers for an address that it routes elsewhere (proxy_arp). */
  readonly isProxy: boolean;
}

/** Interfaces that hear the broadcasts of one, without those that are ports of bridges. */
interface Segment {
  readonly members: readonly LocatedInterface[];
  readonly owners: Map<Address, LocatedInterface>;
}

/** A search for the interfaces that hear a broadcast. */
interface Search {
  /** Bridges that were met. */
  readonly seen: Set<string>;
  /** Isolated ports were left out: others of them hear something else. */
  isPartial: boolean;
}

/** The links of a network, searched once for each segment. */
export class Segments {
  private readonly network: Network;
  private readonly index: NetworkIndex;
  private readonly segments = new Map<string, Segment>();
  private readonly ports = new Map<string, Map<string, string>>();
  private readonly portsOf = new Map<string, readonly HostInterface[]>();

  constructor(network: Network) {
    this.network = network;
    this.index = indexOf(network);
  }

  host(name: string): Host {
    return required(this.network.hosts.get(name), `there is a host ${name}`);
  }

  at(ref: InterfaceRef): LocatedInterface {
    return required(this.index.at(ref), `${ref.host} has an interface ${ref.interface}`);
  }

  /** The other end of the wire; undefined: none is plugged in, or one of the ends is down. */
  peerOf(ref: InterfaceRef): LocatedInterface | undefined {
    const peer = this.index.peerOf(ref);
    if (peer === undefined || !this.at(ref).interface.isUp) return undefined;
    const found = this.at(peer);
    return found.interface.isUp ? found : undefined;
  }

  /** Who answers for `address` where `from` asks: a host that has it, or one that routes it elsewhere and says so. */
  answererFor(address: Address, from: InterfaceRef): Answer | undefined {
    const segment = this.segmentOf(from);
    const owner = segment.owners.get(address);
    if (owner !== undefined && owner.host.name !== from.host) return { ...owner, isProxy: false };
    for (const member of segment.members) {
      if (member.host.name === from.host || !member.interface.proxyArp || typeof address !== "number") continue;
      if (routesElsewhere(member, address)) return { ...member, isProxy: true };
    }
    return undefined;
  }

  /** Interfaces of other hosts that hear what `from` sends to all. */
  neighboursOf(from: InterfaceRef): readonly LocatedInterface[] {
    return this.segmentOf(from).members.filter(({ host }) => host.name !== from.host);
  }

  /** The port of `bridge` behind which `target` is; undefined: it is the bridge itself, or not there. */
  portTo(target: InterfaceRef, bridge: InterfaceRef): string | undefined {
    const key = keyOf(bridge);
    let known = this.ports.get(key);
    if (known === undefined) {
      known = new Map();
      this.ports.set(key, known);
      for (const port of this.portsOfBridge(bridge)) {
        const peer = this.peerOf({ host: bridge.host, interface: port.name });
        if (peer === undefined) continue;
        for (const each of this.behind(peer, { seen: new Set([key]), isPartial: false }))
          known.set(keyOf(refOf(each)), port.name);
      }
    }
    return known.get(keyOf(target));
  }

  /** The bridges, as interfaces of their hosts, that pass a frame from `from` on to `target`; not those that take it, or send it. */
  bridgesBetween(from: InterfaceRef, target: InterfaceRef): readonly LocatedInterface[] {
    const passed: LocatedInterface[] = [];
    let at: InterfaceRef | undefined = from;
    let out = this.at(from).interface.kind === "bridge" ? this.portTo(target, from) : from.interface;
    while (at !== undefined && out !== undefined && passed.length <= this.network.hosts.size) {
      const peer = this.peerOf({ host: at.host, interface: out });
      const bridge = peer?.interface.port?.bridge;
      if (peer === undefined || bridge === undefined) break;
      at = { host: peer.host.name, interface: bridge };
      if (keyOf(at) === keyOf(target)) break;
      passed.push(this.at(at));
      out = this.portTo(target, at);
    }
    return passed;
  }

  private portsOfBridge(bridge: InterfaceRef): readonly HostInterface[] {
    const key = keyOf(bridge);
    let known = this.portsOf.get(key);
    if (known === undefined) {
      known = this.host(bridge.host).interfaces.filter(({ port }) => port?.bridge === bridge.interface);
      this.portsOf.set(key, known);
    }
    return known;
  }

  private segmentOf(ref: InterfaceRef): Segment {
    const key = keyOf(ref);
    const known = this.segments.get(key);
    if (known !== undefined) return known;
    const start = this.at(ref);
    const peer = start.interface.kind === "bridge" ? start : this.peerOf(ref);
    const search: Search = { seen: new Set(), isPartial: false };
    const others = peer === undefined ? [] : this.behind(peer, search);
    const members = start.interface.kind === "bridge" ? others : [start, ...others];
    const segment: Segment = { members, owners: new Map() };
    for (const member of members) {
      if (!search.isPartial) this.segments.set(keyOf(refOf(member)), segment);
      for (const address of answeredBy(member)) if (!segment.owners.has(address)) segment.owners.set(address, member);
    }
    this.segments.set(key, segment);
    return segment;
  }

  /** `at`, or, where it is a bridge or a port of one, that and all that its other ports lead to. */
  private behind(at: LocatedInterface, search: Search): LocatedInterface[] {
    const { host, interface: own } = at;
    const bridge = own.kind === "bridge" ? own.name : own.port?.bridge;
    if (bridge === undefined) return [at];
    if (own.port?.isForwarding === false) return [];
    const ref = { host: host.name, interface: bridge };
    if (search.seen.has(keyOf(ref))) return [];
    search.seen.add(keyOf(ref));
    const ports = this.portsOfBridge(ref).filter((port) => port.name !== own.name && port.port?.isForwarding === true);
    const others = ports.filter(({ port }) => own.port?.isolated !== true || port?.isolated !== true);
    if (others.length < ports.length) search.isPartial = true;
    return [
      this.at(ref),
      ...others.flatMap((port) => {
        const peer = this.peerOf({ host: host.name, interface: port.name });
        return peer === undefined ? [] : this.behind(peer, search);
      }),
    ];
  }
}

/** IPv4: a host answers on each interface for all its addresses (arp_ignore=0); IPv6: for those of the interface. */
function answeredBy({ host, interface: own }: LocatedInterface): Address[] {
  if (!own.isUp) return [];
  const all = host.interfaces.flatMap(({ addresses, kind }) =>
    kind === "loopback" ? addresses.filter(({ scope }) => scope !== "host") : addresses,
  );
  return [
    ...own.addresses.map(({ address }) => address),
    ...all.map(({ address }) => address).filter((address) => typeof address === "number"),
  ];
}

function routesElsewhere({ host, interface: own }: LocatedInterface, address: Address): boolean {
  const routing = host.routing[familyOf(address)];
  const key = { destination: address, source: undefined, mark: 0, inInterface: own.name };
  const found = own.sysctls.IPv4.forwarding ? lookUpRoute(routing, key) : undefined;
  return found?.kind === "route" && found.route.kind === "unicast" && found.hops[0]?.interface !== own.name;
}

export function refOf({ host, interface: own }: LocatedInterface): InterfaceRef {
  return { host: host.name, interface: own.name };
}

function keyOf({ host, interface: name }: InterfaceRef): string {
  return `${host} ${name}`;
}
