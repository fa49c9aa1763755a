/** Sets of numbers, of which packets have one in a field. All of this is called by the million: nothing is destructured that is no
 *  object, which makes iterators until V8 has compiled it. */

export type Cut = number | bigint;

/** Disjoint intervals that do not touch, all of numbers or all of bigints. Never changed. */
export class Ranges {
  /** The first number of an interval, the first behind it, and so on: sorted, an even number of them. */
  readonly cuts: readonly Cut[];
  /** The only number, where there is but one. */
  readonly single: Cut | undefined;
  private text: string | undefined;

  constructor(cuts: readonly Cut[]) {
    this.cuts = cuts;
    const from = cuts[0] as Cut;
    this.single = cuts.length === 2 && cuts[1] === after(from) ? from : undefined;
  }

  static of(value: Cut): Ranges {
    return new Ranges([value, after(value)]);
  }

  get isEmpty(): boolean {
    return this.cuts.length === 0;
  }

  /** Equal for equal sets. */
  get key(): string {
    this.text ??= this.cuts.join();
    return this.text;
  }

  has(value: Cut): boolean {
    return (cutsUpTo(this.cuts, value) & 1) === 1;
  }
}

export const EMPTY = new Ranges([]);

export function after(value: Cut): Cut {
  return typeof value === "bigint" ? value + 1n : value + 1;
}

/** How many of the sorted `cuts` are at most `value`. */
export function cutsUpTo(cuts: readonly Cut[], value: Cut): number {
  let low = 0;
  let high = cuts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cuts[middle] as Cut) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Its intervals, each by its first and its last number. */
export function intervalsIn({ cuts }: Ranges): { readonly from: Cut; readonly to: Cut }[] {
  const intervals: { readonly from: Cut; readonly to: Cut }[] = [];
  for (let i = 0; i < cuts.length; i += 2) intervals.push({ from: cuts[i] as Cut, to: before(cuts[i + 1] as Cut) });
  return intervals;
}

function before(cut: Cut): Cut {
  return typeof cut === "bigint" ? cut - 1n : cut - 1;
}

/** Each number of a set that has few. */
export function valuesIn({ cuts }: Ranges): Cut[] {
  const values: Cut[] = [];
  for (let i = 0; i < cuts.length; i += 2)
    for (let value = cuts[i] as Cut; value < (cuts[i + 1] as Cut); value = after(value)) values.push(value);
  return values;
}

/** Whether anything is in both. */
export function meet(a: Ranges, b: Ranges): boolean {
  const isFirst = a.cuts.length <= b.cuts.length;
  const few = isFirst ? a.cuts : b.cuts;
  const many = isFirst ? b.cuts : a.cuts;
  for (let i = 0; i < few.length; i += 2) {
    const at = cutsUpTo(many, few[i] as Cut);
    if ((at & 1) === 1 || (at < many.length && (many[at] as Cut) < (few[i + 1] as Cut))) return true;
  }
  return false;
}

/** What is in both. One of the two itself where it is all in the other. */
export function intersect(a: Ranges, b: Ranges): Ranges {
  if (a === b) return a;
  const isFirst = a.cuts.length <= b.cuts.length;
  const few = isFirst ? a : b;
  const many = isFirst ? b : a;
  if (few.single !== undefined) return many.has(few.single) ? few : EMPTY;
  if (many.cuts.length === 2) return overlap(few, many);
  const cuts: Cut[] = [];
  for (let i = 0; i < few.cuts.length; i += 2) addOverlap(cuts, few.cuts[i] as Cut, few.cuts[i + 1] as Cut, many.cuts);
  if (isSame(cuts, few.cuts)) return few;
  return isSame(cuts, many.cuts) ? many : rangesOf(cuts);
}

/** What is in both of two intervals. */
function overlap(a: Ranges, b: Ranges): Ranges {
  const from = a.cuts[0] as Cut;
  const end = a.cuts[1] as Cut;
  const start = b.cuts[0] as Cut;
  const stop = b.cuts[1] as Cut;
  if (from >= start && end <= stop) return a;
  if (start >= from && stop <= end) return b;
  const low = start > from ? start : from;
  const high = stop < end ? stop : end;
  return low < high ? new Ranges([low, high]) : EMPTY;
}

