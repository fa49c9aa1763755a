/**
 * Conditions on what is not known: Boolean functions of unknown matches, as binary decision diagrams (Bryant 1986) that are
 * shared: equal functions are one object. The unknown that was met last is asked first, so that one more assumption on the way
 * through a chain costs one node.
 */

import { partHolds } from "../../ir/interval.ts";
import { atStartOfRun } from "../../run.ts";
import type { About, Locality } from "./assumption.ts";
import { answersTo, pointsOf } from "./subject.ts";

/** A match that is not understood, or asks for what is not known. */
export interface Unknown {
  readonly text: string;
  readonly about: About | undefined;
  readonly locality: Locality | undefined;
  /** In the order in which they were met. */
  readonly index: number;
}

/** Of packets, in some of the ways in which the unknown matches can turn out. Equal conditions are one object. */
export class Condition {
  readonly id: number;
  /** The unknown that it asks first; undefined: it holds always, or never. */
  readonly unknown: Unknown | undefined;
  readonly high: Condition;
  readonly low: Condition;
  /** Some unknown in it says which value something has. */
  readonly hasSubjects: boolean;
  /** How many unknowns it asks at most, one after the other. */
  readonly depth: number;
  /** As `isPossible` and `not` have found it. */
  possible: boolean | undefined;
  opposite: Condition | undefined;

  constructor(unknown: Unknown | undefined, high: Condition | undefined, low: Condition | undefined) {
    this.id = nextId++;
    this.unknown = unknown;
    this.high = high ?? this;
    this.low = low ?? this;
    this.depth = unknown === undefined ? 0 : 1 + Math.max(this.high.depth, this.low.depth);
    this.hasSubjects = unknown?.about !== undefined || high?.hasSubjects === true || low?.hasSubjects === true;
  }
}

let nextId = 0;

export const NEVER = new Condition(undefined, undefined, undefined);
export const ALWAYS = new Condition(undefined, undefined, undefined);

/** All unknowns, and the nodes that ask each of them: by the numbers of what follows. */
const unknowns = new Map<string, { readonly unknown: Unknown; readonly nodes: Map<number, Condition> }>();
const nodesOf: Map<number, Condition>[] = [];
let made = 0;

/** Two numbers of conditions as one: there is no memory for as many. */
export const PAIR = 2 ** 26;

function node(unknown: Unknown, high: Condition, low: Condition): Condition {
  if (high === low) return high;
  count();
  if (high.depth >= MOST_DEPTH || low.depth >= MOST_DEPTH) throw new TooManyConditions();
  const nodes = nodesOf[unknown.index] as Map<number, Condition>;
  const key = high.id * PAIR + low.id;
  let found = nodes.get(key);
  if (found === undefined) {
    found = new Condition(unknown, high, low);
    nodes.set(key, found);
    made++;
  }
  return found;
}

/** A condition is too large, or there was too much to do to find it. */
export class TooManyConditions extends Error {
  constructor() {
    super("it depends on too many matches that are not understood");
  }
}

/** Conditions are walked through by recursion: what asks more unknowns than this one after the other is not made. */
const MOST_DEPTH = 1500;

/** Steps of operations so far, and how many there may be. */
let operations = 0;
let mostOperations = Number.POSITIVE_INFINITY;

function count(): void {
  if (++operations > mostOperations) throw new TooManyConditions();
}

/** What `work` gives. `TooManyConditions` is thrown where it takes more than `most` steps of operations on conditions; `spend` is
 *  told afterwards how many it took. */
export function withConditionLimit<T>(most: number, work: () => T, spend: (steps: number) => void): T {
  const [start, before] = [operations, mostOperations];
  mostOperations = Math.min(before, start + most);
  try {
    return work();
  } finally {
    mostOperations = before;
    spend(operations - start);
  }
}

/** What `work` gives, and the unknowns that it has asked about, in the order in which they were met. */
export function unknownsMet<T>(work: () => T): { readonly result: T; readonly met: ReadonlySet<Unknown> } {
  const before = meeting;
  const met = new Set<Unknown>();
  meeting = met;
  try {
    return { result: work(), met };
  } finally {
    meeting = before;
  }
}

let meeting: Set<Unknown> | undefined;

/** Whether the work of `unknownsMet` that goes on has asked about an unknown by now. */
export function hasMetUnknowns(): boolean {
  return meeting !== undefined && meeting.size > 0;
}

