/** Which ports may be parameters: those by which rules and elements find packets that they do not find by an address. */
import { forEachElement } from "../../ir/element-rows.ts";
import type { FormPlaces } from "../../ir/form-places.ts";
import { type Irregular, RuleForms } from "../../ir/rule-forms.ts";
import { keyTypesOf, partsOfKey } from "../../ir/sets.ts";
import type { Chain, Rule, Step, Table } from "../../ir/types.ts";
import { guardIn, HAD, isPure, type Named, sortOf } from "./fields.ts";

/** Of as few as this none could be left out. */
const FEW = HAD.port;

/** A matter of speed alone: any other port is left as it is, wherever it stands. */
export function guardingPorts(parts: readonly Pick<Table, "chains" | "sets" | "maps">[]): ReadonlySet<Named> {
  const found = new Set<Named>();
  const forms = new RuleForms(portFormOf);
  for (const { chains, sets, maps } of parts) {
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

/** Where rules of a form have the port by which they find packets, or the one that all have; `none`: they find them otherwise. */
type PortForm = { readonly slot: number } | { readonly port: Named } | "none";

function notePorts(chain: Chain, forms: RuleForms<PortForm>, into: Set<Named>): void {
  forms.forEach(
    chain,
    (found, rows, row) => {
      if (found !== "none") into.add("slot" in found ? (rows.valueOf(row, found.slot) as Named) : found.port);
    },
    (rule) => {
      const found = portGuardIn(rule);
      if (found !== undefined) into.add(found.port);
    },
  );
}

function portFormOf(rule: Rule, places: FormPlaces): PortForm | Irregular {
  // An interval may be one value.
  if (places.some((part) => part.some(({ kind }) => kind === "from" || kind === "to"))) return "irregular";
  const found = portGuardIn(rule);
  if (found === undefined) return "none";
  const [place] = places[found.at] ?? [];
  return place === undefined ? found : { slot: place.slot };
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
