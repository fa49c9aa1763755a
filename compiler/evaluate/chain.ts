/** What the rules of a chain do to packets. */
import { invariant } from "../invariant.ts";
import { MAX_JUMP_DEPTH } from "../ir/constants.ts";
import type { BaseChain, Chain, Hook, Rule } from "../ir/types.ts";
import { fieldOf, isUnknown } from "./expression.ts";
import type { Frame, Progress, StepProgress } from "./frame.ts";
import type { TableIndex } from "./machine.ts";
import { ask, runMatch } from "./match.ts";
import { merge } from "./merge.ts";
import type { Plan, PlannedRule, PlannedStep } from "./plan.ts";
import { Question } from "./question.ts";
import { outside } from "./region.ts";
import type { Run } from "./run.ts";
import { having, isExplained, narrow, type State } from "./state.ts";
import { runStatement } from "./statement.ts";

/** Adds to `ends` all that can become of `state` in a base chain: each with the probability that it has by then. */
export function runBaseChain(chain: BaseChain, state: State, table: TableIndex, hook: Hook, ends: State[]): void {
  const { name, priority, policy } = chain;
  for (const progress of runChain(chain, state, { table, hook, chain: name, depth: 0, priority, enter: runChain })) {
    const isDecided = progress.flow === "done" || policy === "accept";
    ends.push(isDecided ? progress.state : { ...progress.state, end: { kind: "drop" } });
  }
}

function runChain(chain: Chain, state: State, frame: Frame): Progress[] {
  invariant(frame.depth <= MAX_JUMP_DEPTH, "no chain is reached by more jumps than the kernel follows");
  if (frame.depth > 0 && frame.table.effects.areNone(chain, state)) return [{ state, flow: "return" }];
  let running: readonly State[] = [state];
  const finished: Progress[] = [];
  for (const part of frame.table.plan(chain)) {
    state.environment.spend?.(running.length);
    running = runPart(part, running, frame, finished);
    if (running.length === 0) return finished;
  }
  if (finished.length === 0 && running.length === 1) return [{ state: running[0] as State, flow: "return" }];
  for (const each of running) finished.push({ state: each, flow: "return" });
  return finished;
}

/** Those of `running` that go on behind `part`; adds to `finished` what becomes of the others. */
function runPart(part: Plan[number], running: readonly State[], frame: Frame, finished: Progress[]): readonly State[] {
  const [only] = running;
  if (part.kind === "rule" && running.length === 1) {
    const progress = runRule(part, only as State, frame);
    const [first] = progress;
    if (progress.length === 1 && first?.flow === "next") return first.state === only ? running : [first.state];
    const next: State[] = [];
    sort(progress, next, finished);
    return merge(next);
  }
  const next: State[] = [];
  for (const each of running) {
    if (part.kind === "rule") sort(runRule(part, each, frame), next, finished);
    else runThrough(part, each, frame, next, finished);
  }
  const isChanged = next.length !== running.length || next.some((each, i) => each !== running[i]);
  return isChanged ? merge(next) : running;
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
  const shortest = isExplained(state) ? run : run.flat(table);
  for (const { rules, state: part } of shortest.meet(state, table.effects)) {
    let running: readonly State[] = [part];
    for (const rule of rules) {
      const after: State[] = [];
      for (const each of running) sort(runRule(rule, each, frame), after, finished);
      running = merge(after);
    }
    next.push(...running);
  }
}

function runRule({ rule, first, steps }: PlannedRule, state: State, frame: Frame): Progress[] {
  let inside = state.member === undefined ? state : having(state, state.region, state.probability, undefined);
  const later: Question[] = [];
  for (const question of first) {
    if (isUnknown(question.left, inside)) {
      later.push(question);
      continue;
    }
    const passing = question.passing(fieldOf(question.left, inside), inside.region);
    if (passing === undefined) return [{ state, flow: "next" }];
    inside = narrow(inside, passing);
  }
  const passed = runSteps(rule, later.length === 0 ? steps : [...later, ...steps], 0, inside, frame);
  if (inside.region === state.region) return passed;
  const progress: Progress[] = [];
  for (const region of outside(state.region, inside.region))
    progress.push({ state: narrow(state, region), flow: "next" });
  for (const each of passed) progress.push(each);
  return progress;
}

/** The steps from `index` on. A match that fails leads to the next rule. */
function runSteps(rule: Rule, steps: readonly PlannedStep[], index: number, state: State, frame: Frame): Progress[] {
  let current = state;
  for (let i = index; ; i++) {
    const step = steps[i];
    if (step === undefined) return [{ state: current, flow: "next" }];
    const progress = runStep(step, current, frame, rule);
    const [only, more] = progress;
    if (only === undefined) return [];
    if (more !== undefined) return progress.flatMap((each) => goOn(each, rule, steps, i + 1, frame));
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
  if (step instanceof Question) return ask(step, state, frame);
  switch (step.kind) {
    case "member":
    case "chance":
    case "opaque":
      return runMatch(step, state, frame);
    default:
      return runStatement(step, state, frame, rule);
  }
}
