/** What a lab has seen of a flow, as a branch of a walk. */
import type { Tuple } from "../../compiler/evaluate/connection.ts";
import { ALWAYS } from "../../compiler/evaluate/unknown/condition.ts";
import type { Hop, WalkBranch } from "../../compiler/walk/types.ts";
import type { LabAttempt } from "./session.ts";
import type { LabSighting } from "./sightings.ts";

export type ObservedBranch =
  | { readonly kind: "delivered"; readonly branch: WalkBranch }
  /** `at`: host and interface of the last sighting. */
  | { readonly kind: "lost"; readonly at: string };

/** A packet was delivered where its answer was sent, or its client was answered. What sightings do not tell (rules, routes) is not in the branch. */
export function observedBranch({ observed: { answer, sightings } }: LabAttempt): ObservedBranch {
  const requests = sightings.filter(({ packet }) => packet.role === "request");
  const answers = sightings.filter(({ packet }) => packet.role === "answer");
  const last = requests.at(-1);
  const [first] = answers;
  const isAnswered = answer.kind === "served" || answer.kind === "echo" || answer.kind === "status";
  if (last === undefined) return { kind: "lost", at: "the sender, which did not send it" };
  if (!isAnswered && first?.direction !== "out") return { kind: "lost", at: `${last.host} ${last.interface}` };
  const host = first?.host ?? last.host;
  const end = { kind: "delivered", host, tuple: last.packet.tuple } as const;
  const back = isAnswered
    ? {
        hops: hopsOf(answers),
        end: { kind: "delivered", host: requests[0]?.host ?? "", tuple: tupleOf(answers.at(-1), last) } as const,
      }
    : undefined;
  return {
    kind: "delivered",
    branch: { probability: 1, condition: ALWAYS, there: { hops: hopsOf(requests), end }, back },
  };
}

function tupleOf(sighting: LabSighting | undefined, other: LabSighting): Tuple {
  return (sighting ?? other).packet.tuple;
}

/** Sightings of one host after the other are a hop. */
function hopsOf(sightings: readonly LabSighting[]): Hop[] {
  const groups: LabSighting[][] = [];
  for (const each of sightings) {
    const group = groups.at(-1);
    if (group?.[0]?.host === each.host) group.push(each);
    else groups.push([each]);
  }
  return groups.flatMap((group): Hop[] => {
    const [first] = group;
    const last = group.at(-1);
    if (first === undefined || last === undefined) return [];
    return [
      {
        host: first.host,
        inInterface: first.direction === "in" ? first.interface : undefined,
        outInterface: last.direction === "out" ? last.interface : undefined,
        before: first.packet.tuple,
        after: last.packet.tuple,
        ttl: first.packet.ttl,
        steps: [],
      },
    ];
  });
}
