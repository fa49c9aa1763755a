/** Sets and maps of a program as graphs ask them. */
import type { ElementIndex } from "../../evaluate/lookup.ts";
import type { TableIndex } from "../../evaluate/table-index.ts";
import { partHolds } from "../../ir/interval.ts";
import type {
  AskedMap,
  AskedSet,
  InlineMap,
  InlineSet,
  MapElement,
  SetElement,
  Statement,
  Value,
} from "../../ir/types.ts";
import type { Against, SetOrMap } from "./types.ts";

/** The sets and maps that graphs ask, each as one object. */
export class ElementsOf {
  private readonly sets = new Map<TableIndex, Map<AskedSet, SetOrMap>>();
  private readonly maps = new Map<TableIndex, Map<AskedMap, SetOrMap<MapElement>>>();

  ofSet(table: TableIndex, asked: AskedSet): SetOrMap {
    return remembered(this.sets, table, asked, () => contentOf(table.set(asked), table.setElements(asked)));
  }

  ofMap(table: TableIndex, asked: AskedMap): SetOrMap<MapElement> {
    return remembered(this.maps, table, asked, () => contentOf(table.map(asked), table.mapElements(asked)));
  }
}

function contentOf<Element extends SetElement>(
  set: { readonly elements: readonly Element[] } & ({ readonly name: string; readonly comment?: string } | InlineSet),
  index: ElementIndex<Element>,
): SetOrMap<Element> {
  return { title: "name" in set ? (set.comment ?? set.name) : undefined, elements: set.elements, index };
}

function remembered<Asked, Found>(
  all: Map<TableIndex, Map<Asked, Found>>,
  table: TableIndex,
  asked: Asked,
  make: () => Found,
): Found {
  const known = all.get(table) ?? new Map<Asked, Found>();
  all.set(table, known);
  const found = known.get(asked) ?? make();
  known.set(asked, found);
  return found;
}

/** Whether `against` has `key`. */
export function contains(against: Against, key: readonly Value[]): boolean {
  if (against.kind === "set") return against.set.index.find(key) !== undefined;
  return against.intervals.some((interval) => partHolds(interval, key[0] as Value));
}

const LITERAL_MAPS = new WeakMap<object, InlineMap>();

/** A map that gives what a rule translates to: its only element has an empty key. */
export function literalMap(to: Extract<Statement, { kind: "dnat" }>["to"] & { readonly kind: "literal" }): InlineMap {
  let map = LITERAL_MAPS.get(to);
  if (map === undefined) {
    const address = to.addresses?.from ?? 0;
    const type = typeof address === "bigint" ? "ipv6_addr" : "ipv4_addr";
    const elements = [{ key: [], value: to.ports === undefined ? [address] : [address, to.ports.from] }];
    map = { key: [], data: to.ports === undefined ? [type] : [type, "inet_service"], elements };
    LITERAL_MAPS.set(to, map);
  }
  return map;
}
