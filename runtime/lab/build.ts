/** A described network as what the kernel is to be told to make it: of sysctls, and of netlink messages. */
import { unreachable } from "../../compiler/invariant.ts";
import { type Address, familyOf, type Ipv6, printAddress } from "../../compiler/net/address.ts";
import type { Host, HostInterface, InterfaceRef, Network } from "../../compiler/network/network.ts";
import type { InterfaceAddress } from "../../compiler/network/types.ts";
import {
  AF,
  addressBytes,
  addressLength,
  afOf,
  attribute,
  linkHeader,
  type NetlinkMessage,
  NLM,
  RTM,
  text,
  u8,
  u16BigEndian,
  u32,
  writeAddress,
  zeros,
} from "./netlink.ts";
import { addressMessage, addressMessages, type InterfaceIndexes, routeMessages, ruleMessages } from "./routing.ts";
import { generalSysctls, interfaceSysctls, proxyDelay, type SysctlSetting, sysctlAttribute } from "./sysctls.ts";

/** How hosts are made. The stages follow each other, all hosts in each of them. */
export interface NetworkBuild {
  readonly hosts: readonly Host[];
  /** By host; an index is unique on its host. */
  readonly indexes: ReadonlyMap<string, InterfaceIndexes>;
  /** Before there are interfaces. `fresh`: what namespaces have that nothing was set in yet. */
  generalSysctls(host: Host, fresh: ReadonlyMap<string, string>): SysctlSetting[];
  /** Interfaces, each link on one of its hosts. `namespaceOf`: the file descriptors of the namespaces. */
  linkMessages(host: Host, namespaceOf: (host: string) => number): NetlinkMessage[];
  /** What there is no netlink message for. */
  interfaceSysctls(host: Host): SysctlSetting[];
  /** Ports, states, sysctls of interfaces, addresses, routes, policy rules, neighbours. */
  configureMessages(host: Host): NetlinkMessage[];
  /** Ports that do not forward, of which the kernel makes forwarding ones when both ends of their wires are up. */
  blockMessages(host: Host): NetlinkMessage[];
}

/** Namespaces above which neighbours are permanent: the kernel has one table of neighbours for all of them. */
const MOST_WITH_ARP = 100;

export function planBuild(network: Network): NetworkBuild {
  const hosts = [...network.hosts.values()];
  const indexes = new Map(hosts.map((host) => [host.name, indexesOf(host)]));
  const build = new Build(network, hosts, indexes);
  return {
    hosts,
    indexes,
    generalSysctls,
    linkMessages: (host, namespaceOf) => build.links(host, namespaceOf),
    interfaceSysctls,
    configureMessages: (host) => build.configure(host),
    blockMessages: (host) => build.block(host),
  };
}

/** The loopback interface of a namespace is always its first one. */
function indexesOf({ interfaces }: Host): InterfaceIndexes {
  let next = 2;
  return new Map(interfaces.map(({ name, kind }) => [name, kind === "loopback" ? 1 : next++]));
}

// --- interfaces ----------------------------------------------------------------------------------------------------------

const IFLA = {
  ...{ address: 1, name: 3, mtu: 4, bridge: 10, portInfo: 12, info: 18, namespace: 28 },
  ...{ sendQueues: 31, receiveQueues: 32 },
} as const;

/** A veth has one for each processor, unless it is told so. */
const ONE_QUEUE: readonly Buffer[] = [attribute(IFLA.sendQueues, u32(1)), attribute(IFLA.receiveQueues, u32(1))];
const NESTED = 0x8000;
const BRIDGE_INFO = { forwardDelay: 1, multicastSnooping: 23 } as const;
const PORT_INFO = { state: 1, hairpin: 4, isolated: 33 } as const;
const VXLAN_INFO = { id: 1, local: 4, learning: 7, port: 15 } as const;
const NEIGHBOUR = { address: 1, linkLayer: 2 } as const;
const PERMANENT = 0x80;
const NO_ARP = 0x40;
/** NTF_MASTER. */
const OF_BRIDGE = 4;

function infoOf(kind: string, ...data: readonly Buffer[]): Buffer {
  return attribute(IFLA.info, attribute(1, text(kind)), attribute(2, ...data));
}

/** An interface that can be spoken to. */
interface Station {
  readonly interface: HostInterface;
  readonly mac: Buffer;
}

function keyOf({ host, interface: name }: InterfaceRef): string {
  return `${host} ${name}`;
}

const DISABLED = 0;

/** Ports of bridges that pass nothing on. */
export function blockedPorts({ interfaces }: Host): readonly string[] {
  return interfaces.flatMap(({ name, isUp, port }) => (isUp && port?.isForwarding === false ? [name] : []));
}

