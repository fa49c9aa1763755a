/**
 * Which chains may be parts of a component: those that rows lead to which belong together anyway.
 *
 * This decides how much can be left out, and not whether that is right: a chain that is no part of a component stays, and one
 * that makes several components one makes a larger one.
 */

import type { Items } from "./items.ts";
import type { Parameter } from "./row-template.ts";
import { UnionFind } from "./union.ts";

/** By parameter: 1 for chains that are parts of a component. `isFixed`: addresses that are left as they are. */
export function ownChainsIn(items: Items, isFixed: Uint8Array): Uint8Array {
  const { chainsOf, lists, parameters, starts, guards } = items;
  /** By row: the chain that it stands in. */
  const within = new Int32Array(items.count).fill(-1);
  const isOwn = new Uint8Array(chainsOf.length);
  const references = new Map<Parameter, number[]>();
  for (const list of lists) {
    const behind = list.kind === "rules" && list.name !== undefined ? 1 : 0;
    if (behind === 1)
      within.fill(parameters[starts[list.first] as number] as number, list.first, list.first + list.count);
    for (let row = list.first; row < list.first + list.count; row++)
      for (let at = (starts[row] as number) + behind; at < (starts[row + 1] as number); at++) {
        const parameter = parameters[at] as Parameter;
        if (chainsOf[parameter] === undefined) continue;
        const known = references.get(parameter);
        if (known === undefined) references.set(parameter, [row]);
        else known.push(row);
      }
  }
  const sets = new UnionFind(chainsOf.length);
  const joins = (parameter: Parameter): boolean =>
    chainsOf[parameter] === undefined ? isFixed[parameter] === 0 : isOwn[parameter] === 1;
  const columns = guards.map(([places]) => places);
  const isGuarded = (row: number): boolean => {
    for (const places of columns) {
      const at = places[row] as number;
      if (at >= 0 && joins(parameters[at] as number)) return true;
    }
    return false;
  };
  /** What stands for all that a row names; -1: it may do something to packets of any address. */
  const joined = (row: number): number => {
    if (isOwn[within[row] as number] !== 1 && !isGuarded(row)) return -1;
    let first = -1;
    for (let at = starts[row] as number; at < (starts[row + 1] as number); at++) {
      const parameter = parameters[at] as Parameter;
      if (!joins(parameter)) continue;
      if (first === -1) first = parameter;
      else sets.join(first, parameter);
    }
    return first === -1 ? -1 : sets.find(first);
  };
  for (let found = true; found; ) {
    found = false;
    for (let row = 0; row + 1 < starts.length; row++) joined(row);
    for (const [parameter, rows] of references) {
      if (isOwn[parameter] === 1) continue;
      const root = joined(rows[0] as number);
      if (root === -1 || rows.some((row) => joined(row) !== root)) continue;
      isOwn[parameter] = 1;
      found = true;
    }
  }
  return isOwn;
}
