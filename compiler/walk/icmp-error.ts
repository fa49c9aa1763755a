/** What a host tells the sender of a packet that ended there: an ICMP error about it, or a TCP reset. */
import { turnedRound } from "../evaluate/connection.ts";
import type { Rejection } from "../evaluate/disposition.ts";
import { type Address, familyOf } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import type { RefusingRoute } from "../network/types.ts";
import { ownSource } from "./ip.ts";
import type { Journey } from "./journey.ts";
import type { WalkEnd } from "./types.ts";

/** What is sent. */
export interface Notice {
  readonly says: Rejection | "packet-too-big";
  /** In front of the host's hooks; undefined: the host has no route to the sender. */
  readonly journey: Journey | undefined;
}

const ICMP = { IPv4: 1, IPv6: 58 } as const;
const TTL = 64;
const TCP = 6;

/** The message of `host` about the packet of `journey`, which ended there; undefined: it sends none. A host that has sent the packet itself
 *  tells its program without one, and what is said of a tunnel's packets is not for the sender of those inside. */
export function noticeOf(host: Host, end: WalkEnd, journey: Journey): Notice | undefined {
  const { trail, carried, tuple, about } = journey;
  if (about !== undefined || carried.length > 0 || trail?.hop.inInterface === undefined) return undefined;
  const says = messageOf(end, tuple.destination, journey.protocol);
  if (says === undefined) return undefined;
  const back: Journey = { ...journey, ttl: TTL, bytes: 0, trail: undefined, isAnswer: true, carried: [], proxied: [] };
  if (says === "tcp-reset") return { says, journey: { ...back, tuple: turnedRound(tuple), isForged: true } };
  const isOwn = host.interfaces.some(({ addresses }) => addresses.some(({ address }) => address === tuple.destination));
  const source = isOwn ? tuple.destination : ownSource(host, tuple.source);
  if (source === undefined) return { says, journey: undefined };
  const error: Journey = {
    ...back,
    protocol: ICMP[familyOf(tuple.source)],
    tuple: { source, sourcePort: 0, destination: tuple.source, destinationPort: 0 },
    about: { protocol: journey.protocol, tuple },
  };
  return { says, journey: error };
}

/** What routes say that refuse packets (fib_props, ip6_pkt_discard); a blackhole says nothing. */
const REFUSALS: Readonly<Record<RefusingRoute, (destination: Address) => Notice["says"] | undefined>> = {
  blackhole: () => undefined,
  unreachable: (destination) => (familyOf(destination) === "IPv4" ? "host-unreachable" : "net-unreachable"),
  prohibit: () => "admin-prohibited",
};

function messageOf(end: WalkEnd, destination: Address, protocol: number): Notice["says"] | undefined {
  switch (end.kind) {
    case "too-large":
      return end.byBridge === true ? undefined : "packet-too-big";
    case "rejected":
      return end.with;
    case "no-target":
      // Nobody listens at the port.
      return protocol === TCP ? "tcp-reset" : "port-unreachable";
    case "no-neighbour":
      return "host-unreachable";
    case "no-route":
      return end.refused === undefined ? "net-unreachable" : REFUSALS[end.refused.kind](destination);
    default:
      // Others are lost in silence.
      return undefined;
  }
}
