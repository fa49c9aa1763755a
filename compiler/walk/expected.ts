/** What packet sockets are to hear of a predicted leg of a walk. */
import type { Tuple } from "../evaluate/connection.ts";
import type { Hop, Leg, WalkEnd } from "./types.ts";

/** A packet as it passes an interface. */
export interface ExpectedSighting {
  /** A host's name. */
  readonly host: string;
  readonly interface: string;
  readonly direction: "in" | "out";
  readonly tuple: Tuple;
  readonly ttl: number;
  /** It depends on what the host has sent before. */
  readonly isOptional?: true;
  /** The packet in that of a tunnel. */
  readonly carries?: Pick<ExpectedSighting, "tuple" | "ttl">;
  /** What happens to the packet on the host. */
  readonly hop: Hop;
}

/** In order of time. */
export function expectedSightings({ hops, end }: Leg): ExpectedSighting[] {
  const carried: Pick<ExpectedSighting, "tuple" | "ttl">[] = [];
  return hops.flatMap((hop, i) => {
    const isLast = i === hops.length - 1;
    const found = sightingsAt(
      hop,
      !isLast || comesIn(end, hop),
      isLast && end.kind === "bridge-drops" ? end.bridge : undefined,
    );
    const inner = carried.at(-1);
    for (const step of hop.steps) {
      if (step.kind === "encapsulated") carried.push({ tuple: hop.after, ttl: ttlBehind(hop) });
      if (step.kind === "decapsulated") carried.pop();
    }
    return inner === undefined ? found : found.map((each) => ({ ...each, carries: inner }));
  });
}

/** Whether a packet that ends on a host gets as far as its rules for packets that come in. */
function comesIn(end: WalkEnd, { host }: Hop): boolean {
  if (end.host !== host) return false;
  return end.kind === "delivered" || ("hook" in end && (end.hook === "prerouting" || end.hook === "input"));
}

/** The time to live of a packet that leaves the host. */
function ttlBehind({ inInterface, ttl, steps }: Hop): number {
  return inInterface !== undefined && steps.some(({ kind }) => kind === "routed") ? ttl - 1 : ttl;
}

/** `arrives`: the hop's host delivers the packet, or hands it on. `dropping`: the bridge that does not. */
function sightingsAt(hop: Hop, arrives: boolean, dropping: string | undefined): ExpectedSighting[] {
  const { host, inInterface, outInterface, before, after, ttl, steps } = hop;
  const found: ExpectedSighting[] = [];
  const at = (name: string, direction: "in" | "out", tuple: Tuple, left: number): void => {
    found.push({ host, interface: name, direction, tuple, ttl: left, hop });
  };
  const maybeAt = (name: string, tuple: Tuple): void => {
    found.push({ host, interface: name, direction: "out", tuple, ttl, isOptional: true, hop });
  };
  if (inInterface !== undefined) at(inInterface, "in", before, ttl);
  let tuple = before;
  let bridged: Tuple | undefined;
  let outPort: string | undefined;
  for (const step of steps) {
    switch (step.kind) {
      case "translated":
        tuple = step.to;
        bridged ??= step.to;
        break;
      case "bridged":
        // A bridge that passes a frame on hears nothing of it itself.
        if (step.port === undefined) at(step.bridge, "in", tuple, ttl);
        // Where it does not have the header of the neighbour's frames yet, it sends the translated packet to that by itself.
        else if (step.inPort !== undefined && bridged !== undefined) maybeAt(step.bridge, bridged);
        else if (step.inPort === undefined) outPort = step.port;
        break;
      default:
        // Other steps change neither the packet nor where it is.
        break;
    }
  }
  if (dropping !== undefined && bridged !== undefined) maybeAt(dropping, bridged);
  const left = ttlBehind(hop);
  if (outInterface !== undefined) {
    at(outInterface, "out", after, left);
    if (outPort !== undefined) at(outPort, "out", after, left);
  } else if (inInterface === undefined && arrives) {
    at("lo", "out", after, left);
    at("lo", "in", after, left);
  }
  return found;
}
