/** What the rules of a chain do to a packet. */
import { invariant, unreachable } from "../invariant.ts";
import { CONNTRACK_PRIORITY, CT_STATE, MAX_JUMP_DEPTH } from "../ir/constants.ts";
import { namesWith, partHolds } from "../ir/interval.ts";
import type {
  Chain,
  Expression,
  Hook,
  Interval,
  KeyPart,
  MapElement,
  Match,
  NatTarget,
  Rule,
  SetElement,
  Statement,
  Step,
  Value,
  Verdict,
} from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import { type About, type Assumption, areConsistent, describeTest } from "./assumption.ts";
import { describe, evaluateExpression, isUnknown } from "./expression.ts";
import { ElementIndex, keyText } from "./lookup.ts";
import type { TableIndex } from "./machine.ts";
import type { Reason } from "./packet.ts";
import { type State, translate } from "./state.ts";
import type { Against } from "./watch.ts";

/** Where evaluation stands. */
interface Frame {
  readonly table: TableIndex;
  readonly hook: Hook;
  readonly chain: string;
  readonly depth: number;
  /** That of the base chain. */
  readonly priority: number;
}

/** A packet after a rule or chain. `flow` tells where it goes on: at the next rule, behind the jump that led here, or
 *  nowhere, because the base chain is done with it. */
interface Progress {
  readonly state: State;
  readonly flow: "next" | "return" | "done";
}

/** All that can become of `state` in a base chain: each with the probability that it has by then. */
export function runBaseChain(chain: Chain, state: State, table: TableIndex, hook: Hook): State[] {
  const priority = chain.kind === "base" ? chain.priority : 0;
  return runChain(chain, state, { table, hook, chain: chain.name, depth: 0, priority }).map((progress) => {
    const policy = chain.kind === "base" ? chain.policy : "accept";
    if (progress.flow === "done" || policy === "accept") return progress.state;
    return { ...progress.state, end: { kind: "drop" } };
  });
}

function runChain(chain: Chain, state: State, frame: Frame): Progress[] {
  invariant(frame.depth <= MAX_JUMP_DEPTH, `chain ${chain.name} is not reached by more than ${MAX_JUMP_DEPTH} jumps`);
  let running: State[] = [state];
  const finished: Progress[] = [];
  for (const rule of chain.rules) {
    const next: State[] = [];
    for (const each of running) {
      for (const progress of runRule(rule, each, frame)) {
        if (progress.flow === "next") next.push(progress.state);
        else finished.push(progress);
      }
    }
    running = next;
    if (running.length === 0) break;
  }
  return [...finished, ...running.map((each): Progress => ({ state: each, flow: "return" }))];
}

function runRule(rule: Rule, state: State, frame: Frame): Progress[] {
  return runSteps(rule, 0, state.member === undefined ? state : { ...state, member: undefined }, frame);
}

/** The steps from `index` on. A match that fails leads to the next rule. */
function runSteps(rule: Rule, index: number, state: State, frame: Frame): Progress[] {
  const step = rule.steps[index];
  if (step === undefined) return [{ state, flow: "next" }];
  return runStep(step, state, frame, rule).flatMap((after): Progress[] =>
    after.flow === "continue"
      ? runSteps(rule, index + 1, after.state, frame)
      : [{ state: after.state, flow: after.flow }],
  );
}

/** After a step: `continue` with the rule's next step, else as in `Progress`. */
interface StepProgress {
  readonly state: State;
  readonly flow: "continue" | Progress["flow"];
}

function runStep(step: Step, state: State, frame: Frame, rule: Rule): StepProgress[] {
  switch (step.kind) {
    case "compare":
    case "within":
    case "name-prefix":
    case "member":
    case "chance":
    case "opaque":
      return runMatch(step, state, frame);
    default:
      return runStatement(step, state, frame, rule);
  }
}

// --- matches -----------------------------------------------------------------------------------------------------------

