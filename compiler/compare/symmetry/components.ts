/** Components: items that share a parameter, directly or by way of others, and where each item stands. */

import { invariant } from "../../invariant.ts";
import type { Items, SetRows } from "./items.ts";
import type { Roles } from "./roles.ts";
import type { Parameter } from "./row-template.ts";
import type { Token } from "./tokens.ts";
import { UnionFind } from "./union.ts";

/** The rows of each component: those of number `i` are `rows` from `starts[i]` to before `starts[i + 1]`, in their order. */
export interface Components {
  readonly count: number;
  readonly rows: Int32Array;
  readonly starts: Int32Array;
}

export function componentsIn({ count, parameters, starts, chainsOf }: Items, { isItem, isFixed }: Roles): Components {
  const sets = new UnionFind(chainsOf.length);
  const firsts = new Int32Array(count).fill(-1);
  for (let row = 0; row < count; row++) {
    if (isItem[row] === 0) continue;
    for (let at = starts[row] as number; at < (starts[row + 1] as number); at++) {
      const parameter = parameters[at] as Parameter;
      if (isFixed[parameter] === 1) continue;
      if (firsts[row] === -1) firsts[row] = parameter;
      else sets.join(firsts[row] as number, parameter);
    }
  }
  const numbers = new Int32Array(chainsOf.length).fill(-1);
  const sizes: number[] = [];
  const of = new Int32Array(count).fill(-1);
  for (let row = 0; row < count; row++) {
    const first = firsts[row] as number;
    if (first === -1) continue;
    const root = sets.find(first);
    if (numbers[root] === -1) numbers[root] = sizes.push(0) - 1;
    const number = numbers[root] as number;
    of[row] = number;
    sizes[number] = (sizes[number] as number) + 1;
  }
  const begins = new Int32Array(sizes.length + 1);
  for (const [i, size] of sizes.entries()) begins[i + 1] = (begins[i] as number) + size;
  const next = begins.slice();
  const rows = new Int32Array(begins[sizes.length] as number);
  for (let row = 0; row < count; row++) {
    const number = of[row] as number;
    if (number === -1) continue;
    const at = next[number] as number;
    rows[at] = row;
    next[number] = at + 1;
  }
  return { count: sizes.length, rows, starts: begins };
}

/** By row: where it stands and what it is, but for its parameters that may be exchanged. Rows that are no items have none. */
export function kindsOf(items: Items, { isItem, isFixed }: Roles): Int32Array {
  const { describer, templates, parameters, starts, guards, chainsOf } = items;
  const { tokens } = describer;
  const kinds = new Int32Array(items.count).fill(-1);
  const numbered = (text: string): ((i: number) => Token) => {
    const known: Token[] = [];
    return (i) => (known[i] ??= tokens.ofText(`${text} ${i}`));
  };
  const rankToken = numbered("rank");
  const fixedToken = numbered("fixed");
  const free = tokens.ofText("free");
  const hasFixed = (from: number, end: number): boolean => {
    for (let at = from; at < end; at++) if (isFixed[parameters[at] as Parameter] === 1) return true;
    return false;
  };
  const set = (row: number, place: Token, rank: number): void => {
    let kind = tokens.pair(tokens.pair(place, templates[row] as Token), rankToken(rank));
    const [from, end] = [starts[row] as number, starts[row + 1] as number];
    // Most have no fixed ones; how many there are is part of the template and the place.
    if (hasFixed(from, end))
      for (let at = from; at < end; at++) {
        const parameter = parameters[at] as Parameter;
        kind = tokens.pair(kind, isFixed[parameter] === 1 ? fixedToken(parameter) : free);
      }
    kinds[row] = kind;
  };
  /** By parameter: the segment in which it was met last, and how often. */
  const segmentOf = new Int32Array(chainsOf.length).fill(-1);
  const ranks = new Int32Array(chainsOf.length);
  let segment = 0;
  const rankOf = (parameter: Parameter): number => {
    if (segmentOf[parameter] !== segment) {
      segmentOf[parameter] = segment;
      ranks[parameter] = 0;
    }
    const rank = ranks[parameter] as number;
    ranks[parameter] = rank + 1;
    return rank;
  };
  /** The place of a guard of `row` that is not fixed, if possible one by `field`. */
  const guardFor = (row: number, field: Token): readonly [Parameter, Token] => {
    let found: readonly [Parameter, Token] | undefined;
    for (const [places, fields] of guards) {
      const at = places[row] as number;
      if (at < 0 || isFixed[parameters[at] as number] === 1) continue;
      const guard = [parameters[at] as Parameter, fields[row] as Token] as const;
      if (guard[1] === field) return guard;
      found ??= guard;
    }
    invariant(found !== undefined, "an item has a guard");
    return found;
  };
  /** Rows of which the first one counts that a packet meets. A segment is items by one field, and only rows by that field between
   *  them. */
  const inOrder = (rows: Iterable<number>, where: string): void => {
    segment++;
    let field: Token = -1;
    let place: Token = -1;
    for (const row of rows) {
      if (isItem[row] === 0) {
        // For another value of the field than those of the items, and it is none of them: no packet meets it and one of them.
        if (!guards.some(([places, fields]) => (places[row] as number) >= 0 && fields[row] === field)) field = -1;
        continue;
      }
      const [guard, by] = guardFor(row, field);
      if (by !== field) {
        segment++;
        field = by;
        place = tokens.ofText(`${where} segment ${segment}`);
      }
      set(row, place, rankOf(guard));
    }
  };
  /** By table, in each chain of its own: the place of a rule by its number. */
  const ownPlaces = new Map<string, (i: number) => Token>();
  for (const list of items.lists) {
    const { where, first, count } = list;
    if (list.kind === "elements") {
      const { name } = (list.on[0] as SetRows["on"][number]).of;
      const place = tokens.ofText(`${where} @${name}`);
      const ranged: number[] = [];
      for (let row = first; row < first + count; row++) {
        if (items.keys.get(templates[row] as Token)?.kind === "ranged") ranged.push(row);
        else if (isItem[row] === 1) set(row, place, 0);
      }
      if (ranged.length > 0) inOrder(ranged, `${where} @${name}`);
    } else if (list.name !== undefined && isFixed[list.name] === 0) {
      const placeOf = ownPlaces.get(where) ?? numbered(`${where} own`);
      ownPlaces.set(where, placeOf);
      for (let i = 0; i < count; i++) set(first + i, placeOf(i), 0);
    } else
      inOrder(
        Array.from({ length: count }, (_, i) => first + i),
        `${where} chain ${list.on[0]?.chain.name}`,
      );
  }
  return kinds;
}
