/** Outcomes that end alike under several assumptions. */
import type { Outcome } from "../evaluate/packet.ts";

/** What is assumed together. */
export type Condition = Outcome["assumptions"];

export interface Alternative {
  /** Under each of these; one that assumes nothing is always met. */
  readonly conditions: readonly Condition[];
  readonly lines: readonly string[];
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
