/** What is made once for each form of rules. */
import { type FormPlaces, placesInRule } from "./form-places.ts";
import { PerForm } from "./row-forms.ts";
import type { RuleRows } from "./rule-rows.ts";
import type { Rule } from "./types.ts";

/** Each rule of the form has to be looked at. */
export type Irregular = "irregular";

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

  private open(rows: RuleRows, row: number, form: number): Of | Irregular {
    const rule = rows.peek(row);
    const places = placesInRule(rule, rows.holesOf(form));
    const made = places === undefined ? "irregular" : this.make(rule, places);
    this.known.set(rows, form, made);
    return made;
  }
}
