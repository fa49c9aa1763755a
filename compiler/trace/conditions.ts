/** Outcomes that end alike under several conditions. */

import type { Outcome } from "../evaluate/packet.ts";
import { describeAssumption, describeChoice } from "../evaluate/unknown/assumption.ts";
import { assumptionsOf } from "../evaluate/unknown/assumptions-of.ts";
import {
  type Condition,
  either,
  TooManyConditions,
  whereKnown,
  withConditionLimit,
} from "../evaluate/unknown/condition.ts";

export interface Alternative {
  readonly condition: Condition;
  readonly lines: readonly string[];
}

/** Of outcomes that differ in whether a destination is the node's own, and end alike, the one where it is not; and what the others
 *  assumed. Those first that send packets elsewhere. */
export function withoutLocality(
  outcomes: readonly Outcome[],
  endOf: (outcome: Outcome) => string,
): readonly { readonly outcome: Outcome; readonly alsoIf: readonly string[] }[] {
  const found = new Map(outcomes.map((outcome) => [keyOf(outcome.assumptions, outcome), outcome]));
  const rank = ({ assumptions }: Outcome): number =>
    assumptions.filter((each) => each.holds && each.locality?.of === "new").length;
  const sorted = [...outcomes].sort((a, b) => rank(a) - rank(b));
  const partnerOf = (outcome: Outcome, text: string): Outcome | undefined => {
    const others = outcome.assumptions.map((each) => (each.text === text ? { ...each, holds: !each.holds } : each));
    return found.get(keyOf(others, outcome));
  };
  const isSame = (outcome: Outcome, text: string): boolean => {
    const partner = partnerOf(outcome, text);
    return partner !== undefined && endOf(partner) === endOf(outcome);
  };
  return sorted.flatMap((outcome) => {
    const same = outcome.assumptions.filter((each) => each.locality !== undefined && isSame(outcome, each.text));
    if (same.some(({ holds }) => holds)) return [];
    const condition = whereKnown(outcome.condition, ({ text }) =>
      same.some((each) => each.text === text) ? false : undefined,
    );
    return [{ outcome: { ...outcome, condition, ...assumptionsOf(condition) }, alsoIf: same.map(({ text }) => text) }];
  });
}

function keyOf(assumptions: Outcome["assumptions"], { choices }: Outcome): string {
  return [...assumptions.map(describeAssumption).sort(), ...choices.map(describeChoice)].join("\n");
}

/** `outcomes` as `render` shows them, those that look alike once. */
export function alternatives(
  outcomes: readonly Outcome[],
  render: (outcome: Outcome) => readonly string[],
): readonly Alternative[] {
  const byText = new Map<string, Alternative>();
  const others: Alternative[] = [];
  for (const outcome of outcomes) {
    const lines = render(outcome);
    const key = lines.join("\n");
    const known = byText.get(key);
    const condition = known === undefined ? outcome.condition : eitherIfSmall(known.condition, outcome.condition);
    if (condition === undefined) others.push({ condition: outcome.condition, lines });
    else byText.set(key, { condition, lines });
  }
  return [...byText.values(), ...others];
}

/** Undefined where it would be too large to tell. */
function eitherIfSmall(a: Condition, b: Condition): Condition | undefined {
  try {
    return withConditionLimit(
      MOST_JOINED,
      () => either(a, b),
      () => undefined,
    );
  } catch (error) {
    if (error instanceof TooManyConditions) return undefined;
    throw error;
  }
}

/** Steps that are taken to find out under which one condition two outcomes end alike. */
const MOST_JOINED = 100_000;
