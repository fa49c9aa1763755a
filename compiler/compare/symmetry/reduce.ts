/** Two programs with less in them that differ just where the programs do: README.md says why. */
import type { Chain, Program, Rule, Table } from "../../ir/types.ts";
import type { Address } from "../../net/address.ts";
import { formsOf } from "./forms.ts";
import { fixedAddresses, type ItemList, Items } from "./items.ts";
import { rolesIn } from "./roles.ts";
import { NoSymmetry } from "./tokens.ts";

/** What became of an attempt to leave out what is there many times. */
export type Reduction = ReducedPrograms | { readonly kind: "whole"; readonly reason: string };

export interface ReducedPrograms {
  readonly kind: "reduced";
  readonly programs: readonly [Program, Program];
  /** Parts of the programs that have no address in common. */
  readonly components: number;
  /** As many of them are not the same but for their addresses. */
  readonly forms: number;
}

/** `addresses` are the node's own. `evenIfFew`: also where most of the programs stays. */
export function reduce(
  left: Program,
  right: Program,
  addresses: readonly Address[],
  { evenIfFew = false }: { readonly evenIfFew?: boolean } = {},
): Reduction {
  try {
    const items = new Items([left, right]);
    const forms = formsOf(items, rolesIn(items, fixedAddresses(addresses)), evenIfFew);
    const programs = [left, right].map((program, side): Program => {
      const byTable = new Map<Table, ItemList[]>(program.ruleset.tables.map((table) => [table, []]));
      for (const list of items.lists) if (list.side === side) byTable.get(list.table)?.push(list);
      const tables = [...byTable].map(([table, lists]) => withRows(table, lists, forms));
      return { ...program, ruleset: { ...program.ruleset, tables } };
    }) as [Program, Program];
    return { kind: "reduced", programs, components: forms.components, forms: forms.forms };
  } catch (error) {
    if (error instanceof NoSymmetry) return { kind: "whole", reason: error.message };
    throw error;
  }
}

/** `table` with the rows that stay. */
function withRows(
  table: Table,
  lists: readonly ItemList[],
  { stays, staysChain }: { readonly stays: Uint8Array; readonly staysChain: Uint8Array },
): Table {
  const rows = <Row>(all: readonly Row[], first: number): readonly Row[] =>
    all.filter((_, i) => stays[first + i] === 1);
  const chains: Chain[] = [];
  const sets = new Map<object, ItemList>();
  for (const list of lists) {
    if (list.kind === "elements") sets.set(list.of, list);
    else if (list.name === undefined || staysChain[list.name] === 1)
      chains.push({ ...list.chain, rules: rows<Rule>(list.rules, list.first) });
  }
  const firstOf = (declaration: object): number => sets.get(declaration)?.first ?? 0;
  return {
    ...table,
    chains,
    sets: table.sets.map((set) => ({ ...set, elements: rows(set.elements, firstOf(set)) })),
    maps: table.maps.map((map) => ({ ...map, elements: rows(map.elements, firstOf(map)) })),
  };
}
