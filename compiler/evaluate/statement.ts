/** What a statement does to packets. */
import { invariant, unreachable } from "../invariant.ts";
import { CONNTRACK_PRIORITY, CT_STATE } from "../ir/constants.ts";
import { describe } from "../ir/describe.ts";
import type { AskedMap, MapElement, Rule, Statement, Verdict, WritableField } from "../ir/types.ts";
import { Unsupported } from "../ir/unsupported.ts";
import { isInert } from "../ir/walk.ts";
import type { Operand } from "../packets/bits.ts";
import { hasFewValues } from "../packets/packet-set.ts";
import { assume } from "./assume.ts";
import { evaluateExpression, fieldOf } from "./expression.ts";
import { whereFound } from "./found.ts";
import { type Because, type Frame, locationOf, type ReasonExtra, type StepProgress } from "./frame.ts";
import { contentOf } from "./lookup.ts";
import { destinations, redirect, runNat } from "./nat.ts";
import type { Effect, Reason, RuleStep } from "./packet.ts";
import { Partition } from "./partition.ts";
import { fill, remember, secondsOf } from "./remember.ts";
import { chosenBy, masquerade, sourceOf, sources } from "./source-nat.ts";
import {
  type Branch,
  changeShared,
  isExplained,
  narrow,
  type SharedState,
  type State,
  type Symbolic,
  symbolicKey,
  withShared,
  withStep,
} from "./state.ts";
import { assumeElement, isData } from "./unknown-element.ts";
import { isUnknown } from "./unknown-expression.ts";

const NOTHING_MORE: ReasonExtra = {};

/** What becomes of packets that a rule's matches have let through. */
export function runStatement(statement: Statement, state: State, frame: Frame, rule: Rule): StepProgress[] {
  const because = (shared: SharedState, extra: ReasonExtra = NOTHING_MORE): SharedState => {
    if (!isExplained(shared)) return shared;
    const { hook, table, family, base, chain, depth } = locationOf(frame);
    const step: RuleStep = {
      kind: "rule",
      ...{ hook, table, family, base, chain, depth, rule },
      effect: extra.effect ?? effectOf(statement, shared, frame),
      element: extra.element ?? shared.member?.element,
      declaration: extra.declaration ?? shared.member?.declaration,
      translated: extra.translated,
    };
    return withStep(shared, step);
  };
  const changed = (change: Partial<SharedState>): State => ({
    shared: because(changeShared(state.shared, change)),
    branches: state.branches,
  });
  switch (statement.kind) {
    case "verdict":
      return runVerdict(statement.verdict, withReasons(state, because), frame);
    case "vmap":
      return runVmap(statement, state, frame, because);
    case "dnat":
      return runNat(statement.to, state, frame, destinations(because, statement.random));
    case "redirect":
      return redirect(statement, state, because);
    case "snat":
      return runNat(statement.to, state, frame, sources(because, statement.by, statement.random));
    case "masquerade": {
      const shared = { ...state.shared, newSource: sourceOfMasquerade(statement) };
      const { region } = state.branches[0] as Branch;
      return [{ state: changed(masquerade(shared, region, statement.ports, statement.random)), flow: "done" }];
    }
    case "reject":
      return [{ state: changed({ end: { kind: "reject", with: statement.with } }), flow: "done" }];
    case "set":
      return runSet(statement, state, frame, because);
    case "remember":
      return remember(statement, state, frame, because);
    case "opaque-statement": {
      const { writes = [], terminal, text } = statement;
      const written = writes.length === 0 ? state : overwritten(state, writes, because);
      const use = frame.table.lists.filledBy(statement, frame.table.table);
      const after = use?.fills ? fill(text, use.list, written, frame) : written;
      return terminal ? assumeEnd(text, after, because) : [{ state: after, flow: "continue" }];
    }
    default:
      return isInert(statement) ? [{ state, flow: "continue" }] : unreachable(statement);
  }
}

/** The source that masquerading gives by its options, as `newSource`. */
function sourceOfMasquerade({ ports, by }: Extract<Statement, { kind: "masquerade" }>): SharedState["newSource"] {
  if (by !== undefined) return chosenBy(by, undefined);
  return ports === undefined ? undefined : sourceOf(undefined, ports);
}

