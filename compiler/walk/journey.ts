/** A packet on its way: where it has been, and what the hosts there keep of its connection. */

import {
  type ConnectionEntry,
  type Direction,
  directionIn,
  isSameTuple,
  type Tuple,
  turnedRound,
} from "../evaluate/connection.ts";
import type { Condition } from "../evaluate/unknown/condition.ts";
import { required } from "../invariant.ts";
import type { Address } from "../net/address.ts";
import type { TableRoute } from "../network/types.ts";
import type { AlikeDestinations, ChosenDestination, Hop, WalkEnd, WalkFlow, WalkStep } from "./types.ts";

/** Never changed. */
export interface Journey {
  readonly probability: number;
  readonly condition: Condition;
  /** IANA number. */
  readonly protocol: number;
  readonly tuple: Tuple;
  readonly ttl: number;
  /** Length of the packet with its IP header; 0 where it is not said. */
  readonly bytes: number;
  /** Where it is, and was before; undefined: nowhere yet. */
  readonly trail: Trail | undefined;
  /** It answers the first packet of a connection. */
  readonly isAnswer: boolean;
  /** By host. */
  readonly connections: ReadonlyMap<string, readonly ConnectionEntry[]>;
  /** Packets that this one carries, the innermost first. */
  readonly carried: readonly Carried[];
  /** Connections that proxies have made, the first one first. */
  readonly proxied: readonly Proxied[];
  /** Where proxies serve, as the flow says. */
  readonly proxies: WalkFlow["proxies"];
  /** Undefined: each destination that rules choose by chance is followed. */
  readonly alike: AlikeDestinations | undefined;
  /** The destination that rules have chosen, and others for which this packet stands. */
  readonly chosen: ChosenDestination | undefined;
  /** The host that has sent it, and what it sent there: NAT may have changed that since. */
  readonly sent: { readonly host: string; readonly tuple: Tuple };
  /** Its first host sends it in the name of another one. */
  readonly isForged?: true;
  /** It is an ICMP error about this packet, as the packet was where the error is. */
  readonly about?: { readonly protocol: number; readonly tuple: Tuple };
}

/** A packet inside of another one. */
export interface Carried {
  readonly protocol: number;
  readonly tuple: Tuple;
  readonly ttl: number;
  readonly bytes: number;
  /** The tunnel at whose other end it comes out. */
  readonly tunnel: string;
}

/** A connection that a proxy took, and the one that it made. */
export interface Proxied {
  readonly host: string;
  /** As the proxy got it. */
  readonly taken: Tuple;
  /** As the proxy sent it. */
  readonly made: Tuple;
  readonly forwardedFor: Address | undefined;
  /** The connection that it made begins with the client's address (PROXY protocol). */
  readonly tellsClient: boolean;
}

/** A packet on a host, behind `earlier`. Lists from the last to the first, which several things that can happen share. */
export interface Trail {
  readonly hop: Omit<Hop, "steps" | "after"> & { readonly after: Tuple | undefined };
  readonly steps: StepList | undefined;
  readonly earlier: Trail | undefined;
}

interface StepList {
  readonly step: WalkStep;
  readonly earlier: StepList | undefined;
}

/** The packet comes to a host; `inInterface` undefined: that sends it. */
export function arrive(journey: Journey, host: string, inInterface: string | undefined): Journey {
  const { tuple, ttl, trail } = journey;
  const hop: Trail["hop"] = { host, inInterface, outInterface: undefined, before: tuple, after: undefined, ttl };
  return { ...journey, trail: { hop, steps: undefined, earlier: trail } };
}

/** The host did something with the packet. */
export function record(journey: Journey, step: WalkStep): Journey {
  const { hop, steps, earlier } = here(journey);
  return { ...journey, trail: { hop, steps: { step, earlier: steps }, earlier } };
}

/** The packet leaves the host where it is. */
export function leave(journey: Journey, outInterface: string): Journey {
  const { hop, steps, earlier } = here(journey);
  return { ...journey, trail: { hop: { ...hop, outInterface, after: journey.tuple }, steps, earlier } };
}

/** It ended on the host where it is. */
export function finished(journey: Journey): Journey {
  const { hop, steps, earlier } = here(journey);
  return { ...journey, trail: { hop: { ...hop, after: journey.tuple }, steps, earlier } };
}

