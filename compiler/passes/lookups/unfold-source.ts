/** What rules are evaluated with: the parts of a table that they may ask for. */
import type { MapElement, Rule, SetDeclaration, SetElement, Table } from "../../ir/types.ts";
import { KeyIndex } from "./key-index.ts";
import type { Key } from "./keys.ts";

/** What rules are evaluated with. */
export interface UnfoldSource {
  rulesOf(chain: string): readonly Rule[];
  /** The set that the table declares. */
  setNamed(name: string): SetDeclaration | undefined;
  /** Elements of a declared map that may have `values`, in the order of its elements; undefined: one is for all other keys. */
  mapElements(map: string, values: Key["values"]): readonly MapElement[] | undefined;
  setElements(set: string, values: Key["values"]): readonly SetElement[] | undefined;
}

/** That of a whole table. */
export function sourceOf(table: Table): UnfoldSource {
  const rules = new Map(table.chains.map((chain) => [chain.name, chain.rules]));
  const sets = new Map(table.sets.map((set) => [set.name, set]));
  const mapIndices = new Map(table.maps.map(({ name, elements }) => [name, new KeyIndex(elements)]));
  const setIndices = new Map(table.sets.map(({ name, elements }) => [name, new KeyIndex(elements)]));
  return {
    rulesOf: (chain) => rules.get(chain) ?? [],
    setNamed: (name) => sets.get(name),
    mapElements: (map, values) => matching(mapIndices.get(map), values),
    setElements: (set, values) => matching(setIndices.get(set), values),
  };
}

/** The ones of `elements` that may have `values`; undefined: one is for all other keys. */
export function matchingElements<Element extends SetElement>(
  elements: readonly Element[],
  values: Key["values"],
): readonly Element[] | undefined {
  return matching(new KeyIndex(elements), values);
}

function matching<Element extends SetElement>(
  index: KeyIndex<Element> | undefined,
  values: Key["values"],
): readonly Element[] | undefined {
  return index?.hasOthers ? undefined : (index?.matching(values) ?? []);
}
