/** Who has an address, and what is at the other end of a wire: looked up once for each network. */
import type { Address } from "../net/address.ts";
import type { Host, HostInterface, InterfaceRef, Network } from "./network.ts";

/** An interface, and the host that has it. */
export interface LocatedInterface {
  readonly host: Host;
  readonly interface: HostInterface;
}

/** What the hosts and links of a network are searched by. Each part is made when it is asked for. */
export class NetworkIndex {
  readonly network: Network;
  private peers: ReadonlyMap<string, ReadonlyMap<string, InterfaceRef>> | undefined;
  private owners: ReadonlyMap<Address, LocatedInterface> | undefined;
  private readonly interfaces = new Map<Host, ReadonlyMap<string, LocatedInterface>>();

  constructor(network: Network) {
    this.network = network;
  }

  /** Undefined: the host has no such interface, or there is no such host. */
  at({ host: name, interface: own }: InterfaceRef): LocatedInterface | undefined {
    const host = this.network.hosts.get(name);
    if (host === undefined) return undefined;
    let known = this.interfaces.get(host);
    if (known === undefined) {
      known = new Map(host.interfaces.map((each) => [each.name, { host, interface: each }]));
      this.interfaces.set(host, known);
    }
    return known.get(own);
  }

  /** The other end of the wire. */
  peerOf({ host, interface: own }: InterfaceRef): InterfaceRef | undefined {
    this.peers ??= peersIn(this.network);
    return this.peers.get(host)?.get(own);
  }

  /** The first host that has the address, other than for itself alone. */
  ownerOf(address: Address): LocatedInterface | undefined {
    this.owners ??= ownersIn(this.network);
    return this.owners.get(address);
  }
}

const indexes = new WeakMap<Network, NetworkIndex>();

export function indexOf(network: Network): NetworkIndex {
  const known = indexes.get(network);
  if (known !== undefined) return known;
  const made = new NetworkIndex(network);
  indexes.set(network, made);
  return made;
}

function peersIn({ links }: Network): ReadonlyMap<string, ReadonlyMap<string, InterfaceRef>> {
  const peers = new Map<string, Map<string, InterfaceRef>>();
  const add = (from: InterfaceRef, to: InterfaceRef): void => {
    const known = peers.get(from.host);
    if (known === undefined) peers.set(from.host, new Map([[from.interface, to]]));
    else known.set(from.interface, to);
  };
  for (const {
    ends: [a, b],
  } of links) {
    add(a, b);
    add(b, a);
  }
  return peers;
}

function ownersIn({ hosts }: Network): ReadonlyMap<Address, LocatedInterface> {
  const owners = new Map<Address, LocatedInterface>();
  for (const host of hosts.values())
    for (const own of host.interfaces)
      for (const { address, scope } of own.addresses)
        if (scope === "global" && !owners.has(address)) owners.set(address, { host, interface: own });
  return owners;
}