function runMatch(match: Match, state: State, frame: Frame): StepProgress[] {
  switch (match.kind) {
    case "compare": {
      const { left, operator, right, orAbsent = false } = match;
      const isEquality = operator === "==" || operator === "!=";
      const holds = ([value]: readonly Value[]): boolean =>
        isEquality ? value === right : isOrdered(value as Value, operator, right);
      const assumed = (): About | string =>
        isEquality ? { subject: describe(left), values: [right] } : `${describe(left)} ${operator} ${right}`;
      return test(left, { negated: operator === "!=", orAbsent, assumed, against: point(right), holds }, state, frame);
    }
    case "within": {
      const { left, negated, intervals } = match;
      const holds = ([value]: readonly Value[]): boolean =>
        intervals.some((interval) => partHolds(interval, value as Value));
      return test(left, { negated, orAbsent: false, ...inIntervals(left, intervals), holds }, state, frame);
    }
    case "name-prefix": {
      const { left, negated, prefix } = match;
      const holds = ([value]: readonly Value[]): boolean => String(value).startsWith(prefix);
      return test(left, { negated, orAbsent: false, ...inIntervals(left, [namesWith(prefix)]), holds }, state, frame);
    }
    case "member": {
      const { key, negated, set } = match;
      const { elements, dynamic } = frame.table.set(set);
      const assumed = (): About | string =>
        key.kind === "concat" || dynamic !== undefined
          ? `${describe(key)} @${set}`
          : { subject: describe(key), values: elements.flatMap((element) => element.key) };
      const against = (): Against => ({ kind: "elements", elements });
      const holds = (value: readonly Value[]): boolean => isMember(set, value, state, frame);
      return test(key, { negated, orAbsent: false, assumed, against, holds }, withMember(match, state, frame), frame);
    }
    case "chance": {
      const probability = match.numerator / 2 ** 31;
      return fork(state, [
        { probability, flow: "continue" },
        { probability: 1 - probability, flow: "next" },
      ]);
    }
    case "opaque":
      return assume(match.text, match.negated, state);
    default:
      return unreachable(match);
  }
}

/** What is asked of a value. */
interface Asked {
  readonly negated: boolean;
  /** The question is answered with yes also where the expression has no value. */
  readonly orAbsent: boolean;
  readonly against: () => Against;
  readonly holds: (value: readonly Value[]) => boolean;
  /** What is assumed, or not, when the value is not known. */
  readonly assumed: () => About | string;
}

/** Goes on with the rule where the answer is yes, and to the next rule elsewhere; also where the expression has no value. */
function test(left: Expression, asked: Asked, state: State, { table }: Frame): StepProgress[] {
  const { negated, orAbsent, against, holds, assumed } = asked;
  if (isUnknown(left, state)) return assume(assumed(), negated, state);
  const possible = evaluateExpression(left, state, table);
  const { watch } = state.environment;
  if (watch !== undefined) for (const { value } of possible) watch.asked(left, value, against(), state);
  const branches = possible.map(({ probability, value }) => ({
    probability,
    flow: holds(value) === negated ? ("next" as const) : ("continue" as const),
  }));
  return fork(state, [...branches, { probability: 1 - sum(possible), flow: orAbsent ? "continue" : "next" }]);
}

function point(value: Value): () => Against {
  return () => ({ kind: "intervals", intervals: [{ from: value, to: value }] });
}

function inIntervals(left: Expression, intervals: readonly Interval[]): Pick<Asked, "against" | "assumed"> {
  return {
    against: () => ({ kind: "intervals", intervals }),
    assumed: () => ({
      subject: describe(left),
      values: intervals.map((interval) => (interval.from === interval.to ? interval.from : interval)),
    }),
  };
}

function isOrdered(left: Value, operator: Extract<Match, { kind: "compare" }>["operator"], right: Value): boolean {
  switch (operator) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    default:
      throw new Error(`${operator} is no order`);
  }
}

function isMember(set: string, key: readonly Value[], { environment }: State, { table }: Frame): boolean {
  return table.setElements(set).find(key) !== undefined || environment.remembered.get(set)?.has(keyText(key)) === true;
}

