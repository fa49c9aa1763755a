import { partHolds } from "../../ir/interval.ts";
import { isForOthers, partsOfKey } from "../../ir/sets.ts";
import type { KeyPart, SetElement, Value } from "../../ir/types.ts";

/** Finds the elements whose key has given values at some positions. */
export class KeyIndex<Element extends SetElement> {
  /** One of the elements is for all keys that no other one has. */
  readonly hasOthers: boolean;
  private readonly elements: readonly Element[];
  private readonly byPositions = new Map<string, ReadonlyMap<string, readonly Element[]>>();

  constructor(elements: readonly Element[]) {
    this.elements = elements;
    this.hasOthers = elements.some(({ key }) => isForOthers(key));
  }

  /** Elements with `known[i]` at each position `i` where that is defined: single values before ranges, either in their order. */
  matching(known: readonly (Value | undefined)[]): readonly Element[] {
    const positions = known.flatMap((value, i) => (value === undefined ? [] : [i]));
    if (positions.length === 0) return this.elements;
    const name = positions.join();
    let index = this.byPositions.get(name);
    if (index === undefined) {
      index = this.indexBy(positions);
      this.byPositions.set(name, index);
    }
    const exact = index.get(positions.map((i) => known[i]).join(" ")) ?? [];
    const ranged = index.get(RANGED) ?? [];
    if (ranged.length === 0) return exact;
    return [
      ...exact,
      ...ranged.filter((element) =>
        positions.every((i) => partHolds(partsOfKey(element)[i] as KeyPart, known[i] as Value)),
      ),
    ];
  }

  private indexBy(positions: readonly number[]): ReadonlyMap<string, readonly Element[]> {
    const index = new Map<string, Element[]>();
    for (const element of this.elements) {
      const key = partsOfKey(element);
      const parts = positions.map((i) => key[i] as KeyPart);
      const name = parts.some((part) => typeof part === "object") ? RANGED : parts.join(" ");
      const list = index.get(name);
      if (list === undefined) index.set(name, [element]);
      else list.push(element);
    }
    return index;
  }
}

/** No key part prints like this. */
const RANGED = "ranged";