/** How many conditions were made by now: what a limit may count. */
export function conditionsMade(): number {
  return made;
}

/** Lets go of what conditions are shared by, when `most` were made since it did so last: those that are there stay right, but equal
 *  ones that are made later are other objects. To be called between questions. */
export function forgetConditions(most = MOST_SHARED): void {
  if (made - forgotten < most) return;
  for (const nodes of nodesOf) nodes.clear();
  bothKnown.clear();
  senseKnown.clear();
  forgotten = made;
}

atStartOfRun(() => {
  unknowns.clear();
  nodesOf.length = 0;
  bothKnown.clear();
  senseKnown.clear();
  [nextId, made, forgotten, operations] = [ALWAYS.id + 1, 0, 0, 0];
});

/** How many were made when they were last forgotten. */
let forgotten = 0;
const MOST_SHARED = 500_000;

/** That the match called `text` holds. */
export function unknownMatch(text: string, about?: About, locality?: Locality): Condition {
  let entry = unknowns.get(text);
  if (entry === undefined) {
    entry = { unknown: { text, about, locality, index: unknowns.size }, nodes: new Map() };
    unknowns.set(text, entry);
    nodesOf.push(entry.nodes);
  }
  meeting?.add(entry.unknown);
  return node(entry.unknown, ALWAYS, NEVER);
}

/** That `unknown` holds, or does not. */
export function whenHolds(unknown: Unknown, holds: boolean): Condition {
  return holds ? node(unknown, ALWAYS, NEVER) : node(unknown, NEVER, ALWAYS);
}

// --- operations ----------------------------------------------------------------------------------------------------------

const bothKnown = new Map<number, Condition>();
/** More results than this are not kept. */
const MOST_KNOWN = 200_000;

export function both(a: Condition, b: Condition): Condition {
  if (a === b || b === ALWAYS) return a;
  if (a === ALWAYS) return b;
  if (a === NEVER || b === NEVER) return NEVER;
  count();
  const key = a.id < b.id ? a.id * PAIR + b.id : b.id * PAIR + a.id;
  let found = bothKnown.get(key);
  if (found === undefined) {
    const first = firstAsked(a, b);
    found = node(first, both(whenTrue(a, first), whenTrue(b, first)), both(whenFalse(a, first), whenFalse(b, first)));
    if (bothKnown.size >= MOST_KNOWN) bothKnown.clear();
    bothKnown.set(key, found);
  }
  return found;
}

export function either(a: Condition, b: Condition): Condition {
  return not(both(not(a), not(b)));
}

export function not(condition: Condition): Condition {
  if (condition === ALWAYS) return NEVER;
  if (condition === NEVER) return ALWAYS;
  if (condition.opposite === undefined) {
    const opposite = node(condition.unknown as Unknown, not(condition.high), not(condition.low));
    condition.opposite = opposite;
    opposite.opposite = condition;
  }
  return condition.opposite;
}

/** `condition` where `known` says of some unknowns whether they hold. */
export function whereKnown(condition: Condition, known: (unknown: Unknown) => boolean | undefined): Condition {
  const found = new Map<Condition, Condition>();
  const walk = (each: Condition): Condition => {
    if (each.unknown === undefined) return each;
    let result = found.get(each);
    if (result === undefined) {
      const holds = known(each.unknown);
      if (holds === undefined) result = node(each.unknown, walk(each.high), walk(each.low));
      else result = walk(holds ? each.high : each.low);
      found.set(each, result);
    }
    return result;
  };
  return walk(condition);
}

/** `condition` about other unknowns, which `rename` names: the same matches, of another packet or on another host. */
export function renamed(condition: Condition, rename: (text: string) => string): Condition {
  const found = new Map<Condition, Condition>();
  const walk = (each: Condition): Condition => {
    const { unknown } = each;
    if (unknown === undefined) return each;
    let result = found.get(each);
    if (result === undefined) {
      const { text, about, locality } = unknown;
      const subject = (name: string) => ({ subject: rename(name) });
      const holds = unknownMatch(
        rename(text),
        about && { ...about, ...subject(about.subject) },
        locality && { ...locality, ...subject(locality.subject) },
      );
      result = either(both(holds, walk(each.high)), both(not(holds), walk(each.low)));
      found.set(each, result);
    }
    return result;
  };
  return walk(condition);
}

