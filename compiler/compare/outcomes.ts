/** Whether two programs do the same to a packet. */

import { areSame, distributionOf } from "../evaluate/distribution.ts";
import type { Outcome } from "../evaluate/packet.ts";
import { describeChoice, printAssumption } from "../evaluate/unknown/assumption.ts";
import { assumptionsOf } from "../evaluate/unknown/assumptions-of.ts";
import { both, type Condition, isPossible, unknownsIn } from "../evaluate/unknown/condition.ts";

/** Two outcomes of one packet that are not the same, and what has to be assumed of matches that are not understood. */
export interface Difference {
  readonly left: Outcome;
  readonly right: Outcome;
  readonly assumptions: readonly string[];
  /** It depends on which addresses the node has. */
  readonly asksLocality: boolean;
}

/** The first pair of outcomes that can be met together and differ. */
export function findDifference(left: readonly Outcome[], right: readonly Outcome[]): Difference | undefined {
  for (const difference of differencesOf(left, right)) return difference;
  return undefined;
}

/** All pairs of outcomes that can be met together and differ. */
export function* differencesOf(left: readonly Outcome[], right: readonly Outcome[]): Generator<Difference> {
  for (const a of left) {
    for (const b of right) {
      if (areSame(distributionOf(a), distributionOf(b))) continue;
      const condition = both(a.condition, b.condition);
      if (isPossible(condition))
        yield { left: a, right: b, assumptions: describeCondition(condition), asksLocality: asksLocality(condition) };
    }
  }
}

function asksLocality(condition: Condition): boolean {
  return [...unknownsIn(condition)].some(({ locality }) => locality !== undefined);
}

/** The assumptions behind a difference, a line each. */
function describeCondition(condition: Condition): string[] {
  const { assumptions, choices } = assumptionsOf(condition);
  return [...assumptions.map((each) => printAssumption(each)), ...choices.map(describeChoice)].sort();
}
