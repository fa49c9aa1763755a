/** A program made ready to be asked about packets. */
import { placeOf } from "../ir/place.ts";
import type {
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
import { HookOrder, type Listed, type Order } from "./hook-order.ts";
import { ElementIndex } from "./lookup.ts";
import { Lists } from "./memory.ts";
import { trackedFamilies } from "./tracked-families.ts";
import { hooksOn, type Way } from "./ways.ts";

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

  /** Those of a map that is written in a rule. */
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

/** A base chain in its table. */
export interface Entry extends Listed {
  readonly index: TableIndex;
}

/** Base chains of one hook and one place, in all orders that they may run in: one, where the text tells which or it does not
 *  matter. */
export interface Stage {
  readonly place: number;
  readonly orders: readonly Order<Entry>[];
}

/** All base chains by family and hook, in the order in which the kernel enters them. */
export class Machine {
  readonly lists: Lists;
  /** Whether the program's rules make the kernel track connections of a family. */
  readonly tracksConnections: (family: Family) => boolean;
  private readonly entries: readonly Entry[];
  private readonly byHook = new Map<string, readonly Stage[]>();
  private readonly orderOf: HookOrder<Entry>;
  private readonly behind = new Map<Way, Map<string, readonly Entry[]>>();

  constructor(program: Program) {
    const awake = program.ruleset.tables.filter(({ dormant }) => dormant === undefined);
    this.lists = new Lists(awake);
    let tracked: ReadonlySet<Family> | undefined;
    this.tracksConnections = (family) => {
      tracked ??= trackedFamilies(awake);
      return tracked.has(family);
    };
    this.entries = awake.flatMap((table) => {
      const index = new TableIndex(table, this.lists, this.tracksConnections);
      return table.chains.flatMap((chain): Entry[] => (chain.kind === "base" ? [{ index, table, chain }] : []));
    });
    this.orderOf = new HookOrder(this.entries);
  }

  /** Whether packets may fare otherwise at `hook` than to pass. */
  hasRules(family: Family, hook: Hook): boolean {
    return this.entriesAt(family, hook).some(({ chain }) => chain.rules.length > 0 || chain.policy === "drop");
  }

  private entriesAt(family: Family, hook: Hook): readonly Entry[] {
    const own = family === "IPv4" ? "ip" : "ip6";
    return this.entries.filter(
      ({ table, chain }) => chain.hook === hook && (table.family === own || table.family === "inet"),
    );
  }

  at(family: Family, hook: Hook): readonly Stage[] {
    const key = `${family} ${hook}`;
    const known = this.byHook.get(key);
    if (known !== undefined) return known;
    const entries = this.entriesAt(family, hook);
    const places = [...new Set(entries.map(({ chain }) => placeOf(chain)))].sort((a, b) => a - b);
    const stages = places.map((place): Stage => {
      const here = entries.filter(({ chain }) => placeOf(chain) === place);
      const nat = here.filter(({ chain }) => chain.type === "nat");
      const filters = here.filter(({ chain }) => chain.type !== "nat");
      return {
        place,
        orders: nat.length === 0 ? this.orderOf.ofFilters(filters) : this.orderOf.ofNat(nat, filters),
      };
    });
    this.byHook.set(key, stages);
    return stages;
  }

  /** The base chains behind the stage of a hook that has a number, and on the way that packets take `next`: the same list each time. */
  chainsBehind(family: Family, hook: Hook, number: number, next: Way): readonly Entry[] {
    const known = this.behind.get(next) ?? new Map<string, readonly Entry[]>();
    this.behind.set(next, known);
    const key = `${family} ${hook} ${number}`;
    let found = known.get(key);
    if (found === undefined) {
      const later = hooksOn(next).flatMap((each) => this.at(family, each));
      const stages = [...this.at(family, hook).slice(number + 1), ...later];
      // Each order has all chains of its stage, but for those that are not followed.
      found = stages.flatMap(({ orders }) => orders.find((order) => order.entries !== undefined)?.entries ?? []);
      known.set(key, found);
    }
    return found;
  }
}
