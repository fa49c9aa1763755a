/** Neighbour discovery of IPv6: it travels in packets that pass hooks (Linux: ndisc.c), and rules may drop them. ARP passes none. */

import type { Packet } from "../evaluate/packet.ts";
import { type Ipv6, isLinkLocal } from "../net/address.ts";
import type { HostInterface } from "../network/network.ts";
import type { LocatedInterface } from "../network/network-index.ts";
import type { RulesOfHosts } from "./on-host.ts";
import { refOf, type Segments } from "./segments.ts";
import type { LostAtHook } from "./types.ts";

const ICMPV6 = 58;

/** Looks for rules on the way of neighbour discovery. Each question is answered once. */
export class Discovery {
  private readonly rules: RulesOfHosts;
  private readonly segments: Segments;
  private readonly known = new Map<string, LostAtHook | undefined>();

  constructor(rules: RulesOfHosts, segments: Segments) {
    this.rules = rules;
    this.segments = segments;
  }

  /** The hook at which the question of `from` for `address`, or the answer of `target`, is lost for certain; undefined: it is answered.
   *  `source`: of the packet that waits for the answer. */
  lossOf(from: LocatedInterface, source: Ipv6, address: Ipv6, target: LocatedInterface): LostAtHook | undefined {
    const own = questionSource(from.interface, source);
    const key = [from.host.name, from.interface.name, own, address].join(" ");
    if (!this.known.has(key)) this.known.set(key, this.search(from, own, address, target));
    return this.known.get(key);
  }

  private search(from: LocatedInterface, own: Ipv6, address: Ipv6, target: LocatedInterface): LostAtHook | undefined {
    const solicitation = packetOf(own, solicitedNode(address));
    const advertisement = packetOf(address, own);
    const bridges = this.segments.bridgesBetween(refOf(from), refOf(target));
    const back = [...bridges].reverse();
    return (
      this.sent(from, solicitation) ??
      this.bridged(bridges, solicitation) ??
      this.taken(target, solicitation) ??
      this.sent(target, advertisement) ??
      this.bridged(back, advertisement) ??
      this.taken(from, advertisement)
    );
  }

  private sent({ host, interface: own }: LocatedInterface, packet: DiscoveryPacket): LostAtHook | undefined {
    return this.rules.lossOf(host, { ...packet, inInterface: undefined }, [
      { hook: "output", outInterface: own.name },
      { hook: "postrouting", outInterface: own.name },
    ]);
  }

  private taken({ host, interface: own }: LocatedInterface, packet: DiscoveryPacket): LostAtHook | undefined {
    return this.rules.lossOf(host, { ...packet, inInterface: own.name }, [{ hook: "prerouting" }, { hook: "input" }]);
  }

  private bridged(bridges: readonly LocatedInterface[], packet: DiscoveryPacket): LostAtHook | undefined {
    for (const { host, interface: bridge } of bridges) {
      if (!host.bridgeNetfilter.IPv6) continue;
      const lost = this.rules.lossOf(host, { ...packet, inInterface: bridge.name }, [
        { hook: "prerouting" },
        { hook: "forward", outInterface: bridge.name },
        { hook: "postrouting", outInterface: bridge.name },
      ]);
      if (lost !== undefined) return lost;
    }
    return undefined;
  }
}

type DiscoveryPacket = Omit<Packet, "inInterface">;

function packetOf(source: Ipv6, destination: Ipv6): DiscoveryPacket {
  return { protocol: ICMPV6, source, destination, sourcePort: 0, destinationPort: 0, mark: 0, ctState: "untracked" };
}

/** The source of the packet that waits, where the interface has it, or else a link-local address (ndisc_solicit). */
function questionSource({ addresses }: HostInterface, source: Ipv6): Ipv6 {
  if (addresses.some(({ address }) => address === source)) return source;
  const near = addresses.map(({ address }) => address).find((each): each is Ipv6 => isLinkLocal(each));
  return near ?? SOME_LINK_LOCAL;
}

/** Each interface has one, of which the input need not tell. */
const SOME_LINK_LOCAL = 0xfe80_0000_0000_0000_0000_0000_0000_0001n as Ipv6;

/** The group in which a neighbour listens for who asks for `address` (RFC 4291). */
function solicitedNode(address: Ipv6): Ipv6 {
  return ((0xff02n << 112n) | (0x1ffn << 24n) | (address & 0xffffffn)) as Ipv6;
}