/** Adds what `from`…`end` has of the intervals of `others`. */
function addOverlap(cuts: Cut[], from: Cut, end: Cut, others: readonly Cut[]): void {
  for (let i = cutsUpTo(others, from) & ~1; i < others.length; i += 2) {
    const start = others[i] as Cut;
    const stop = others[i + 1] as Cut;
    if (start >= end) return;
    cuts.push(start > from ? start : from, stop < end ? stop : end);
  }
}

/** What `a` has and `b` has not. `a` itself where they have nothing in common. */
export function subtract(a: Ranges, b: Ranges): Ranges {
  if (a === b || a.isEmpty) return EMPTY;
  if (a.single !== undefined) return b.has(a.single) ? EMPTY : a;
  const cuts: Cut[] = [];
  for (let i = 0; i < a.cuts.length; i += 2) {
    let from = a.cuts[i] as Cut;
    const end = a.cuts[i + 1] as Cut;
    for (let j = cutsUpTo(b.cuts, from) & ~1; j < b.cuts.length && (b.cuts[j] as Cut) < end; j += 2) {
      const start = b.cuts[j] as Cut;
      const stop = b.cuts[j + 1] as Cut;
      if (start > from) cuts.push(from, start);
      if (stop > from) from = stop;
    }
    if (from < end) cuts.push(from, end);
  }
  return isSame(cuts, a.cuts) ? a : rangesOf(cuts);
}

/** What is in at least one of them. */
export function unite(all: readonly Ranges[]): Ranges {
  const [only] = all;
  return only !== undefined && all.length === 1 ? only : joinIntervals(all).ranges;
}

/** What is in one of them; undefined: something is in two. */
export function uniteDisjoint(all: readonly Ranges[]): Ranges | undefined {
  if (all.length === 2) return uniteTwo((all[0] as Ranges).cuts, (all[1] as Ranges).cuts);
  const { ranges, areDisjoint } = joinIntervals(all);
  return areDisjoint ? ranges : undefined;
}

function uniteTwo(a: readonly Cut[], b: readonly Cut[]): Ranges | undefined {
  const cuts: Cut[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const isFromA = j >= b.length || (i < a.length && (a[i] as Cut) < (b[j] as Cut));
    const from = (isFromA ? a[i] : b[j]) as Cut;
    const end = (isFromA ? a[i + 1] : b[j + 1]) as Cut;
    if (isFromA) i += 2;
    else j += 2;
    const last = cuts[cuts.length - 1];
    if (last === undefined || from > last) cuts.push(from, end);
    else if (from === last) cuts[cuts.length - 1] = end;
    else return undefined;
  }
  return rangesOf(cuts);
}

function joinIntervals(all: readonly Ranges[]): { readonly ranges: Ranges; readonly areDisjoint: boolean } {
  const cuts: Cut[] = [];
  let areDisjoint = true;
  for (const { from, end } of inOrder(all)) {
    const last = cuts[cuts.length - 1];
    if (last !== undefined && from < last) areDisjoint = false;
    if (last === undefined || from > last) cuts.push(from, end);
    else if (end > last) cuts[cuts.length - 1] = end;
  }
  return { ranges: rangesOf(cuts), areDisjoint };
}

/** The intervals of all, those that begin lower first. */
function inOrder(all: readonly Ranges[]): readonly { readonly from: Cut; readonly end: Cut }[] {
  const intervals: { readonly from: Cut; readonly end: Cut }[] = [];
  let isSorted = true;
  let last: Cut | undefined;
  for (const { cuts } of all)
    for (let i = 0; i < cuts.length; i += 2) {
      const from = cuts[i] as Cut;
      intervals.push({ from, end: cuts[i + 1] as Cut });
      if (last !== undefined && from < last) isSorted = false;
      last = from;
    }
  return isSorted ? intervals : intervals.sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
}

/** A copy has no room to grow, which takes most of the memory of a short list. */
function rangesOf(cuts: readonly Cut[]): Ranges {
  return cuts.length === 0 ? EMPTY : new Ranges(cuts.slice());
}

export function areEqual(a: Ranges, b: Ranges): boolean {
  return a === b || isSame(a.cuts, b.cuts);
}

function isSame(a: readonly Cut[], b: readonly Cut[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
