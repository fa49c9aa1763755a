/** Going on both where something that is not known holds, and where it does not. */
import { type About, describeTest } from "./assumption.ts";
import { both, conditionsMade, isPossible, not, unknownMatch } from "./condition.ts";
import type { StepProgress } from "./frame.ts";
import { Partition } from "./partition.ts";
import { type State, where } from "./state.ts";

/** Both ways, unless what these packets have been assumed to be leaves one of them only. */
export function assume(what: About | string, negated: boolean, state: State): StepProgress[] {
  const before = conditionsMade();
  const holds = typeof what === "string" ? unknownMatch(what) : unknownMatch(describeTest(what), what);
  const wanted = negated ? not(holds) : holds;
  const parts = new Partition<"continue" | "next">(state);
  for (const stream of state.streams) {
    const yes = both(stream.condition, wanted);
    const no = both(stream.condition, not(wanted));
    if (!isPossible(no)) parts.add(stream, "continue");
    else if (!isPossible(yes)) parts.add(stream, "next");
    else {
      parts.add(where(stream, yes), "continue");
      parts.add(where(stream, no), "next");
    }
  }
  state.control.environment.spend?.(conditionsMade() - before);
  return parts.progress;
}
