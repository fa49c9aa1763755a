/** What the rules of a chain do to packets. */
import { invariant } from "../invariant.ts";
import { MAX_JUMP_DEPTH } from "../ir/constants.ts";
import type { BaseChain, Chain, Rule } from "../ir/types.ts";
import { outside, type PacketSet } from "../packets/packet-set.ts";
import { fieldOf } from "./expression.ts";
import { type Advance, type Frame, locationOf, type Runner, type StepProgress } from "./frame.ts";
import { decideLocality } from "./locality.ts";
import { ask, runMatch } from "./match.ts";
import { missed } from "./missed.ts";
import type { PathStep } from "./packet.ts";
import { type PlannedRule, type PlannedStep, plannedOf, testsLocality } from "./plan.ts";
import { Question } from "./question.ts";
import { askList } from "./remember.ts";
import {
  type Branch,
  changeShared,
  isExplained,
  narrow,
  type SharedState,
  type State,
  withShared,
  withStep,
} from "./state.ts";
import { runStatement } from "./statement.ts";
import type { TableIndex } from "./table-index.ts";
import { isUnknown } from "./unknown-expression.ts";

/** Adds to `ends` all that can become of `state` in a base chain: each with the probability that it has by then. */
export function runBaseChain(
  chain: BaseChain,
  state: State,
  table: TableIndex,
  { hook, behind, runner }: Pick<Frame, "hook" | "behind" | "runner">,
  ends: State[],
): void {
  const { name, policy } = chain;
  const frame: Frame = { table, hook, chain: name, depth: 0, base: chain, caller: undefined, behind, runner };
  const { without, met } = state.shared.environment;
  const accepts = policy === "accept" || without?.has(chain) === true;
  for (const { state: after, flow } of runner.run(chain, state, frame)) {
    if (flow === "done") {
      ends.push(after);
      continue;
    }
    if (!accepts) met?.(chain);
    const told = isExplained(after.shared) ? tell(after, { kind: "policy", ...locationOf(frame) }) : after;
    ends.push(accepts ? told : withShared(told, { end: { kind: "drop" } }));
  }
}

function tell({ shared, branches }: State, step: PathStep): State {
  return { shared: withStep(shared, step), branches };
}

/** What the rules of `chain` do, one after the other. */
function runChain(chain: Chain, state: State, frame: Frame): Advance[] {
  invariant(frame.depth <= MAX_JUMP_DEPTH, "no chain is reached by more jumps than the kernel follows");
  const finished: Advance[] = [];
  let running: readonly State[] = [state];
  for (const rule of chain.rules) {
    state.shared.environment.spend?.(countBranches(running));
    const next: State[] = [];
    for (const each of running) sort(runRule(plannedOf(rule), each, frame), next, finished);
    running = next;
  }
  for (const each of running) finished.push({ state: each, flow: "return" });
  return finished;
}

/** Runs rules one by one and merges nothing: the reference that faster runners must equal. Slow for many packets and many rules. */
export const PLAIN: Runner = { run: runChain, merge: (states) => states, tidy: (branches) => branches };

/** The number of branches in all states: a rule takes a step for each. */
export function countBranches(states: readonly State[]): number {
  let count = 0;
  for (const { branches } of states) count += branches.length;
  return count;
}

/** Adds states that go on with the next rule to `next`, and the others to `finished`. */
export function sort(progress: readonly Advance[], next: State[], finished: Advance[]): void {
  for (const each of progress) {
    if (each.flow === "next") next.push(each.state);
    else finished.push(each);
  }
}

export function runRule(planned: PlannedRule, state: State, frame: Frame): Advance[] {
  if (state.shared.environment.without?.has(planned.rule) === true) return [{ state, flow: "next" }];
  const progress = tryRule(planned, state, frame);
  // A single packet that meets a statement is told of it: its state is another one then.
  if (progress[0]?.state !== state || !isExplained(state.shared)) return progress;
  const step = missed(planned, state, frame);
  return step === undefined ? progress : [{ state: tell(state, step), flow: "next" }];
}

