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
    if (list.kind === "elements" && list.on.some(({ of }) => isFilled(of)))
      isItem.fill(0, list.first, list.first + list.count);
  }
  for (const sort of SORTS) {
    const isWholly = describer.fixedSorts.has(sort);
    const gifts = describer.gifts[sort].all;
    const own = new Set(fixed[sort]);
    const { known, numbers } = describer.values[sort];
    for (const [i, value] of known.entries()) {
      const isGiven = gifts.some(({ from, to }) => typeof from === typeof value && from <= value && value <= to);
      if (isWholly || isGiven || own.has(value)) isFixed[numbers[i] as number] = 1;
    }
  }
  for (const parameter of sharedIn(items)) isFixed[parameter] = 1;
  const isOwn = ownChainsIn(items, isFixed);
  for (const [parameter, where] of chainsOf.entries())
    if (where !== undefined && isOwn[parameter] === 0) isFixed[parameter] = 1;
  let found = true;
  const fix = (row: number, from: number): void => {
    for (let at = from; at < (starts[row + 1] as number); at++) {
      const parameter = parameters[at] as number;
      if (isFixed[parameter] === 1) continue;
      isFixed[parameter] = 1;
      found = true;
    }
  };
  for (let round = 0; found; round++) {
    if (round > MOST_ROUNDS) throw new NoSymmetry("the rules depend on each other in too many steps");
    found = false;
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
  }
  return { isItem, isFixed };
}

function isGuarded({ guards, parameters }: Items, isFixed: Uint8Array, row: number): boolean {
  for (let i = 0; i < guards.length; i++) {
    const at = guards[i]?.[0][row] as number;
    if (at >= 0 && isFixed[parameters[at] as number] === 0) return true;
  }
  return false;
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
