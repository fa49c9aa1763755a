/** What the rules of a chain do to many packets: only those rules are run that may do something to them. */
import { invariant } from "../../invariant.ts";
import { MAX_JUMP_DEPTH } from "../../ir/constants.ts";
import type { Chain } from "../../ir/types.ts";
import { countBranches, divide, runRule, runSteps, sort } from "../chain.ts";
import type { Advance, Frame, Runner } from "../frame.ts";
import type { PlannedRule } from "../plan.ts";
import { type Branch, isExplained, type SharedState, type State } from "../state.ts";
import { isUnknown } from "../unknown-expression.ts";
import { merge, mergeBehind, tidy } from "./merge.ts";
import type { Plan } from "./plan.ts";
import { type Reads, readFrom, readInside } from "./reads.ts";
import type { Run } from "./run.ts";
import { dispatchOf } from "./table.ts";

/** As `PLAIN` does it, for many packets at once. */
function runDispatched(chain: Chain, whole: State, frame: Frame): Advance[] {
  invariant(frame.depth <= MAX_JUMP_DEPTH, "no chain is reached by more jumps than the kernel follows");
  const dispatch = dispatchOf(frame.table);
  const { state, idle } = frame.depth > 0 ? dispatch.effects.divide(chain, whole) : { state: whole, idle: undefined };
  const finished: Advance[] = idle === undefined ? [] : [{ state: idle, flow: "return" }];
  if (state === undefined) return finished;
  let running: readonly State[] = [state];
  let next = 0;
  const later = (): Reads => readFrom(chain, next, frame);
  for (const part of dispatch.plans.of(chain)) {
    state.shared.environment.spend?.(countBranches(running));
    next += part.kind === "rule" ? 1 : part.rules.length;
    running = runPart(part, running, frame, finished, later);
    if (running.length === 0) return finished;
  }
  for (const each of running) finished.push({ state: each, flow: "return" });
  return finished;
}

export const DISPATCHED: Runner = { run: runDispatched, merge: mergeBehind, tidy };

/** Those of `running` that go on behind `part`; adds to `finished` what becomes of the others. */
function runPart(
  part: Plan[number],
  running: readonly State[],
  frame: Frame,
  finished: Advance[],
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

/** The rules of a run that packets do not pass by. */
function runThrough(run: Run, state: State, frame: Frame, next: State[], finished: Advance[]): void {
  const dispatch = dispatchOf(frame.table);
  const isOne = isExplained(state.shared);
  const shortest = isOne ? run : dispatch.plans.flat(run);
  const alike = new Alike(state.shared);
  for (const { rules, state: part } of shortest.meet(state, dispatch.effects)) {
    const [only, more] = rules;
    if (!isOne && only !== undefined && more === undefined && alike.take(only, part)) continue;
    let running: readonly State[] = [part];
    for (const rule of rules) {
      const after: State[] = [];
      for (const each of running) sort(runRule(rule, each, frame), after, finished);
      running = merge(after, () => readInside(frame));
    }
    next.push(...running);
  }
  sort(alike.run(frame), next, finished);
}

/** Streams that meet one rule each, put together where the rules do the same: a dispatch leads thousands of Services to one chain. */
class Alike {
  private readonly shared: SharedState;
  private readonly others: Branch[] = [];
  private readonly byEffect = new Map<string, { readonly rule: PlannedRule; readonly branches: Branch[] }>();

  constructor(shared: SharedState) {
    this.shared = shared;
  }

  /** Whether this is a rule of which that can be said. */
  take(rule: PlannedRule, { branches }: State): boolean {
    const { effect, first } = rule;
    if (effect === undefined || first.some(({ left }) => isUnknown(left, this.shared))) return false;
    const known = this.byEffect.get(effect) ?? { rule, branches: [] };
    this.byEffect.set(effect, known);
    for (const branch of branches) divide(first, this.shared, branch, known.branches, this.others);
    return true;
  }

  run(frame: Frame): Advance[] {
    const { shared } = this;
    const progress: Advance[] = [];
    for (const { rule, branches } of this.byEffect.values())
      if (branches.length > 0) progress.push(...runSteps(rule.rule, rule.steps, 0, { shared, branches }, frame));
    if (this.others.length > 0) progress.push({ state: { shared, branches: tidy(this.others) }, flow: "next" });
    return progress;
  }
}