/** Asks what is not known behind all that is. */
function tryRule({ rule, first, steps }: PlannedRule, state: State, frame: Frame): Advance[] {
  if (!first.some(({ left }) => isUnknown(left, state.shared))) return tryKnown(rule, first, steps, state, frame);
  const known: Question[] = [];
  const later: Question[] = [];
  for (const question of first) {
    if (isUnknown(question.left, state.shared)) later.push(question);
    else known.push(question);
  }
  return tryKnown(rule, known, [...later, ...steps], state, frame);
}

/** `questions`: of fields that are known. */
function tryKnown(
  rule: Rule,
  questions: readonly Question[],
  steps: readonly PlannedStep[],
  state: State,
  frame: Frame,
): Advance[] {
  const { shared, branches } = state;
  const passing: Branch[] = [];
  const others: Branch[] = [];
  for (const branch of branches) divide(questions, shared, branch, passing, others);
  if (passing.length === 0) return [{ state, flow: "next" }];
  const start = shared.member === undefined ? shared : changeShared(shared, { member: undefined });
  const inside = others.length === 0 && start === shared ? state : { shared: start, branches: passing };
  const passed = runSteps(rule, steps, 0, inside, frame);
  if (others.length === 0) return passed;
  const rest = others.length > branches.length && !isExplained(shared) ? frame.runner.tidy(others) : others;
  return [{ state: { shared, branches: rest }, flow: "next" }, ...passed];
}

/** Adds to `passing` the packets for which all of `questions` are answered with yes, and the others to `others`. */
export function divide(
  questions: readonly Question[],
  shared: SharedState,
  branch: Branch,
  passing: Branch[],
  others: Branch[],
): void {
  const region = passAll(questions, shared, branch);
  if (region === undefined) {
    others.push(branch);
    return;
  }
  passing.push(narrow(branch, region));
  for (const beyond of outside(branch.region, region)) others.push(narrow(branch, beyond));
}

/** The packets for which all of `questions` are answered with yes. */
function passAll(questions: readonly Question[], shared: SharedState, branch: Branch): PacketSet | undefined {
  let current = branch;
  for (const question of questions) {
    const region = question.passing(fieldOf(question.left, shared, current), current.region);
    if (region === undefined) return undefined;
    current = narrow(current, region);
  }
  return current.region;
}

/** Runs the steps of a rule from `index` on. Packets that fail a match go on with the next rule. */
export function runSteps(
  rule: Rule,
  steps: readonly PlannedStep[],
  index: number,
  state: State,
  frame: Frame,
): Advance[] {
  const ended: Advance[] = [];
  takeSteps(rule, steps, index, state, frame, ended);
  return ended;
}

/** Adds to `ended` what the steps lead to: a list for each step and state would take longer than the steps. */
function takeSteps(
  rule: Rule,
  steps: readonly PlannedStep[],
  index: number,
  state: State,
  frame: Frame,
  ended: Advance[],
): void {
  const step = steps[index];
  if (step === undefined) {
    ended.push({ state, flow: "next" });
    return;
  }
  for (const { state: after, flow } of runStep(step, state, frame, rule)) {
    if (flow === "continue") takeSteps(rule, steps, index + 1, after, frame, ended);
    else ended.push({ state: after, flow });
  }
}

function runStep(step: PlannedStep, state: State, frame: Frame, rule: Rule): StepProgress[] {
  if (state.shared.environment.moreAddresses !== true || !testsLocality(step))
    return runDecided(step, state, frame, rule);
  return decideLocality(state).flatMap((each) => runDecided(step, each, frame, rule));
}

function runDecided(step: PlannedStep, state: State, frame: Frame, rule: Rule): StepProgress[] {
  if (step instanceof Question) return ask(step, state, frame);
  switch (step.kind) {
    case "member":
    case "chance":
    case "opaque":
      return askList(step, state, frame) ?? runMatch(step, state, frame);
    default:
      // All statements: `runStatement` takes no match.
      state.shared.environment.met?.(rule);
      return runStatement(step, state, frame, rule);
  }
}
