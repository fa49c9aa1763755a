/** Which rules and elements are items, and which constants are parameters. */
import { type Named, SORTS, type Sort } from "./fields.ts";
import type { Items } from "./items.ts";
import { ownChainsIn } from "./own-chains.ts";
import { sharedIn } from "./shared.ts";
import { NoSymmetry } from "./tokens.ts";

export interface Roles {
  /** By row: whether it does nothing to packets without a parameter of its component. */
  readonly isItem: Uint8Array;
  /** By parameter: whether it is left as it is. */
  readonly isFixed: Uint8Array;
}

/** More rounds than this are not worth their time. */
const MOST_ROUNDS = 100;

/** What is left when nothing changes any more: a constant of a row that is no item is fixed, and a row all guards of which are
 *  fixed is no item. */
export function rolesIn(items: Items, fixed: Readonly<Record<Sort, readonly Named[]>>): Roles {
  const { describer, chainsOf, parameters, starts } = items;
  const isItem = new Uint8Array(items.count).fill(1);
  const isFixed = new Uint8Array(chainsOf.length);
  for (const list of items.lists) {
    // Packets fill it: what it holds is not all that it will.
    if (list.kind === "elements" && isFilled(list.of)) isItem.fill(0, list.first, list.first + list.count);
  }
  for (const sort of SORTS) {
    const isWholly = describer.fixedSorts.has(sort);
    const gifts = describer.gifts[sort].all;
    const own = new Set(fixed[sort]);
    for (const [value, parameter] of describer.values[sort]) {
      const isGiven = gifts.some(({ from, to }) => typeof from === typeof value && from <= value && value <= to);
      if (isWholly || isGiven || own.has(value)) isFixed[parameter] = 1;
    }
  }
  for (const parameter of sharedIn(items)) isFixed[parameter] = 1;
  const isOwn = ownChainsIn(items, isFixed);
  for (const [parameter, where] of chainsOf.entries())
    if (where !== undefined && isOwn[parameter] === 0) isFixed[parameter] = 1;
  const fix = (row: number, from: number): void => {
    for (let at = from; at < (starts[row + 1] as number); at++) isFixed[parameters[at] as number] = 1;
  };
  for (let round = 0; ; round++) {
    if (round > MOST_ROUNDS) throw new NoSymmetry("the rules depend on each other in too many steps");
    const before = isFixed.reduce((sum, each) => sum + each, 0);
    for (const list of items.lists) {
      const isOwned = list.kind === "rules" && list.name !== undefined && isFixed[list.name] === 0;
      // Of a chain its own name comes first, and it is none of what the rule names.
      const behind = list.kind === "rules" && list.name !== undefined ? 1 : 0;
      for (let row = list.first; row < list.first + list.count; row++) {
        if (isOwned) continue;
        if (isItem[row] === 1 && !isGuarded(items, isFixed, row)) isItem[row] = 0;
        if (isItem[row] === 0) fix(row, (starts[row] as number) + behind);
      }
    }
    if (isFixed.reduce((sum, each) => sum + each, 0) === before) return { isItem, isFixed };
  }
}

function isGuarded({ guards, parameters }: Items, isFixed: Uint8Array, row: number): boolean {
  return guards.some(([places]) => {
    const at = places[row] as number;
    return at >= 0 && isFixed[parameters[at] as number] === 0;
  });
}

function isFilled({
  dynamic,
  timeouts,
  timeoutSeconds,
}: {
  readonly dynamic?: true;
  readonly timeouts?: true;
  readonly timeoutSeconds?: number;
}): boolean {
  return dynamic === true || timeouts === true || timeoutSeconds !== undefined;
}
