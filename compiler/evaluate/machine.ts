/** A program made ready to be asked about packets. */
import { required } from "../invariant.ts";
import type {
  BaseChain,
  Chain,
  Hook,
  MapDeclaration,
  MapElement,
  Program,
  SetDeclaration,
  SetElement,
  Table,
} from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import { ElementIndex } from "./lookup.ts";

/** One table with its objects by name. */
export class TableIndex {
  readonly table: Table;
  private readonly chains: ReadonlyMap<string, Chain>;
  private readonly sets: ReadonlyMap<string, SetDeclaration>;
  private readonly maps: ReadonlyMap<string, MapDeclaration>;
  private readonly setIndices = new Map<string, ElementIndex<SetElement>>();
  private readonly mapIndices = new Map<string, ElementIndex<MapElement>>();

  constructor(table: Table) {
    this.table = table;
    this.chains = new Map(table.chains.map((chain) => [chain.name, chain]));
    this.maps = new Map(table.maps.map((map) => [map.name, map]));
    this.sets = new Map(table.sets.map((set) => [set.name, set]));
  }

  chain(name: string): Chain {
    return required(this.chains.get(name), `chain ${name} is declared`);
  }

  set(name: string): SetDeclaration {
    return required(this.sets.get(name), `set ${name} is declared`);
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
    return required(this.maps.get(name), `map ${name} is declared`);
  }

  mapElements(name: string): ElementIndex<MapElement> {
    let index = this.mapIndices.get(name);
    if (index === undefined) {
      index = new ElementIndex(this.map(name));
      this.mapIndices.set(name, index);
    }
    return index;
  }
}

/** A base chain in its table. */
export interface Entry {
  readonly index: TableIndex;
  readonly chain: BaseChain;
}

/** All base chains by family and hook, in the order in which the kernel enters them. */
export class Machine {
  private readonly entries: readonly Entry[];

  constructor(program: Program) {
    const awake = program.ruleset.tables.filter(({ dormant }) => dormant === undefined);
    this.entries = awake.flatMap((table) => {
      const index = new TableIndex(table);
      return table.chains.flatMap((chain): Entry[] => (chain.kind === "base" ? [{ index, chain }] : []));
    });
  }

  /** Chains of equal priority run in the order of the tables. */
  at(family: Family, hook: Hook): Entry[] {
    const own = family === "IPv4" ? "ip" : "ip6";
    return this.entries
      .filter(
        ({ index, chain }) => chain.hook === hook && (index.table.family === own || index.table.family === "inet"),
      )
      .sort((a, b) => a.chain.priority - b.chain.priority);
  }
}
