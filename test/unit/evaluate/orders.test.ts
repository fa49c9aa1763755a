/** What becomes of packets in each of the orders that chains may run in, put together. */
import { expect, test } from "vitest";
import type { AssumedOrder } from "../../../compiler/evaluate/hook-order.ts";
import { inAnyOrder, joinOrders, type Ordered } from "../../../compiler/evaluate/orders.ts";
import { alone, environmentOf } from "../../../compiler/evaluate/packet.ts";
import { changeShared, type State, startState } from "../../../compiler/evaluate/state.ts";
import { describeAssumption, describeChoice } from "../../../compiler/evaluate/unknown/assumption.ts";
import { assumptionsOf } from "../../../compiler/evaluate/unknown/assumptions-of.ts";
import { ALWAYS, both, type Condition, unknownMatch } from "../../../compiler/evaluate/unknown/condition.ts";
import { PACKET } from "../../support/ir.ts";
import { address } from "../../support/service-port.ts";

const START = startState(alone(PACKET), environmentOf([]), true);

/** `a`, `not b`. */
const assumedIn = (texts: string): readonly AssumedOrder[] =>
  texts.split(", ").map((each) => ({ text: each.replace("not ", ""), holds: !each.startsWith("not "), chains: each }));

/** `drop`; `drop 50 7, 50 8 if x`: of one end, by chance to several destinations. `go` goes on, with the mark that is said behind it. */
function stateOf(said: string): State {
  const [, end = "", mark, parts = "100"] = /^(drop|reject|go)(?: mark (\d))? ?(.*)$/.exec(said) ?? [];
  const [{ region, condition, destination, destinationPort } = expect.unreachable()] = START.branches;
  const shared = changeShared(START.shared, {
    ...(end === "drop" && { end: { kind: "drop" } }),
    ...(end === "reject" && { end: { kind: "reject", with: "port-unreachable" } }),
    ...(mark !== undefined && { mark: Number(mark) }),
  });
  const branches = (parts === "" ? "100" : parts).split(", ").map((part) => {
    const [, percent, to, port, unknown] = /^(\d+)(?: (\d)(?::(\d+))?)?(?: if (\w))?$/.exec(part) ?? [];
    return {
      region,
      probability: Number(percent) / 100,
      condition: unknown === undefined ? condition : both(condition, unknownMatch(unknown)),
      destination: to === undefined ? destination : address(`10.0.0.${to}`),
      destinationPort: port === undefined ? destinationPort : Number(port),
    };
  });
  return { shared, branches };
}

function textOf({ shared, branches }: State): string {
  const parts = branches.map(({ probability, destination, destinationPort, condition }) => {
    const to = typeof destination === "number" ? ` ${destination & 0xff}` : "";
    const port = typeof destinationPort === "number" ? `:${destinationPort}` : "";
    return `${Math.round(probability * 100)}${to}${port}${conditionText(condition)}`;
  });
  const mark = shared.mark === 0 ? "" : ` mark ${shared.mark}`;
  return `${shared.end?.kind ?? "go"}${mark} ${parts.join(", ")}`.replace(/ 100$/, "");
}

/** In the order of texts: conditions are numbered as they are met, also by files that ran before. */
function conditionText(condition: Condition): string {
  if (condition === ALWAYS) return "";
  const { assumptions, choices } = assumptionsOf(condition);
  const texts = assumptions.map(describeAssumption).sort();
  return ` if ${[...texts, ...choices.map((choice) => `(${describeChoice(choice)})`)].join(", ")}`;
}

/** `a: drop; go`: where a holds. */
function orderOf(said: string): Ordered {
  const [assumed = "", states = ""] = said.split(": ");
  return { assumed: assumedIn(assumed), states: states.split("; ").map(stateOf) };
}

test.each<[what: string, orders: readonly string[], common: readonly string[], open: readonly string[]]>([
  ["the same in both", ["a: drop", "not a: drop"], ["drop"], []],
  ["something else in each", ["a: drop", "not a: reject"], [], ["drop 100 if a", "reject 100 if not a"]],
  ["another mark", ["a: go mark 1", "not a: go mark 2"], [], ["go mark 1 100 if a", "go mark 2 100 if not a"]],
  [
    "the same of two by chance",
    ["a: go 50 7, 50 8", "not a: go 50 8, 50 9"],
    ["go 50 8"],
    ["go 50 7 if a", "go 50 9 if not a"],
  ],
  ["the same in another order", ["a: go 50 7, 50 8", "not a: go 50 8, 50 7"], ["go 50 7, 50 8"], []],
  [
    "the same of two states",
    ["a: drop; reject", "not a: reject; go"],
    ["reject"],
    ["drop 100 if a", "go 100 if not a"],
  ],
  ["the same, split", ["a: go 50 7, 50 8", "not a: go 50 7; go 50 8"], ["go 50 7, 50 8"], []],
  ["other chances", ["a: go 50 7", "not a: go 40 7"], [], ["go 50 7 if a", "go 40 7 if not a"]],
  ["another port", ["a: go 100 7:80", "not a: go 100 7:81"], [], ["go 100 7:80 if a", "go 100 7:81 if not a"]],
  [
    "something that already hangs on something else",
    ["a: drop 100 if x", "not a: drop"],
    [],
    ["drop 100 if a, x", "drop 100 if not a"],
  ],
  ["twice in one, once in the other", ["a: go 50 7, 50 7", "not a: go 50 7"], ["go 50 7"], ["go 50 7 if a"]],
  ["once in one, twice in the other", ["a: go 50 7", "not a: go 50 7, 50 7"], ["go 50 7"], ["go 50 7 if not a"]],
  ["twice in both", ["a: go 50 7, 50 7", "not a: go 50 7; go 50 7"], ["go 50 7, 50 7"], []],
  [
    "several in one",
    ["a: go 50 7, 25 8, 25 9", "not a: drop"],
    [],
    ["go 50 7 if a, 25 8 if a, 25 9 if a", "drop 100 if not a"],
  ],
  ["the same in three", ["a, b: drop", "not a, b: drop", "not b: drop"], ["drop"], []],
  [
    "the same in two of three",
    ["a, b: drop", "not a, b: drop", "not b: reject"],
    [],
    ["drop 100 if a, b", "drop 100 if b, not a", "reject 100 if not b"],
  ],
  [
    "in an order that nobody has, what the last one has",
    ["a, b: drop", "not a, not b: reject"],
    [],
    ["drop 100 if a, b", "reject 100 if (not a, or not b)"],
  ],
])("%s: %j", (_, orders, common, open) => {
  const found = joinOrders(orders.map(orderOf));
  expect([found.common.map(textOf), found.open.map(textOf)]).toEqual([common, open]);
});

test.each<[said: string, takenBy: readonly string[]]>([
  ["go", ["a", "not b"]],
  ["drop", []],
  ["reject", []],
])("what is not followed may take packets that go on: %s", (said, takenBy) => {
  const state = stateOf(said);
  const [after = expect.unreachable(), ...more] = inAnyOrder([state], assumedIn("a, not b"));
  expect(more).toEqual([]);
  expect(after.shared.takenBy).toEqual(takenBy);
  expect(after.branches).toBe(state.branches);
  const [again] = inAnyOrder([after], assumedIn("c"));
  expect(again?.shared.takenBy).toEqual(said === "go" ? ["a", "not b", "c"] : []);
});