class Build {
  private readonly indexes: ReadonlyMap<string, InterfaceIndexes>;
  private readonly hosts: readonly Host[];
  private readonly numbers: ReadonlyMap<string, number>;
  private readonly interfaces = new Map<string, HostInterface>();
  private readonly peers = new Map<string, InterfaceRef>();
  private readonly secondEnds = new Set<string>();
  private readonly network: Network;
  private readonly stations = new Map<string, readonly Station[]>();
  /** Link-layer addresses of tunnels, by their outer addresses. */
  private readonly tunnelEnds = new Map<Address, Buffer>();

  constructor(network: Network, hosts: readonly Host[], indexes: ReadonlyMap<string, InterfaceIndexes>) {
    this.network = network;
    this.hosts = hosts;
    this.indexes = indexes;
    this.numbers = new Map(hosts.map(({ name }, i) => [name, i + 1]));
    for (const {
      ends: [a, b],
    } of network.links) {
      this.peers.set(keyOf(a), b);
      this.peers.set(keyOf(b), a);
      this.secondEnds.add(keyOf(b));
    }
    for (const host of hosts) for (const own of host.interfaces) this.interfaces.set(`${host.name} ${own.name}`, own);
    for (const host of hosts)
      for (const { name, tunnel } of host.interfaces)
        if (tunnel !== undefined) this.tunnelEnds.set(tunnel.local, this.macOf(host.name, name));
  }

  links(host: Host, namespaceOf: (host: string) => number): NetlinkMessage[] {
    return host.interfaces.flatMap((own) => {
      switch (own.kind) {
        case "loopback":
          return [];
        case "bridge":
          return [
            this.newLink(
              host,
              own,
              infoOf(
                "bridge",
                attribute(BRIDGE_INFO.forwardDelay, u32(0)),
                attribute(BRIDGE_INFO.multicastSnooping, u8(0)),
              ),
            ),
          ];
        case "ethernet":
          return this.wire(host, own, namespaceOf);
        case "vxlan":
        case "ipip":
          return [this.newTunnel(host, own)];
        default:
          return unreachable(own.kind);
      }
    });
  }

  /** A wire is made on the host of its first end; an interface without one has its other end in its own namespace, down. */
  private wire(host: Host, own: HostInterface, namespaceOf: (host: string) => number): NetlinkMessage[] {
    if (this.secondEnds.has(`${host.name} ${own.name}`)) return [];
    const peer = this.peerOf({ host: host.name, interface: own.name });
    if (peer === undefined) return [this.newLink(host, own, infoOf("veth"))];
    const other = this.interfaceAt(peer);
    const index = this.indexes.get(peer.host)?.get(peer.interface) ?? 0;
    const end = attribute(
      1,
      linkHeader(index, false),
      attribute(IFLA.name, text(peer.interface)),
      attribute(IFLA.mtu, u32(other?.mtu ?? own.mtu)),
      attribute(IFLA.namespace, u32(namespaceOf(peer.host))),
      attribute(IFLA.address, this.macOf(peer.host, peer.interface)),
      ...ONE_QUEUE,
    );
    return [this.newLink(host, own, infoOf("veth", end))];
  }

  private newTunnel(host: Host, own: HostInterface): NetlinkMessage {
    const { tunnel } = own;
    if (tunnel === undefined || own.kind !== "vxlan" || typeof tunnel.local !== "number")
      throw new Error(`a lab has no tunnel like ${own.name} of ${host.name}: it makes VXLAN over IPv4 only`);
    const data = [
      attribute(VXLAN_INFO.id, u32(1)),
      attribute(VXLAN_INFO.local, addressBytes(tunnel.local)),
      attribute(VXLAN_INFO.learning, u8(0)),
      attribute(VXLAN_INFO.port, u16BigEndian(tunnel.port ?? 4789)),
    ];
    return this.newLink(host, own, infoOf("vxlan", ...data));
  }

  private newLink(host: Host, own: HostInterface, info: Buffer): NetlinkMessage {
    const body = Buffer.concat([
      linkHeader(this.indexOf(host.name, own.name), false),
      attribute(IFLA.name, text(own.name)),
      attribute(IFLA.mtu, u32(own.mtu)),
      attribute(IFLA.address, this.macOf(host.name, own.name)),
      ...(own.kind === "ethernet" ? ONE_QUEUE : []),
      info,
    ]);
    return { does: `${own.kind} ${own.name}`, type: RTM.newLink, flags: NLM.create | NLM.excl, body };
  }

