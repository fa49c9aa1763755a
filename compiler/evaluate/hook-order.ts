/**
 * In which order the kernel enters the base chains of a hook.
 *
 * Of chains with one priority the one that was registered last runs first (nf_hook_entries_grow puts a new hook before
 * those of equal priority), also among tables and families, and among NAT chains. Within a table the text tells when each was
 * registered: nft lists chains as they were made. Among tables only a file does that is loaded: in a listing a chain that was
 * added to an old table stands before those of younger tables.
 */
import type { BaseChain, Table } from "../ir/types.ts";
import { areInConflict, type Footprint, footprintOf } from "./footprint.ts";
import type { Assumption } from "./unknown/assumption.ts";

/** A base chain in its table, by what the order depends on. */
export interface Listed {
  readonly table: Table;
  readonly chain: BaseChain;
}

/** That one of two chains, or groups of chains, runs first. */
export interface AssumedOrder extends Assumption {
  /** Both, in words. */
  readonly chains: string;
}

/** One of the orders in which chains may run, and what is assumed where it is this one. */
export interface Order<Entry> {
  /** Undefined: some other order than those that are followed. */
  readonly entries: readonly Entry[] | undefined;
  readonly assumed: readonly AssumedOrder[];
}

/** One after the other, as far as it is known; all orders that there may be where it is not, and where it may matter. */
export class HookOrder<Entry extends Listed> {
  /** Of all tables, as the text has them. */
  private readonly all: readonly Entry[];
  private readonly footprints = new Map<Entry, Footprint>();

  constructor(all: readonly Entry[]) {
    this.all = all;
  }

  /** Chains of one place: filters of one priority. */
  ofFilters(entries: readonly Entry[]): Order<Entry>[] {
    return this.ordersOf(entries.map((entry) => ({ parts: [entry], entries: [entry] })));
  }

  /** NAT chains of one hook, which run together whatever their priorities, among filters that have the place of NAT. The kernel
   *  registers that place with the first NAT chain of any hook: `ofAllHooks` are those of the family. */
  ofNat(nat: readonly Entry[], filters: readonly Entry[], ofAllHooks: readonly Entry[]): Order<Entry>[] {
    const priorities = [...new Set(nat.map(({ chain }) => chain.priority))].sort((a, b) => a - b);
    const inside = priorities
      .map((priority) => this.ofFilters(nat.filter(({ chain }) => chain.priority === priority)))
      .reduce<Order<Entry>[]>(
        (some, next) => some.flatMap((first) => next.map((each) => oneAfterTheOther(first, each))),
        [{ entries: [], assumed: [] }],
      );
    return inside.flatMap((order) => {
      if (order.entries === undefined) return [order];
      const unit: Unit<Entry> = { parts: ofAllHooks, entries: order.entries };
      const among = this.ordersOf([unit, ...filters.map((entry) => ({ parts: [entry], entries: [entry] }))]);
      return among.map((each) => ({ entries: each.entries, assumed: [...order.assumed, ...each.assumed] }));
    });
  }

  private ordersOf(units: readonly Unit<Entry>[]): Order<Entry>[] {
    // Which is the best guess: what stands last was registered last.
    const guess = [...units].sort((a, b) => this.last(b) - this.last(a));
    const found = new Map<string, Order<Entry>>();
    const place = (rest: readonly Unit<Entry>[], done: readonly Entry[], assumed: readonly AssumedOrder[]): void => {
      if (found.size > MOST_ORDERS) return;
      if (rest.length === 0) {
        const key = assumed.map(({ text, holds }) => `${text} ${holds}`).sort();
        found.set(key.join(), found.get(key.join()) ?? { entries: done, assumed });
      }
      const free = rest.filter((unit) => !rest.some((other) => this.isBefore(other, unit)));
      const harmless = free.find((unit) => this.openAgainst(unit, rest).length === 0);
      for (const unit of harmless === undefined ? free : [harmless]) {
        const next = this.openAgainst(unit, rest).map((other) => runsBefore(unit, other));
        place(
          rest.filter((other) => other !== unit),
          [...done, ...unit.entries],
          [...assumed, ...next],
        );
      }
    };
    place(guess, [], []);
    const orders = [...found.values()];
    if (orders.length <= MOST_ORDERS) return orders;
    const names = guess.map(nameOf).join(", ");
    const kind = `${units.length} chains of one hook and priority`;
    const assumed = { text: `${kind} run in this order: ${names}`, chains: `${kind} (${names})` };
    const [first] = orders as [Order<Entry>];
    return [true, false].map((holds) => ({
      entries: holds ? first.entries : undefined,
      assumed: [{ ...assumed, holds }],
    }));
  }

  private last({ entries }: Unit<Entry>): number {
    return Math.max(...entries.map((entry) => this.all.indexOf(entry)));
  }

  /** Those of `rest` that may run before or after `unit`, where that may matter. */
  private openAgainst(unit: Unit<Entry>, rest: readonly Unit<Entry>[]): readonly Unit<Entry>[] {
    return rest.filter(
      (other) =>
        other !== unit &&
        !this.isBefore(unit, other) &&
        unit.entries.some((a) => other.entries.some((b) => areInConflict(this.footprint(a), this.footprint(b)))),
    );
  }

  /** Whether the text tells that `unit` runs before `other`. */
  private isBefore(unit: Unit<Entry>, other: Unit<Entry>): boolean {
    // What is registered is the first of the parts: later than that is later than any of them.
    return unit.parts.every((a) => other.parts.some((b) => this.isLater(a, b)));
  }

  /** Whether the text tells that `a` was registered later than `b`. */
  private isLater(a: Entry, b: Entry): boolean {
    const [one, other] = [a.chain.registered, b.chain.registered];
    if (one !== undefined && other !== undefined && one.file === other.file) return one.at > other.at;
    return a.table === b.table && this.all.indexOf(a) > this.all.indexOf(b);
  }

  private footprint(entry: Entry): Footprint {
    const known = this.footprints.get(entry) ?? footprintOf(entry.chain, entry.table);
    this.footprints.set(entry, known);
    return known;
  }
}

/** What runs together: one chain, or all NAT chains of a hook. */
interface Unit<Entry> {
  /** With the first of which the kernel registers it. */
  readonly parts: readonly Entry[];
  readonly entries: readonly Entry[];
}

/** More orders than this are not followed. */
const MOST_ORDERS = 24;

function oneAfterTheOther<Entry>(first: Order<Entry>, next: Order<Entry>): Order<Entry> {
  const assumed = [...first.assumed, ...next.assumed];
  return { entries: first.entries && next.entries && [...first.entries, ...next.entries], assumed };
}

/** One text for both orders of a pair. */
function runsBefore<Entry extends Listed>(unit: Unit<Entry>, other: Unit<Entry>): AssumedOrder {
  const [a, b] = [nameOf(unit), nameOf(other)];
  const [first, second] = a <= b ? [a, b] : [b, a];
  return { text: `${first} runs before ${second}`, holds: a <= b, chains: `${first} and ${second}` };
}

function nameOf<Entry extends Listed>({ entries }: Unit<Entry>): string {
  return entries
    .map(({ table, chain }) => `chain ${chain.name} of table ${table.family} ${table.name}`)
    .sort()
    .join(" and ");
}
