/** Making fewer of packets that have come by different ways and fare alike from here on. */

import { isAlike } from "../alike.ts";
import type { Behind } from "../frame.ts";
import { join, type Part } from "../join.ts";
import type { PathStep } from "../packet.ts";
import { type Branch, isExplained, type State } from "../state.ts";
import { pathWith, stepsOf, type TakenPath } from "../taken-path.ts";
import { forget, type Reads, readBehind } from "./reads.ts";

/** `states` at the place of a base chain as fewer. */
export function mergeBehind(states: readonly State[], behind: Behind): readonly State[] {
  return merge(states, () => readBehind(behind));
}

/** `states` as fewer, where that can be said: what differs in nothing that is asked for later is one. Of a single packet those stay
 *  apart that different rules have decided. */
export function merge(states: readonly State[], later: () => Reads): readonly State[] {
  if (states.length < 2 || areDecidedApart(states)) return states;
  const reads = later();
  const left = states.map((state): State => {
    const shared = forget(state.shared, reads);
    return shared === state.shared ? state : { shared, branches: state.branches };
  });
  const classes = classesOf(left);
  return classes.length === states.length ? left : classes.map(mergeAlike);
}

/** Whether other rules decided in each of them, or gave another destination: an endpoint of a single packet each, mostly. */
function areDecidedApart(states: readonly State[]): boolean {
  const deciders = new Set<string>();
  for (const { shared } of states) {
    const own = decidersOf(shared.path);
    if (own === "" || deciders.has(own)) return false;
    deciders.add(own);
  }
  return true;
}

/** Those together that differ at most in their branches. */
function classesOf(states: readonly State[]): State[][] {
  const classes: State[][] = [];
  // Only states that the same rules decided can go together: a packet to a thousand endpoints has a state for each.
  const byDeciders = new Map<string, State[][]>();
  for (const state of states) {
    const deciders = decidersOf(state.shared.path);
    const candidates = byDeciders.get(deciders) ?? [];
    if (candidates.length === 0) byDeciders.set(deciders, candidates);
    if (candidates.length > MANY) state.shared.environment.spend?.(candidates.length);
    const own = candidates.find(([other]) => isAlike(state.shared, (other as State).shared));
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

/** The rules that have decided on a path, and what they did, as a key: by which jumps packets came to them, and what they passed, does
 *  not matter. Empty where the path is not kept. */
function decidersOf(path: TakenPath | undefined): string {
  const decided = path?.decided;
  if (decided === undefined) return "";
  let key = DECIDERS.get(decided);
  if (key === undefined) {
    key = `${decidersOf(decided.before)},${deciderOf(decided.step)}`;
    DECIDERS.set(decided, key);
  }
  return key;
}

const DECIDERS = new WeakMap<TakenPath, string>();

function deciderOf(step: PathStep): string {
  if (step.kind !== "rule") return "";
  const { hook, rule, effect, element, translated } = step;
  const by = element === undefined ? "" : numberOf(element);
  return `${hook} ${numberOf(rule)} ${effect.kind} ${by} ${translated?.address} ${translated?.port}`;
}

const numbers = new WeakMap<object, number>();
let numbered = 0;

function numberOf(part: object): number {
  const known = numbers.get(part);
  if (known !== undefined) return known;
  numbers.set(part, ++numbered);
  return numbered;
}

/** Of more candidates than this each one that a state is held against is a step: of fewer, a rule is more work. */
const MANY = 32;

function mergeAlike(states: readonly State[]): State {
  const [first] = states as readonly [State];
  if (states.length === 1) return first;
  const { shared } = first;
  const path = isExplained(shared) ? commonPath(states) : shared.path;
  return {
    shared: path === shared.path ? shared : { ...shared, path },
    branches: tidy(states.flatMap(({ branches }) => branches)),
  };
}

/** Of ways that come together, the steps that are on all of them. */
function commonPath([first, ...others]: readonly State[]): TakenPath | undefined {
  const path = first?.shared.path;
  if (others.every(({ shared }) => shared.path === path)) return path;
  const all = others.map(({ shared }) => stepsOf(shared.path));
  return pathWith(stepsOf(path).filter((step) => all.every((steps) => steps.some((other) => isSameStep(step, other)))));
}

/** `branches` of one state as fewer, where that can be said. */
export function tidy(branches: readonly Branch[]): readonly Branch[] {
  // Most destinations have one branch: no lists are made for those.
  const byDestination = new Map<Branch["destination"], Branch | Branch[]>();
  for (const branch of branches) {
    const known = byDestination.get(branch.destination);
    if (known === undefined) byDestination.set(branch.destination, branch);
    else if (Array.isArray(known)) known.push(branch);
    else byDestination.set(branch.destination, [known, branch]);
  }
  if (byDestination.size === branches.length) return branches;
  const tidied: Branch[] = [];
  for (const some of byDestination.values()) {
    if (!Array.isArray(some)) tidied.push(some);
    else for (const alike of byPort(some)) for (const branch of join(alike, withPackets)) tidied.push(branch);
  }
  return tidied;
}

function byPort(branches: readonly Branch[]): readonly (readonly Branch[])[] {
  const port = branches[0]?.destinationPort;
  if (branches.every(({ destinationPort }) => destinationPort === port)) return [branches];
  const found = new Map<Branch["destinationPort"], Branch[]>();
  for (const branch of branches) {
    const known = found.get(branch.destinationPort);
    if (known === undefined) found.set(branch.destinationPort, [branch]);
    else known.push(branch);
  }
  return [...found.values()];
}

function withPackets({ region, probability, condition }: Part, { destination, destinationPort }: Branch): Branch {
  return { region, probability, condition, destination, destinationPort };
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
