/** What the rules of a chain do to packets. */
import { invariant } from "../invariant.ts";
import { MAX_JUMP_DEPTH } from "../ir/constants.ts";
import type { BaseChain, Chain, Rule } from "../ir/types.ts";
import { fieldOf, isUnknown } from "./expression.ts";
import { type Frame, locationOf, type Progress, type Runner, type StepProgress } from "./frame.ts";
import { decideLocality } from "./locality.ts";
import { ask, runMatch } from "./match.ts";
import { missed } from "./missed.ts";
import { asksForLocality, type PlannedRule, type PlannedStep, plannedOf } from "./plan.ts";
import { Question } from "./question.ts";
import { outside, type Region } from "./region.ts";
import { askList } from "./remember.ts";
import { type Control, isExplained, narrow, type State, type Stream, withControl, withStep } from "./state.ts";
import { runStatement } from "./statement.ts";
import type { TableIndex } from "./table-index.ts";

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
  const { without, met } = state.control.environment;
  const accepts = policy === "accept" || without?.has(chain) === true;
  for (const { state: after, flow } of runner.run(chain, state, frame)) {
    if (flow === "done") {
      ends.push(after);
      continue;
    }
    if (!accepts) met?.(chain);
    const told = isExplained(after.control) ? withStep(after, { kind: "policy", ...locationOf(frame) }) : after;
    ends.push(accepts ? told : withControl(told, { end: { kind: "drop" } }));
  }
}

/** What the rules of `chain` do, one after the other. */
function runChain(chain: Chain, state: State, frame: Frame): Progress[] {
  invariant(frame.depth <= MAX_JUMP_DEPTH, "no chain is reached by more jumps than the kernel follows");
  const finished: Progress[] = [];
  let running: readonly State[] = [state];
  for (const rule of chain.rules) {
    state.control.environment.spend?.(countStreams(running));
    const next: State[] = [];
    for (const each of running) sort(runRule(plannedOf(rule), each, frame), next, finished);
    running = next;
  }
  for (const each of running) finished.push({ state: each, flow: "return" });
  return finished;
}

/** Rule by rule, and each way that packets take for itself: to be held against. Slow where many packets meet many rules. */
export const PLAIN: Runner = { run: runChain, merge: (states) => states, tidy: (streams) => streams };

/** Steps that a rule takes. */
export function countStreams(states: readonly State[]): number {
  let count = 0;
  for (const { streams } of states) count += streams.length;
  return count;
}

/** Adds to `next` what goes on with the next rule, and to `finished` the rest. */
export function sort(progress: readonly Progress[], next: State[], finished: Progress[]): void {
  for (const each of progress) {
    if (each.flow === "next") next.push(each.state);
    else finished.push(each);
  }
}

export function runRule(planned: PlannedRule, state: State, frame: Frame): Progress[] {
  if (state.control.environment.without?.has(planned.rule) === true) return [{ state, flow: "next" }];
  const progress = tryRule(planned, state, frame);
  const [only, more] = progress;
  if (more !== undefined || only?.state !== state || only.flow !== "next" || !isExplained(state.control))
    return progress;
  const step = missed(planned, state, frame);
  return step === undefined ? progress : [{ state: withStep(state, step), flow: "next" }];
}

function tryRule({ rule, first, steps }: PlannedRule, state: State, frame: Frame): Progress[] {
  const { control, streams } = state;
  const isKnown = !first.some(({ left }) => isUnknown(left, control));
  const questions = isKnown ? first : first.filter(({ left }) => !isUnknown(left, control));
  const later = isKnown ? [] : first.filter(({ left }) => isUnknown(left, control));
  const passing: Stream[] = [];
  const others: Stream[] = [];
  for (const stream of streams) divide(questions, control, stream, passing, others);
  if (passing.length === 0) return [{ state, flow: "next" }];
  const start = control.member === undefined ? control : { ...control, member: undefined };
  const inside = others.length === 0 && start === control ? state : { control: start, streams: passing };
  const passed = runSteps(rule, isKnown ? steps : [...later, ...steps], 0, inside, frame);
  if (others.length === 0) return passed;
  const rest = others.length > streams.length && !isExplained(control) ? frame.runner.tidy(others) : others;
  return [{ state: { control, streams: rest }, flow: "next" }, ...passed];
}

/** Adds to `passing` the packets for which all of `questions` are answered with yes, and the others to `others`. */
export function divide(
  questions: readonly Question[],
  control: Control,
  stream: Stream,
  passing: Stream[],
  others: Stream[],
): void {
  const region = passAll(questions, control, stream);
  if (region === undefined) {
    others.push(stream);
    return;
  }
  passing.push(narrow(stream, region));
  if (region === stream.region) return;
  for (const beyond of outside(stream.region, region)) others.push(narrow(stream, beyond));
}

/** The packets for which all of `questions` are answered with yes. */
function passAll(questions: readonly Question[], control: Control, stream: Stream): Region | undefined {
  let current = stream;
  for (const question of questions) {
    const region = question.passing(fieldOf(question.left, control, current), current.region);
    if (region === undefined) return undefined;
    current = narrow(current, region);
  }
  return current.region;
}

/** The steps from `index` on. A match that fails leads to the next rule. */
export function runSteps(
  rule: Rule,
  steps: readonly PlannedStep[],
  index: number,
  state: State,
  frame: Frame,
): Progress[] {
  let current = state;
  for (let i = index; ; i++) {
    const step = steps[i];
    if (step === undefined) return [{ state: current, flow: "next" }];
    const progress = runStep(step, current, frame, rule);
    const only = progress[0];
    if (only === undefined) return [];
    if (progress.length > 1) return progress.flatMap((each) => goOn(each, rule, steps, i + 1, frame));
    if (only.flow !== "continue") return [{ state: only.state, flow: only.flow }];
    current = only.state;
  }
}

function goOn(
  { state, flow }: StepProgress,
  rule: Rule,
  steps: readonly PlannedStep[],
  index: number,
  frame: Frame,
): Progress[] {
  return flow === "continue" ? runSteps(rule, steps, index, state, frame) : [{ state, flow }];
}

function runStep(step: PlannedStep, state: State, frame: Frame, rule: Rule): StepProgress[] {
  if (state.control.environment.moreAddresses !== true || !asksForLocality(step))
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
      state.control.environment.met?.(rule);
      return runStatement(step, state, frame, rule);
  }
}