function effectOf(statement: Statement, { newSource }: SharedState, frame: Frame): Effect {
  switch (statement.kind) {
    case "verdict":
      return { kind: "verdict", verdict: statement.verdict };
    case "dnat":
    case "redirect":
      return { kind: "destination" };
    case "snat":
    case "masquerade":
      return { kind: "source", source: newSource?.text };
    case "reject":
      return { kind: "reject", with: statement.with };
    case "remember":
      return { kind: "remember", set: statement.set, seconds: secondsOf(statement, frame) };
    default:
      // Statements of other kinds say themselves what they did.
      throw new Error(`${statement.kind} says itself what it did`);
  }
}

function withReasons(state: State, because: Because, extra?: ReasonExtra): State {
  const shared = because(state.shared, extra);
  return shared === state.shared ? state : { shared, branches: state.branches };
}

function declarationOf(map: AskedMap, { table }: Frame): Pick<Reason, "declaration"> {
  return typeof map === "string" ? { declaration: table.map(map) } : {};
}

function runVerdict(verdict: Verdict, state: State, frame: Frame): StepProgress[] {
  switch (verdict.kind) {
    case "accept":
      return [{ state: state.shared.accepted ? state : withShared(state, { accepted: true }), flow: "done" }];
    case "drop":
      return [{ state: withShared(state, { end: { kind: "drop" } }), flow: "done" }];
    case "continue":
      return [{ state, flow: "next" }];
    case "return":
      return [{ state, flow: "return" }];
    case "jump":
    case "goto": {
      const chain = frame.table.chain(verdict.chain);
      const { table, hook, depth, base, behind, runner } = frame;
      const below: Frame = { table, hook, chain: chain.name, depth: depth + 1, base, caller: frame, behind, runner };
      const inside = runner.run(chain, state, below);
      const afterReturn = verdict.kind === "jump" ? "next" : "return";
      return inside.map((each) => (each.flow === "return" ? { state: each.state, flow: afterReturn } : each));
    }
    default:
      return unreachable(verdict);
  }
}

/** Packets that have found the same verdict. */
interface Decided {
  readonly element: MapElement;
  readonly branches: Branch[];
}

function runVmap(
  { key, map }: Extract<Statement, { kind: "vmap" }>,
  state: State,
  frame: Frame,
  because: Because,
): StepProgress[] {
  const { shared, branches } = state;
  const run = (element: MapElement, chosen: State): StepProgress[] => {
    const verdict = element.value;
    invariant(!isData(verdict), "a map that is asked for verdicts holds verdicts");
    const effect = { kind: "verdict", verdict } as const;
    const told = withReasons(chosen, because, { element, ...declarationOf(map, frame), effect });
    return runVerdict(verdict, told, frame);
  };
  if (isUnknown(key, shared)) return assumeElement(key, frame.table.map(map).elements, state, frame.table, run);
  const elements = frame.table.mapElements(map);
  const decided = new Map<unknown, Decided>();
  const others = new Partition<"next">(state);
  for (const branch of branches) {
    for (const { region, probability, value } of evaluateExpression(key, shared, branch, frame.table)) {
      if (value === undefined) {
        others.add(narrow(branch, region, probability), "next");
        continue;
      }
      for (const { region: part, element } of elements.split(value, region)) {
        const after = narrow(branch, part, probability);
        if (element === undefined) {
          others.add(after, "next");
          continue;
        }
        // A single packet's path names the element: each element is decided for itself.
        const found = isExplained(shared) ? {} : contentOf(element);
        const known = decided.get(found);
        if (known === undefined) decided.set(found, { element, branches: [after] });
        else known.branches.push(after);
      }
    }
  }
  const progress: StepProgress[] = others.progress;
  for (const { element, branches: some } of decided.values())
    progress.push(...run(element, { shared, branches: some }));
  return progress;
}

