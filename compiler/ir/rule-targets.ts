/** The chains that rules lead to, without looking at each rule of a form. */
import type { FormPlaces } from "./form-places.ts";
import { RuleForms } from "./rule-forms.ts";
import { countRules, everyRule, rowsOfRules } from "./rule-rows.ts";
import type { Chain, Rule } from "./types.ts";

/** What all rules of a form lead to. */
interface FormTargets {
  /** Names that stand in all of them. */
  readonly fixed: readonly string[];
  /** Slots in which names stand. */
  readonly slots: readonly number[];
}

/** Looks for names of chains in rules by `namesIn`, which finds all that stand in verdicts, and perhaps others. */
export class RuleTargets {
  private readonly namesIn: (rule: Rule) => readonly string[];
  private readonly forms = new RuleForms((rule, places) => this.targetsOf(rule, places));

  constructor(namesIn: (rule: Rule) => readonly string[]) {
    this.namesIn = namesIn;
  }

  /** Whether `test` holds of all names in rules of `chain`; those behind one of which it does not are not asked. */
  every(chain: Chain, test: (name: string) => boolean): boolean {
    const own = rowsOfRules(chain);
    if (own === undefined) return everyRule(chain, (rule) => this.namesIn(rule).every(test));
    const { rows } = own;
    const count = countRules(chain);
    for (let i = 0; i < count; i++) {
      const row = own.rowOf(i);
      const targets = this.forms.of(rows, row);
      if (targets === "irregular") {
        if (!this.namesIn(rows.peek(row)).every(test)) return false;
        continue;
      }
      const { fixed, slots } = targets;
      for (let k = 0; k < fixed.length; k++) if (!test(fixed[k] as string)) return false;
      for (let k = 0; k < slots.length; k++) if (!test(rows.valueOf(row, slots[k] as number) as string)) return false;
    }
    return true;
  }

  private targetsOf(rule: Rule, places: FormPlaces): FormTargets {
    const slots = places.flat().flatMap(({ kind, slot }) => (kind === "chain" ? [slot] : []));
    const rest = rule.steps.filter((_, i) => places[i]?.every(({ kind }) => kind !== "chain"));
    return { fixed: this.namesIn({ ...rule, steps: rest }), slots };
  }
}
