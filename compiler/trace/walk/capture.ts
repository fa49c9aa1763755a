/** A predicted walk as a capture: each interface that packets pass, and the rules that decided as comments. */
import type { Tuple } from "../../evaluate/connection.ts";
import { type ExpectedSighting, expectedSightings } from "../../walk/expected.ts";
import type { Leg, Walk, WalkBranch } from "../../walk/types.ts";
import { chance } from "../chance.ts";
import type { Capture, CaptureFrame, CaptureInterface } from "../pcapng.ts";
import { groupsOf } from "./groups.ts";
import { hopLines } from "./rows.ts";
import type { TellingContext } from "./walk-names.ts";

/** What makes a packet's bytes. */
export interface WalkPacket extends Tuple {
  /** IANA number. */
  readonly protocol: number;
  readonly ttl: number;
  /** The first answer of a connection, not its first packet. */
  readonly isAnswer: boolean;
  /** The packet in that of a tunnel. */
  readonly carries?: WalkPacket;
}

/** `bytesOf`: an IP packet with right checksums. `isAll`: also branches that differ in the endpoint only. Each branch begins at a second of
 *  its own; a packet is at its next interface a microsecond later. */
export function captureWalk(
  walk: Walk,
  context: TellingContext,
  isAll: boolean,
  bytesOf: (packet: WalkPacket) => Uint8Array,
): Capture {
  const { hosts } = context;
  const branches = isAll ? walk.branches : groupsOf(walk, hosts).flatMap((group) => group.branches.slice(0, 1));
  const interfaces: CaptureInterface[] = [];
  const numbers = new Map<string, number>();
  const numberOf = ({ host, interface: own }: ExpectedSighting): number => {
    const name = `${host}/${own}`;
    const known = numbers.get(name);
    if (known !== undefined) return known;
    numbers.set(name, interfaces.length);
    return interfaces.push({ name, link: "ip" }) - 1;
  };
  const packets = branches.flatMap((branch, second) => {
    const there = sightingsOf(branch.there, false);
    const back = branch.back === undefined ? [] : sightingsOf(branch.back, true);
    return [...there, ...back].map((each, i): CaptureFrame => {
      const bytes = bytesOf(packetOf(each, walk.flow.protocol));
      const comments = [
        ...(i === 0 ? [branchLine(branch)] : []),
        ...(each.isLastOfHop ? hopLines(each.sighting.hop, context, each.end) : []),
      ];
      return {
        interface: numberOf(each.sighting),
        time: BigInt(second + 1) * 1_000_000_000n + BigInt(i) * 1000n,
        direction: each.sighting.direction,
        bytes,
        length: bytes.length,
        comments: comments.length === 0 ? [] : [comments.join("\n")],
      };
    });
  });
  return { comment: COMMENT, interfaces, packets };
}

const COMMENT =
  "Predicted by kpc: no packet was sent. Packets have right checksums; times only tell their order; Ethernet headers within tunnels are zero.";

function branchLine({ probability, there }: WalkBranch): string {
  return `${chance(probability)}: ${there.end.host}`;
}

interface TimedSighting {
  readonly sighting: ExpectedSighting;
  readonly isAnswer: boolean;
  readonly isLastOfHop: boolean;
  readonly end: Leg["end"] | undefined;
}

function sightingsOf(leg: Leg, isAnswer: boolean): TimedSighting[] {
  // The other way out of a bridge is taken in some cases only.
  const found = expectedSightings(leg).filter(({ isOptional }) => isOptional !== true);
  return found.map((sighting, i) => {
    const isLastOfHop = found[i + 1]?.hop !== sighting.hop;
    return { sighting, isAnswer, isLastOfHop, end: sighting.hop === leg.hops.at(-1) ? leg.end : undefined };
  });
}

const UDP = 17;
const IPIP = 4;

function packetOf({ sighting, isAnswer }: TimedSighting, protocol: number): WalkPacket {
  const { tuple, ttl, carries } = sighting;
  if (carries === undefined) return { ...tuple, protocol, ttl, isAnswer };
  const inner = { ...carries.tuple, protocol, ttl: carries.ttl, isAnswer };
  return { ...tuple, protocol: tuple.destinationPort === 0 ? IPIP : UDP, ttl, isAnswer: false, carries: inner };
}
