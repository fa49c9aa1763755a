/** Conditions on what is not known, each with the formula that it is to be. */
import fc from "fast-check";
import type { About } from "../../compiler/evaluate/unknown/assumption.ts";
import {
  ALWAYS,
  both,
  type Condition,
  either,
  NEVER,
  not,
  unknownMatch,
} from "../../compiler/evaluate/unknown/condition.ts";

/** Whether each unknown holds, by its text. */
export type Answers = (text: string) => boolean;

export function isTrue(condition: Condition, answers: Answers): boolean {
  let at = condition;
  while (at.unknown !== undefined) at = answers(at.unknown.text) ? at.high : at.low;
  return at === ALWAYS;
}

/** A formula, as conditions are made of it and as what it says. */
export interface Formula {
  readonly condition: Condition;
  readonly says: (answers: Answers) => boolean;
}

export const leafOf = (text: string, about?: About): Formula => ({
  condition: unknownMatch(text, about),
  says: (answers) => answers(text),
});

export function formulasOf(leaves: readonly Formula[]): fc.Arbitrary<Formula> {
  const constants: readonly Formula[] = [
    { condition: ALWAYS, says: () => true },
    { condition: NEVER, says: () => false },
  ];
  return fc.letrec<{ formula: Formula }>((tie) => {
    const two = fc.tuple(tie("formula"), tie("formula"));
    return {
      formula: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom(...leaves, ...leaves, ...constants),
        two.map(
          ([a, b]): Formula => ({
            condition: both(a.condition, b.condition),
            says: (answers) => a.says(answers) && b.says(answers),
          }),
        ),
        two.map(
          ([a, b]): Formula => ({
            condition: either(a.condition, b.condition),
            says: (answers) => a.says(answers) || b.says(answers),
          }),
        ),
        tie("formula").map((a): Formula => ({ condition: not(a.condition), says: (answers) => !a.says(answers) })),
      ),
    };
  }).formula;
}
