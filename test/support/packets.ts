/** Packets that matter to a cluster: hits, near misses, every kind of sender. */
import type { Packet } from "../../compiler/evaluate/packet.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import { PROTOCOL_NUMBERS, PROTOCOLS } from "../../compiler/net/protocol.ts";
import { ADDRESSES, type Cluster, NODE_IPS } from "./arbitraries.ts";

/** Who sends: an address, and the interface that the packet comes in by (undefined: the node itself). */
const SENDERS: readonly (readonly [address: string, inInterface: string | undefined])[] = [
  ["10.180.0.7", "cni0"],
  ["10.180.0.1", "cni0"], // an endpoint of this node
  ["10.180.2.1", "eth0"], // an endpoint of another one
  ["203.0.113.5", "eth0"],
  ["203.0.113.200", "eth0"],
  ["203.0.113.5", "cni1"],
  ["192.168.0.2", undefined],
  ["192.168.1.2", undefined],
  ["127.0.0.1", undefined],
  ["1.2.3.4", undefined],
  ["192.0.2.10", "eth0"], // a load balancer address
  ["fd00:10:180::7", "cni0"],
  ["fd00:10:180::1", "cni0"],
  ["fd00:10:180:2::1", "eth0"],
  ["2001:db8:c::5", "eth0"],
  ["2001:db8:d::5", "eth0"],
  ["2001:db8::1", undefined],
  ["::1", undefined],
];

const PORTS = [80, 81, 443, 53, 30001, 30002, 30003, 32767, 65535, 31000, 31001, 31002, 31003, 8080] as const;

/** Every sender to every address and port that the cluster could mean, thinned to every `step`th from `start` on. */
export function* packetsFor({ proxy }: Cluster, start: number, step: number): Generator<Packet> {
  const destinations = [
    ...ADDRESSES.IPv4.cluster,
    "172.30.77.77", // nobody's
    ...ADDRESSES.IPv4.external,
    ...ADDRESSES.IPv4.endpoint,
    ...ADDRESSES.IPv6.cluster,
    "fd00:10:96::7777",
    ...ADDRESSES.IPv6.external,
    ...ADDRESSES.IPv6.endpoint,
    ...proxy.nodeIPs,
    "127.0.0.1",
    "::1",
    "198.51.100.1",
  ];
  let count = -start;
  for (const [from, inInterface] of SENDERS) {
    const source = address(from);
    for (const to of new Set(destinations)) {
      const destination = address(to);
      if (typeof source !== typeof destination || !canBeSent(from, to, inInterface)) continue;
      for (const port of PORTS) {
        for (const protocol of PROTOCOLS) {
          if (count++ % step !== 0) continue;
          yield {
            protocol: PROTOCOL_NUMBERS[protocol],
            source,
            destination,
            sourcePort: 40000,
            destinationPort: port,
            inInterface,
            mark: 0,
          };
        }
      }
    }
  }
}

/** No wire carries loopback addresses, and 127.0.0.1 only talks to itself unless something translates. */
function canBeSent(from: string, to: string, inInterface: string | undefined): boolean {
  const loopback = (text: string): boolean => text === "127.0.0.1" || text === "::1";
  if (inInterface !== undefined)
    return !loopback(from) && !loopback(to) && !(NODE_IPS as readonly string[]).includes(from);
  return loopback(from) === loopback(to);
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}
