/** Follows packets both where something unknown holds, and where it does not. */

import type { StepProgress } from "./frame.ts";
import { Partition } from "./partition.ts";
import { type State, where } from "./state.ts";
import { type About, describeLocality, describeTest, type Locality } from "./unknown/assumption.ts";
import { both, type Condition, conditionsMade, isPossible, not, unknownMatch } from "./unknown/condition.ts";

/** `state` where an unknown match holds, and where it does not; one of the two where earlier assumptions decide it. */
export function assume(what: About | Locality | string, negated: boolean, state: State): StepProgress[] {
  const before = conditionsMade();
  const holds = conditionOf(what);
  const wanted = negated ? not(holds) : holds;
  const parts = new Partition<"continue" | "next">(state);
  for (const branch of state.branches) {
    const yes = both(branch.condition, wanted);
    const no = both(branch.condition, not(wanted));
    if (!isPossible(no)) parts.add(branch, "continue");
    else if (!isPossible(yes)) parts.add(branch, "next");
    else {
      parts.add(where(branch, yes), "continue");
      parts.add(where(branch, no), "next");
    }
  }
  state.shared.environment.spend?.(conditionsMade() - before);
  return parts.progress;
}

function conditionOf(what: About | Locality | string): Condition {
  if (typeof what === "string") return unknownMatch(what);
  return "of" in what ? localityHolds(what) : unknownMatch(describeTest(what), what);
}

export function localityHolds(locality: Locality): Condition {
  return unknownMatch(describeLocality(locality), undefined, locality);
}