/** Notes the element by which the rule applies, if it does: reasons show where it comes from. */
function withMember({ key, negated, set }: Extract<Match, { kind: "member" }>, state: State, { table }: Frame): State {
  const [only, other] = negated || isUnknown(key, state) ? [] : evaluateExpression(key, state, table);
  const element = only === undefined || other !== undefined ? undefined : table.setElements(set).find(only.value);
  return element === undefined ? state : { ...state, member: { element, declaration: table.set(set) } };
}

/** Tells who watches that `key` was looked up among `elements`. */
function tell(key: Expression, value: readonly Value[], elements: readonly SetElement[], state: State): void {
  state.environment.watch?.asked(key, value, { kind: "elements", elements }, state);
}

/** Both ways, unless what this packet has been assumed to be leaves one of them only. */
function assume(what: About | string, negated: boolean, state: State): StepProgress[] {
  const about = typeof what === "string" ? undefined : what;
  const text = typeof what === "string" ? what : describeTest(what);
  const isKnown = state.assumptions.some((assumption) => assumption.text === text);
  return [true, false].flatMap((holds): StepProgress[] => {
    const assumption: Assumption = about === undefined ? { text, holds } : { text, holds, about };
    const assumptions = [...state.assumptions, assumption];
    if (!areConsistent(assumptions)) return [];
    const after = isKnown ? state : { ...state, assumptions };
    return [{ state: after, flow: holds === negated ? "next" : "continue" }];
  });
}

function fork(state: State, branches: readonly { probability: number; flow: StepProgress["flow"] }[]): StepProgress[] {
  const byFlow = new Map<StepProgress["flow"], number>();
  for (const { probability, flow } of branches) byFlow.set(flow, (byFlow.get(flow) ?? 0) + probability);
  return [...byFlow]
    .filter(([, probability]) => probability > TINY)
    .map(([flow, probability]) => ({ state: scale(state, probability), flow }));
}

/** Below this a probability is what rounding left of zero. */
const TINY = 1e-12;

function scale(state: State, probability: number): State {
  return Math.abs(probability - 1) < TINY ? state : { ...state, probability: state.probability * probability };
}

function sum(possible: readonly { readonly probability: number }[]): number {
  return possible.reduce((total, { probability }) => total + probability, 0);
}

// --- statements --------------------------------------------------------------------------------------------------------

function runStatement(statement: Statement, state: State, frame: Frame, rule: Rule): StepProgress[] {
  const because = (after: State, extra: ReasonExtra = {}): State => {
    const { table, family } = { table: frame.table.table.name, family: frame.table.table.family };
    invariant(family === "ip" || family === "ip6" || family === "inet", "only IP tables are evaluated");
    return {
      ...after,
      reasons: [
        ...after.reasons,
        { hook: frame.hook, table, family, chain: frame.chain, rule, ...state.member, ...extra },
      ],
    };
  };
  switch (statement.kind) {
    case "verdict":
      return runVerdict(statement.verdict, because(state), frame);
    case "vmap":
      return runVmap(statement, state, frame, (after, element) =>
        because(after, { element, ...declarationOf(statement.map, frame) }),
      );
    case "dnat":
      return runDnat(statement.to, state, frame, because);
    case "redirect": {
      const port = statement.ports === undefined ? state.destinationPort : Number(statement.ports.from);
      return [{ state: because(translate(state, redirectAddress(state), port)), flow: "done" }];
    }
    case "snat":
    case "masquerade":
      return [{ state: because({ ...state, masqueraded: true, sourceSettled: true }), flow: "done" }];
    case "reject":
      return [{ state: because({ ...state, end: { kind: "reject", with: statement.with } }), flow: "done" }];
    case "set":
      return runSet(statement, state, frame);
    case "remember":
      return [{ state: because(remember(statement, state, frame)), flow: "continue" }];
    case "counter":
      return [{ state, flow: "continue" }];
    case "opaque-statement": {
      const after = (statement.writes ?? []).reduce(overwrite, state);
      return statement.terminal ? assumeEnd(statement.text, after) : [{ state: after, flow: "continue" }];
    }
    default:
      return unreachable(statement);
  }
}