  configure(host: Host): NetlinkMessage[] {
    const { interfaces } = host;
    const index = (name: string): number => this.indexOf(host.name, name);
    const ports = interfaces.flatMap(({ name, port }) => (port === undefined ? [] : [{ name, port }]));
    const update = (does: string, body: Buffer, type: number = RTM.newLink): NetlinkMessage => ({
      does,
      type,
      flags: 0,
      body,
    });
    return [
      ...ports.map(({ name, port }) =>
        update(
          `port ${name} of ${port.bridge}`,
          Buffer.concat([linkHeader(index(name), false), attribute(IFLA.bridge, u32(index(port.bridge)))]),
        ),
      ),
      ...interfaces.map((own) =>
        update(`sysctls of ${own.name}`, Buffer.concat([linkHeader(index(own.name), false), sysctlAttribute(own)])),
      ),
      ...interfaces.filter(({ isUp }) => isUp).map(({ name }) => update(`${name} up`, linkHeader(index(name), true))),
      ...interfaces.filter(({ proxyArp }) => proxyArp).map(({ name }) => proxyDelay(name, index(name))),
      ...ports.map(({ name, port }) =>
        update(
          `settings of the port ${name}`,
          Buffer.concat([
            linkHeader(index(name), false, AF.bridge),
            attribute(
              IFLA.portInfo | NESTED,
              attribute(PORT_INFO.hairpin, u8(Number(port.hairpin))),
              attribute(PORT_INFO.isolated, u8(Number(port.isolated))),
            ),
          ]),
          RTM.setLink,
        ),
      ),
      ...interfaces.flatMap((own) => addressMessages(host, own, index(own.name))),
      ...interfaces.flatMap((own) => this.linkLocalAddress(host, own)),
      ...interfaces.flatMap((own) => this.tunnelNeighbours(host, own)),
      ...routeMessages(host, this.indexes.get(host.name) ?? new Map()),
      ...ruleMessages(host),
      ...(this.hosts.length > MOST_WITH_ARP ? [...this.neighbours(host), ...this.portEntries(host)] : []),
    ];
  }

  block(host: Host): NetlinkMessage[] {
    return blockedPorts(host).map((name) => ({
      ...{ does: `state of the port ${name}`, type: RTM.setLink, flags: 0 },
      body: Buffer.concat([
        linkHeader(this.indexOf(host.name, name), false, AF.bridge),
        attribute(IFLA.portInfo | NESTED, attribute(PORT_INFO.state, u8(DISABLED))),
      ]),
    }));
  }

  /** Linux asks for IPv6 neighbours from such an address only, where it forwards packets. */
  private linkLocalAddress(host: Host, own: HostInterface): NetlinkMessage[] {
    const has = (test: (each: InterfaceAddress) => boolean): boolean => own.addresses.some(test);
    const isV6 = ({ address }: InterfaceAddress): boolean => familyOf(address) === "IPv6";
    const isAsking = own.isUp && own.kind !== "loopback" && own.tunnel === undefined && own.port === undefined;
    if (!isAsking || !has(isV6) || has((each) => isV6(each) && each.scope === "link")) return [];
    const mac = this.macOf(host.name, own.name).toString("hex");
    const address = BigInt(`0xfe80000000000000${mac.slice(0, 6)}fffe${mac.slice(6)}`) as Ipv6;
    return [addressMessage(host, own.name, { address, length: 64, scope: "link" }, this.indexOf(host.name, own.name))];
  }

  private tunnelNeighbours(host: Host, { name, tunnel }: HostInterface): NetlinkMessage[] {
    if (tunnel === undefined) return [];
    const index = this.indexOf(host.name, name);
    const macFor = (outer: Address): Buffer => this.tunnelEnds.get(outer) ?? this.macOf(host.name, name);
    const outer = [...new Set(tunnel.remotes.values())];
    const SELF = 2;
    return [
      ...outer.map((address) => ({
        does: `way to ${printAddress(address)} of the tunnel ${name}`,
        type: RTM.newNeighbour,
        flags: NLM.create | NLM.append,
        body: neighbourBody(AF.bridge, index, SELF, address, macFor(address)),
      })),
      ...[...tunnel.remotes].map(([hop, address]) => neighbour(index, name, hop, macFor(address))),
    ];
  }

  /** Permanent ones: next hops of routes, and the hosts that are on a wire or a bridge. */
  private neighbours(host: Host): NetlinkMessage[] {
    return host.interfaces.flatMap((own) => {
      if (own.kind === "loopback" || own.tunnel !== undefined || own.port !== undefined || !own.isUp) return [];
      const index = this.indexOf(host.name, own.name);
      const known = new Map<Address, Buffer>();
      for (const other of this.stationsAt({ host: host.name, interface: own.name })) {
        if (other.interface === own) continue;
        for (const { address } of other.interface.addresses) known.set(address, other.mac);
        if (!other.interface.proxyArp) continue;
        for (const { hops } of host.routing.IPv4.tables["main"] ?? [])
          for (const { gateway, interface: out } of hops)
            if (gateway !== undefined && out === own.name && !known.has(gateway)) known.set(gateway, other.mac);
      }
      return [...known].map(([address, mac]) => neighbour(index, own.name, address, mac));
    });
  }

