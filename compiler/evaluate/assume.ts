/** Follows packets both where something unknown holds, and where it does not. */

import type { StepProgress } from "./frame.ts";
import { Partition } from "./partition.ts";
import { type State, where } from "./state.ts";
import { type About, describeTest } from "./unknown/assumption.ts";
import { both, conditionsMade, isPossible, not, unknownMatch } from "./unknown/condition.ts";

/** `state` where an unknown match holds, and where it does not; one of the two where earlier assumptions decide it. */
export function assume(what: About | string, negated: boolean, state: State): StepProgress[] {
  const before = conditionsMade();
  const holds = typeof what === "string" ? unknownMatch(what) : unknownMatch(describeTest(what), what);
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
