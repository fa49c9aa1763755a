/** What is made once for each form of rules. */
import { type FormPlaces, placesInRule } from "./form-places.ts";
import { type FormedRows, PerForm } from "./row-forms.ts";
import { countRules, forEachRule, type RuleRows, rowsOfRules } from "./rule-rows.ts";
import type { Chain, Rule, Value } from "./types.ts";

/** Each rule of the form has to be looked at. */
export type Irregular = "irregular";

/** A value, or where it stands in a row. */
export type RowOperand = { readonly slot: number } | { readonly value: Value };

export function operandIn(rows: FormedRows, row: number, operand: RowOperand): Value {
  return "slot" in operand ? rows.valueOf(row, operand.slot) : operand.value;
}

export class RuleForms<Of> {
  private readonly make: (rule: Rule, places: FormPlaces) => Of | Irregular;
  private readonly known = new PerForm<Of | Irregular>();

  /** `make` is given a rule of the form, not to be kept, and where others have other values. */
  constructor(make: (rule: Rule, places: FormPlaces) => Of | Irregular) {
    this.make = make;
  }

  of(rows: RuleRows, row: number): Of | Irregular {
    const form = rows.formOf(row);
    if (form < 0) return "irregular";
    return this.known.get(rows, form) ?? this.open(rows, row, form);
  }

  /** Calls `visit` with each rule of `chain` whose form says what was made of it, and `look` with each other one, as `forEachRule`. */
  forEach(
    chain: Chain,
    visit: (made: Of, rows: RuleRows, row: number) => void,
    look: (rule: Rule, i: number) => void,
  ): void {
    const own = rowsOfRules(chain);
    if (own === undefined) {
      forEachRule(chain, look);
      return;
    }
    const { rows } = own;
    const count = countRules(chain);
    for (let i = 0; i < count; i++) {
      const row = own.rowOf(i);
      const made = this.of(rows, row);
      if (made === "irregular") look(rows.peek(row), i);
      else visit(made as Of, rows, row);
    }
  }

  private open(rows: RuleRows, row: number, form: number): Of | Irregular {
    const rule = rows.peek(row);
    const places = placesInRule(rule, rows.holesOf(form));
    const made = places === undefined ? "irregular" : this.make(rule, places);
    this.known.set(rows, form, made);
    return made;
  }
}
