/** The interfaces of a network as a lab makes them: what each is connected to, its index, its link-layer address. */
import type { Host, HostInterface, InterfaceRef, Network } from "../../compiler/network/network.ts";
import { u8 } from "./netlink.ts";
import type { InterfaceIndexes } from "./routing.ts";

/** A text for each interface. */
export function keyOf({ host, interface: name }: InterfaceRef): string {
  return `${host} ${name}`;
}

/** The interfaces of all hosts, by host and name. */
export class Wiring {
  readonly hosts: readonly Host[];
  private readonly network: Network;
  private readonly indexes: ReadonlyMap<string, InterfaceIndexes>;
  private readonly numbers: ReadonlyMap<string, number>;
  private readonly interfaces = new Map<string, HostInterface>();
  private readonly peers = new Map<string, InterfaceRef>();
  private readonly secondEnds = new Set<string>();

  constructor(network: Network, indexes: ReadonlyMap<string, InterfaceIndexes>) {
    this.network = network;
    this.hosts = [...network.hosts.values()];
    this.indexes = indexes;
    this.numbers = new Map(this.hosts.map(({ name }, i) => [name, i + 1]));
    for (const {
      ends: [a, b],
    } of network.links) {
      this.peers.set(keyOf(a), b);
      this.peers.set(keyOf(b), a);
      this.secondEnds.add(keyOf(b));
    }
    for (const host of this.hosts)
      for (const own of host.interfaces) this.interfaces.set(`${host.name} ${own.name}`, own);
  }

  /** Whether the interface is the second end of its wire, which the first one's host makes. */
  isSecondEnd(ref: InterfaceRef): boolean {
    return this.secondEnds.has(keyOf(ref));
  }

  indexesOf(host: string): InterfaceIndexes {
    return this.indexes.get(host) ?? new Map();
  }

  /** The bridge and its ports. */
  membersOf(host: string, bridge: string): string[] {
    const interfaces = this.network.hosts.get(host)?.interfaces ?? [];
    return interfaces.filter(({ name, port }) => name === bridge || port?.bridge === bridge).map(({ name }) => name);
  }

  peerOf(ref: InterfaceRef): InterfaceRef | undefined {
    return this.peers.get(keyOf(ref));
  }

  interfaceAt(ref: InterfaceRef): HostInterface | undefined {
    return this.interfaces.get(keyOf(ref));
  }

  indexOf(host: string, name: string): number {
    const index = this.indexes.get(host)?.get(name);
    if (index === undefined) throw new Error(`invariant broken: ${host} has an interface ${name}`);
    return index;
  }

  /** A locally administered link-layer address. */
  macOf(host: string, name: string): Buffer {
    const number = this.numbers.get(host) ?? 0;
    const index = this.indexOf(host, name);
    return u8(2, 0, number >> 8, number & 255, index >> 8, index & 255);
  }
}
