/** The objects of a table by name. */
import type { Chain, MapDeclaration, MapElement, SetDeclaration, SetElement, Table } from "../ir/types.ts";
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
  private readonly setIndices = new Map<string, ElementIndex<SetElement>>();
  private readonly mapIndices = new Map<string, ElementIndex<MapElement>>();
  private readonly inlineIndices = new Map<readonly MapElement[], ElementIndex<MapElement>>();

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

  set(name: string): SetDeclaration {
    return this.sets.get(name) ?? missing("set", name);
  }

  setElements(name: string): ElementIndex<SetElement> {
    let index = this.setIndices.get(name);
    if (index === undefined) {
      index = new ElementIndex(this.set(name));
      this.setIndices.set(name, index);
    }
    return index;
  }

  map(name: string): MapDeclaration {
    return this.maps.get(name) ?? missing("map", name);
  }

  mapElements(name: string): ElementIndex<MapElement> {
    let index = this.mapIndices.get(name);
    if (index === undefined) {
      index = new ElementIndex(this.map(name));
      this.mapIndices.set(name, index);
    }
    return index;
  }

  /** The elements of a map that is written in a rule. */
  inlineElements(elements: readonly MapElement[]): ElementIndex<MapElement> {
    let index = this.inlineIndices.get(elements);
    if (index === undefined) {
      index = new ElementIndex({ elements });
      this.inlineIndices.set(elements, index);
    }
    return index;
  }
}

// Not `required`: its message would be put together each time.
function missing(kind: string, name: string): never {
  throw new Error(`invariant broken: ${kind} ${name} is declared`);
}
