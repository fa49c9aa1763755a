/** What a match does to packets. */
import { unreachable } from "../invariant.ts";
import type { Match, Value } from "../ir/types.ts";
import { type About, type Assumption, areConsistent, describeTest } from "./assumption.ts";
import { describe, evaluateExpression, isUnknown } from "./expression.ts";
import type { Frame, StepProgress } from "./frame.ts";
import { keyText } from "./lookup.ts";
import type { Question } from "./question.ts";
import type { Region } from "./region.ts";
import { having, narrow, type State, TINY } from "./state.ts";

/** Packets that go on with the rule, and those that go to the next one: each of them, or each with a probability. */
export function runMatch(
  match: Extract<Match, { kind: "member" | "chance" | "opaque" }>,
  state: State,
  frame: Frame,
): StepProgress[] {
  switch (match.kind) {
    case "member":
      return lookUp(match, state, frame);
    case "chance": {
      const probability = match.numerator / 2 ** 31;
      return fork(state, [
        { region: state.region, probability, flow: "continue" },
        { region: state.region, probability: 1 - probability, flow: "next" },
      ]);
    }
    case "opaque":
      return assume(match.text, match.negated, state);
    default:
      return unreachable(match);
  }
}

export function ask(question: Question, state: State, { table }: Frame): StepProgress[] {
  const { left } = question;
  if (isUnknown(left, state)) {
    const { what, negated } = question.assumed;
    return assume(what, negated, state);
  }
  const branches = evaluateExpression(left, state, table).flatMap(({ region, probability, value }): Branch[] => {
    const { yes, no } = question.answer(value?.[0], region);
    return [
      ...(yes === undefined ? [] : [{ region: yes, probability, flow: "continue" } as const]),
      ...(no === undefined ? [] : [{ region: no, probability, flow: "next" } as const]),
    ];
  });
  return fork(state, branches);
}

function lookUp(match: Extract<Match, { kind: "member" }>, state: State, { table }: Frame): StepProgress[] {
  const { key, negated, set } = match;
  const declaration = table.set(set);
  if (isUnknown(key, state)) {
    const { elements, dynamic } = declaration;
    const what =
      key.kind === "concat" || dynamic !== undefined
        ? `${describe(key)} @${set}`
        : { subject: describe(key), values: elements.flatMap((element) => element.key) };
    return assume(what, negated, state);
  }
  const elements = table.setElements(set);
  const branches: Branch[] = [];
  for (const { region, probability, value } of evaluateExpression(key, state, table)) {
    if (value === undefined) {
      branches.push({ region, probability, flow: "next" });
      continue;
    }
    for (const { region: part, element } of elements.split(value, region)) {
      const holds = element !== undefined || isRemembered(set, value as readonly Value[], state);
      // Reasons show where the element is from by which the rule applies.
      const member = negated || element === undefined ? undefined : { element, declaration };
      branches.push({ region: part, probability, flow: holds === negated ? "next" : "continue", member });
    }
  }
  return fork(state, branches);
}

/** Only single packets are evaluated with clients that are remembered. */
function isRemembered(set: string, key: readonly Value[], { environment }: State): boolean {
  return environment.remembered.get(set)?.has(keyText(key)) === true;
}

/** Both ways, unless what these packets have been assumed to be leaves one of them only. */
export function assume(what: About | string, negated: boolean, state: State): StepProgress[] {
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

interface Branch {
  readonly region: Region;
  readonly probability: number;
  readonly flow: "continue" | "next";
  readonly member?: State["member"];
}

/** Branches that all packets take alike are one for each flow. */
function fork(state: State, branches: readonly Branch[]): StepProgress[] {
  const forked: StepProgress[] = [];
  const whole = new Map<Branch["flow"], Branch>();
  for (const branch of branches) {
    const { region, probability, flow, member } = branch;
    if (region !== state.region) {
      forked.push({ state: withMember(narrow(state, region, probability), member), flow });
      continue;
    }
    const known = whole.get(flow);
    whole.set(flow, known === undefined ? branch : { ...known, probability: known.probability + probability });
  }
  for (const { probability, flow, member } of whole.values())
    if (probability > TINY) forked.push({ state: withMember(narrow(state, state.region, probability), member), flow });
  return forked;
}

function withMember(state: State, member: State["member"]): State {
  return member === undefined ? state : having(state, state.region, state.probability, member);
}
