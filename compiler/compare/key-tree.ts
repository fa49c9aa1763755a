/** The keys of many elements, part by part: which of them a value meets, and up to where its neighbours meet the same. */
import type { KeyPart, SetElement, Value } from "../ir/types.ts";
import { narrowTo, type Range } from "./box.ts";

/** Elements that agree in the parts so far. */
export class KeyTree {
  private readonly exact = new Map<Value, KeyTree>();
  private readonly ranges: { readonly from: Value; readonly to: Value; readonly next: KeyTree }[] = [];
  private borders: readonly Value[] | undefined;

  static of(elements: readonly SetElement[]): KeyTree {
    const root = new KeyTree();
    for (const { key, catchAll } of elements) if (!catchAll) root.add(key, 0);
    return root;
  }

  private add(key: readonly KeyPart[], at: number): void {
    const part = key[at];
    if (part === undefined) return;
    this.next(part).add(key, at + 1);
  }

  private next(part: KeyPart): KeyTree {
    if (typeof part === "object") {
      const known = this.ranges.find(({ from, to }) => from === part.from && to === part.to);
      if (known !== undefined) return known.next;
      const next = new KeyTree();
      this.ranges.push({ ...part, next });
      return next;
    }
    const known = this.exact.get(part) ?? new KeyTree();
    this.exact.set(part, known);
    return known;
  }

  /** Those that have `value` here. */
  meeting(value: Value): KeyTree[] {
    const found = this.ranges.filter(({ from, to }) => from <= value && value <= to).map(({ next }) => next);
    const exact = this.exact.get(value);
    return exact === undefined ? found : [...found, exact];
  }

  /** Makes `range` no larger than the values around `value` that meet the same elements. */
  narrow(range: Range, value: Value): void {
    for (const { from, to } of this.ranges) narrowTo(range, value, from, to);
    if (this.exact.has(value)) {
      narrowTo(range, value, value, value);
      return;
    }
    this.borders ??= [...this.exact.keys()].sort((a, b) => (a < b ? -1 : 1));
    const at = firstBehind(this.borders, value);
    for (const neighbour of [this.borders[at - 1], this.borders[at]])
      if (neighbour !== undefined) narrowTo(range, value, neighbour, neighbour);
  }
}

/** The number of the first of the sorted `values` that is larger than `value`. */
function firstBehind(values: readonly Value[], value: Value): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as Value) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
