/** Whether a value is one that a match asks for. */
import { unreachable } from "../invariant.ts";
import { partHolds } from "./interval.ts";
import type { Match, Value } from "./types.ts";

/** A match on the value of one expression. */
export type ValueTest = Extract<Match, { kind: "compare" | "within" | "name-prefix" }>;

export function holdsFor(test: ValueTest, value: Value): boolean {
  switch (test.kind) {
    case "compare":
      return compare(value, test.operator, test.right);
    case "within":
      return test.intervals.some((interval) => partHolds(interval, value)) !== test.negated;
    case "name-prefix":
      return String(value).startsWith(test.prefix) !== test.negated;
    default:
      return unreachable(test);
  }
}

function compare(left: Value, operator: Extract<Match, { kind: "compare" }>["operator"], right: Value): boolean {
  switch (operator) {
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
  }
}
