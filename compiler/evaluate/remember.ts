/** What rules enter into lists, and what they find there. */

import { describe } from "../ir/describe.ts";
import { partsOfKey } from "../ir/sets.ts";
import type { Expression, Match, Statement } from "../ir/types.ts";
import { assume } from "./assume.ts";
import { evaluateExpression } from "./expression.ts";
import type { Because, Frame, StepProgress } from "./frame.ts";
import { onlyFills } from "./list-use.ts";
import { type Entered, enter, recall, since } from "./memory.ts";
import { Partition } from "./partition.ts";
import { type Branch, isExplained, narrow, type SharedState, type State, withShared } from "./state.ts";
import { symbolOf } from "./symbol.ts";
import { isUnknown } from "./unknown-expression.ts";

type Remember = Extract<Statement, { kind: "remember" }>;

/** For how many seconds a key stays in the set; undefined: for ever, or not at all. */
export function secondsOf({ set, operation, timeoutSeconds }: Remember, { table }: Frame): number | undefined {
  return operation === "delete" ? undefined : (timeoutSeconds ?? table.set(set).timeoutSeconds);
}

/** `add`, `update` and `delete` of a set. */
export function remember(statement: Remember, state: State, frame: Frame, because: Because): StepProgress[] {
  const { shared, branches } = state;
  const { table, lists } = frame.table;
  const { key, operation } = statement;
  const list = lists.filledSet(statement.set, table);
  const seconds = secondsOf(statement, frame);
  // What stays for good is not made younger.
  const verb = operation === "update" && seconds === undefined ? "add" : operation;
  const life = seconds === undefined ? "" : ` for ${seconds} s`;
  const sticky = seconds === undefined ? {} : { sticky: { timeoutSeconds: seconds } };
  const afterwards = new Map<string | undefined, SharedState>();
  const after = (symbol: string | undefined): SharedState => {
    const known = afterwards.get(symbol);
    if (known !== undefined) return known;
    const text = `${verb} ${symbol ?? describe(key)} in ${list}${life}`;
    const isThere = operation !== "delete";
    const own = list === undefined ? shared : noted(shared, { list, key: symbol, isThere, text }, frame);
    const next = because({ ...own, ...sticky });
    afterwards.set(symbol, next);
    return next;
  };
  // Of session affinity nobody asks which key it was.
  const symbolIn = (branch: Branch) => (list === undefined ? undefined : symbolOf(key, shared, branch));
  const parts = new Partition<"continue" | "next">(state);
  for (const branch of branches) {
    if (isUnknown(key, shared) || lists.readsFilled(key, table)) {
      parts.add(branch, "continue", after(symbolIn(branch)));
      continue;
    }
    for (const { region, probability, value } of evaluateExpression(key, shared, branch, frame.table)) {
      const part = narrow(branch, region, probability);
      if (value === undefined) parts.add(part, "next");
      else parts.add(part, "continue", after(symbolIn(branch)));
    }
  }
  return parts.progress;
}

/** `shared` after something was done to a list, which matters only where some rule asks for it. */
function noted(shared: SharedState, entered: Entered, { table }: Frame): SharedState {
  if (!table.lists.tested.has(entered.list)) return shared;
  return { ...shared, entered: enter(shared.entered, entered) };
}

/** A step that is not understood has filled a list. */
export function fill(text: string, list: string, state: State, frame: Frame): State {
  const shared = noted(state.shared, { list, key: undefined, isThere: undefined, text }, frame);
  return shared === state.shared ? state : withShared(state, shared);
}

/** A match on a list that rules fill; undefined: it is on none. */
export function askList(match: Match, state: State, frame: Frame): StepProgress[] | undefined {
  const { table, lists } = frame.table;
  if (match.kind === "member") {
    const list = lists.filledSet(match.set, table);
    return list === undefined ? undefined : lookUpFilled(match, list, state, frame);
  }
  if (match.kind !== "opaque") return undefined;
  const bucket = lists.bucketAskedBy(match);
  if (bucket !== undefined) return askBucket(match, bucket, state, frame);
  const use = lists.filledBy(match, table);
  return use && runOpaqueUse(match, use, state, frame);
}

