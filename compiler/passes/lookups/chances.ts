/** One of several elements by chance, or in turn: a row of rules, each for its part of the packets that are left. */

import { counting, equal } from "../../ir/build.ts";
import { partsOfKey } from "../../ir/sets.ts";
import type { Match, Rule, SetElement, Statement } from "../../ir/types.ts";
import { going, type OnElement, type Residue, type StepCursor } from "./cursor.ts";
import type { RandomPart } from "./keys.ts";

/** The element for each number that comes up; undefined where a number has none. */
export function slotsOf<Element extends SetElement>(
  elements: readonly Element[],
  { position, modulus, offset }: RandomPart,
): (Element | undefined)[] {
  const byNumber = new Map(elements.map((element) => [partsOfKey(element)[position], element]));
  return Array.from({ length: modulus }, (_, i) => byNumber.get(offset + i));
}

/** Goes on with one of `slots`, each as likely as the others or each in its turn; `leave` is how an empty slot leads to the next
 *  rule. */
export function byChance<Element extends SetElement>(
  mode: RandomPart["mode"],
  slots: readonly (Element | undefined)[],
  cursor: StepCursor,
  leave: () => Statement,
  then: OnElement<Element>,
): Residue {
  const rules: Rule[] = [];
  for (const [index, element] of slots.entries()) {
    const left = slots.length - index;
    const matches = left === 1 ? cursor.matches : [...cursor.matches, oneOf(left, mode)];
    if (element !== undefined) {
      rules.push(...then(element, { ...cursor, matches }).rules);
    } else if (left > 1) {
      rules.push({ steps: [...matches, leave()] });
    }
  }
  const isSure = slots.at(-1) !== undefined && cursor.matches.length === 0;
  return { ...going(rules, cursor), ended: isSure };
}

/** Holds for one packet of `count`. */
function oneOf(count: number, mode: RandomPart["mode"]): Match {
  return mode === "random" ? { kind: "chance", numerator: Math.round(2 ** 31 / count) } : equal(counting(count), 0);
}
