/** The objects of a table by name. */
import type {
  AskedMap,
  AskedSet,
  Chain,
  InlineMap,
  InlineSet,
  MapDeclaration,
  MapElement,
  SetDeclaration,
  SetElement,
  Table,
} from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import { ElementIndex } from "./lookup.ts";
import type { Lists } from "./memory.ts";

/** One table with its objects by name. */
export class TableIndex {
  readonly table: Table;
  readonly lists: Lists;
  private readonly chains: ReadonlyMap<string, Chain>;
  private readonly sets: ReadonlyMap<string, SetDeclaration>;
  private readonly maps: ReadonlyMap<string, MapDeclaration>;
  private readonly setIndices = new Map<AskedSet, ElementIndex<SetElement>>();
  private readonly mapIndices = new Map<AskedMap, ElementIndex<MapElement>>();

  /** Whether the program's rules make the kernel track connections of a family. */
  readonly tracksConnections: (family: Family) => boolean;

  /** `lists` and `tracksConnections`: those of the whole program. */
  constructor(table: Table, lists: Lists, tracksConnections: (family: Family) => boolean) {
    this.table = table;
    this.lists = lists;
    this.tracksConnections = tracksConnections;
    this.chains = new Map(table.chains.map((chain) => [chain.name, chain]));
    this.maps = new Map(table.maps.map((map) => [map.name, map]));
    this.sets = new Map(table.sets.map((set) => [set.name, set]));
  }

  chain(name: string): Chain {
    return this.chains.get(name) ?? missing("chain", name);
  }

  set(asked: string): SetDeclaration;
  set(asked: AskedSet): SetDeclaration | InlineSet;
  set(asked: AskedSet): SetDeclaration | InlineSet {
    return typeof asked === "string" ? (this.sets.get(asked) ?? missing("set", asked)) : asked;
  }

  setElements(asked: AskedSet): ElementIndex<SetElement> {
    let index = this.setIndices.get(asked);
    if (index === undefined) {
      index = new ElementIndex(this.set(asked));
      this.setIndices.set(asked, index);
    }
    return index;
  }

  map(asked: AskedMap): MapDeclaration | InlineMap {
    return typeof asked === "string" ? (this.maps.get(asked) ?? missing("map", asked)) : asked;
  }

  mapElements(asked: AskedMap): ElementIndex<MapElement> {
    let index = this.mapIndices.get(asked);
    if (index === undefined) {
      index = new ElementIndex(this.map(asked));
      this.mapIndices.set(asked, index);
    }
    return index;
  }
}

// Not `required`: its message would be put together each time.
function missing(kind: string, name: string): never {
  throw new Error(`invariant broken: ${kind} ${name} is declared`);
}
