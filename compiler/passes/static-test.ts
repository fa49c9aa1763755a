import type { Expression, Value } from "../ir/types.ts";
import { holdsFor, type ValueTest } from "../ir/value-test.ts";
import { asField } from "../ir/walk.ts";
import { fieldName, type KnownFields } from "./known.ts";

/** The answer to `match` where what is known decides it. */
export function staticTest(match: ValueTest, known: KnownFields): boolean | undefined {
  const value = knownValue(match.left, known);
  return value === undefined ? undefined : holdsFor(match, value);
}

function knownValue(expression: Expression, known: KnownFields): Value | undefined {
  const field = asField(expression);
  return field === undefined ? undefined : known.get(fieldName(field));
}
