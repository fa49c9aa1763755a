/** How much of a program is understood, and what is not. */
import type { Program, Step } from "../../compiler/ir/types.ts";

/**
 * Rules by what is known of them. `counting`: understood but for a rate limit, quota or the like, which is an unknown by
 * nature. `refused`: the tool would not take it, and it may do anything.
 */
export interface Shares {
  readonly understood: number;
  readonly counting: number;
  readonly opaque: number;
  readonly refused: number;
  /** Constructs that are not understood, by their first words, most frequent first. */
  readonly constructs: readonly (readonly [construct: string, rules: number])[];
}

export function sharesOf(programs: readonly Program[]): Shares {
  const counts = { understood: 0, counting: 0, opaque: 0, refused: 0 };
  const constructs = new Map<string, number>();
  for (const { ruleset } of programs) {
    for (const { steps } of ruleset.tables.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules))) {
      if (steps.length === 1 && steps.some(isRefused)) {
        counts.refused++;
        continue;
      }
      const unknowns = steps.flatMap(unknownIn);
      const others = unknowns.filter((text) => !COUNTING.test(text));
      for (const text of others) constructs.set(construct(text), (constructs.get(construct(text)) ?? 0) + 1);
      if (others.length > 0) counts.opaque++;
      else if (unknowns.length > 0) counts.counting++;
      else counts.understood++;
    }
  }
  return { ...counts, constructs: [...constructs].sort(([, a], [, b]) => b - a) };
}

/** Understood rules of those that the tool takes, in percent. */
export function percentUnderstood({ understood, counting, opaque }: Shares): number {
  return (100 * (understood + counting)) / (understood + counting + opaque);
}

const COUNTING =
  /^(-m (limit|hashlimit|connlimit|quota)\b|limit |quota |ct count |meter |(update|add) @\S+ \{.*\b(limit|quota|ct count) )/;

/** What of a step is not known. Statements that leave the packet alone are: a log needs no more. */
function unknownIn(step: Step): string[] {
  switch (step.kind) {
    case "opaque":
      return [step.text];
    case "opaque-statement":
      return step.terminal || step.writes !== undefined ? [step.text] : [];
    case "set":
      return step.value.kind === "opaque" ? [step.value.text] : [];
    default:
      return [];
  }
}

/** What may do anything, and is no target that is merely not known. */
function isRefused(step: Step): boolean {
  return step.kind === "opaque-statement" && step.terminal && (step.writes ?? []).some(({ key }) => key === "state");
}

function construct(text: string): string {
  return text.split(" ", 3).join(" ");
}

export function describeShares(dialect: string, shares: Shares): string {
  const { understood, counting, opaque, refused, constructs } = shares;
  const lines = [
    `${dialect}: ${understood + counting + opaque} rules, ${percentUnderstood(shares).toFixed(2)} % understood (${counting} but for a limit), ${opaque} opaque; ${refused} more that the tool refuses`,
    ...constructs.map(([name, rules]) => `  ${rules} ${name}`),
  ];
  return `${lines.join("\n")}\n`;
}
