/** Where rules of a form have the destinations that they ask for. */
import type { FormPlace, FormPlaces } from "../ir/form-places.ts";
import type { Irregular, RowOperand } from "../ir/rule-forms.ts";
import type { Rule, Step } from "../ir/types.ts";
import { lookupsIn } from "../ir/walk.ts";
import { forEachNamed, isDestination } from "./named-destinations.ts";

/** Points, and the first addresses of intervals. */
export function namedInForm({ steps }: Rule, places: FormPlaces): readonly RowOperand[] | Irregular {
  const named: RowOperand[] = [];
  for (const [i, step] of steps.entries()) {
    if (lookupsIn(step).some(({ among }) => typeof among !== "string")) return "irregular";
    const own = places[i] as readonly FormPlace[];
    if (own.length === 0)
      forEachNamed(step, (part) => named.push({ value: typeof part === "object" ? part.from : part }));
    else if (asksForDestination(step)) {
      const firsts = own.filter(({ kind }) => kind !== "to");
      if (step.kind === "within" && firsts.length < step.intervals.length) return "irregular";
      named.push(...firsts.map(({ slot }): RowOperand => ({ slot })));
    }
  }
  return named;
}

function asksForDestination(step: Step): boolean {
  return (step.kind === "compare" || step.kind === "within") && isDestination(step.left);
}
