/** Packets that matter to a cluster: hits, near misses, every kind of sender. */
import type { Packet } from "../../compiler/evaluate/packet.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import { PROTOCOL_NUMBERS, PROTOCOLS } from "../../compiler/net/protocol.ts";
import { ADDRESSES, type ClusterInput, type Manifest, NODE_IPS, OTHER_NODE_IPS } from "./arbitraries.ts";

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

/** At the borders of source ranges. */
const BORDER_SENDERS: typeof SENDERS = [
  ...["203.0.113.0", "203.0.113.15", "203.0.113.16", "203.0.113.127", "203.0.113.128"],
  ...["2001:db8:c::", "2001:db8:c::ffff:ffff:ffff", "2001:db8:c:0:1::", "2001:db8:c:1::"],
].map((from) => [from, "eth0"]);

const PORTS = [80, 81, 443, 53, 30001, 30002, 30003, 32767, 65535, 31000, 31001, 31002, 31003, 8080] as const;

/** Where packets may go: an address, an IANA protocol number, a port (0 for pings). */
type Target = readonly [address: string, protocol: number, port: number];

/** Every sender to everything that a Service claims, and to its neighbours: the next port, other protocols, pings. All
 *  of them, or every `step`th from `start` on. */
export function* packetsAtServices({ objects, proxy }: ClusterInput, start = 0, step = 1): Generator<Packet> {
  yield* thinned(packetsTo(targetsOf(claimsOf(objects), proxy.nodeIPs), [...SENDERS, ...BORDER_SENDERS]), start, step);
}

/** About `count` such packets, to the first claims of a large cluster, the last ones, and some between. */
export function packetsAtSomeServices({ objects, proxy }: ClusterInput, count: number): Packet[] {
  const claims = spread([...claimsOf(objects)], 9).map((claim) => ({
    ...claim,
    addresses: spread(claim.addresses, 5),
  }));
  const senders = [...SENDERS, ...BORDER_SENDERS];
  const all = [...packetsTo(targetsOf(claims, spread(proxy.nodeIPs, 5)), senders)];
  const step = Math.max(1, Math.floor(all.length / count));
  // A step that shares a factor with the number of senders would always ask the same ones.
  return [...thinned(all, 0, step % 3 === 0 ? step + 1 : step)];
}

/** Up to `count` of `items`: the first two, the last two, and some between at equal distances. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  const between = Array.from({ length: count - 4 }, (_, i) => Math.floor(((i + 1) * items.length) / (count - 3)));
  const places = new Set([0, 1, ...between, items.length - 2, items.length - 1]);
  return [...places].map((place) => items[place] as T);
}

/** Where claims are, and their neighbours: the next port, other protocols, pings. */
function targetsOf(claims: Iterable<Claim>, nodeIPs: readonly string[]): Target[] {
  const targets = new Map<string, Target>();
  const add = (...target: Target): void => void targets.set(target.join(" "), target);
  for (const { addresses, port, nodePort, protocol } of claims) {
    const claimed = addresses.map((to): [string, number] => [to, port]);
    if (nodePort !== undefined) for (const to of [...nodeIPs, "127.0.0.1", "::1"]) claimed.push([to, nodePort]);
    for (const [to, number] of claimed) {
      add(to, protocol, number);
      add(to, protocol, number === 65535 ? 1 : number + 1);
      add(to, protocol === PROTOCOL_NUMBERS.tcp ? PROTOCOL_NUMBERS.udp : PROTOCOL_NUMBERS.tcp, number);
      add(to, to.includes(":") ? ICMPV6 : ICMP, 0);
    }
  }
  return [...targets.values()];
}

/** What the Services among `objects` claim, whatever becomes of the claims. */
function* claimsOf(objects: readonly Manifest[]): Generator<Claim> {
  for (const object of objects) {
    if (object["kind"] !== "Service") continue;
    const { clusterIPs, externalIPs = [], healthCheckNodePort, ports } = object["spec"] as ServiceFields;
    const { loadBalancer } = (object["status"] ?? {}) as StatusFields;
    const addresses = [...clusterIPs, ...externalIPs, ...(loadBalancer?.ingress ?? []).map(({ ip }) => ip)];
    if (healthCheckNodePort !== undefined)
      yield { addresses: [], protocol: PROTOCOL_NUMBERS.tcp, port: 0, nodePort: healthCheckNodePort };
    for (const { port, nodePort, protocol } of ports) {
      const number = PROTOCOLS.find((name) => name.toUpperCase() === protocol);
      if (number === undefined) throw new Error(`${protocol} is no protocol of a Service`);
      yield {
        addresses: addresses.filter((address) => address !== "None"),
        protocol: PROTOCOL_NUMBERS[number],
        port,
        nodePort,
      };
    }
  }
}

/** A port of a Service, at all its addresses. */
interface Claim {
  readonly addresses: readonly string[];
  readonly protocol: number;
  readonly port: number;
  readonly nodePort: number | undefined;
}

interface ServiceFields {
  readonly clusterIPs: readonly string[];
  readonly externalIPs?: readonly string[];
  readonly healthCheckNodePort?: number;
  readonly ports: readonly { readonly port: number; readonly nodePort?: number; readonly protocol: string }[];
}

interface StatusFields {
  readonly loadBalancer?: { readonly ingress: readonly { readonly ip: string }[] };
}

/** Every sender to every address and port that any cluster could mean, and pings, thinned to every `step`th from `start`
 *  on. */
export function* packetsFor({ proxy }: ClusterInput, start: number, step: number): Generator<Packet> {
  const addresses = [
    ...ADDRESSES.IPv4.cluster,
    "172.30.77.77", // nobody's
    ...ADDRESSES.IPv4.external,
    ...ADDRESSES.IPv4.endpoint,
    ...ADDRESSES.IPv6.cluster,
    "fd00:10:96::7777",
    ...ADDRESSES.IPv6.external,
    ...ADDRESSES.IPv6.endpoint,
    ...proxy.nodeIPs,
    ...OTHER_NODE_IPS,
    "127.0.0.1",
    "::1",
    "198.51.100.1",
    "2001:db8:e::1",
  ];
  const targets = [...new Set(addresses)].flatMap((to): Target[] => [
    ...PORTS.flatMap((port) => PROTOCOLS.map((protocol): Target => [to, PROTOCOL_NUMBERS[protocol], port])),
    [to, to.includes(":") ? ICMPV6 : ICMP, 0],
  ]);
  yield* thinned(packetsTo(targets, SENDERS), start, step);
}

const ICMP = 1;
const ICMPV6 = 58;

function* packetsTo(targets: readonly Target[], senders: typeof SENDERS): Generator<Packet> {
  for (const [from, inInterface] of senders) {
    const source = address(from);
    for (const [to, protocol, destinationPort] of targets) {
      const destination = address(to);
      if (typeof source !== typeof destination || !canBeSent(from, to, inInterface)) continue;
      yield { protocol, source, destination, sourcePort: 40000, destinationPort, inInterface, mark: 0 };
    }
  }
}

function* thinned<T>(items: Iterable<T>, start: number, step: number): Generator<T> {
  let count = -start;
  for (const item of items) if (count++ % step === 0) yield item;
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
