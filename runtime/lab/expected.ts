/** What packet sockets are to hear of a predicted leg of a walk. */

import type { Tuple } from "../../compiler/evaluate/connection.ts";
import type { Hop, Leg } from "../../compiler/walk/types.ts";
import type { LabSighting } from "./sightings.ts";

/** A sighting without its protocol. */
export interface ExpectedSighting extends Pick<LabSighting, "host" | "interface" | "direction"> {
  readonly tuple: Tuple;
  readonly ttl: number;
  /** It depends on what the host has sent before. */
  readonly isOptional?: true;
}

/** In order of time. */
export function expectedSightings({ hops, end }: Leg): ExpectedSighting[] {
  return hops.flatMap((hop, i) => {
    const isLast = i === hops.length - 1;
    const endsHere = isLast && end.kind === "delivered" && end.host === hop.host;
    return sightingsAt(hop, endsHere || !isLast, isLast && end.kind === "bridge-drops" ? end.bridge : undefined);
  });
}

/** `arrives`: the hop's host delivers the packet, or hands it on. `dropping`: the bridge that does not. */
function sightingsAt(hop: Hop, arrives: boolean, dropping: string | undefined): ExpectedSighting[] {
  const { host, inInterface, outInterface, before, after, ttl, steps } = hop;
  const found: ExpectedSighting[] = [];
  const at = (name: string, direction: "in" | "out", tuple: Tuple, left: number): void => {
    found.push({ host, interface: name, direction, tuple, ttl: left });
  };
  if (inInterface !== undefined) at(inInterface, "in", before, ttl);
  let tuple = before;
  let bridged: Tuple | undefined;
  let isRouted = false;
  let outPort: string | undefined;
  for (const step of steps) {
    switch (step.kind) {
      case "translated":
        tuple = step.to;
        bridged ??= step.to;
        break;
      case "routed":
        isRouted = true;
        break;
      case "bridged":
        // A bridge that passes a frame on hears nothing of it itself.
        if (step.port === undefined) at(step.bridge, "in", tuple, ttl);
        // Where it does not have the header of the neighbour's frames yet, it sends the translated packet to that by itself.
        else if (step.inPort !== undefined && bridged !== undefined)
          found.push({ host, interface: step.bridge, direction: "out", tuple: bridged, ttl, isOptional: true });
        else if (step.inPort === undefined) outPort = step.port;
        break;
      default:
        // Other steps change neither the packet nor where it is.
        break;
    }
  }
  if (dropping !== undefined && bridged !== undefined)
    found.push({ host, interface: dropping, direction: "out", tuple: bridged, ttl, isOptional: true });
  const left = isRouted && inInterface !== undefined ? ttl - 1 : ttl;
  if (outInterface !== undefined) {
    at(outInterface, "out", after, left);
    if (outPort !== undefined) at(outPort, "out", after, left);
  } else if (inInterface === undefined && arrives) {
    at("lo", "out", after, left);
    at("lo", "in", after, left);
  }
  return found;
}
