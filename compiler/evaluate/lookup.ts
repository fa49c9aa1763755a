/** Finding elements by key. */

import { required } from "../invariant.ts";
import { partHolds } from "../ir/interval.ts";
import { isForOthers, partsOfKey } from "../ir/sets.ts";
import type { KeyPart, SetElement, Value } from "../ir/types.ts";
import { Diagram } from "../packets/diagram.ts";
import { hasFewValues, type PacketSet, within, without } from "../packets/packet-set.ts";
import { applySpread, type Spread, valuesBehind } from "../packets/preimage.ts";
import { after, type Cut, EMPTY, Ranges, valuesIn } from "../packets/ranges.ts";

/** Packets, and the element that their key finds. */
export interface Lookup<Element> {
  readonly region: PacketSet;
  readonly element: Element | undefined;
}

/** The elements of a set or map, ready to be asked. */
export class ElementIndex<Element extends SetElement> {
  private readonly elements: readonly Element[];
  private readonly exact = new Map<string, Element>();
  private readonly ranged: Element[] = [];
  private catchAll: Element | undefined;
  private readonly views = new Map<string, View<Element>>();

  constructor(declaration: { readonly elements: readonly Element[] }) {
    this.elements = declaration.elements;
    for (const element of declaration.elements) {
      const { key } = element;
      if (isForOthers(key)) this.catchAll = element;
      else if (key.some((part) => typeof part === "object")) this.ranged.push(element);
      else {
        // The first one of a key counts, as among intervals: the kernel takes no second one.
        const text = keyText(key);
        if (!this.exact.has(text)) this.exact.set(text, element);
      }
    }
  }

  find(key: readonly Value[]): Element | undefined {
    return (
      this.exact.get(keyText(key)) ?? this.ranged.find((element) => holds(partsOfKey(element), key)) ?? this.catchAll
    );
  }

  private splitByValues(spread: Spread, key: readonly (Value | Spread)[], region: PacketSet): Lookup<Element>[] {
    const { field } = spread;
    return valuesIn(region[field]).flatMap((value) => {
      const part = required(within(region, field, Ranges.of(value)), "a value of the region is in it");
      const chosen = key.map((each) =>
        typeof each === "object" && each.field === field ? (applySpread(each, value) as Value) : each,
      );
      return this.split(chosen, part);
    });
  }

  /** What the packets of `region` find by their keys. Elements that hold the same are not told apart there, unless a packet
   *  has but one key. */
  split(key: readonly (Value | Spread)[], region: PacketSet): Lookup<Element>[] {
    const few = key.find((part): part is Spread => typeof part === "object" && isChosen(part));
    if (few !== undefined) return this.splitByValues(few, key, region);
    const others: Value[] = [];
    let shape = "";
    for (let at = 0; at < key.length; at++) {
      const part = key[at] as Value | Spread;
      if (typeof part !== "object") others.push(part);
      else shape += `${at} ${part.field}${part.masked === undefined ? "" : ` ${part.masked.mask} ${part.masked.xor}`},`;
    }
    if (shape === "") return [{ region, element: this.find(others) }];
    let view = this.views.get(shape);
    if (view === undefined) {
      const spreads = key.flatMap((part, at) => (typeof part === "object" ? [{ ...part, at }] : []));
      view = new View(this.elements, this.catchAll, spreads, key.length);
      this.views.set(shape, view);
    }
    return view.split(others, region);
  }
}

/** Whether each of its values is looked up for itself: a mask may leave no intervals of them. */
function isChosen({ field, masked }: Spread): boolean {
  return masked !== undefined && hasFewValues(field);
}

type SpreadAt = Spread & { readonly at: number };

/** The elements for keys of which some parts are spread. */
class View<Element extends SetElement> {
  private readonly spreads: readonly SpreadAt[];
  private readonly catchAll: Element | undefined;
  /** By the other parts: all elements that have single values there, and the others. */
  private readonly exact = new Map<string, Element[]>();
  private readonly ranged: Element[] = [];
  private readonly diagrams = new Map<string, Diagram<Element | undefined>>();