function runSet(
  { field, value }: Extract<Statement, { kind: "set" }>,
  state: State,
  frame: Frame,
  because: Because,
): StepProgress[] {
  const { shared, branches } = state;
  const { table } = frame;
  if (isUnknown(value, shared) || table.lists.readsFilled(value, table.table))
    return whereFound(value, state, frame).map((each) =>
      each.flow === "continue" ? { ...each, state: overwritten(each.state, [field], because) } : each,
    );
  const written = new Map<string, SharedState>();
  const parts = new Partition<"continue" | "next">(state);
  for (const branch of branches) {
    for (const { region, probability, value: words } of evaluateExpression(value, shared, branch, table)) {
      const chosen = narrow(branch, region, probability);
      if (words === undefined) {
        parts.add(chosen, "next");
        continue;
      }
      const held = symbolicOf(words[0] as Operand, field);
      const key = symbolicKey(held);
      const known = written.get(key) ?? toldOf(field, shared, write(shared, field, held, frame), chosen, because);
      written.set(key, known);
      parts.add(chosen, "continue", known);
    }
  }
  return parts.progress;
}

/** `before` with `change`, which a write of `field` is; told with the values where those are of a single packet. */
function toldOf(
  field: WritableField,
  before: SharedState,
  change: Partial<SharedState>,
  branch: Branch,
  because: Because,
): SharedState {
  const after = { ...before, ...change };
  if (!isExplained(before)) return after;
  const [was, is] = [before, after].map((shared) => numberIn(field, shared, branch));
  return because(after, { effect: { kind: "write", field, before: was, after: is } });
}

/** What a field holds of a single packet; undefined: that is not known, or not followed. */
function numberIn(field: WritableField, shared: SharedState, branch: Branch): number | undefined {
  if (isUnknown(field, shared)) return undefined;
  const value = fieldOf(field, shared, branch);
  return typeof value === "number" ? value : undefined;
}

function symbolicOf(word: Operand, field: WritableField): Symbolic {
  if (typeof word !== "object") return Number(word);
  if (hasFewValues(word.field)) return word;
  throw new Unsupported(`${describe(field)} set to an address or a port`);
}

/** The change to the shared state that a write of `held` to `field` makes. */
function write(shared: SharedState, field: WritableField, held: Symbolic, frame: Frame): Partial<SharedState> {
  const overwritten = leaveOut(shared.overwritten, describe(field));
  if (field.kind === "ct")
    return { overwritten, ...(field.key === "mark" ? { ctMark: held } : untrack(shared, frame)) };
  if (field.key === "mark") return { overwritten, mark: held };
  if (typeof held === "object") throw new Unsupported("a priority set to a mark");
  return { overwritten, priority: held };
}

/** `state` behind a step after which the values of `fields` are not known. */
function overwritten(state: State, fields: readonly WritableField[], because: Because): State {
  const names = new Set([...state.shared.overwritten, ...fields.map(describe)]);
  let shared: SharedState = { ...state.shared, overwritten: names };
  for (const field of fields)
    shared = because(shared, { effect: { kind: "write", field, before: undefined, after: undefined } });
  return { shared, branches: state.branches };
}

function leaveOut(texts: ReadonlySet<string>, text: string): ReadonlySet<string> {
  return texts.has(text) ? new Set([...texts].filter((other) => other !== text)) : texts;
}

/** Only a packet that connection tracking has not seen yet stays out of it (nft_notrack_eval, xt_ct_target). */
function untrack({ ctState }: SharedState, { base: { priority } }: Frame): Partial<SharedState> {
  return priority < CONNTRACK_PRIORITY || ctState === CT_STATE.invalid ? { ctState: CT_STATE.untracked } : {};
}

/** A terminal statement that is not understood: it may have taken the packet, or not. */
function assumeEnd(text: string, state: State, because: Because): StepProgress[] {
  return assume(text, false, state).map(({ state: after, flow }): StepProgress => {
    if (flow !== "continue") return { state: after, flow: "continue" };
    const taken = withReasons(after, because, { effect: { kind: "taken", text } });
    return { state: withShared(taken, { takenBy: [...after.shared.takenBy, text] }), flow: "done" };
  });
}
