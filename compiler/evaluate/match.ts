/** What a match does to packets. */

import { unreachable } from "../invariant.ts";
import { isForOthers } from "../ir/sets.ts";
import type { AskedSet, Expression, Match, SetElement, Value } from "../ir/types.ts";
import { outside } from "../packets/packet-set.ts";
import { assume } from "./assume.ts";
import { evaluateExpression } from "./expression.ts";
import { askFragments } from "./fragments.ts";
import type { Frame, StepProgress } from "./frame.ts";
import { keyText } from "./lookup.ts";
import { Partition, Split } from "./partition.ts";
import type { Question } from "./question.ts";
import { changeShared, isExplained, narrow, type SharedState, type State, TINY } from "./state.ts";
import type { TableIndex } from "./table-index.ts";
import { describeTest } from "./unknown/assumption.ts";
import { isUnknown } from "./unknown-expression.ts";
import { choicesOf } from "./unknown-key.ts";

type Flow = "continue" | "next";

/** Packets that go on with the rule, and those that go to the next one: each of them, or each with a probability. */
export function runMatch(
  match: Extract<Match, { kind: "member" | "chance" | "opaque" }>,
  state: State,
  frame: Frame,
): StepProgress[] {
  switch (match.kind) {
    case "member":
      return lookUp(match, state, frame);
    case "chance":
      return takeChance(match.numerator / 2 ** 31, state);
    case "opaque": {
      const known = askFragments(match, state, frame);
      if (known !== undefined) return [{ state, flow: known ? "continue" : "next" }];
      return assume(match.text, match.negated, state);
    }
    default:
      return unreachable(match);
  }
}

function takeChance(probability: number, state: State): StepProgress[] {
  const parts = new Partition<Flow>(state);
  for (const branch of state.branches) {
    const { region } = branch;
    if (probability > TINY) parts.add(narrow(branch, region, probability), "continue");
    if (1 - probability > TINY) parts.add(narrow(branch, region, 1 - probability), "next");
  }
  return parts.progress;
}

export function ask(question: Question, state: State, { table }: Frame): StepProgress[] {
  const { left } = question;
  const { shared, branches } = state;
  // Not number by number: there may be 2^32.
  if (left.kind === "numgen") return takeChance(question.portionOf(left), state);
  if (isUnknown(left, shared)) {
    const { what, negated } = question.assumed;
    if (!negated || question.orAbsent || !isOfSocket(left)) return assume(what, negated, state);
    // What the kernel sends by itself has no user, which is not another one.
    return assume(HAS_USER, false, state).flatMap((each) =>
      each.flow === "continue" ? assume(what, negated, each.state) : [each],
    );
  }
  if (table.lists.readsFilled(left, table.table)) {
    const { what, negated } = question.assumed;
    const text = typeof what === "string" ? what : describeTest(what);
    const done = shared.entered.map((each) => each.text).join(", ");
    return assume(done === "" ? text : `${text} (after ${done})`, negated, state);
  }
  const parts = new Partition<Flow>(state);
  for (const branch of branches) {
    const split = new Split(parts, branch);
    for (const { region, probability, value } of evaluateExpression(left, shared, branch, table)) {
      const yes = question.passing(value?.[0], region);
      if (yes !== undefined) split.add(yes, probability, "continue");
      for (const no of yes === undefined ? [region] : outside(region, yes)) split.add(no, probability, "next");
    }
    split.end();
  }
  return parts.progress;
}

const HAS_USER = "a program of this node sent the packet";

function isOfSocket(expression: Expression): boolean {
  return expression.kind === "meta" && (expression.key === "skuid" || expression.key === "skgid");
}

function lookUp(match: Extract<Match, { kind: "member" }>, state: State, { table }: Frame): StepProgress[] {
  const { key, negated, set } = match;
  const { shared, branches } = state;
  const declaration = table.set(set);
  if (isUnknown(key, shared)) return lookUpUnknown(match, declaration.elements, state, table);
  const elements = table.setElements(set);
  const parts = new Partition<Flow>(state);
  for (const branch of branches) {
    const split = new Split(parts, branch);
    for (const { region, probability, value } of evaluateExpression(key, shared, branch, table)) {
      if (value === undefined) {
        split.add(region, probability, match.orAbsent ? "continue" : "next");
        continue;
      }
      for (const { region: part, element } of elements.split(value, region)) {
        const holds = element !== undefined || isRemembered(set, value as readonly Value[], shared);
        const flow = holds === negated ? "next" : "continue";
        // Reasons show where the element is from by which the rule applies.
        if (isExplained(shared) && !negated && element !== undefined)
          parts.add(
            narrow(branch, part, probability),
            flow,
            changeShared(shared, { member: { element, declaration } }),
          );
        else split.add(part, probability, flow);
      }
    }
    split.end();
  }
  return parts.progress;
}

/** A key of which something is not known. */
function lookUpUnknown(
  { key, negated, orAbsent }: Extract<Match, { kind: "member" }>,
  elements: readonly SetElement[],
  state: State,
  table: TableIndex,
): StepProgress[] {
  const { choices, absent, test } = choicesOf(key, elements, state, table);
  const isAny = elements.some(({ key: each }) => isForOthers(each));
  const decided = choices.flatMap(({ state: own, candidates }): StepProgress[] => {
    if (!isAny && candidates.length > 0) return assume(test(candidates), negated, own);
    return [{ state: own, flow: isAny === negated ? "next" : "continue" }];
  });
  return absent === undefined ? decided : [...decided, { state: absent, flow: orAbsent ? "continue" : "next" }];
}

/** Only single packets are evaluated with clients that are remembered. */
function isRemembered(set: AskedSet, key: readonly Value[], { environment }: SharedState): boolean {
  return typeof set === "string" && environment.remembered.get(set)?.has(keyText(key)) === true;
}
