/** Where hosts stand in a network: the other ends of their wires, the pods of nodes, their addresses. */
import type { Address } from "../net/address.ts";
import type { Host, HostInterface, InterfaceRef, Network } from "../network/network.ts";

/** The ends of all wires. */
export class HostEnds {
  private readonly hosts: Network["hosts"];
  private readonly peers = new Map<string, InterfaceRef>();
  private readonly nodesByName = new Map<string, string>();

  constructor({ hosts, links }: Network) {
    this.hosts = hosts;
    for (const {
      ends: [a, b],
    } of links) {
      this.peers.set(refKey(a), b);
      this.peers.set(refKey(b), a);
    }
    for (const { name, role } of hosts.values()) if (role.kind === "node") this.nodesByName.set(role.node, name);
  }

  /** The hosts that are nodes, by their names. */
  nodes(): Iterable<string> {
    return this.nodesByName.values();
  }

  /** The node itself, or the one that the pod is on; by the host's name. */
  nodeOf(host: string): string | undefined {
    const role = this.hosts.get(host)?.role;
    return role?.kind === "node" ? host : role?.kind === "pod" ? this.nodesByName.get(role.node) : undefined;
  }

  /** The other end of an interface's wire: its host and itself. */
  endOf(host: Host, { name }: HostInterface): unknown {
    const peer = this.peers.get(refKey({ host: host.name, interface: name }));
    return peer && { host: peer.host, interface: this.interfaceAt(peer) };
  }

  /** The other ends of all interfaces; undefined also for those of pods on their node. */
  endsOf(host: Host): (InterfaceRef | undefined)[] {
    return host.interfaces.map(({ name }) => {
      const peer = this.peers.get(refKey({ host: host.name, interface: name }));
      return host.role.kind === "node" && peer !== undefined && this.isPod(peer.host) ? undefined : peer;
    });
  }

  /** The pod at the other end of an interface of a node. */
  podBehind(host: Host, interfaceName: string): string | undefined {
    const peer = this.peers.get(refKey({ host: host.name, interface: interfaceName }));
    return host.role.kind === "node" && peer !== undefined && this.isPod(peer.host) ? peer.host : undefined;
  }

  private isPod(host: string): boolean {
    return this.hosts.get(host)?.role.kind === "pod";
  }

  private interfaceAt({ host, interface: name }: InterfaceRef): HostInterface | undefined {
    return this.hosts.get(host)?.interfaces.find((each) => each.name === name);
  }
}

/** All of a host but loopback's, in the order of its interfaces. */
export function addressesOf(host: Host | undefined): Address[] {
  const all = (host?.interfaces ?? []).flatMap(({ addresses }) =>
    addresses.flatMap(({ address, scope }) => (scope === "host" ? [] : [address])),
  );
  return [...new Set(all)];
}

/** The addresses of a host with global scope. */
export function ownAddresses({ interfaces }: Host): Address[] {
  const all = interfaces.flatMap(({ addresses }) =>
    addresses.flatMap(({ address, scope }) => (scope === "global" ? [address] : [])),
  );
  return [...new Set(all)];
}

function refKey({ host, interface: name }: InterfaceRef): string {
  return `${host} ${name}`;
}
