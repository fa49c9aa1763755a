/** Making fewer of packets that have come by different ways and fare alike from here on. */
import { areEqual, uniteDisjoint } from "./ranges.ts";
import { FIELDS, type Field, fieldsApart, HEADER_FIELDS, having, type Region, regionKey } from "./region.ts";
import { type Held, isExplained, type State, having as withPackets } from "./state.ts";

/** `states` as fewer, where that can be said. Of a single packet all ways are kept: they have reasons of their own. */
export function merge(states: readonly State[]): readonly State[] {
  const [first] = states;
  if (first === undefined || states.length === 1 || isExplained(first)) return states;
  return classesOf(states).flatMap((alike) => mergeAlike(alike));
}

/** Those together that differ at most in their packets and in probability. */
function classesOf(states: readonly State[]): State[][] {
  const byDestination = new Map<State["destination"], State[][]>();
  const classes: State[][] = [];
  for (const state of states) {
    const near = byDestination.get(state.destination) ?? [];
    if (near.length === 0) byDestination.set(state.destination, near);
    const own = near.find(([other]) => isAlike(state, other as State));
    if (own !== undefined) {
      own.push(state);
      continue;
    }
    const alone = [state];
    near.push(alone);
    classes.push(alone);
  }
  return classes;
}

function isAlike(a: State, b: State): boolean {
  return (
    a.destination === b.destination &&
    a.destinationPort === b.destinationPort &&
    a.source === b.source &&
    isSameHeld(a.mark, b.mark) &&
    hasSameEnd(a.end, b.end) &&
    a.ctState === b.ctState &&
    isSameHeld(a.ctStatus, b.ctStatus) &&
    isSameHeld(a.ctMark, b.ctMark) &&
    a.priority === b.priority &&
    a.inInterface === b.inInterface &&
    a.overwritten === b.overwritten &&
    a.destinationSettled === b.destinationSettled &&
    a.sourceSettled === b.sourceSettled &&
    a.translated === b.translated &&
    a.masqueraded === b.masqueraded &&
    a.newSource?.text === b.newSource?.text &&
    isSameList(a.takenBy, b.takenBy) &&
    a.sticky?.timeoutSeconds === b.sticky?.timeoutSeconds &&
    a.accepted === b.accepted &&
    hasSame(a.assumptions, b.assumptions)
  );
}

function isSameHeld(a: Held, b: Held): boolean {
  if (a === b) return true;
  if (typeof a === "number" || typeof b === "number") return false;
  return a.field === b.field && a.masked?.mask === b.masked?.mask && a.masked?.xor === b.masked?.xor;
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, i) => text === b[i]));
}

function hasSameEnd(a: State["end"], b: State["end"]): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return a.kind === "drop" ? b.kind === "drop" : b.kind === "reject" && a.with === b.with;
}

function hasSame(a: State["assumptions"], b: State["assumptions"]): boolean {
  return (
    a === b || (a.length === b.length && a.every(({ text, holds }, i) => text === b[i]?.text && holds === b[i]?.holds))
  );
}

function mergeAlike(states: readonly State[]): readonly State[] {
  return states.length === 1
    ? states
    : join(states, ({ region, probability }, of) => withPackets(of, region, probability, undefined));
}

/** Something that is said of all packets of a region, with a probability. */
export interface Part {
  readonly region: Region;
  readonly probability: number;
}

/** More parts than this are not held against each other one by one. */
const FEW = 6;

/** Of parts that say the same, fewer: those with the same packets have their probabilities added up, and those with the same
 *  probability whose packets differ in one field only are one. */
export function join<T extends Part>(parts: readonly T[], change: (part: Part, of: T) => T): readonly T[] {
  if (parts.length < 2) return parts;
  if (parts.length <= FEW) return joinFew(parts, change);
  let joined: readonly T[] = addUp(parts, change);
  const [first] = parts as readonly [T];
  const fields = parts.every(({ region }) => region.memory === first.region.memory) ? HEADER_FIELDS : FIELDS;
  for (const field of fields) joined = joinBy(field, fields, joined, change);
  return joined;
}

function joinFew<T extends Part>(parts: readonly T[], change: (part: Part, of: T) => T): readonly T[] {
  const joined: T[] = [];
  for (let part of parts) {
    for (let i = 0; i < joined.length; ) {
      const both = joinTwo(joined[i] as T, part);
      if (both === undefined) {
        i++;
      } else {
        // What it has become may go with one that it was held against before.
        part = change(both, part);
        joined.splice(i, 1);
        i = 0;
      }
    }
    joined.push(part);
  }
  return joined;
}

function joinTwo(a: Part, b: Part): Part | undefined {
  let different: Field | undefined;
  for (const field of fieldsApart(a.region, b.region)) {
    if (areEqual(a.region[field], b.region[field])) continue;
    if (different !== undefined) return undefined;
    different = field;
  }
  if (different === undefined) return { region: a.region, probability: a.probability + b.probability };
  if (a.probability !== b.probability) return undefined;
  // Of packets that are in both the probabilities would have to be added up.
  const ranges = uniteDisjoint([a.region[different], b.region[different]]);
  const region = ranges && having(a.region, different, ranges);
  return region && { region, probability: a.probability };
}

function addUp<T extends Part>(parts: readonly T[], change: (part: Part, of: T) => T): T[] {
  const byRegion = new Map<string, T>();
  for (const part of parts) {
    const key = regionKey(part.region);
    const known = byRegion.get(key);
    const probability = (known?.probability ?? 0) + part.probability;
    byRegion.set(key, known === undefined ? part : change({ region: known.region, probability }, known));
  }
  return [...byRegion.values()];
}

function joinBy<T extends Part>(
  field: Field,
  fields: readonly Field[],
  parts: readonly T[],
  change: (part: Part, of: T) => T,
): readonly T[] {
  if (parts.length < 2) return parts;
  const others = fields.filter((other) => other !== field);
  const alike = new Map<string, T[]>();
  for (const part of parts) {
    const key = `${part.probability} ${others.map((other) => part.region[other].key).join("|")}`;
    const known = alike.get(key);
    if (known === undefined) alike.set(key, [part]);
    else known.push(part);
  }
  if (alike.size === parts.length) return parts;
  return [...alike.values()].flatMap((group): readonly T[] => {
    const [part] = group as [T];
    if (group.length === 1) return group;
    const ranges = uniteDisjoint(group.map(({ region }) => region[field]));
    const region = ranges && having(part.region, field, ranges);
    return region === undefined ? group : [change({ region, probability: part.probability }, part)];
  });
}
