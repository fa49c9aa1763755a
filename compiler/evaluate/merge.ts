/** Making fewer of packets that have come by different ways and fare alike from here on. */

import type { Rule } from "../ir/types.ts";
import { areApart, type Condition, either } from "./condition.ts";
import type { PathStep } from "./packet.ts";
import { areEqual, uniteDisjoint } from "./ranges.ts";
import { forget, type Reads } from "./reads.ts";
import { FIELDS, type Field, fieldsApart, HEADER_FIELDS, having, type Region, regionKey } from "./region.ts";
import { type Control, type Held, isExplained, type State, type Stream } from "./state.ts";

/** `states` as fewer, where that can be said: what differs in nothing that is asked for later is one. Of a single packet those stay
 *  apart that different rules have decided. */
export function merge(states: readonly State[], later: () => Reads): readonly State[] {
  if (states.length < 2) return states;
  const reads = later();
  const left = states.map((state): State => {
    const control = forget(state.control, reads);
    return control === state.control ? state : { control, streams: state.streams };
  });
  const classes = classesOf(left);
  return classes.length === states.length ? left : classes.map(mergeAlike);
}

/** Those together that differ at most in their streams. */
function classesOf(states: readonly State[]): State[][] {
  const classes: State[][] = [];
  // Only states that the same rules decided can go together: a packet to a thousand endpoints has a state for each.
  const byDeciders = new Map<string, State[][]>();
  for (const state of states) {
    const deciders = decidersOf(state.control);
    const candidates = byDeciders.get(deciders) ?? [];
    if (candidates.length === 0) byDeciders.set(deciders, candidates);
    if (candidates.length > MANY) state.control.environment.spend?.(candidates.length);
    const own = candidates.find(([other]) => goTogether(state.control, (other as State).control));
    if (own !== undefined) {
      own.push(state);
      continue;
    }
    const alone = [state];
    classes.push(alone);
    candidates.push(alone);
  }
  return classes;
}

/** The rules that have decided, and the destinations that they gave, as a key; empty where the path is not kept. */
function decidersOf({ path }: Control): string {
  let key = "";
  for (const step of path) {
    if (step.kind !== "rule" || !isDecisive(step)) continue;
    const { translated } = step;
    key += `${numberOf(step.rule)} ${translated === undefined ? "" : `${translated.address} ${translated.port}`},`;
  }
  return key;
}

const numbers = new WeakMap<Rule, number>();
let numbered = 0;

function numberOf(rule: Rule): number {
  const known = numbers.get(rule);
  if (known !== undefined) return known;
  numbers.set(rule, ++numbered);
  return numbered;
}

/** Of more candidates than this each one that a state is held against is a step: of fewer, a rule is more work. */
const MANY = 32;

function goTogether(a: Control, b: Control): boolean {
  return isAlike(a, b) && areDecidedAlike(a, b);
}

function mergeAlike(states: readonly State[]): State {
  const [first] = states as readonly [State];
  if (states.length === 1) return first;
  const { control } = first;
  const path = isExplained(control) ? commonPath(states) : control.path;
  return {
    control: path === control.path ? control : { ...control, path },
    streams: tidy(states.flatMap(({ streams }) => streams)),
  };
}

/** Of ways that come together, the steps that are on all of them. */
function commonPath([first, ...others]: readonly State[]): readonly PathStep[] {
  const path = first?.control.path ?? [];
  if (others.every(({ control }) => control.path === path)) return path;
  return path.filter((step) => others.every(({ control }) => control.path.some((other) => isSameStep(step, other))));
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

function withPackets({ region, probability, condition }: Part, { destination, destinationPort }: Stream): Stream {
  return { region, probability, condition, destination, destinationPort };
}

/** Whether the same becomes of packets of both from here on. */
export function isAlike(a: Control, b: Control): boolean {
  if (a === b) return true;
  return (
    a.source === b.source &&
    a.sourcePort === b.sourcePort &&
    a.outInterface === b.outInterface &&
    hasSameRoute(a.route, b.route) &&
    isSameHeld(a.routingMark, b.routingMark) &&
    isSameHeld(a.mark, b.mark) &&
    hasSameEnd(a.end, b.end) &&
    a.ctState === b.ctState &&
    isSameHeld(a.ctStatus, b.ctStatus) &&
    isSameHeld(a.ctMark, b.ctMark) &&
    a.priority === b.priority &&
    a.inInterface === b.inInterface &&
    isSameSet(a.overwritten, b.overwritten) &&
    a.destinationSettled === b.destinationSettled &&
    a.sourceSettled === b.sourceSettled &&
    a.translated === b.translated &&
    a.masqueraded === b.masqueraded &&
    a.newSource?.text === b.newSource?.text &&
    hasSameChoices(a.choices, b.choices) &&
    isSameList(a.takenBy, b.takenBy) &&
    a.sticky?.timeoutSeconds === b.sticky?.timeoutSeconds &&
    hasEnteredTheSame(a.entered, b.entered) &&
    a.accepted === b.accepted
  );
}

/** Whether the same rules decided in both: by which jumps packets came to them, and what they passed, does not matter. */
function areDecidedAlike({ path: a }: Control, { path: b }: Control): boolean {
  if (a === b) return true;
  const [left, right] = [a.filter(isDecisive), b.filter(isDecisive)];
  return left.length === right.length && left.every((step, i) => isSameStep(step, right[i] as PathStep));
}

function isDecisive(step: PathStep): boolean {
  if (step.kind !== "rule") return false;
  const { effect } = step;
  if (effect.kind === "verdict") return effect.verdict.kind === "accept" || effect.verdict.kind === "drop";
  return effect.kind !== "write";
}

function isSameStep(a: PathStep, b: PathStep): boolean {
  if (a === b) return true;
  if (a.hook !== b.hook) return false;
  if (a.kind === "policy") return b.kind === "policy" && a.base === b.base;
  if (b.kind !== a.kind || a.rule !== b.rule) return false;
  if (a.kind === "missed" || b.kind === "missed") return true;
  const [left, right] = [a.effect, b.effect];
  const hasSameWrite =
    left.kind !== "write" || (right.kind === "write" && left.before === right.before && left.after === right.after);
  return (
    left.kind === right.kind &&
    hasSameWrite &&
    a.element === b.element &&
    a.translated?.address === b.translated?.address &&
    a.translated?.port === b.translated?.port
  );
}

function isSameHeld(a: Held, b: Held): boolean {
  if (a === b) return true;
  if (typeof a === "number" || typeof b === "number") return false;
  return a.field === b.field && a.masked?.mask === b.masked?.mask && a.masked?.xor === b.masked?.xor;
}

function isSameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a === b || (a.size === b.size && [...a].every((text) => b.has(text)));
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, i) => text === b[i]));
}

