import { partHolds } from "../ir/interval.ts";
import type { Expression, Match, Value } from "../ir/types.ts";
import { asField, fieldName, type Known } from "./known.ts";

/** The answer to `match` where what is known decides it. */
export function staticTest(
  match: Extract<Match, { kind: "compare" | "within" | "name-prefix" }>,
  known: Known,
): boolean | undefined {
  const value = knownValue(match.left, known);
  if (value === undefined) return undefined;
  switch (match.kind) {
    case "compare":
      return compare(value, match.operator, match.right);
    case "within":
      return match.intervals.some((interval) => partHolds(interval, value)) !== match.negated;
    case "name-prefix":
      return String(value).startsWith(match.prefix) !== match.negated;
  }
}

function knownValue(expression: Expression, known: Known): Value | undefined {
  const field = asField(expression);
  return field === undefined ? undefined : known.get(fieldName(field));
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
