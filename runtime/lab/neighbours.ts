/** Whom hosts of a lab can speak to at once: entries of the tables of neighbours and of bridges, as netlink messages. */
import { type Address, printAddress } from "../../compiler/net/address.ts";
import type { Host, HostInterface, InterfaceRef } from "../../compiler/network/network.ts";
import {
  AF,
  addressLength,
  afOf,
  attribute,
  type NetlinkMessage,
  NLM,
  RTM,
  u8,
  u32,
  writeAddress,
  zeros,
} from "./netlink.ts";
import { keyOf, type Wiring } from "./wiring.ts";

const NEIGHBOUR = { address: 1, linkLayer: 2 } as const;
const PERMANENT = 0x80;
const NO_ARP = 0x40;
/** NTF_MASTER. */
const OF_BRIDGE = 4;

/** An interface that can be spoken to. */
interface Station {
  readonly interface: HostInterface;
  readonly mac: Buffer;
}

/** The neighbours of each host. */
export class Neighbours {
  private readonly wiring: Wiring;
  private readonly stations = new Map<string, readonly Station[]>();
  /** Link-layer addresses of tunnels, by their outer addresses. */
  private readonly tunnelEnds = new Map<Address, Buffer>();

  constructor(wiring: Wiring) {
    this.wiring = wiring;
    for (const host of wiring.hosts)
      for (const { name, tunnel } of host.interfaces)
        if (tunnel !== undefined) this.tunnelEnds.set(tunnel.local, wiring.macOf(host.name, name));
  }

  /** The ways through a tunnel, and the hosts behind it. */
  ofTunnel(host: Host, { name, tunnel }: HostInterface): NetlinkMessage[] {
    if (tunnel === undefined) return [];
    const index = this.wiring.indexOf(host.name, name);
    const macFor = (outer: Address): Buffer => this.tunnelEnds.get(outer) ?? this.wiring.macOf(host.name, name);
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
  ofHost(host: Host): NetlinkMessage[] {
    return host.interfaces.flatMap((own) => {
      if (own.kind === "loopback" || own.tunnel !== undefined || own.port !== undefined || !own.isUp) return [];
      const index = this.wiring.indexOf(host.name, own.name);
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
  ofPorts(host: Host): NetlinkMessage[] {
    return host.interfaces.flatMap(({ name, port }) => {
      const behind = port === undefined ? undefined : this.wiring.peerOf({ host: host.name, interface: name });
      if (port === undefined || behind === undefined) return [];
      const passed = new Set(this.wiring.membersOf(host.name, port.bridge).map((each) => `${host.name} ${each}`));
      return this.stationsFrom(behind, passed).map(({ mac }) => ({
        does: `station at the port ${name}`,
        type: RTM.newNeighbour,
        flags: NLM.create | NLM.replace,
        body: Buffer.concat([
          u8(AF.bridge, 0, 0, 0),
          u32(this.wiring.indexOf(host.name, name)),
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
      const at = this.wiring.interfaceAt(ref);
      if (at === undefined || passed.has(keyOf(ref))) continue;
      passed.add(keyOf(ref));
      if (at.port === undefined && (at.addresses.length > 0 || at.proxyArp))
        found.push({ interface: at, mac: this.wiring.macOf(ref.host, ref.interface) });
      const { host } = ref;
      const bridge = at.kind === "bridge" ? at.name : at.port?.bridge;
      const others = bridge === undefined ? [] : this.wiring.membersOf(host, bridge);
      const peer = this.wiring.peerOf(ref);
      waiting.push(...others.map((name) => ({ host, interface: name })), ...(peer === undefined ? [] : [peer]));
    }
    return found;
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
