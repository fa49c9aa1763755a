/** What becomes of one packet where what is not known may multiply: as much of it as can be told within limits. */
import {
  ALWAYS,
  both,
  type Condition,
  forgetConditions,
  hasMetUnknowns,
  TooManyConditions,
  type Unknown,
  unknownsMet,
  whenHolds,
  withConditionLimit,
} from "./condition.ts";
import type { World } from "./worlds.ts";

/** How much is looked at for one packet. */
export interface ExploreLimits {
  /** Outcomes that are kept. */
  readonly outcomes: number;
  /** Steps, of packets that have fared alike so far past one rule, and operations on conditions: for all packets under one condition. */
  readonly each: number;
  /** Likewise, for all of them. */
  readonly all: number;
}

export const EXPLORE_LIMITS: ExploreLimits = { outcomes: 256, each: 1_000_000, all: 4_000_000 };

/** Worlds that have nothing in common. */
export interface Explored<T> {
  readonly worlds: readonly World<T>[];
  /** Why there may be more: a sentence. */
  readonly incomplete?: string;
}

/** Follows packets where `given` holds. `spend` is to be told of each step, and throws when there were enough. */
export type Follow<T> = (given: Condition, spend: (steps: number) => void) => readonly World<T>[];

class TooManySteps extends Error {}

interface Given {
  readonly condition: Condition;
  readonly decided: ReadonlySet<Unknown>;
}

/** All worlds, where the limits are enough to find them. Otherwise it is decided both ways whether the first of the unknown matches
 *  hold, each time twice as many: that leaves less to follow. */
export function explore<T>(follow: Follow<T>, limits: ExploreLimits): Explored<T> {
  const worlds: World<T>[] = [];
  const open: Given[] = [{ condition: ALWAYS, decided: new Set() }];
  let spent = 0;
  let each = limits.each;
  let isMissing = false;
  for (let given = open.pop(); given !== undefined; given = open.pop()) {
    if (spent >= limits.all || worlds.length >= limits.outcomes) {
      isMissing = true;
      break;
    }
    forgetConditions();
    const { condition, decided } = given;
    const before = spent;
    const spend = (steps: number): void => {
      spent += steps;
      // Without unknown matches there is one world, whatever it takes: what multiplies is what is not known.
      if (spent - before > each && hasMetUnknowns()) throw new TooManySteps();
    };
    const { result, met } = unknownsMet(() => attempt(() => follow(condition, spend), each, spend));
    if (result !== undefined) {
      for (const world of result) worlds.push(world);
      continue;
    }
    each = limits.each / SHARE;
    const next = [...met].filter((unknown) => !decided.has(unknown)).slice(0, Math.max(1, decided.size));
    const parts = decide(given, next);
    if (parts === undefined) isMissing = true;
    else open.push(...parts);
  }
  if (worlds.length <= limits.outcomes && !isMissing) return { worlds };
  const kept = worlds.slice(0, limits.outcomes);
  return { worlds: kept, incomplete: sentenceOf(kept.length, spent) };
}

/** Under further conditions fewer steps are taken than at first: there may be many of them. */
const SHARE = 10;

/** Undefined: there was too much to do. */
function attempt<T>(work: () => T, most: number, spend: (steps: number) => void): T | undefined {
  try {
    return withConditionLimit(most, work, spend);
  } catch (error) {
    if (error instanceof TooManySteps || error instanceof TooManyConditions) return undefined;
    throw error;
  }
}

/** `given` in parts that have nothing in common: where the first of `unknowns` does not hold, where it does and the second one
 *  does not, and so on; at last where all of them hold. Undefined where it cannot be divided. */
function decide({ condition, decided }: Given, unknowns: readonly Unknown[]): Given[] | undefined {
  if (unknowns.length === 0) return undefined;
  const parts: Given[] = [];
  const known = new Set(decided);
  let all = condition;
  try {
    for (const unknown of unknowns) {
      known.add(unknown);
      parts.push({ condition: both(all, whenHolds(unknown, false)), decided: new Set(known) });
      all = both(all, whenHolds(unknown, true));
    }
  } catch (error) {
    if (error instanceof TooManyConditions) return undefined;
    throw error;
  }
  return [...parts, { condition: all, decided: known }];
}

function sentenceOf(outcomes: number, steps: number): string {
  const known = outcomes === 0 ? "none of its outcomes is known" : `${outcomes} outcomes were looked at`;
  const count = steps.toLocaleString("en");
  return `there are more outcomes: the packet depends on too many matches that are not understood; ${known} when kpc stopped, after ${count} steps`;
}
