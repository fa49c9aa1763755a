/** Rules as what leads on to other chains by the value of a field. Of rules that a reader has as rows, each form is looked at once. */
import { operandIn, RuleForms } from "../../ir/rule-forms.ts";
import { type RuleRows, rowsOfRules, ruleAt } from "../../ir/rule-rows.ts";
import type { Chain, Rule } from "../../ir/types.ts";
import { guardBy, type Named, type SortedField } from "./fields.ts";
import type { NamedInterval } from "./intervals.ts";
import { type FormGuard, type FormRange, formLeadOf, formRangeOf } from "./lead-forms.ts";
import { type Lead, leadOf, protocolOf } from "./rule-lead.ts";

export class Leads {
  /** `none`: no rule of the form leads on by a field. */
  private readonly forms = new RuleForms(formLeadOf);
  private readonly ranges = new Map<SortedField, RuleForms<FormRange | "none">>();

  // The last rule that was read: there may be half a million.
  field: Lead["field"] | undefined;
  from: Lead["from"] = 0;
  to: Lead["to"] = 0;
  target: Lead["target"];
  protocol: Lead["protocol"];
  /** Undefined: those are in `row` of `rows`, where `otherForms` says. */
  private ownOthers: Lead["others"] | undefined;
  private otherForms: readonly FormGuard[] = [];
  private rows: RuleRows | undefined;
  private row = 0;

  /** Reads rule `i` of `chain`, as it leads on by `field`, or by the first one that it asks. False: it does not. */
  read(chain: Chain, i: number, field: SortedField | undefined): boolean {
    const own = rowsOfRules(chain);
    if (own === undefined) return this.take(ruleAt(chain, i), field);
    const { rows } = own;
    const row = own.rowOf(i);
    const lead = this.forms.of(rows, row);
    if (lead === "none") return false;
    if (lead === "irregular" || (field !== undefined && lead.field !== field)) return this.take(rows.peek(row), field);
    this.field = lead.field;
    this.from = operandIn(rows, row, lead.from) as Named;
    this.to = operandIn(rows, row, lead.to) as Named;
    this.target = lead.target === undefined ? undefined : (operandIn(rows, row, lead.target) as string);
    this.protocol = lead.protocol;
    this.ownOthers = undefined;
    this.otherForms = lead.others;
    this.rows = rows;
    this.row = row;
    return true;
  }

  /** Few are asked for. */
  get others(): Lead["others"] {
    const { rows, row } = this;
    if (this.ownOthers !== undefined || rows === undefined) return this.ownOthers ?? [];
    return this.otherForms.map(({ guard, from, to }) => ({
      ...guard,
      from: operandIn(rows, row, from) as Named,
      to: operandIn(rows, row, to) as Named,
    }));
  }

  private take(rule: Rule, field: SortedField | undefined): boolean {
    const guard = guardBy(rule, field);
    if (guard === undefined) return false;
    this.field = guard.field;
    this.from = guard.from;
    this.to = guard.to;
    const { target, others } = leadOf(rule, guard.at);
    this.target = target;
    this.ownOthers = others;
    this.protocol = protocolOf(rule);
    return true;
  }

  /** What rule `i` of `chain` asks of `field` before it does anything. */
  rangeOf(chain: Chain, i: number, field: SortedField): NamedInterval | undefined {
    const own = rowsOfRules(chain);
    if (own === undefined) return guardBy(ruleAt(chain, i), field);
    const { rows } = own;
    const row = own.rowOf(i);
    const forms = this.ranges.get(field) ?? new RuleForms((rule, places) => formRangeOf(rule, places, field));
    this.ranges.set(field, forms);
    const range = forms.of(rows, row);
    if (range === "none") return undefined;
    if (range === "irregular") return guardBy(rows.peek(row), field);
    return { from: operandIn(rows, row, range.from) as Named, to: operandIn(rows, row, range.to) as Named };
  }
}
