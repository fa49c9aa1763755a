/** Elements of a set or map that come and go, found by parts of their keys. */
import { invariant } from "../../invariant.ts";
import { isForOthers, partsOfKey } from "../../ir/sets.ts";
import type { KeyPart, SetElement, Value } from "../../ir/types.ts";
import { getOrMake } from "../../memo.ts";
import { firstNotBefore } from "../../order.ts";

/** Where an element stands among all of its set: by the text of its owner, then by its place among those of that owner. */
export interface Ranked {
  readonly owner: string;
  /** It may change while its neighbours stay the same. */
  position: number;
}

/** An element with its rank. */
export type Live<Element extends SetElement> = Element & Ranked;

export function compareRanks(a: Ranked, b: Ranked): number {
  return a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : a.position - b.position;
}

/** Who has read a list, and is told when that changes. */
export interface ListReader<Element extends SetElement> {
  readonly added: (element: Live<Element>) => void;
  readonly removed: (element: Live<Element>) => void;
}

export class LiveElements<Element extends SetElement> {
  private readonly all = new Set<Live<Element>>();
  /** By the positions whose values are asked for. */
  private readonly patterns = new Map<string, Pattern<Element>>();

  /** Elements with `known[i]` at each position `i` where that is defined. */
  matching(known: readonly (Value | undefined)[]): LiveList<Element> {
    const positions = known.flatMap((value, i) => (value === undefined ? [] : [i]));
    const name = positions.join();
    let pattern = this.patterns.get(name);
    if (pattern === undefined) {
      pattern = new Pattern(positions, this.all);
      this.patterns.set(name, pattern);
    }
    return pattern.listFor(known);
  }

  add(element: Live<Element>): void {
    invariant(!isForOthers(element.key), "kpc's own tables have no element for all other keys");
    this.all.add(element);
    for (const pattern of this.patterns.values()) pattern.add(element);
  }

  /** Before positions change. */
  remove(element: Live<Element>): void {
    this.all.delete(element);
    for (const pattern of this.patterns.values()) pattern.remove(element);
  }
}

/** Elements by their values at some positions. */
class Pattern<Element extends SetElement> {
  private readonly positions: readonly number[];
  private readonly lists = new Map<string, LiveList<Element>>();

  constructor(positions: readonly number[], all: Iterable<Live<Element>>) {
    this.positions = positions;
    for (const element of all) this.add(element);
  }

  listFor(known: readonly (Value | undefined)[]): LiveList<Element> {
    return this.listOf(this.positions.map((i) => known[i]).join(" "));
  }

  add(element: Live<Element>): void {
    this.listOf(this.nameOf(element)).add(element);
  }

  remove(element: Live<Element>): void {
    this.lists.get(this.nameOf(element))?.remove(element);
  }

  /** What its key has at the positions. */
  private nameOf(element: Element): string {
    const parts = partsOfKey(element);
    const own = this.positions.map((i) => parts[i] as KeyPart);
    // Ranges are sources, which no rule knows that asks for them.
    invariant(!own.some((part) => typeof part === "object"), "what is known of a packet is no range in a key");
    return own.join(" ");
  }

  private listOf(name: string): LiveList<Element> {
    return getOrMake(this.lists, name, () => new LiveList<Element>(() => this.lists.delete(name)));
  }
}

/** Elements in the order of their ranks. */
export class LiveList<Element extends SetElement> {
  private readonly readers: ListReader<Element>[] = [];
  private readonly sorted = new SortedItems<Live<Element>>(compareRanks);
  private readonly onIdle: () => void;

  /** `onIdle`: nobody reads it, and nothing is in it. */
  constructor(onIdle: () => void) {
    this.onIdle = onIdle;
  }

  /** The same array until something comes or goes; it may be changed in place then. */
  get elements(): readonly Live<Element>[] {
    return this.sorted.items;
  }

  add(element: Live<Element>): void {
    this.sorted.add(element);
    for (const reader of [...this.readers]) reader.added(element);
  }

  remove(element: Live<Element>): void {
    this.sorted.remove(element);
    for (const reader of [...this.readers]) reader.removed(element);
    this.rest();
  }

  enter(reader: ListReader<Element>): void {
    this.readers.push(reader);
  }

  leave(reader: ListReader<Element>): void {
    const at = this.readers.indexOf(reader);
    if (at >= 0) this.readers.splice(at, 1);
    this.rest();
  }

  private rest(): void {
    if (this.readers.length === 0 && this.sorted.size === 0) this.onIdle();
  }
}

/** Items in an order. Those that are added find their places when the items are asked for. */
export class SortedItems<Item> {
  private readonly compare: (a: Item, b: Item) => number;
  private list: Item[] = [];
  private waiting: Item[] = [];

  constructor(compare: (a: Item, b: Item) => number) {
    this.compare = compare;
  }

  get size(): number {
    return this.list.length + this.waiting.length;
  }

  get items(): readonly Item[] {
    const { waiting, list } = this;
    if (waiting.length > MANY) this.list = [...list, ...waiting].sort(this.compare);
    else for (const item of waiting) list.splice(this.placeOf(item), 0, item);
    if (waiting.length > 0) this.waiting = [];
    return this.list;
  }

  add(item: Item): void {
    this.waiting.push(item);
  }

  /** Of an item that is there. */
  remove(item: Item): void {
    const waits = this.waiting.indexOf(item);
    if (waits >= 0) {
      this.waiting.splice(waits, 1);
      return;
    }
    let at = this.placeOf(item);
    while (at < this.list.length && this.list[at] !== item) at++;
    invariant(at < this.list.length, "what is removed is there");
    this.list.splice(at, 1);
  }

  /** Before all items that do not come before it. */
  private placeOf(item: Item): number {
    const { list, compare } = this;
    return firstNotBefore(0, list.length, (i) => compare(list[i] as Item, item) < 0);
  }
}

/** Items that are not put into their places one by one. */
const MANY = 32;
