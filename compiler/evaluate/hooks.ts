/** The base chains of a program by hook, in the order in which the kernel enters them. */
import { placeOf } from "../ir/place.ts";
import type { Hook, Program } from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import { HookOrder, type Listed, type Order } from "./hook-order.ts";
import { type HookPath, hooksOn } from "./hook-path.ts";
import { Lists } from "./memory.ts";
import { TableIndex } from "./table-index.ts";
import { trackedFamilies } from "./tracked-families.ts";
/** A base chain in its table. */
export interface HookEntry extends Listed {
  readonly index: TableIndex;
}

/** Base chains of one hook and one place, in all orders that they may run in: one, where the text tells which or it does not
 *  matter. */
export interface Stage {
  readonly place: number;
  readonly orders: readonly Order<HookEntry>[];
}

/** All base chains by family and hook, in the order in which the kernel enters them. */
export class Hooks {
  readonly lists: Lists;
  /** Whether the program's rules make the kernel track connections of a family. */
  readonly tracksConnections: (family: Family) => boolean;
  private readonly entries: readonly HookEntry[];
  private readonly stages: Readonly<Record<Family, Map<Hook, readonly Stage[]>>> = { IPv4: new Map(), IPv6: new Map() };
  private readonly orderOf: HookOrder<HookEntry>;
  private readonly behind = new Map<HookPath, Map<Stage, readonly HookEntry[]>>();

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
      return table.chains.flatMap((chain): HookEntry[] => (chain.kind === "base" ? [{ index, table, chain }] : []));
    });
    this.orderOf = new HookOrder(this.entries);
  }

  /** Whether packets may fare otherwise at `hook` than to pass. */
  hasRules(family: Family, hook: Hook): boolean {
    return this.entriesAt(family, hook).some(({ chain }) => chain.rules.length > 0 || chain.policy === "drop");
  }

  private entriesAt(family: Family, hook: Hook): readonly HookEntry[] {
    return this.entriesOf(family).filter(({ chain }) => chain.hook === hook);
  }

  private entriesOf(family: Family): readonly HookEntry[] {
    const own = family === "IPv4" ? "ip" : "ip6";
    return this.entries.filter(({ table }) => table.family === own || table.family === "inet");
  }

  at(family: Family, hook: Hook): readonly Stage[] {
    const known = this.stages[family].get(hook);
    if (known !== undefined) return known;
    const entries = this.entriesAt(family, hook);
    const places = [...new Set(entries.map(({ chain }) => placeOf(chain)))].sort((a, b) => a - b);
    const stages = places.map((place): Stage => {
      const here = entries.filter(({ chain }) => placeOf(chain) === place);
      const nat = here.filter(({ chain }) => chain.type === "nat");
      const filters = here.filter(({ chain }) => chain.type !== "nat");
      if (nat.length === 0) return { place, orders: this.orderOf.ofFilters(filters) };
      const ofAllHooks = this.entriesOf(family).filter(({ chain }) => chain.type === "nat");
      return { place, orders: this.orderOf.ofNat(nat, filters, ofAllHooks) };
    });
    this.stages[family].set(hook, stages);
    return stages;
  }

  /** The base chains behind one of the stages of a hook, and on the way that packets take `next`: the same list each time. */
  chainsBehind(family: Family, hook: Hook, stage: Stage, next: HookPath): readonly HookEntry[] {
    let known = this.behind.get(next);
    if (known === undefined) {
      known = new Map();
      this.behind.set(next, known);
    }
    let found = known.get(stage);
    if (found === undefined) {
      const later = hooksOn(next).flatMap((each) => this.at(family, each));
      const own = this.at(family, hook);
      const stages = [...own.slice(own.indexOf(stage) + 1), ...later];
      // Each order has all chains of its stage, but for those that are not followed.
      found = stages.flatMap(({ orders }) => orders.find((order) => order.entries !== undefined)?.entries ?? []);
      known.set(stage, found);
    }
    return found;
  }
}
