/** Flows that are predicted and made in a lab, one after the other. */
import type { WalkFlow } from "../../compiler/walk/types.ts";
import { disagreementIn } from "../../runtime/lab/compare-walk.ts";
import { type LabDescription, LabSession } from "../../runtime/lab/session.ts";

/** What is predicted, and made. */
export interface LabSubject extends LabDescription {
  readonly flows: readonly WalkFlow[];
}

/** What the kernel did otherwise than predicted, behind the flow's number; empty where all is the same. */
export async function disagreementsOf({ flows, ...description }: LabSubject): Promise<string[]> {
  const session = await LabSession.open(description);
  try {
    const told: string[] = [];
    for (const [i, flow] of flows.entries()) {
      const { comparison } = await session.attempt(flow);
      const what = comparison === undefined ? "there is no branch" : disagreementIn(comparison);
      if (what !== undefined) told.push(`${i}: ${what}`);
    }
    return told;
  } finally {
    session.close();
  }
}
