/** A described network as what the kernel is to be told to make it: of sysctls, and of netlink messages. */
import { unreachable } from "../../compiler/invariant.ts";
import { familyOf, type Ipv6 } from "../../compiler/net/address.ts";
import type { Host, HostInterface, Network } from "../../compiler/network/network.ts";
import type { InterfaceAddress } from "../../compiler/network/types.ts";
import { Neighbours } from "./neighbours.ts";
import {
  AF,
  addressBytes,
  attribute,
  linkHeader,
  type NetlinkMessage,
  NLM,
  RTM,
  text,
  u8,
  u16BigEndian,
  u32,
} from "./netlink.ts";
import { addressMessage, addressMessages, type InterfaceIndexes, routeMessages, ruleMessages } from "./routing.ts";
import { generalSysctls, interfaceSysctls, proxyDelay, type SysctlSetting, sysctlAttribute } from "./sysctls.ts";
import { Wiring } from "./wiring.ts";

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
  /** The interfaces that run once both ends of their wires are up, and those that need neither. */
  running(host: Host): readonly string[];
  /** Ports that do not forward, of which the kernel makes forwarding ones when both ends of their wires are up. */
  blockMessages(host: Host): NetlinkMessage[];
}

/** Namespaces above which neighbours are permanent: the kernel has one table of neighbours for all of them. */
const MOST_WITH_ARP = 100;

export function planBuild(network: Network): NetworkBuild {
  const hosts = [...network.hosts.values()];
  const indexes = new Map(hosts.map((host) => [host.name, indexesOf(host)]));
  const build = new Build(new Wiring(network, indexes));
  return {
    hosts,
    indexes,
    generalSysctls,
    linkMessages: (host, namespaceOf) => build.links(host, namespaceOf),
    interfaceSysctls,
    configureMessages: (host) => build.configure(host),
    running: (host) => build.running(host),
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

function infoOf(kind: string, ...data: readonly Buffer[]): Buffer {
  return attribute(IFLA.info, attribute(1, text(kind)), attribute(2, ...data));
}

const DISABLED = 0;

/** Ports of bridges that pass nothing on. */
export function blockedPorts({ interfaces }: Host): readonly string[] {
  return interfaces.flatMap(({ name, isUp, port }) => (isUp && port?.isForwarding === false ? [name] : []));
}

class Build {
  private readonly wiring: Wiring;
  private readonly neighbours: Neighbours;
  private readonly hasArp: boolean;

  constructor(wiring: Wiring) {
    this.wiring = wiring;
    this.neighbours = new Neighbours(wiring);
    this.hasArp = wiring.hosts.length <= MOST_WITH_ARP;
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
    if (this.wiring.isSecondEnd({ host: host.name, interface: own.name })) return [];
    const peer = this.wiring.peerOf({ host: host.name, interface: own.name });
    if (peer === undefined) return [this.newLink(host, own, infoOf("veth"))];
    const other = this.wiring.interfaceAt(peer);
    const index = this.wiring.indexOf(peer.host, peer.interface);
    const end = attribute(
      1,
      linkHeader(index, false),
      attribute(IFLA.name, text(peer.interface)),
      attribute(IFLA.mtu, u32(other?.mtu ?? own.mtu)),
      attribute(IFLA.namespace, u32(namespaceOf(peer.host))),
      attribute(IFLA.address, this.wiring.macOf(peer.host, peer.interface)),
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
      linkHeader(this.wiring.indexOf(host.name, own.name), false),
      attribute(IFLA.name, text(own.name)),
      attribute(IFLA.mtu, u32(own.mtu)),
      attribute(IFLA.address, this.wiring.macOf(host.name, own.name)),
      ...(own.kind === "ethernet" ? ONE_QUEUE : []),
      info,
    ]);
    return { does: `${own.kind} ${own.name}`, type: RTM.newLink, flags: NLM.create | NLM.excl, body };
  }

  configure(host: Host): NetlinkMessage[] {
    const { interfaces } = host;
    const index = (name: string): number => this.wiring.indexOf(host.name, name);
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
      ...interfaces.flatMap((own) => this.neighbours.ofTunnel(host, own)),
      ...routeMessages(host, this.wiring.indexesOf(host.name)),
      ...ruleMessages(host),
      ...(this.hasArp ? [] : [...this.neighbours.ofHost(host), ...this.neighbours.ofPorts(host)]),
    ];
  }

  running(host: Host): string[] {
    return host.interfaces.filter((own) => this.isRunning(host, own)).map(({ name }) => name);
  }

  private isRunning(host: Host, own: HostInterface): boolean {
    if (!own.isUp) return false;
    switch (own.kind) {
      case "ethernet": {
        const peer = this.wiring.peerOf({ host: host.name, interface: own.name });
        return peer !== undefined && this.wiring.interfaceAt(peer)?.isUp === true;
      }
      case "bridge":
        return host.interfaces.some((each) => each.port?.bridge === own.name && this.isRunning(host, each));
      case "loopback":
      case "vxlan":
      case "ipip":
        return true;
      default:
        return unreachable(own.kind);
    }
  }

  block(host: Host): NetlinkMessage[] {
    return blockedPorts(host).map((name) => ({
      ...{ does: `state of the port ${name}`, type: RTM.setLink, flags: 0 },
      body: Buffer.concat([
        linkHeader(this.wiring.indexOf(host.name, name), false, AF.bridge),
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
    const mac = this.wiring.macOf(host.name, own.name).toString("hex");
    const address = BigInt(`0xfe80000000000000${mac.slice(0, 6)}fffe${mac.slice(6)}`) as Ipv6;
    return [
      addressMessage(host, own.name, { address, length: 64, scope: "link" }, this.wiring.indexOf(host.name, own.name)),
    ];
  }
}
