/** The elements of a table by who wants them, and what becomes of them where an owner wants others. */
import { stringify } from "../../ir/normal-form.ts";
import { keyTextOf } from "../../ir/table-change.ts";
import type { MapElement, SetElement } from "../../ir/types.ts";
import { getOrMake } from "../../memo.ts";
import { compareRanks, type Live, LiveElements } from "./live-elements.ts";

/** What one owner wants: elements by the name of their set or map, in their order. */
export interface OwnedElements {
  readonly maps: ReadonlyMap<string, readonly MapElement[]>;
  readonly sets: ReadonlyMap<string, readonly SetElement[]>;
  /** Those that several owners may want, by their keys: that of the first owner counts. */
  readonly shared: ReadonlyMap<string, ReadonlyMap<SharedKey, SetElement>>;
}

type SharedKey = number | bigint;

export const NO_ELEMENTS: OwnedElements = { maps: new Map(), sets: new Map(), shared: new Map() };

/** Where the elements of one set or map go. */
interface Store<Element extends SetElement> {
  add(element: Live<Element>): void;
  remove(element: Live<Element>): void;
}

export class OwnedTable {
  readonly maps = new Map<string, LiveElements<MapElement>>();
  readonly sets = new Map<string, LiveElements<SetElement>>();
  private readonly shared = new Map<string, SharedElements>();
  /** By owner, what it has in each set or map. */
  private readonly kept = new Map<string, Map<string, readonly Live<SetElement>[]>>();
  private readonly onMapElement: (map: string, element: MapElement, by: 1 | -1) => void;

  /** `onMapElement`: is told of each element of a map that comes or goes. */
  constructor(onMapElement: (map: string, element: MapElement, by: 1 | -1) => void) {
    this.onMapElement = onMapElement;
  }

  /** What `owner` wants now, in place of what it had. Owners come in the order of their texts. */
  put(owner: string, wanted: OwnedElements): void {
    const kept = this.kept.get(owner) ?? new Map<string, readonly Live<SetElement>[]>();
    this.kept.set(owner, kept);
    const put = <Element extends SetElement>(name: string, to: Store<Element>, elements: readonly Element[]): void => {
      // What stands under the name of a map are elements of that map.
      const now = move(owner, (kept.get(name) ?? []) as unknown as readonly Live<Element>[], elements, to);
      if (now.length === 0) kept.delete(name);
      else kept.set(name, now);
    };
    const { maps, sets, shared } = wanted;
    for (const name of new Set([...kept.keys(), ...maps.keys(), ...sets.keys(), ...shared.keys()]))
      if (maps.has(name) || this.maps.has(name)) put(name, this.mapStore(name), maps.get(name) ?? []);
      else if (shared.has(name) || this.shared.has(name))
        put(name, this.sharedStore(name), [...(shared.get(name)?.values() ?? [])]);
      else put(name, this.elementsOfSet(name), sets.get(name) ?? []);
    if (kept.size === 0) this.kept.delete(owner);
  }

  /** Of a map that may not be there. */
  elementsOfMap(name: string): LiveElements<MapElement> {
    return getOrMake(this.maps, name, () => new LiveElements<MapElement>());
  }

  elementsOfSet(name: string): LiveElements<SetElement> {
    return getOrMake(this.sets, name, () => new LiveElements<SetElement>());
  }

  private mapStore(name: string): Store<MapElement> {
    const elements = this.elementsOfMap(name);
    return {
      add: (element) => {
        elements.add(element);
        this.onMapElement(name, element, 1);
      },
      remove: (element) => {
        elements.remove(element);
        this.onMapElement(name, element, -1);
      },
    };
  }

  private sharedStore(name: string): SharedElements {
    return getOrMake(this.shared, name, () => new SharedElements(this.elementsOfSet(name)));
  }
}

/** Makes what `owner` has in one set or map what it wants, and gives it. What is left stays the same value. */
function move<Element extends SetElement>(
  owner: string,
  before: readonly Live<Element>[],
  wanted: readonly Element[],
  store: Store<Element>,
): readonly Live<Element>[] {
  const places = new Map(before.map((element, i) => [textOf(element), i]));
  const stays = new Set<Live<Element>>();
  let last = -1;
  const now = wanted.map((element) => {
    const place = before.length === 0 ? undefined : places.get(textOf(element));
    const known = place === undefined || place <= last ? undefined : before[place];
    if (known === undefined || place === undefined) return element;
    last = place;
    stays.add(known);
    return known;
  });
  // While positions are those of before.
  for (const element of before) if (!stays.has(element)) store.remove(element);
  const owned = now.map((element, position): Live<Element> => {
    if (!isLive(element, stays)) {
      // Where it comes from would keep the whole object of the cluster.
      const { origin: _, ...kept } = element;
      return { ...(kept as Element), owner, position };
    }
    element.position = position;
    return element;
  });
  for (const element of owned) if (!stays.has(element)) store.add(element);
  return owned;
}

function isLive<Element extends SetElement>(
  element: Element | Live<Element>,
  stays: ReadonlySet<Element>,
): element is Live<Element> {
  return stays.has(element);
}

function textOf(element: SetElement): string {
  const { key, comment } = element;
  return stringify({ key, comment, value: "value" in element ? element.value : undefined });
}

/** Elements of a set that several owners want: that of the first one stands in the set. */
class SharedElements implements Store<SetElement> {
  private readonly elements: LiveElements<SetElement>;
  private readonly byKey = new Map<string, Live<SetElement> | Live<SetElement>[]>();

  constructor(elements: LiveElements<SetElement>) {
    this.elements = elements;
  }

  add(element: Live<SetElement>): void {
    const name = keyTextOf(element.key);
    const before = this.wantedAs(name);
    const after = [...before, element].sort(compareRanks);
    this.set(name, before, after);
  }

  remove(element: Live<SetElement>): void {
    const name = keyTextOf(element.key);
    const before = this.wantedAs(name);
    this.set(
      name,
      before,
      before.filter((other) => other !== element),
    );
  }

  private wantedAs(name: string): readonly Live<SetElement>[] {
    const found = this.byKey.get(name);
    return found === undefined ? [] : Array.isArray(found) ? found : [found];
  }

  private set(name: string, before: readonly Live<SetElement>[], after: Live<SetElement>[]): void {
    const [old] = before;
    const [first] = after;
    if (first === undefined) this.byKey.delete(name);
    else this.byKey.set(name, after.length === 1 ? first : after);
    if (old === first) return;
    if (old !== undefined) this.elements.remove(old);
    if (first !== undefined) this.elements.add(first);
  }
}
