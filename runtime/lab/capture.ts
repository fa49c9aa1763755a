/** What a lab has seen of flows, as a capture. */
import type { Capture, CaptureFrame, CaptureInterface } from "../../compiler/trace/pcapng.ts";
import { hopLines } from "../../compiler/trace/walk/rows.ts";
import type { TellingContext } from "../../compiler/trace/walk/walk-names.ts";
import type { Leg } from "../../compiler/walk/types.ts";
import { type ComparedSighting, packetText, type WalkComparison } from "./compare-walk.ts";
import type { LabFlow } from "./run.ts";
import type { LabSighting } from "./sightings.ts";

/** All packets of the flows; those that were predicted have the rules that decided, others the difference, as comments. `others`: packets of nobody. */
export function captureFlows(
  flows: readonly LabFlow[],
  context: Omit<TellingContext, "protocol">,
  others: readonly LabSighting[] = [],
): Capture {
  const interfaces: CaptureInterface[] = [];
  const numbers = new Map<string, number>();
  const numberOf = ({ host, interface: own }: LabSighting): number => {
    const name = `${host}/${own}`;
    const known = numbers.get(name);
    if (known !== undefined) return known;
    numbers.set(name, interfaces.length);
    return interfaces.push({ name, link: "ethernet" }) - 1;
  };
  const frameOf = (each: LabSighting, lines: readonly string[]): CaptureFrame => {
    const { bytes, length, time } = each.frame;
    const comments = lines.length === 0 ? [] : [lines.join("\n")];
    return { interface: numberOf(each), time, direction: each.direction, bytes, length, comments };
  };
  const ofFlows = flows.flatMap(({ flow, attempts }) =>
    attempts.flatMap(({ observed, comparison }) => {
      const told = comparison && commentsOn(comparison, { ...context, protocol: flow.protocol });
      return observed.sightings.map((each) => frameOf(each, told?.get(each) ?? []));
    }),
  );
  const packets = [...ofFlows, ...others.map((each) => frameOf(each, []))].sort((a, b) =>
    a.time < b.time ? -1 : a.time > b.time ? 1 : 0,
  );
  return { comment: COMMENT, interfaces, packets };
}

const COMMENT =
  "Seen by packet sockets in a lab of kpc. Checksums of TCP and UDP may be partial: the kernel leaves them to network cards, which a lab does not have. Long packets are cut.";

/** By the sightings that they are about. */
function commentsOn({ branch, rows }: WalkComparison, context: TellingContext): Map<LabSighting, readonly string[]> {
  const found = new Map<LabSighting, readonly string[]>();
  for (const [i, row] of rows.entries()) {
    if (row.observed === undefined) continue;
    const { predicted } = row;
    const leg: Leg | undefined = row.leg === "request" ? branch.there : branch.back;
    const isLastOfHop = predicted !== undefined && rows[i + 1]?.predicted?.hop !== predicted.hop;
    const end = predicted !== undefined && predicted.hop === leg?.hops.at(-1) ? leg.end : undefined;
    const lines = [
      ...(row.isEqual ? [] : [differenceIn(row)]),
      ...(isLastOfHop ? hopLines(predicted.hop, context, end) : []),
    ];
    if (lines.length > 0) found.set(row.observed, lines);
  }
  return found;
}

function differenceIn({ predicted }: ComparedSighting): string {
  return predicted === undefined ? "! not predicted" : `! predicted: ${packetText(predicted)}`;
}
