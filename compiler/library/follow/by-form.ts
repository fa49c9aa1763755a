/**
 * The table of a whole cluster. To walk the rules for one Service takes many times as long as to exchange its addresses for those of
 * another: so they are walked for one Service of each form, and the rows of the others are made of its rows.
 */
import type { Diagnostic } from "../../diagnostics.ts";
import { getOrMake } from "../../memo.ts";
import { FAMILIES, type Family } from "../../net/address.ts";
import type { NodeView, ServicePortView } from "../../node/view.ts";
import { grow } from "../../tabulate/grow.ts";
import { TableFrame, type TablePart } from "../../tabulate/part.ts";
import type { Tabulation } from "../../tabulate/types.ts";
import type { ServiceForm, ServiceForms } from "./forms.ts";

/** To find out what of a table is the first Service's takes another walk: that pays from some Services on. */
const FEWEST_OF_FORM = 4;

/** What walks through the rules. */
export interface FormWalks {
  readonly forms: ServiceForms;
  /** Undefined for a Service whose rows depend on more than a form has. */
  formOf(own: NodeView): ServiceForm | undefined;
  /** The table of some Services, in the shape of that of all. */
  tabulate(some: NodeView): Walked;
  /** What a Service adds to tables of `frame`; undefined where that is more than rows and points. */
  partOf(own: NodeView, frame: TableFrame): TablePart | undefined;
}

type Walked = { readonly tabulation: Tabulation } | { readonly unsupported: readonly Diagnostic[] };

/** The table of all of `view`, no two Services of which meet. */
export function tabulateByForm(view: NodeView, walks: FormWalks): Walked {
  const alike = alikeIn(view, walks);
  // Where the rows of one are not those of the others, all of that form are walked: then there are fewer forms.
  while (true) {
    const walked = walks.tabulate(withoutOthers(view, alike));
    if ("unsupported" in walked || alike.size === 0) return walked;
    const frame = new TableFrame(walked.tabulation);
    const { parts, wrong } = copiesOf(alike, frame, walks);
    const tabulation = wrong.length === 0 ? grow(walked.tabulation, parts) : undefined;
    if (tabulation !== undefined) return { tabulation };
    if (wrong.length === 0) alike.clear();
    for (const text of wrong) alike.delete(text);
  }
}

/** Services of one form. */
interface Alike {
  readonly first: { readonly view: NodeView; readonly form: ServiceForm };
  readonly others: { readonly view: NodeView; readonly form: ServiceForm }[];
}

/** By the text of their form. */
function alikeIn(view: NodeView, walks: FormWalks): Map<string, Alike> {
  const alike = new Map<string, Alike>();
  for (const own of servicesIn(view)) {
    const form = walks.formOf(own);
    if (form === undefined) continue;
    const known = alike.get(form.text);
    if (known === undefined) alike.set(form.text, { first: { view: own, form }, others: [] });
    else known.others.push({ view: own, form: { ...form, text: known.first.form.text } }); // one text is kept, not one for each
  }
  for (const [text, { others }] of alike) if (others.length + 1 < FEWEST_OF_FORM) alike.delete(text);
  return alike;
}

function withoutOthers(view: NodeView, alike: ReadonlyMap<string, Alike>): NodeView {
  const left = new Set<ServicePortView>();
  for (const { others } of alike.values())
    for (const other of others) for (const family of FAMILIES) for (const port of other.view[family]) left.add(port);
  const rest = (family: Family): ServicePortView[] => view[family].filter((port) => !left.has(port));
  return { IPv4: rest("IPv4"), IPv6: rest("IPv6") };
}

/** What the others add. `wrong`: the forms whose Services add something that is not known from the first one. */
function copiesOf(
  alike: ReadonlyMap<string, Alike>,
  frame: TableFrame,
  { forms, partOf }: FormWalks,
): { readonly parts: readonly TablePart[]; readonly wrong: readonly string[] } {
  const parts: TablePart[] = [];
  const wrong: string[] = [];
  for (const [text, { first, others }] of alike) {
    forms.partOf(first.form, () => partOf(first.view, frame));
    for (const { form } of others) {
      const part = forms.copyOf(form);
      if (part !== undefined) parts.push(part);
      else {
        wrong.push(text);
        break;
      }
    }
  }
  return { parts, wrong };
}

/** The ports of each Service. */
export function servicesIn(view: NodeView): Iterable<NodeView> {
  const services = new Map<string, Record<Family, ServicePortView[]>>();
  for (const family of FAMILIES)
    for (const port of view[family]) {
      const name = `${port.namespace}/${port.name}`;
      getOrMake(services, name, () => ({ IPv4: [], IPv6: [] }))[family].push(port);
    }
  return services.values();
}
