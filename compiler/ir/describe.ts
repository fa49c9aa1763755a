/** Expressions as text: what rules test or write is compared, and shown, by it. */
import { unreachable } from "../invariant.ts";
import type { Expression } from "./types.ts";

const SIGNS = { and: "&", or: "|", xor: "^" } as const;

/** `expression` as text: equal expressions are equal text. */
export function describe(expression: Expression): string {
  switch (expression.kind) {
    case "opaque":
      return expression.text;
    case "ip":
    case "ip6":
      return `${expression.kind} ${expression.field}`;
    case "transport":
      return `${expression.protocol} ${expression.field}`;
    case "meta":
    case "ct":
      return `${expression.kind} ${expression.key}`;
    case "header":
      return expression.field;
    case "fib":
      return `fib ${expression.of} type`;
    case "numgen":
      return `numgen ${expression.mode} mod ${expression.modulus} offset ${expression.offset}`;
    case "bitwise":
      return `(${describe(expression.operand)} & ${expression.mask} ^ ${expression.xor})`;
    case "shift":
      return `(${describe(expression.operand)} ${expression.by < 0 ? ">>" : "<<"} ${Math.abs(expression.by)})`;
    case "combine":
      return `(${describe(expression.left)} ${SIGNS[expression.operator]} ${describe(expression.right)})`;
    case "concat":
      return expression.parts.map(describe).join(" . ");
    case "lookup":
      return `${describe(expression.key)} map @${expression.map}`;
    case "constant":
      return String(expression.value);
    default:
      return unreachable(expression);
  }
}
