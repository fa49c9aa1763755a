/** Rules as what leads on to other chains by the value of a field. Of rules that a reader has as rows, each form is looked at once. */
import { type FormPlace, placesInRule } from "../../ir/form-places.ts";
import { type FormedRows, PerForm, type RowHole } from "../../ir/row-forms.ts";
import { type RuleRows, rowsOfRules, ruleAt } from "../../ir/rule-rows.ts";
import type { Chain, Rule, Step, Value } from "../../ir/types.ts";
import { type Guard, guardBy, guardIn, isPure, type Named, type SortedField } from "./fields.ts";
import type { NamedInterval } from "./intervals.ts";

export interface Lead {
  readonly field: SortedField;
  readonly from: Named;
  readonly to: Named;
  /** The chain that it leads to, where it does nothing else, and the protocol whose packets it leads there. */
  readonly target: string | undefined;
  readonly protocol: Value | undefined;
  /** What it asks of other fields. */
  readonly others: readonly Guard[];
}

/** What all rules of a form ask of a field. */
interface FormRange {
  readonly from: Operand;
  readonly to: Operand;
}

/** What all rules of a form lead by, where they differ in these values at most. */
interface FormLead extends FormRange, Pick<Lead, "field" | "protocol" | "others"> {
  readonly target: Operand | undefined;
}

/** A value, or where it stands in a row. */
type Operand = { readonly slot: number } | { readonly value: Value };

function operandIn(rows: FormedRows, row: number, operand: Operand): Value {
  return "slot" in operand ? rows.valueOf(row, operand.slot) : operand.value;
}

export class Leads {
  /** `irregular`: each rule has to be looked at; `none`: no rule of the form leads on by a field. */
  private readonly forms = new PerForm<FormLead | "irregular" | "none">();
  private readonly ranges = new Map<SortedField, PerForm<FormRange | "irregular" | "none">>();

  /** Rule `i` of `chain`, as it leads on by `field`, or by the first one that it asks; undefined: it does not. */
  of(chain: Chain, i: number, field: SortedField | undefined): Lead | undefined {
    const own = rowsOfRules(chain);
    if (own === undefined) return leadIn(ruleAt(chain, i), field);
    const { rows } = own;
    const row = own.rowOf(i);
    const form = rows.formOf(row);
    const lead = form < 0 ? "irregular" : this.leadOf(rows, row, form);
    if (lead === "none") return undefined;
    if (lead === "irregular" || (field !== undefined && lead.field !== field)) return leadIn(rows.peek(row), field);
    const { protocol, others } = lead;
    return {
      field: lead.field,
      from: operandIn(rows, row, lead.from) as Named,
      to: operandIn(rows, row, lead.to) as Named,
      target: lead.target === undefined ? undefined : (operandIn(rows, row, lead.target) as string),
      ...{ protocol, others },
    };
  }

  /** What rule `i` of `chain` asks of `field` before it does anything. */
  rangeOf(chain: Chain, i: number, field: SortedField): NamedInterval | undefined {
    const own = rowsOfRules(chain);
    if (own === undefined) return guardBy(ruleAt(chain, i), field);
    const { rows } = own;
    const row = own.rowOf(i);
    const form = rows.formOf(row);
    if (form < 0) return guardBy(rows.peek(row), field);
    const forms = this.ranges.get(field) ?? new PerForm<FormRange | "irregular" | "none">();
    this.ranges.set(field, forms);
    let range = forms.get(rows, form);
    if (range === undefined) {
      range = formRangeOf(rows.peek(row), rows.holesOf(form), field);
      forms.set(rows, form, range);
    }
    if (range === "none") return undefined;
    if (range === "irregular") return guardBy(rows.peek(row), field);
    return { from: operandIn(rows, row, range.from) as Named, to: operandIn(rows, row, range.to) as Named };
  }

  private leadOf(rows: RuleRows, row: number, form: number): FormLead | "irregular" | "none" {
    let lead = this.forms.get(rows, form);
    if (lead === undefined) {
      lead = formLeadOf(rows.peek(row), rows.holesOf(form));
      this.forms.set(rows, form, lead);
    }
    return lead;
  }
}

