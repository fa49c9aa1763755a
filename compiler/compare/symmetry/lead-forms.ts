/** What all rules of a form lead on by: where they have other values. */
import type { FormPlace, FormPlaces } from "../../ir/form-places.ts";
import type { Irregular, RowOperand } from "../../ir/rule-forms.ts";
import type { Rule } from "../../ir/types.ts";
import { type Guard, guardBy, type SortedField } from "./fields.ts";
import { type Lead, leadOf, protocolIn, protocolOf } from "./rule-lead.ts";

/** What all rules of a form ask of a field. */
export interface FormRange {
  readonly from: RowOperand;
  readonly to: RowOperand;
}

/** What all rules of a form lead by, where they differ in these values at most. */
interface FormLead extends FormRange, Pick<Lead, "field" | "protocol"> {
  readonly target: RowOperand | undefined;
  readonly others: readonly FormGuard[];
}

/** What all rules of a form ask of another field: a guard, but for these values. */
export interface FormGuard extends FormRange {
  readonly guard: Guard;
}

/** What `Leads.take` finds without a field in each rule with these values in other places: in the guard, and in the verdict behind it. */
export function formLeadOf(rule: Rule, places: FormPlaces): FormLead | Irregular | "none" {
  const guard = guardBy(rule, undefined);
  if (guard === undefined) return "none";
  const { field, at } = guard;
  const { target, others } = leadOf(rule, at);
  const end = rule.steps.length - 1;
  // Which steps are guards, and where the rule leads, depends on no value in another place.
  if (rule.steps.some((step, i) => protocolIn(step) !== undefined && places[i]?.length !== 0)) return "irregular";
  const [chain] = (places[end] ?? []).filter(({ kind }) => kind === "chain");
  return {
    field,
    ...rangeIn(places[at] as readonly FormPlace[], guard),
    target: target === undefined ? undefined : chain === undefined ? { value: target } : { slot: chain.slot },
    protocol: protocolOf(rule),
    others: others.map((other) => ({ guard: other, ...rangeIn(places[other.at] as readonly FormPlace[], other) })),
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
export function formRangeOf(rule: Rule, places: FormPlaces, field: SortedField): FormRange | "none" {
  const guard = guardBy(rule, field);
  return guard === undefined ? "none" : rangeIn(places[guard.at] as readonly FormPlace[], guard);
}
