/** Making fewer of packets that have come by different ways and fare alike from here on. */
import { areEqual, uniteDisjoint } from "./ranges.ts";
import { FIELDS, type Field, fieldsApart, HEADER_FIELDS, having, type Region, regionKey } from "./region.ts";
import { type Control, type Held, isExplained, type State, type Stream } from "./state.ts";

/** `states` as fewer, where that can be said. Of a single packet all ways are kept: they have reasons of their own. */
export function merge(states: readonly State[]): readonly State[] {
  const [first] = states;
  if (first === undefined || states.length === 1 || isExplained(first.control)) return states;
  const classes = classesOf(states);
  return classes.length === states.length ? states : classes.map(mergeAlike);
}

/** Those together that differ at most in their streams. */
function classesOf(states: readonly State[]): State[][] {
  const classes: State[][] = [];
  for (const state of states) {
    const own = classes.find(([other]) => isAlike(state.control, (other as State).control));
    if (own === undefined) classes.push([state]);
    else own.push(state);
  }
  return classes;
}

function mergeAlike(states: readonly State[]): State {
  const [first] = states as readonly [State];
  if (states.length === 1) return first;
  return { control: first.control, streams: tidy(states.flatMap(({ streams }) => streams)) };
}

/** `streams` of one state as fewer, where that can be said. */
export function tidy(streams: readonly Stream[]): readonly Stream[] {
  // Most destinations have one stream: no lists are made for those.
  const byDestination = new Map<Stream["destination"], Stream | Stream[]>();
  for (const stream of streams) {
    const known = byDestination.get(stream.destination);
    if (known === undefined) byDestination.set(stream.destination, stream);
    else if (Array.isArray(known)) known.push(stream);
    else byDestination.set(stream.destination, [known, stream]);
  }
  if (byDestination.size === streams.length) return streams;
  const tidied: Stream[] = [];
  for (const some of byDestination.values()) {
    if (!Array.isArray(some)) tidied.push(some);
    else for (const alike of byPort(some)) for (const stream of join(alike, withPackets)) tidied.push(stream);
  }
  return tidied;
}

function byPort(streams: readonly Stream[]): readonly (readonly Stream[])[] {
  const port = streams[0]?.destinationPort;
  if (streams.every(({ destinationPort }) => destinationPort === port)) return [streams];
  const found = new Map<Stream["destinationPort"], Stream[]>();
  for (const stream of streams) {
    const known = found.get(stream.destinationPort);
    if (known === undefined) found.set(stream.destinationPort, [stream]);
    else known.push(stream);
  }
  return [...found.values()];
}

function withPackets({ region, probability }: Part, { destination, destinationPort }: Stream): Stream {
  return { region, probability, destination, destinationPort };
}

/** Whether the same becomes of packets of both from here on. */
export function isAlike(a: Control, b: Control): boolean {
  if (a === b) return true;
  return (
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
    hasEnteredTheSame(a.entered, b.entered) &&
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

function hasEnteredTheSame(a: Control["entered"], b: Control["entered"]): boolean {
  return a === b || (a.length === b.length && a.every(({ text }, i) => text === b[i]?.text));
}

function hasSameEnd(a: Control["end"], b: Control["end"]): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return a.kind === "drop" ? b.kind === "drop" : b.kind === "reject" && a.with === b.with;
}

function hasSame(a: Control["assumptions"], b: Control["assumptions"]): boolean {
  return (
    a === b || (a.length === b.length && a.every(({ text, holds }, i) => text === b[i]?.text && holds === b[i]?.holds))
  );
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
