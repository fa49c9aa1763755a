/** Outcomes that end alike under several assumptions. */
import { localityIn } from "../evaluate/locality.ts";
import type { Outcome } from "../evaluate/packet.ts";

/** What is assumed together. */
export type Condition = Outcome["assumptions"];

export interface Alternative {
  /** Under each of these; one that assumes nothing is always met. */
  readonly conditions: readonly Condition[];
  readonly lines: readonly string[];
}

/** Of outcomes that differ in whether a destination is the node's own, and end alike, the one where it is not; and what the others
 *  assumed. Those first that send packets elsewhere. */
export function withoutLocality(
  outcomes: readonly Outcome[],
  endOf: (outcome: Outcome) => string,
): readonly { readonly outcome: Outcome; readonly alsoIf: readonly string[] }[] {
  const found = new Map(outcomes.map((outcome) => [keyOf(outcome.assumptions), outcome]));
  const rank = ({ assumptions }: Outcome): number =>
    assumptions.filter((each) => each.holds && localityIn(each) === "new").length;
  const sorted = [...outcomes].sort((a, b) => rank(a) - rank(b));
  const partnerOf = (outcome: Outcome, text: string): Outcome | undefined =>
    found.get(keyOf(outcome.assumptions.map((each) => (each.text === text ? { ...each, holds: !each.holds } : each))));
  const isSame = (outcome: Outcome, text: string): boolean => {
    const partner = partnerOf(outcome, text);
    return partner !== undefined && endOf(partner) === endOf(outcome);
  };
  return sorted.flatMap((outcome) => {
    const same = outcome.assumptions.filter((each) => localityIn(each) !== undefined && isSame(outcome, each.text));
    if (same.some(({ holds }) => holds)) return [];
    const assumptions = outcome.assumptions.filter((each) => !same.includes(each));
    return [{ outcome: { ...outcome, assumptions }, alsoIf: same.map(({ text }) => text) }];
  });
}

function keyOf(condition: Condition): string {
  return condition
    .map(({ text, holds }) => `${holds} ${text}`)
    .sort()
    .join("\n");
}

/** `outcomes` as `render` shows them, those that look alike once. */
export function alternatives(
  outcomes: readonly Outcome[],
  render: (outcome: Outcome) => readonly string[],
): readonly Alternative[] {
  const byText = new Map<string, { conditions: Condition[]; lines: readonly string[] }>();
  for (const outcome of outcomes) {
    const lines = render(outcome);
    const key = lines.join("\n");
    const known = byText.get(key) ?? { conditions: [], lines };
    byText.set(key, known);
    known.conditions.push(outcome.assumptions);
  }
  return [...byText.values()].map(({ conditions, lines }) => ({ conditions: simplify(conditions), lines }));
}

/** Fewer conditions of which one is met whenever one of `conditions` is: two that differ in whether one thing holds are one without
 *  it. */
function simplify(conditions: readonly Condition[]): readonly Condition[] {
  for (const [i, one] of conditions.entries()) {
    for (const [j, other] of conditions.entries()) {
      const both = j > i ? joined(one, other) : undefined;
      if (both !== undefined)
        return simplify(conditions.flatMap((each, k) => (k === i ? [both] : k === j ? [] : [each])));
    }
  }
  return conditions.some(({ length }) => length === 0) ? [] : conditions;
}

function joined(one: Condition, other: Condition): Condition | undefined {
  if (one.length !== other.length) return undefined;
  const holds = new Map(other.map((each) => [each.text, each.holds]));
  if (!one.every(({ text }) => holds.has(text))) return undefined;
  const same = one.filter((each) => holds.get(each.text) === each.holds);
  return same.length >= one.length - 1 ? same : undefined;
}
