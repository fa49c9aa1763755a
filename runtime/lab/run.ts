/** Flows that are made in a lab, each as often as is wanted. */
import type { WalkFlow } from "../../compiler/walk/types.ts";
import type { LabRequest } from "./ingress.ts";
import type { LabAttempt, LabSession } from "./session.ts";

/** A flow, and what became of it in a lab. */
export interface LabFlow {
  readonly flow: WalkFlow;
  /** Undefined: the connection is for none. */
  readonly request: LabRequest | undefined;
  /** At least one. */
  readonly attempts: readonly LabAttempt[];
}

/** Attempts in which each branch is looked for. */
const MOST_ATTEMPTS = 16;

/** Attempts in which each branch is looked for where clients wait in vain. */
const MOST_UNANSWERED = 4;

/** Makes a flow. `wanted`: how often; undefined: until each branch was seen, or something else than a branch. */
export async function makeFlow(
  session: LabSession,
  flow: WalkFlow,
  wanted: number | undefined,
  request?: LabRequest,
): Promise<LabFlow> {
  const attempts: LabAttempt[] = [];
  const seen = new Set<number>();
  let most = wanted ?? MOST_ATTEMPTS;
  while (attempts.length < most) {
    const attempt = await session.attempt(flow, { request });
    attempts.push(attempt);
    const { walk, comparison } = attempt;
    if (wanted === undefined && walk.branches.some(({ back }) => back?.end.kind !== "delivered"))
      most = MOST_UNANSWERED;
    if (comparison !== undefined) seen.add(walk.branches.indexOf(comparison.branch));
    if (wanted === undefined && (comparison?.isEqual !== true || seen.size === walk.branches.length)) break;
  }
  return { flow, request, attempts };
}

/** Whether all attempts went as predicted. */
export function isAsPredicted({ attempts }: LabFlow): boolean {
  return attempts.every(({ comparison }) => comparison?.isEqual === true);
}
