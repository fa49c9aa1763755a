/** Which ports may be parameters: those by which rules and elements find packets that they do not find by an address. */
import { forEachElement } from "../../ir/element-rows.ts";
import { placesInRule } from "../../ir/form-places.ts";
import { PerForm, type RowHole } from "../../ir/row-forms.ts";
import { countRules, forEachRule, rowsOfRules } from "../../ir/rule-rows.ts";
import { keyTypesOf, partsOfKey } from "../../ir/sets.ts";
import type { Chain, Program, Rule, Step } from "../../ir/types.ts";
import { guardIn, HAD, isPure, type Named, sortOf } from "./fields.ts";

/** Of as few as this none could be left out. */
const FEW = HAD.port;

/** A matter of speed alone: any other port is left as it is, wherever it stands. */
export function guardingPorts(programs: readonly Program[]): ReadonlySet<Named> {
  const found = new Set<Named>();
  const forms: PortForms = new PerForm();
  for (const { chains, sets, maps } of programs.flatMap(({ ruleset }) => ruleset.tables)) {
    for (const chain of chains) notePorts(chain, forms, found);
    for (const set of [...sets, ...maps]) {
      const sorts = keyTypesOf(set).map(sortOf);
      const at = sorts.indexOf("port");
      if (at >= 0 && !sorts.includes("address"))
        forEachElement(set, (element) => {
          const part = partsOfKey(element)[at];
          if (typeof part === "number") found.add(part);
        });
    }
  }
  return found.size > FEW ? found : new Set();
}

/** Where rules of a form have the port by which they find packets; `none`: they find them otherwise, or all have one port, which was
 *  noted; `irregular`: each rule has to be asked. */
type PortForms = PerForm<{ readonly slot: number } | "none" | "irregular">;

function notePorts(chain: Chain, forms: PortForms, into: Set<Named>): void {
  const note = (rule: Rule): void => {
    const found = portGuardIn(rule);
    if (found !== undefined) into.add(found.port);
  };
  const own = rowsOfRules(chain);
  if (own === undefined) {
    forEachRule(chain, note);
    return;
  }
  const { rows } = own;
  const count = countRules(chain);
  for (let i = 0; i < count; i++) {
    const row = own.rowOf(i);
    const form = rows.formOf(row);
    let known = form < 0 ? "irregular" : forms.get(rows, form);
    if (known === undefined) {
      const rule = rows.peek(row);
      note(rule);
      known = portFormOf(rule, rows.holesOf(form));
      forms.set(rows, form, known);
    }
    if (known === "irregular") note(rows.peek(row));
    else if (known !== "none") into.add(rows.valueOf(row, known.slot) as Named);
  }
}

function portFormOf(rule: Rule, holes: readonly RowHole[]): { readonly slot: number } | "none" | "irregular" {
  const places = placesInRule(rule, holes);
  // An interval may be one value.
  if (places?.every((part) => part.every(({ kind }) => kind !== "from" && kind !== "to")) !== true) return "irregular";
  const found = portGuardIn(rule);
  const [place] = found === undefined ? [] : (places[found.at] ?? []);
  return place === undefined ? "none" : { slot: place.slot };
}

/** The first port that `rule` asks for before it does anything, and in which step, where it asks for no address. */
function portGuardIn({ steps }: Rule): { readonly port: Named; readonly at: number } | undefined {
  let found: { readonly port: Named; readonly at: number } | undefined;
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at] as Step;
    if (!isPure(step)) break;
    const guard = guardIn(step, at);
    if (guard === undefined || guard.from !== guard.to) continue;
    if (guard.field.sort === "address") return undefined;
    if (guard.field.sort === "port") found ??= { port: guard.from, at };
  }
  return found;
}
