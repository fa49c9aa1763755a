/** How a packet leaves a host: into a tunnel, or as a frame to who answers for the next hop. */
import type { Host, HostInterface, Tunnel } from "../network/network.ts";
import type { TableRoute } from "../network/types.ts";
import type { Discovery } from "./discovery.ts";
import { finished, type Journey, leave, record, type WalkEvent } from "./journey.ts";
import { refOf, type Segments } from "./segments.ts";
import type { TooLarge } from "./types.ts";

const UDP = 17;
const IPIP = 4;
const TTL = 64;

/** The packet of `event` leaves. */
export function transmit(
  segments: Segments,
  discovery: Discovery,
  event: Extract<WalkEvent, { readonly kind: "out" }>,
): WalkEvent[] {
  const { host: name, outInterface, nextHop, route, journey } = event;
  const { host, interface: own } = segments.at({ host: name, interface: outInterface });
  if (own.tunnel !== undefined) return encapsulate(host, own, own.tunnel, event);
  if (!own.isUp || own.lacksCarrier === true)
    return [{ kind: "end", journey, end: { kind: "no-link", host: name, interface: own.name } }];
  const ref = refOf({ host, interface: own });
  const limit = route.mtu ?? own.mtu;
  const isLonger = journey.bytes > limit;
  if (isLonger && !mayBeCut(journey)) return [{ kind: "end", journey, end: tooLarge(host, own, journey, route) }];
  const answer = segments.answererFor(nextHop, ref);
  if (answer === undefined)
    return [{ kind: "end", journey, end: { kind: "no-neighbour", host: name, interface: own.name, address: nextHop } }];
  const target = refOf(answer);
  const { source } = journey.tuple;
  const lost =
    typeof nextHop === "bigint" && typeof source === "bigint"
      ? discovery.lossOf({ host, interface: own }, source, nextHop, answer)
      : undefined;
  if (lost !== undefined)
    return [
      {
        kind: "end",
        journey,
        end: { kind: "no-neighbour", host: name, interface: own.name, address: nextHop, discovery: lost },
      },
    ];
  const fragmented: Journey = isLonger
    ? { ...record(journey, { kind: "fragmented", interface: own.name, bytes: journey.bytes, mtu: limit }), bytes: 0 }
    : journey;
  const asked = record(fragmented, { kind: "neighbour", asks: nextHop, answeredBy: target, isProxy: answer.isProxy });
  const port = own.kind === "bridge" ? segments.portTo(target, ref) : own.name;
  const peer = port === undefined ? undefined : segments.peerOf({ host: name, interface: port });
  if (port === undefined || peer === undefined)
    return [{ kind: "end", journey, end: { kind: "no-link", host: name, interface: port ?? own.name } }];
  const bridged =
    own.kind === "bridge"
      ? record(asked, { kind: "bridged", bridge: own.name, inPort: undefined, port, throughRules: false })
      : asked;
  const frame = { host: peer.host.name, inInterface: peer.interface.name, target };
  return [{ kind: "frame", frame: { ...frame, journey: leave(bridged, own.name) } }];
}

/** Packets of VXLAN may be cut into fragments, whatever those inside say; those of IPIP as the one inside says. */
export function mayBeCut({ carried }: Journey): boolean {
  return carried.at(-1)?.tunnel === "vxlan";
}

/** The host puts the packet into one of its own to the other end of the tunnel. */
function encapsulate(
  host: Host,
  own: HostInterface,
  { local, port, remotes }: Tunnel,
  { nextHop, route, journey }: Extract<WalkEvent, { readonly kind: "out" }>,
): WalkEvent[] {
  const remote = remotes.get(nextHop);
  if (remote === undefined)
    return [
      {
        kind: "end",
        journey,
        end: { kind: "no-tunnel-end", host: host.name, interface: own.name, address: nextHop },
      },
    ];
  if (journey.bytes > (route.mtu ?? own.mtu))
    return [{ kind: "end", journey, end: tooLarge(host, own, journey, route) }];
  const { protocol, tuple, ttl, bytes, carried } = journey;
  const outer = {
    source: local,
    sourcePort: port === undefined ? 0 : sourcePortOf(journey),
    destination: remote,
    destinationPort: port ?? 0,
  };
  const wrapped: Journey = {
    ...leave(record(journey, { kind: "encapsulated", outer }), own.name),
    protocol: port === undefined ? IPIP : UDP,
    tuple: outer,
    ttl: TTL,
    bytes: bytes === 0 ? 0 : bytes + (port === undefined ? IPIP_BYTES : VXLAN_BYTES),
    carried: [...carried, { protocol, tuple, ttl, bytes, tunnel: own.kind }],
  };
  return [{ kind: "send", host: host.name, journey: wrapped }];
}

/** What a tunnel puts before a packet: an IPv4 header, and for VXLAN a UDP header, its own, and that of the frame inside. */
const IPIP_BYTES = 20;
const VXLAN_BYTES = 50;

/** How a packet ends that does not fit through `own`. An MTU of its route counts alone, also where it is the larger one, and whether it is
 *  locked or not (ip_dst_mtu_maybe_forward, ip6_dst_mtu_maybe_forward). `route`: undefined on a bridge. */
export function tooLarge(host: Host, own: HostInterface, { bytes }: Journey, route?: TableRoute): TooLarge {
  const end = { kind: "too-large", host: host.name, interface: own.name, bytes, mtu: own.mtu } as const;
  return route?.mtu === undefined ? end : { ...end, mtu: route.mtu, route };
}

/** VXLAN takes a source port by a hash of the packet inside: here by its ports, so that an answer is another flow. */
function sourcePortOf({ tuple: { sourcePort, destinationPort } }: Journey): number {
  return 49152 + ((sourcePort * 31 + destinationPort) % 16384);
}

/** The packet that came in another one to `host`, as it comes out of the tunnel there, and the interface of that; undefined: `journey`
 *  is no packet of a tunnel that ends there. */
export function decapsulate(
  host: Host,
  journey: Journey,
): { readonly journey: Journey; readonly inInterface: string } | undefined {
  const inner = journey.carried.at(-1);
  const { destination, destinationPort } = journey.tuple;
  const end = host.interfaces.find(
    ({ kind, tunnel }) =>
      kind === inner?.tunnel && tunnel?.local === destination && (tunnel.port ?? 0) === destinationPort,
  );
  if (inner === undefined || end === undefined) return undefined;
  const { protocol, tuple, ttl, bytes } = inner;
  const done = finished(record(journey, { kind: "decapsulated", outer: journey.tuple }));
  return {
    journey: { ...done, protocol, tuple, ttl, bytes, carried: journey.carried.slice(0, -1) },
    inInterface: end.name,
  };
}