/** The unknown that comes first in `a` or `b`, one of which has any. */
export function firstAsked(a: Condition, b: Condition): Unknown {
  const [one, other] = [a.unknown, b.unknown];
  if (one === undefined) return other as Unknown;
  return other === undefined || one.index > other.index ? one : other;
}

export function whenTrue(condition: Condition, unknown: Unknown): Condition {
  return condition.unknown === unknown ? condition.high : condition;
}

export function whenFalse(condition: Condition, unknown: Unknown): Condition {
  return condition.unknown === unknown ? condition.low : condition;
}

// --- what can be ---------------------------------------------------------------------------------------------------------

/** Whether `condition` can hold: what is one value cannot be another one. */
export function isPossible(condition: Condition): boolean {
  if (condition === NEVER) return false;
  if (!condition.hasSubjects) return true;
  condition.possible ??= isGuessed(condition) || both(condition, sense(condition)) !== NEVER;
  return condition.possible;
}

/** Whether it holds for a value that nobody names, or for one of those that are named by what is asked first: most do. */
function isGuessed(condition: Condition): boolean {
  if (whereKnown(condition, ({ about }) => (about === undefined ? undefined : false)) !== NEVER) return true;
  let first = condition;
  while (first.unknown !== undefined && first.unknown.about === undefined)
    first = first.high.hasSubjects ? first.high : first.low;
  const named = first.unknown?.about;
  if (named === undefined) return false;
  return pointsOf(named, MOST_GUESSES).some((point) => {
    const isIt = ({ about }: Unknown): boolean | undefined =>
      about === undefined
        ? undefined
        : about.subject === named.subject && about.values.some((value) => partHolds(value, point));
    return whereKnown(condition, isIt) !== NEVER;
  });
}

const MOST_GUESSES = 4;

/** Whether no packet is in both. */
export function areApart(a: Condition, b: Condition): boolean {
  return !isPossible(both(a, b));
}

const senseKnown = new Map<string, Condition>();

/** That each thing for whose value `conditions` ask has but one. */
export function sense(...conditions: readonly Condition[]): Condition {
  const bySubject = new Map<string, Unknown[]>();
  for (const unknown of unknownsIn(...conditions)) {
    const { about } = unknown;
    if (about !== undefined) bySubject.set(about.subject, [...(bySubject.get(about.subject) ?? []), unknown]);
  }
  let all = ALWAYS;
  for (const asked of bySubject.values()) {
    asked.sort((a, b) => b.index - a.index);
    const key = asked.map(({ index }) => index).join();
    let one = senseKnown.get(key);
    if (one === undefined) {
      one = oneValue(asked);
      if (senseKnown.size >= MOST_KNOWN) senseKnown.clear();
      senseKnown.set(key, one);
    }
    all = both(all, one);
  }
  return all;
}

/** That one value answers all of `asked`, which are about one thing: in the order in which conditions ask them. */
function oneValue(asked: readonly Unknown[]): Condition {
  const { points, open } = answersTo(asked.flatMap(({ about }) => about ?? []));
  const known = new Map<string, Condition>();
  /** `left`: the numbers of points that are still possible; `isOther`: so is a value that is none. */
  const build = (at: number, left: readonly number[], isOther: boolean): Condition => {
    const unknown = asked[at];
    if (left.length === 0 && !isOther) return NEVER;
    if (unknown === undefined) return ALWAYS;
    const key = `${at} ${isOther} ${left.join()}`;
    let found = known.get(key);
    if (found === undefined) {
      const holds = (point: number): boolean => points[point]?.has(at) === true;
      const high = build(at + 1, left.filter(holds), isOther && open.has(at));
      const low = build(
        at + 1,
        left.filter((point) => !holds(point)),
        isOther,
      );
      found = node(unknown, high, low);
      known.set(key, found);
    }
    return found;
  };
  return build(0, [...points.keys()], true);
}

/** The unknowns on which it depends. */
export function unknownsIn(...conditions: readonly Condition[]): Set<Unknown> {
  const found = new Set<Unknown>();
  const seen = new Set<Condition>();
  const open = [...conditions];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    if (each.unknown === undefined || seen.has(each)) continue;
    seen.add(each);
    found.add(each.unknown);
    open.push(each.high, each.low);
  }
  return found;
}