function hasSameRoute(a: Control["route"], b: Control["route"]): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.kind === "none" || b.kind === "none") return a?.kind === b?.kind;
  // That the kind is the same, the interface tells as well.
  return a.kind === b.kind && a.masqueradeSource === b.masqueradeSource;
}

function hasSameChoices(a: Control["choices"], b: Control["choices"]): boolean {
  return a === b || (a.length === b.length && a.every(({ text }, i) => text === b[i]?.text));
}

function hasEnteredTheSame(a: Control["entered"], b: Control["entered"]): boolean {
  return a === b || (a.length === b.length && a.every(({ text }, i) => text === b[i]?.text));
}

function hasSameEnd(a: Control["end"], b: Control["end"]): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return a.kind === "drop" ? b.kind === "drop" : b.kind === "reject" && a.with === b.with;
}

/** Something that is said of all packets of a region, with a probability, where a condition holds. */
export interface Part {
  readonly region: Region;
  readonly probability: number;
  readonly condition: Condition;
}

/** More parts than this are not held against each other one by one. */
const FEW = 6;

/** Of parts that say the same, fewer: those with the same packets under one condition have their probabilities added up; those
 *  with the same probability are one where they have the same packets, or their packets differ in one field only. */
export function join<T extends Part>(parts: readonly T[], change: (part: Part, of: T) => T): readonly T[] {
  if (parts.length < 2) return parts;
  if (parts.length <= FEW) return joinFew(parts, change);
  let joined: readonly T[] = joinConditions(addUp(parts, change), change);
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
  const { probability, condition } = a;
  const isOneCondition = condition === b.condition;
  let different: Field | undefined;
  for (const field of fieldsApart(a.region, b.region)) {
    if (areEqual(a.region[field], b.region[field])) continue;
    if (different !== undefined || !isOneCondition) return undefined;
    different = field;
  }
  if (different === undefined && isOneCondition)
    return { region: a.region, probability: probability + b.probability, condition };
  if (probability !== b.probability) return undefined;
  if (different === undefined) {
    const any = eitherApart(condition, b.condition);
    return any && { region: a.region, probability, condition: any };
  }
  // Of packets that are in both the probabilities would have to be added up.
  const ranges = uniteDisjoint([a.region[different], b.region[different]]);
  const region = ranges && having(a.region, different, ranges);
  return region && { region, probability, condition };
}

/** Where one of both holds, if they do not go together. */
function eitherApart(a: Condition, b: Condition): Condition | undefined {
  return areApart(a, b) ? either(a, b) : undefined;
}

function addUp<T extends Part>(parts: readonly T[], change: (part: Part, of: T) => T): T[] {
  const byRegion = new Map<string, T>();
  for (const part of parts) {
    const { condition } = part;
    const key = `${condition.id} ${regionKey(part.region)}`;
    const known = byRegion.get(key);
    const probability = (known?.probability ?? 0) + part.probability;
    byRegion.set(key, known === undefined ? part : change({ region: known.region, probability, condition }, known));
  }
  return [...byRegion.values()];
}

function joinConditions<T extends Part>(parts: readonly T[], change: (part: Part, of: T) => T): readonly T[] {
  const [first] = parts;
  if (first === undefined || parts.every(({ condition }) => condition === first.condition)) return parts;
  const alike = new Map<string, T[]>();
  for (const part of parts) {
    const key = `${part.probability} ${regionKey(part.region)}`;
    const known = alike.get(key) ?? [];
    if (known.length === 0) alike.set(key, known);
    const at = known.findIndex((other) => areApart(other.condition, part.condition));
    const other = known[at];
    if (other === undefined) known.push(part);
    else known[at] = change({ ...other, condition: either(other.condition, part.condition) }, other);
  }
  return [...alike.values()].flat();
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
    const key = `${part.probability} ${part.condition.id} ${others.map((other) => part.region[other].key).join("|")}`;
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
    const { probability, condition } = part;
    return region === undefined ? group : [change({ region, probability, condition }, part)];
  });
}