  constructor(
    elements: readonly Element[],
    catchAll: Element | undefined,
    spreads: readonly SpreadAt[],
    length: number,
  ) {
    this.spreads = spreads;
    this.catchAll = catchAll;
    for (const element of elements) {
      const { key } = element;
      if (isForOthers(key) || key.length !== length) continue;
      const others = this.othersOf(key);
      if (others.some((part) => typeof part === "object")) {
        this.ranged.push(element);
        continue;
      }
      const text = keyText(others);
      const known = this.exact.get(text);
      if (known === undefined) this.exact.set(text, [element]);
      else known.push(element);
    }
  }

  split(others: readonly Value[], region: PacketSet): Lookup<Element>[] {
    const text = keyText(others);
    const exact = this.exact.get(text);
    if (this.ranged.length === 0) {
      const [only, more] = exact ?? [];
      if (only === undefined) return [{ region, element: this.catchAll }];
      const [spread, another] = this.spreads;
      if (more === undefined && spread !== undefined && another === undefined && this.catchAll === undefined)
        return splitByOne(only, spread, region);
    }
    let diagram = this.diagrams.get(text);
    if (diagram === undefined) {
      const ranged = this.ranged.filter((element) => holds(this.othersOf(partsOfKey(element)), others));
      diagram = this.diagramOf([...(exact ?? []), ...ranged]);
      this.diagrams.set(text, diagram);
    }
    const fields = this.spreads.map(({ field }) => field);
    return diagram.split(region, fields).map(({ region: part, found }) => ({ region: part, element: found }));
  }

  private othersOf(key: readonly KeyPart[]): KeyPart[] {
    return key.filter((_, i) => !this.spreads.some(({ at }) => at === i));
  }

  private diagramOf(elements: readonly Element[]): Diagram<Element | undefined> {
    const isExact = (element: Element): boolean => partsOfKey(element).every((part) => typeof part !== "object");
    // As `find`: single values before intervals, of which the first one counts.
    const sorted = [...elements.filter(isExact), ...elements.filter((element) => !isExact(element))];
    const entries = sorted.map((element) => ({
      parts: this.spreads.map((spread) => valuesBehind(spread, rangesOf(partsOfKey(element)[spread.at] as KeyPart))),
    }));
    return new Diagram(this.spreads.length, entries, {
      find: ([first]) => (first === undefined ? this.catchAll : sorted[first]),
      key: contentOf,
    });
  }
}

/** What the packets of `region` find that may find one element only, those with lower values first. */
function splitByOne<Element extends SetElement>(
  element: Element,
  spread: SpreadAt,
  region: PacketSet,
): Lookup<Element>[] {
  const { field, at } = spread;
  const wanted = valuesBehind(spread, rangesOf(partsOfKey(element)[at] as KeyPart));
  const there = within(region, field, wanted);
  const elsewhere = without(region, field, wanted);
  const found = there === undefined ? [] : [{ region: there, element }];
  if (elsewhere === undefined) return found;
  const missed = { region: elsewhere, element: undefined };
  return wanted.has(region[field].cuts[0] as Cut) ? [...found, missed] : [missed, ...found];
}

/** What an element holds, as text: that of a set, that it is there. */
export function contentOf(element: (SetElement & { readonly value?: unknown }) | undefined): string {
  if (element === undefined) return "";
  const { value } = element;
  if (Array.isArray(value)) return `= ${keyText(value as Value[])}`;
  const verdict = value as { readonly kind: string; readonly chain?: string } | undefined;
  return verdict === undefined ? "in" : `${verdict.kind} ${verdict.chain ?? ""}`;
}

/** The numbers that `part` stands for; of names there are none. */
export function rangesOf(part: KeyPart): Ranges {
  const [from, to] = typeof part === "object" ? [part.from, part.to] : [part, part];
  return typeof from === "string" || typeof to === "string" ? EMPTY : new Ranges([from, after(to as Cut)]);
}

function holds(parts: readonly KeyPart[], key: readonly Value[]): boolean {
  return parts.length === key.length && parts.every((part, i) => partHolds(part, key[i] as Value));
}

/** A key as text: its parts joined by blanks. */
export function keyText(key: readonly KeyPart[]): string {
  // `join` takes several times as long for a few parts, and a large program is asked for hundreds of thousands of keys.
  let text = `${key[0] ?? ""}`;
  for (let i = 1; i < key.length; i++) text += ` ${key[i]}`;
  return text;
}