function here({ trail }: Journey): Trail {
  return required(trail, "the packet is on a host");
}

/** The hosts that a packet was on, the first one first; it ended on the last one. */
export function hopsOf({ trail, tuple }: Journey): Hop[] {
  const hops: Hop[] = [];
  for (let at = trail; at !== undefined; at = at.earlier) {
    const steps: WalkStep[] = [];
    for (let step = at.steps; step !== undefined; step = step.earlier) steps.push(step.step);
    hops.push({ ...at.hop, after: at.hop.after ?? tuple, steps: steps.reverse() });
  }
  return hops.reverse();
}

/** The hosts that the packet was on. */
export function hostsOf({ trail }: Journey): ReadonlySet<string> {
  const hosts = new Set<string>();
  for (let at = trail; at !== undefined; at = at.earlier) hosts.add(at.hop.host);
  return hosts;
}

/** Whether the packet was at this interface before as it is now, but for its time to live. */
export function wasHere({ trail, tuple }: Journey, host: string, inInterface: string): boolean {
  for (let at = trail; at !== undefined; at = at.earlier)
    if (at.hop.host === host && at.hop.inInterface === inInterface && isSameTuple(at.hop.before, tuple)) return true;
  return false;
}

/** How often the packet, as it is or inside of another one, has come to `host`, where it is. */
export function visitsOf({ trail }: Journey, host: string): number {
  let visits = 0;
  for (let at = trail; at !== undefined; at = at.earlier) if (at.hop.host === host) visits++;
  return visits;
}

/** `journey` as one of several things that can happen. */
export function chosen(journey: Journey, probability: number): Journey {
  return probability === 1 ? journey : { ...journey, probability: journey.probability * probability };
}

/** The entry of the packet's connection on `host`. */
export function connectionAt(journey: Journey, host: string): ConnectionEntry | undefined {
  const packet = { ...journey.tuple, protocol: journey.protocol };
  return journey.connections.get(host)?.findLast((entry) => directionIn(entry, packet) !== undefined);
}

/** The entry of the connection on `host` that an ICMP error is about, and which way the error goes in it: against the packet inside of it. */
export function connectionAbout(
  { about, connections }: Journey,
  host: string,
): { readonly entry: ConnectionEntry; readonly direction: Direction } | undefined {
  if (about === undefined) return undefined;
  const answer = { ...turnedRound(about.tuple), protocol: about.protocol };
  const found = (connections.get(host) ?? []).flatMap((entry) => {
    const direction = directionIn(entry, answer);
    return direction === undefined ? [] : [{ entry, direction }];
  });
  return found.at(-1);
}

/** `host` keeps `entry`, in the place of an older one of the same connection. */
export function keep(journey: Journey, host: string, entry: ConnectionEntry): Journey {
  const others = (journey.connections.get(host) ?? []).filter(
    ({ original, protocol }) => protocol !== entry.protocol || !isSameTuple(original, entry.original),
  );
  return { ...journey, connections: new Map([...journey.connections, [host, [...others, entry]]]) };
}

/** What happens next to a packet. */
export type WalkEvent =
  /** The host sends it. */
  | { readonly kind: "send"; readonly host: string; readonly journey: Journey }
  /** A frame comes in by `inInterface` of `host`, for the interface `target`. */
  | { readonly kind: "frame"; readonly frame: WalkFrame }
  /** The host has routed it to go out: the next hop is looked for. */
  | {
      readonly kind: "out";
      readonly host: string;
      readonly outInterface: string;
      readonly nextHop: Tuple["destination"];
      readonly route: TableRoute;
      readonly journey: Journey;
    }
  | ({ readonly kind: "end" } & EndedJourney);

export interface EndedJourney {
  readonly end: WalkEnd;
  readonly journey: Journey;
  /** The answer on its way back; undefined: nobody has followed it yet. */
  readonly back?: EndedJourney;
}

export interface WalkFrame {
  readonly host: string;
  readonly inInterface: string;
  /** The interface that the frame is for. */
  readonly target: { readonly host: string; readonly interface: string };
  readonly journey: Journey;
}
