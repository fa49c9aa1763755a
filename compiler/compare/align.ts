/** Compares two lists by a patience diff: which items each list has that the other does not have in the same order. */
import { firstNotBefore } from "../order.ts";

export interface Unaligned {
  /** Places in the first list, and in the second one. */
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

export function alignedIn(ours: readonly string[], theirs: readonly string[]): Unaligned {
  const found = { ours: [] as number[], theirs: [] as number[] };
  align({ list: ours, from: 0, to: ours.length }, { list: theirs, from: 0, to: theirs.length }, found);
  return found;
}

interface Part {
  readonly list: readonly string[];
  readonly from: number;
  readonly to: number;
}

function align(a: Part, b: Part, found: { readonly ours: number[]; readonly theirs: number[] }): void {
  let [start, other] = [a.from, b.from];
  let [end, otherEnd] = [a.to, b.to];
  while (start < end && other < otherEnd && a.list[start] === b.list[other]) {
    start++;
    other++;
  }
  while (start < end && other < otherEnd && a.list[end - 1] === b.list[otherEnd - 1]) {
    end--;
    otherEnd--;
  }
  const anchors =
    start < end && other < otherEnd
      ? inCommon({ ...a, from: start, to: end }, { ...b, from: other, to: otherEnd })
      : [];
  if (anchors.length === 0) {
    for (let i = start; i < end; i++) found.ours.push(i);
    for (let i = other; i < otherEnd; i++) found.theirs.push(i);
    return;
  }
  for (const [one, two] of [...anchors, [end, otherEnd] as const]) {
    align({ ...a, from: start, to: one }, { ...b, from: other, to: two }, found);
    [start, other] = [one + 1, two + 1];
  }
}

/** Pairs of places of items that occur once in each list: the longest series that is in the same order in both. */
function inCommon(a: Part, b: Part): readonly (readonly [number, number])[] {
  const theirs = onlyOnes(b);
  const pairs = [...onlyOnes(a)].flatMap(([text, at]): [number, number][] => {
    const other = theirs.get(text);
    return at === undefined || other === undefined ? [] : [[at, other]];
  });
  return longestRise(pairs);
}

/** The place of each item that occurs once; undefined for items that occur more often. */
function onlyOnes({ list, from, to }: Part): Map<string, number | undefined> {
  const places = new Map<string, number | undefined>();
  for (let i = from; i < to; i++) {
    const text = list[i] as string;
    places.set(text, places.has(text) ? undefined : i);
  }
  return places;
}

/** The longest series of pairs whose second parts rise. `pairs` are sorted by their first parts. */
function longestRise(pairs: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  /** The ends of rises of each length, the lowest there can be: numbers of pairs. */
  const ends: number[] = [];
  const before: (number | undefined)[] = [];
  for (const [i, [, second]] of pairs.entries()) {
    const at = firstNotBefore(0, ends.length, (length) => {
      const [, end] = pairs[ends[length] as number] as readonly [number, number];
      return end < second;
    });
    before.push(at === 0 ? undefined : ends[at - 1]);
    ends[at] = i;
  }
  const rise: (readonly [number, number])[] = [];
  for (let at = ends.at(-1); at !== undefined; at = before[at]) rise.push(pairs[at] as readonly [number, number]);
  return rise.reverse();
}