type ReasonExtra = Pick<Reason, "element" | "declaration" | "translated">;

function declarationOf(map: string | readonly MapElement[], { table }: Frame): Pick<Reason, "declaration"> {
  return typeof map === "string" ? { declaration: table.map(map) } : {};
}

function runVerdict(verdict: Verdict, state: State, frame: Frame): StepProgress[] {
  switch (verdict.kind) {
    case "accept":
      return [{ state: { ...state, accepted: true }, flow: "done" }];
    case "drop":
      return [{ state: { ...state, end: { kind: "drop" } }, flow: "done" }];
    case "continue":
      return [{ state, flow: "next" }];
    case "return":
      return [{ state, flow: "return" }];
    case "jump":
    case "goto": {
      const chain = frame.table.chain(verdict.chain);
      const inside = runChain(chain, state, { ...frame, chain: chain.name, depth: frame.depth + 1 });
      const afterReturn = verdict.kind === "jump" ? "next" : "return";
      return inside.map(({ state: after, flow }) => ({ state: after, flow: flow === "return" ? afterReturn : flow }));
    }
    default:
      return unreachable(verdict);
  }
}

function runVmap(
  { key, map }: Extract<Statement, { kind: "vmap" }>,
  state: State,
  frame: Frame,
  because: (state: State, element: SetElement) => State,
): StepProgress[] {
  const elements =
    typeof map === "string" ? frame.table.mapElements(map) : new ElementIndex<MapElement>({ elements: map });
  if (isUnknown(key, state)) {
    const candidates = typeof map === "string" ? frame.table.map(map).elements : map;
    return assumeElement(key, candidates, state, (element, chosen) =>
      isData(element.value) ? [] : runVerdict(element.value, because(chosen, element), frame),
    );
  }
  const possible = evaluateExpression(key, state, frame.table);
  const found = possible.flatMap(({ probability, value }): StepProgress[] => {
    tell(key, value, typeof map === "string" ? frame.table.map(map).elements : map, state);
    const element = elements.find(value);
    if (element === undefined || isData(element.value)) return [{ state: scale(state, probability), flow: "next" }];
    return runVerdict(element.value, because(scale(state, probability), element), frame);
  });
  const rest = 1 - sum(possible);
  return rest > TINY ? [...found, { state: scale(state, rest), flow: "next" }] : found;
}

/** Each element that an unknown key may be, by what it holds, and none of them: the rule ends then. */
function assumeElement(
  key: Expression,
  elements: readonly MapElement[],
  state: State,
  run: (element: MapElement, state: State) => StepProgress[],
): StepProgress[] {
  const byValue = new Map<string, MapElement[]>();
  for (const element of elements) {
    const value = isData(element.value) ? keyText(element.value) : JSON.stringify(element.value);
    byValue.set(value, [...(byValue.get(value) ?? []), element]);
  }
  let open = [state];
  const done: StepProgress[] = [];
  for (const group of byValue.values()) {
    const subject = describe(key);
    const what =
      key.kind === "concat"
        ? `${subject} ${group.map((element) => element.key.map(partText).join(" . ")).join()}`
        : { subject, values: group.flatMap((element) => element.key) };
    const branches = open.flatMap((each) => assume(what, false, each));
    open = branches.filter(({ flow }) => flow === "next").map((branch) => branch.state);
    for (const branch of branches) {
      if (branch.flow !== "next") done.push(...run(group[0] as MapElement, branch.state));
    }
  }
  return [...done, ...open.map((each): StepProgress => ({ state: each, flow: "next" }))];
}

function partText(part: KeyPart): string {
  return typeof part === "object" ? `${part.from}-${part.to}` : String(part);
}

function isData(value: MapElement["value"]): value is readonly Value[] {
  return Array.isArray(value);
}