function leadIn(rule: Rule, field: SortedField | undefined): Lead | undefined {
  const guard = guardBy(rule, field);
  if (guard === undefined) return undefined;
  const { from, to, at } = guard;
  return { field: guard.field, from, to, ...leadOf(rule, at), protocol: protocolOf(rule) };
}

/** What `leadIn` finds without a field in each rule with these values in other places: in the guard, and in the verdict behind it. */
function formLeadOf(rule: Rule, holes: readonly RowHole[]): FormLead | "irregular" | "none" {
  const places = placesInRule(rule, holes);
  const guard = guardBy(rule, undefined);
  if (places === undefined) return "irregular";
  if (guard === undefined) return "none";
  const { field, at } = guard;
  const { target, others } = leadOf(rule, at);
  const end = rule.steps.length - 1;
  // All other steps are the same in all rules of the form, but for what the last one does.
  const isOther = (step: number): boolean =>
    step !== at && (places[step] ?? []).some(({ kind }) => step !== end || MATCHED.includes(kind));
  if (rule.steps.some((_, i) => isOther(i))) return "irregular";
  const [chain] = (places[end] ?? []).filter(({ kind }) => kind === "chain");
  return {
    field,
    ...rangeIn(places[at] as readonly FormPlace[], guard),
    target: target === undefined ? undefined : chain === undefined ? { value: target } : { slot: chain.slot },
    ...{ protocol: protocolOf(rule), others },
  };
}

/** `places`: those in the step of `guard`. */
function rangeIn(places: readonly FormPlace[], { from, to }: Guard): FormRange {
  const slotOf = (end: FormPlace["kind"]): number | undefined =>
    places.find(({ kind }) => kind === "point" || kind === end)?.slot;
  const [first, last] = [slotOf("from"), slotOf("to")];
  return {
    from: first === undefined ? { value: from } : { slot: first },
    to: last === undefined ? { value: to } : { slot: last },
  };
}

/** What `guardBy` finds in each rule with these values in other places. */
function formRangeOf(rule: Rule, holes: readonly RowHole[], field: SortedField): FormRange | "irregular" | "none" {
  const places = placesInRule(rule, holes);
  const guard = guardBy(rule, field);
  if (places === undefined) return "irregular";
  return guard === undefined ? "none" : rangeIn(places[guard.at] as readonly FormPlace[], guard);
}

/** The places of values that matches have. */
const MATCHED: readonly FormPlace["kind"][] = ["point", "from", "to"];

/** The chain that a rule leads to that asks for a protocol, perhaps, and for guards, of which one is step `at`, and nothing else;
 *  and the other guards. */
function leadOf({ steps, whileReplacing }: Rule, at: number): Pick<Lead, "target" | "others"> {
  const last = steps.at(-1);
  if (last?.kind !== "verdict" || !("chain" in last.verdict) || whileReplacing) return NOWHERE;
  let others: Guard[] | undefined;
  for (let i = 0; i < steps.length - 1; i++) {
    const step = steps[i] as Step;
    if (i === at) continue;
    const guard = guardIn(step, i);
    if (guard === undefined && (i > 0 || protocolIn(step) === undefined)) return NOWHERE;
    if (guard !== undefined) {
      others ??= [];
      others.push(guard);
    }
  }
  return { target: last.verdict.chain, others: others ?? NOWHERE.others };
}

const NOWHERE: Pick<Lead, "target" | "others"> = { target: undefined, others: [] };

/** The protocol without which `step` fails. */
function protocolIn(step: Step | undefined): Value | undefined {
  if (step?.kind !== "compare" || step.operator !== "==" || step.orAbsent) return undefined;
  return step.left.kind === "meta" && step.left.key === "l4proto" ? step.right : undefined;
}

/** The first protocol that a rule asks for before it does anything. */
function protocolOf({ steps }: Rule): Value | undefined {
  for (const step of steps) {
    const protocol = protocolIn(step);
    if (protocol !== undefined) return protocol;
    if (!isPure(step)) return undefined;
  }
  return undefined;
}