  /** Where nobody asks for neighbours, bridges learn nothing from their answers, and would send first packets out by all ports. */
  private portEntries(host: Host): NetlinkMessage[] {
    return host.interfaces.flatMap(({ name, port }) => {
      const behind = port === undefined ? undefined : this.peerOf({ host: host.name, interface: name });
      if (port === undefined || behind === undefined) return [];
      const passed = new Set(this.membersOf(host.name, port.bridge).map((each) => `${host.name} ${each}`));
      return this.stationsFrom(behind, passed).map(({ mac }) => ({
        does: `station at the port ${name}`,
        type: RTM.newNeighbour,
        flags: NLM.create | NLM.replace,
        body: Buffer.concat([
          u8(AF.bridge, 0, 0, 0),
          u32(this.indexOf(host.name, name)),
          u8(NO_ARP, 0, OF_BRIDGE, 0),
          attribute(NEIGHBOUR.linkLayer, mac),
        ]),
      }));
    });
  }

  /** Who can be spoken to on the wires and bridges that an interface is on, itself among them. */
  private stationsAt(from: InterfaceRef): readonly Station[] {
    const known = this.stations.get(keyOf(from));
    if (known !== undefined) return known;
    const passed = new Set<string>();
    const found = this.stationsFrom(from, passed);
    for (const key of passed) this.stations.set(key, found);
    return found;
  }

  /** Those that are not behind interfaces that were passed; `passed` gets all that are on the way. */
  private stationsFrom(from: InterfaceRef, passed: Set<string>): Station[] {
    const found: Station[] = [];
    const waiting = [from];
    for (let ref = waiting.pop(); ref !== undefined; ref = waiting.pop()) {
      const at = this.interfaceAt(ref);
      if (at === undefined || passed.has(keyOf(ref))) continue;
      passed.add(keyOf(ref));
      if (at.port === undefined && (at.addresses.length > 0 || at.proxyArp))
        found.push({ interface: at, mac: this.macOf(ref.host, ref.interface) });
      const { host } = ref;
      const bridge = at.kind === "bridge" ? at.name : at.port?.bridge;
      const others = bridge === undefined ? [] : this.membersOf(host, bridge);
      const peer = this.peerOf(ref);
      waiting.push(...others.map((name) => ({ host, interface: name })), ...(peer === undefined ? [] : [peer]));
    }
    return found;
  }

  /** The bridge and its ports. */
  private membersOf(host: string, bridge: string): string[] {
    const interfaces = this.network.hosts.get(host)?.interfaces ?? [];
    return interfaces.filter(({ name, port }) => name === bridge || port?.bridge === bridge).map(({ name }) => name);
  }

  private peerOf(ref: InterfaceRef): InterfaceRef | undefined {
    return this.peers.get(keyOf(ref));
  }

  private interfaceAt(ref: InterfaceRef): HostInterface | undefined {
    return this.interfaces.get(keyOf(ref));
  }

  private indexOf(host: string, name: string): number {
    const index = this.indexes.get(host)?.get(name);
    if (index === undefined) throw new Error(`invariant broken: ${host} has an interface ${name}`);
    return index;
  }

  /** A locally administered link-layer address. */
  private macOf(host: string, name: string): Buffer {
    const number = this.numbers.get(host) ?? 0;
    const index = this.indexOf(host, name);
    return u8(2, 0, number >> 8, number & 255, index >> 8, index & 255);
  }
}

/** struct ndmsg, the address and the link-layer address: a large lab has tens of thousands of them. */
function neighbourBody(family: number, index: number, flags: number, address: Address, mac: Buffer): Buffer {
  const length = addressLength(address);
  const bytes = zeros(NEIGHBOUR_HEADER + 4 + length + MAC_ATTRIBUTE);
  bytes[0] = family;
  bytes.writeUInt32LE(index, 4);
  bytes[8] = PERMANENT;
  bytes[10] = flags;
  let at = NEIGHBOUR_HEADER;
  bytes.writeUInt16LE(4 + length, at);
  bytes.writeUInt16LE(NEIGHBOUR.address, at + 2);
  writeAddress(bytes, at + 4, address);
  at += 4 + length;
  bytes.writeUInt16LE(4 + mac.length, at);
  bytes.writeUInt16LE(NEIGHBOUR.linkLayer, at + 2);
  bytes.set(mac, at + 4);
  return bytes;
}

const NEIGHBOUR_HEADER = 12;
const MAC_ATTRIBUTE = 12;

function neighbour(index: number, name: string, address: Address, mac: Buffer): NetlinkMessage {
  return {
    get does() {
      return `neighbour ${printAddress(address)} on ${name}`;
    },
    type: RTM.newNeighbour,
    flags: NLM.create | NLM.replace,
    body: neighbourBody(afOf(address), index, 0, address, mac),
  };
}