function runDnat(
  to: NatTarget,
  state: State,
  frame: Frame,
  because: (state: State, extra: ReasonExtra) => State,
): StepProgress[] {
  if (to.kind === "literal") {
    const address = (to.addresses?.from ?? state.destination) as Address;
    const port = Number(to.ports?.from ?? state.destinationPort);
    return [{ state: because(translate(state, address, port), { translated: { address, port } }), flow: "done" }];
  }
  const declaration = frame.table.map(to.map);
  const translateBy = (element: MapElement | undefined, chosen: State): StepProgress => {
    if (element === undefined || !isData(element.value)) return { state: chosen, flow: "next" };
    const address = element.value[0] as Address;
    const port = Number(element.value[1] ?? state.destinationPort);
    return {
      state: because(translate(chosen, address, port), { element, declaration, translated: { address, port } }),
      flow: "done",
    };
  };
  if (isUnknown(to.key, state))
    return assumeElement(to.key, declaration.elements, state, (element, chosen) => [translateBy(element, chosen)]);
  const possible = evaluateExpression(to.key, state, frame.table);
  const found = possible.map(({ probability, value }): StepProgress => {
    tell(to.key, value, declaration.elements, state);
    return translateBy(frame.table.mapElements(to.map).find(value), scale(state, probability));
  });
  const rest = 1 - sum(possible);
  return rest > TINY ? [...found, { state: scale(state, rest), flow: "next" }] : found;
}

/** A redirected packet stays here: by its own name when it came from here, else by an address of the node. */
function redirectAddress({ original, destination, environment }: State): Address {
  if (original.inInterface === undefined) return (typeof destination === "number" ? 0x7f000001 : 1n) as Address;
  return [...environment.localAddresses].find((address) => typeof address === typeof destination) ?? destination;
}

function runSet({ field, value }: Extract<Statement, { kind: "set" }>, state: State, frame: Frame): StepProgress[] {
  const { table } = frame;
  if (isUnknown(value, state)) return [{ state: overwrite(state, field), flow: "continue" }];
  const possible = evaluateExpression(value, state, table);
  const written = possible.map(({ probability, value: [word] }): StepProgress => {
    const number = Number(word);
    const scaled = { ...scale(state, probability), overwritten: without(state.overwritten, describe(field)) };
    if (field.kind === "ct" && field.key === "state") return { state: untrack(scaled, frame), flow: "continue" };
    if (field.kind === "ct")
      return { state: field.key === "mark" ? { ...scaled, ctMark: number } : scaled, flow: "continue" };
    if (field.key === "mark") return { state: { ...scaled, mark: number }, flow: "continue" };
    return { state: field.key === "priority" ? { ...scaled, priority: number } : scaled, flow: "continue" };
  });
  const rest = 1 - sum(possible);
  return rest > TINY ? [...written, { state: scale(state, rest), flow: "next" }] : written;
}

/** `state` with a field whose value is not known any more. */
function overwrite(state: State, field: Expression): State {
  return { ...state, overwritten: new Set(state.overwritten).add(describe(field)) };
}

function without(texts: ReadonlySet<string>, text: string): ReadonlySet<string> {
  return texts.has(text) ? new Set([...texts].filter((other) => other !== text)) : texts;
}

/** Only a packet that connection tracking has not seen yet stays out of it (nft_notrack_eval, xt_ct_target). */
function untrack(state: State, { priority }: Frame): State {
  return priority < CONNTRACK_PRIORITY || state.ctState === CT_STATE.invalid
    ? { ...state, ctState: CT_STATE.untracked }
    : state;
}

function remember(
  { set, timeoutSeconds }: Extract<Statement, { kind: "remember" }>,
  state: State,
  { table }: Frame,
): State {
  const seconds = timeoutSeconds ?? table.set(set).dynamic?.timeoutSeconds;
  return seconds === undefined ? state : { ...state, sticky: { timeoutSeconds: seconds } };
}

/** A terminal statement that is not understood: it may have taken the packet, or not. */
function assumeEnd(text: string, state: State): StepProgress[] {
  return assume(text, false, state).map(({ state: after, flow }) => ({
    state: after,
    flow: flow === "continue" ? "done" : "continue",
  }));
}