/** A match on a bucket: that it takes one packet says nothing about the next match that asks it, nor about other rules' buckets. */
function askBucket(
  { text, negated }: Extract<Match, { kind: "opaque" }>,
  bucket: string,
  state: State,
  frame: Frame,
): StepProgress[] {
  const own = bucket.startsWith(text) ? bucket : text;
  return assume(`${own}${since(bucket, state.shared.entered)}`, negated, state).map((each) => ({
    ...each,
    state: fill(`count in ${bucket}`, bucket, each.state, frame),
  }));
}

/** A match that is not understood, and that asks a list or fills it. */
function runOpaqueUse(
  match: Extract<Match, { kind: "opaque" }>,
  { list, fills }: { readonly list: string; readonly fills: boolean },
  state: State,
  frame: Frame,
): StepProgress[] {
  const { text, negated } = match;
  if (onlyFills(match)) {
    const holds = !text.includes("! --set") !== negated;
    return [{ state: fill(text, list, state, frame), flow: holds ? "continue" : "next" }];
  }
  return assume(`${text}${since(list, state.shared.entered)}`, negated, state).map((each) =>
    fills ? { ...each, state: fill(text, list, each.state, frame) } : each,
  );
}

/** Whether keys are in a set that rules fill. */
export function lookUpFilled(
  { key, negated, set, orAbsent }: Extract<Match, { kind: "member" }>,
  list: string,
  state: State,
  { table }: Frame,
): StepProgress[] {
  const { shared, branches } = state;
  const { lists } = table;
  const declaration = table.set(set);
  const isEmptied = lists.isEmptied(list);
  const parts = new Partition<"continue" | "next">(state);
  const open = new Map<string, Branch[]>();
  const decide = (branch: Branch, answer: boolean | string, own = shared): void => {
    if (typeof answer === "boolean") {
      parts.add(branch, answer === negated ? "next" : "continue", answer === negated ? shared : own);
      return;
    }
    const known = open.get(answer);
    if (known === undefined) open.set(answer, [branch]);
    else known.push(branch);
  };
  for (const branch of branches) {
    const symbol = symbolOf(key, shared, branch) ?? `some ${describe(key)}`;
    if (isUnknown(key, shared) || lists.readsFilled(key, table.table)) {
      const listed = declaration.elements.map((element) => partsOfKey(element).map(String).join(" . ")).sort();
      const name = listed.length === 0 ? symbol : `${symbol}, or one of ${listed.join(", ")},`;
      decide(branch, recall(list, symbol, name, false, isEmptied, shared.entered));
      continue;
    }
    for (const { region, probability, value } of evaluateExpression(key, shared, branch, table)) {
      if (value === undefined) {
        parts.add(narrow(branch, region, probability), orAbsent ? "continue" : "next");
        continue;
      }
      for (const { region: part, element } of table.setElements(set).split(value, region)) {
        const answer = recall(list, symbol, symbol, element !== undefined, isEmptied, shared.entered);
        const isShown = isExplained(shared) && !negated && element !== undefined;
        decide(
          narrow(branch, part, probability),
          answer,
          isShown ? { ...shared, member: { element, declaration } } : shared,
        );
      }
    }
  }
  const assumed = [...open].flatMap(([fact, some]) => assume(fact, negated, { shared, branches: some }));
  return [...parts.progress, ...assumed];
}

/** A lookup in a map that rules fill: what they have put there may lead anywhere, what is listed is looked up by `run`. */
export function lookUpInFilledMap(
  key: Expression,
  list: string,
  state: State,
  run: (state: State) => StepProgress[],
): StepProgress[] {
  const { shared, branches } = state;
  const byFact = new Map<string, Branch[]>();
  for (const branch of branches) {
    const symbol = symbolOf(key, shared, branch) ?? `some ${describe(key)}`;
    const fact = `remembered earlier: ${symbol} in ${list}${since(list, shared.entered)}`;
    byFact.set(fact, [...(byFact.get(fact) ?? []), branch]);
  }
  return [...byFact].flatMap(([fact, some]) =>
    assume(fact, false, some.length === branches.length ? state : { shared, branches: some }).flatMap(
      ({ state: after, flow }): StepProgress[] => {
        if (flow === "next") return run(after);
        return [{ state: withShared(after, { takenBy: [...after.shared.takenBy, fact] }), flow: "done" }];
      },
    ),
  );
}
