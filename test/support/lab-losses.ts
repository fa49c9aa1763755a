/** Where a lab loses a packet that is predicted to be lost. */
import { disagreementIn } from "../../runtime/lab/compare-walk.ts";
import { LabSession } from "../../runtime/lab/session.ts";
import type { LabSighting } from "../../runtime/lab/sightings.ts";
import type { LabSubject } from "./lab-walks.ts";

/** How often a flow is sent, at most, until chance leads it to where it is lost. */
const MOST_TRIES = 24;

/** What a lab has seen of a flow. */
export interface LossInLab {
  /** What was otherwise than predicted, at any try. */
  readonly disagreements: readonly string[];
  /** Where the packet or its answer was seen last, when the client got no answer: `node/n1 veth-web-1 in`, behind `answer` for that;
   *  undefined: all tries were answered. */
  readonly lostAt: string | undefined;
}

/** Sends the only flow of `subject` until it is lost, at most `tries` times. */
export async function lossInLab({ flows: [flow], ...description }: LabSubject, tries = MOST_TRIES): Promise<LossInLab> {
  if (flow === undefined) throw new Error("there is no flow");
  const session = await LabSession.open(description);
  try {
    const disagreements: string[] = [];
    for (let i = 0; i < tries; i++) {
      const { observed, comparison } = await session.attempt(flow);
      const what = comparison === undefined ? "there is no branch" : disagreementIn(comparison);
      if (what !== undefined) disagreements.push(what);
      const { answer, sightings } = observed;
      if (answer.kind === "silence" || answer.kind === "error") return { disagreements, lostAt: lastOf(sightings) };
    }
    return { disagreements, lostAt: undefined };
  } finally {
    session.close();
  }
}

function lastOf(sightings: readonly LabSighting[]): string {
  const last = sightings.findLast(({ packet }) => packet.role === "request" || packet.role === "answer");
  if (last === undefined) return "nowhere";
  const { host, interface: name, direction, packet } = last;
  return `${packet.role === "answer" ? "answer " : ""}${host} ${name} ${direction}`;
}
