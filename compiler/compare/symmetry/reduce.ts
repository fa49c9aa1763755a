/** Two programs with less in them that differ just where the programs do: README.md says why. */
import { filterElements, withElements } from "../../ir/element-rows.ts";
import { withRules } from "../../ir/rule-rows.ts";
import type { Chain, MapDeclaration, MapElement, Program, Rule, SetDeclaration, Table } from "../../ir/types.ts";
import type { Address } from "../../net/address.ts";
import type { PacketSet } from "../../packets/packet-set.ts";
import { classesBy } from "./classes.ts";
import { type Named, SORTS, type Sort } from "./fields.ts";
import { Forms, type Staying } from "./forms.ts";
import { bySort } from "./intervals.ts";
import { fixedValues, type ItemList, Items } from "./items.ts";
import { rolesIn } from "./roles.ts";
import type { Parameter } from "./row-template.ts";
import { filterRulesIn } from "./rule-runs.ts";
import { NoSymmetry } from "./tokens.ts";
import { formsToldApart, plainValues } from "./told-apart.ts";

/** What became of an attempt to leave out what is there many times. */
export type Reduction = Reduced | { readonly kind: "whole"; readonly reason: string };

/** `addresses` are the node's own. `evenIfFew`: also where most of the programs stays. */
export function reduce(
  left: Program,
  right: Program,
  addresses: readonly Address[],
  { evenIfFew = false }: { readonly evenIfFew?: boolean } = {},
): Reduction {
  try {
    const reduced = new Reduced(left, right, addresses);
    const { forms, components, kept } = reduced;
    if (2 * kept > components && !evenIfFew) throw new NoSymmetry(`there are ${forms} kinds of ${components} parts`);
    return reduced;
  } catch (error) {
    if (error instanceof NoSymmetry) return { kind: "whole", reason: error.message };
    throw error;
  }
}

type Programs = readonly [Program, Program];

const NAMES: Readonly<Record<Sort, string>> = { address: "addresses", port: "ports", identity: "priorities" };

/** No value is above it. */
const GREATEST: Readonly<Record<Sort, Named>> = { address: 2n ** 128n - 1n, port: 65_535, identity: 2 ** 32 - 1 };

/** Two programs without most of what is there many times. */
export class Reduced {
  readonly kind = "reduced";
  /** With some parts of each form. */
  readonly programs: Programs;
  private readonly whole: Programs;
  private readonly items: Items;
  private readonly byForm: Forms;
  private readonly plainOf: Readonly<Record<Sort, (value: Named) => Named | undefined>>;

  constructor(left: Program, right: Program, own: readonly Address[]) {
    this.whole = [left, right];
    const items = new Items(this.whole);
    this.items = items;
    const { describer } = items;
    const { values, tests, gifts, otherPorts } = describer;
    const fixed = fixedValues(own);
    const classOf = bySort((sort) => classesBy(sort, [...tests[sort].all, ...gifts[sort].all]));
    this.byForm = new Forms(items, rolesIn(items, fixed), classOf);
    this.plainOf = bySort((sort) => {
      const others = new Set<Named>(sort === "port" ? [...otherPorts, ...fixed[sort]] : fixed[sort]);
      return plainValues(classOf[sort], (value) => values[sort].has(value) || others.has(value), GREATEST[sort]);
    });
    this.programs = this.withAllOf(new Set());
  }

  /** Parts of the programs that have no address in common. */
  get components(): number {
    return this.byForm.count;
  }

  /** As many of them are not the same but for their addresses. */
  get forms(): number {
    return this.byForm.kept.length;
  }

  /** Of these parts, those in `programs`. */
  get kept(): number {
    return this.byForm.countKept;
  }

  /** The forms of which these packets tell one part from another. */
  toldApartBy(regions: readonly PacketSet[]): Set<number> {
    const named = this.valuesOf(new Set(this.byForm.kept.flat()));
    return formsToldApart(regions, this.byForm.kept, (parameter) => {
      const found = named.get(parameter);
      return found && { ...found, plain: this.plainOf[found.sort](found.value) };
    });
  }

  /** What these parameters stand for; chains have no value. */
  private valuesOf(parameters: ReadonlySet<Parameter>): ReadonlyMap<Parameter, { sort: Sort; value: Named }> {
    const found = new Map<Parameter, { sort: Sort; value: Named }>();
    for (const sort of SORTS) {
      const { known, numbers } = this.items.describer.values[sort];
      for (const [i, parameter] of numbers.entries())
        if (parameters.has(parameter)) found.set(parameter, { sort, value: known[i] as Named });
    }
    return found;
  }

  /** Which sorts of values were left as they are, and why: a clause each. */
  get unexchanged(): readonly string[] {
    return [...this.items.describer.fixedSorts].map(([sort, reason]) => `${NAMES[sort]} are not exchanged: ${reason}`);
  }

  /** Whether `programs` have all parts of these forms. */
  keepsAllOf(forms: ReadonlySet<number>): boolean {
    return this.byForm.keepsAllOf(forms);
  }

  /** With some parts of each form, and all parts of these. */
  withAllOf(forms: ReadonlySet<number>): Programs {
    const staying = this.byForm.staying(forms);
    return this.whole.map((program, side): Program => {
      const byTable = new Map<Table, ItemList[]>(program.ruleset.tables.map((table) => [table, []]));
      for (const list of this.items.lists)
        for (const each of list.on) if (each.side === side) byTable.get(each.table)?.push(list);
      const tables = [...byTable].map(([table, lists]) => withRows(table, side, lists, staying));
      return { ...program, ruleset: { ...program.ruleset, tables } };
    }) as [Program, Program];
  }
}

/** `table` with the rows that stay. */
function withRows(table: Table, side: number, lists: readonly ItemList[], staying: Staying): Table {
  const stays = (row: number): boolean => staying.rows[row] === 1;
  const flat = new Map<Chain, readonly Rule[]>();
  const sets = new Map<object, ItemList>();
  for (const list of lists) {
    const { first } = list;
    if (list.kind === "elements") for (const { of } of list.on) sets.set(of, list);
    else if (list.name === undefined || staying.chains[list.name] === 1)
      for (const { side: own, chain, runs } of list.on)
        if (own === side)
          flat.set(
            chain,
            filterRulesIn(runs, (i) => stays(first + i)),
          );
  }
  // In their order, which those of base chains may be entered in.
  const chains = table.chains.flatMap((chain) => {
    const rules = flat.get(chain);
    return rules === undefined ? [] : [withRules(chain, rules)];
  });
  const elementsOf = (declared: SetDeclaration | MapDeclaration): readonly MapElement[] => {
    const first = sets.get(declared)?.first ?? 0;
    return filterElements(declared, (i) => stays(first + i)) as readonly MapElement[];
  };
  return {
    ...table,
    chains,
    sets: table.sets.map((set) => withElements(set, elementsOf(set))),
    maps: table.maps.map((map) => withElements(map, elementsOf(map))),
  };
}
