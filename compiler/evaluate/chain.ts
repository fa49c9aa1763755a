/** What the rules of a chain do to packets. */
import { invariant } from "../invariant.ts";
import { MAX_JUMP_DEPTH } from "../ir/constants.ts";
import type { BaseChain, Chain, Rule } from "../ir/types.ts";
import { fieldOf, isUnknown } from "./expression.ts";
import { type Frame, locationOf, type Progress, type StepProgress } from "./frame.ts";
import { asksForLocality, decideLocality } from "./locality.ts";
import type { TableIndex } from "./machine.ts";
import { ask, runMatch } from "./match.ts";
import { merge, tidy } from "./merge.ts";
import { missed } from "./missed.ts";
import type { Plan, PlannedRule, PlannedStep } from "./plan.ts";
import { Question } from "./question.ts";
import { type Reads, uniteReads } from "./reads.ts";
import { outside, type Region } from "./region.ts";
import { askList } from "./remember.ts";
import type { Run } from "./run.ts";
import { type Control, isExplained, narrow, type State, type Stream, withControl, withStep } from "./state.ts";
import { runStatement } from "./statement.ts";

/** Adds to `ends` all that can become of `state` in a base chain: each with the probability that it has by then. */
export function runBaseChain(
  chain: BaseChain,
  state: State,
  table: TableIndex,
  { hook, later }: Pick<Frame, "hook" | "later">,
  ends: State[],
): void {
  const { name, policy } = chain;
  const frame: Frame = { table, hook, base: chain, chain: name, depth: 0, later, enter: runChain };
  const { without, met } = state.control.environment;
  const accepts = policy === "accept" || without?.has(chain) === true;
  for (const { state: after, flow } of runChain(chain, state, frame)) {
    if (flow === "done") {
      ends.push(after);
      continue;
    }
    if (!accepts) met?.(chain);
    const told = isExplained(after.control) ? withStep(after, { kind: "policy", ...locationOf(frame) }) : after;
    ends.push(accepts ? told : withControl(told, { end: { kind: "drop" } }));
  }
}

function runChain(chain: Chain, whole: State, frame: Frame): Progress[] {
  invariant(frame.depth <= MAX_JUMP_DEPTH, "no chain is reached by more jumps than the kernel follows");
  const { state, idle } =
    frame.depth > 0 ? frame.table.effects.divide(chain, whole) : { state: whole, idle: undefined };
  const finished: Progress[] = idle === undefined ? [] : [{ state: idle, flow: "return" }];
  if (state === undefined) return finished;
  let running: readonly State[] = [state];
  let next = 0;
  const later = (): Reads => uniteReads(frame.table.reads.from(chain, next), frame.later());
  for (const part of frame.table.plan(chain)) {
    state.control.environment.spend?.(countStreams(running));
    next += part.kind === "rule" ? 1 : part.rules.length;
    running = runPart(part, running, frame, finished, later);
    if (running.length === 0) return finished;
  }
  for (const each of running) finished.push({ state: each, flow: "return" });
  return finished;
}

function countStreams(states: readonly State[]): number {
  let count = 0;
  for (const { streams } of states) count += streams.length;
  return count;
}

/** Those of `running` that go on behind `part`; adds to `finished` what becomes of the others. */
function runPart(
  part: Plan[number],
  running: readonly State[],
  frame: Frame,
  finished: Progress[],
  later: () => Reads,
): readonly State[] {
  const only = running[0];
  if (part.kind === "rule" && running.length === 1) {
    const progress = runRule(part, only as State, frame);
    const first = progress[0];
    if (progress.length === 1 && first?.flow === "next") return first.state === only ? running : [first.state];
    const next: State[] = [];
    sort(progress, next, finished);
    return merge(next, later);
  }
  const next: State[] = [];
  for (const each of running) {
    if (part.kind === "rule") sort(runRule(part, each, frame), next, finished);
    else runThrough(part, each, frame, next, finished);
  }
  const isChanged = next.length !== running.length || next.some((each, i) => each !== running[i]);
  return isChanged ? merge(next, later) : running;
}

function sort(progress: readonly Progress[], next: State[], finished: Progress[]): void {
  for (const each of progress) {
    if (each.flow === "next") next.push(each.state);
    else finished.push(each);
  }
}

/** The rules of a run that packets do not pass by. */
function runThrough(run: Run, state: State, frame: Frame, next: State[], finished: Progress[]): void {
  const { table } = frame;
  const isOne = isExplained(state.control);
  const shortest = isOne ? run : run.flat(table);
  const alike = new Alike(state.control);
  for (const { rules, state: part } of shortest.meet(state, table.effects)) {
    const [only, more] = rules;
    if (!isOne && only !== undefined && more === undefined && alike.take(only, part)) continue;
    let running: readonly State[] = [part];
    for (const rule of rules) {
      const after: State[] = [];
      for (const each of running) sort(runRule(rule, each, frame), after, finished);
      running = merge(after, () => uniteReads(table.reads.ofChain(table.chain(frame.chain)), frame.later()));
    }
    next.push(...running);
  }
  sort(alike.run(frame), next, finished);
}

/** Streams that meet one rule each, put together where the rules do the same: a dispatch leads thousands of Services to one chain. */
class Alike {
  private readonly control: Control;
  private readonly others: Stream[] = [];
  private readonly byEffect = new Map<string, { readonly rule: PlannedRule; readonly streams: Stream[] }>();

  constructor(control: Control) {
    this.control = control;
  }

  /** Whether this is a rule of which that can be said. */
  take(rule: PlannedRule, { streams }: State): boolean {
    const { effect, first } = rule;
    if (effect === undefined || first.some(({ left }) => isUnknown(left, this.control))) return false;
    const known = this.byEffect.get(effect) ?? { rule, streams: [] };
    this.byEffect.set(effect, known);
    for (const stream of streams) divide(first, this.control, stream, known.streams, this.others);
    return true;
  }

  run(frame: Frame): Progress[] {
    const { control } = this;
    const progress: Progress[] = [];
    for (const { rule, streams } of this.byEffect.values())
      if (streams.length > 0) progress.push(...runSteps(rule.rule, rule.steps, 0, { control, streams }, frame));
    if (this.others.length > 0) progress.push({ state: { control, streams: tidy(this.others) }, flow: "next" });
    return progress;
  }
}

function runRule(planned: PlannedRule, state: State, frame: Frame): Progress[] {
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
  const rest = others.length > streams.length && !isExplained(control) ? tidy(others) : others;
  return [{ state: { control, streams: rest }, flow: "next" }, ...passed];
}

/** Adds to `passing` the packets for which all of `questions` are answered with yes, and the others to `others`. */
function divide(
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
function runSteps(rule: Rule, steps: readonly PlannedStep[], index: number, state: State, frame: Frame): Progress[] {
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
      state.control.environment.met?.(rule);
      return runStatement(step, state, frame, rule);
  }
}
