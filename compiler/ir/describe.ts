/** Expressions as text: what rules test or write is compared, and shown, by it. */

import { unreachable } from "../invariant.ts";
import { isForOthers } from "./sets.ts";
import type { AskedMap, CtKey, Expression, FieldExpression, HeaderField, KeyPart, MetaKey } from "./types.ts";

/** How nft writes them. */
export const COMBINING_SIGNS = { and: "&", or: "|", xor: "^" } as const;

/** A field of packets, by the words that nft has for it. */
export type FieldName =
  | `${"ip" | "ip6"} ${"saddr" | "daddr"}`
  | `${"th" | "tcp" | "udp" | "sctp"} ${"sport" | "dport"}`
  | `meta ${MetaKey}`
  | `ct ${CtKey}`
  | `fib ${"saddr" | "daddr"} type`
  | HeaderField;

export function nameOfField(field: FieldExpression): FieldName {
  switch (field.kind) {
    case "ip":
    case "ip6":
      return `${field.kind} ${field.field}`;
    case "transport":
      return `${field.protocol} ${field.field}`;
    case "meta":
      return `meta ${field.key}`;
    case "ct":
      return `ct ${field.key}`;
    case "fib":
      return `fib ${field.of} type`;
    case "header":
      return field.field;
    default:
      return unreachable(field);
  }
}

/** `@NAME`, or the elements of a map that stands in the rule. */
function nameOfMap(map: AskedMap): string {
  if (typeof map === "string") return `@${map}`;
  const part = (each: KeyPart): string => (typeof each === "object" ? `${each.from}-${each.to}` : String(each));
  const texts = map.elements.map(({ key, value }) => {
    const found = "kind" in value ? `${value.kind}${"chain" in value ? ` ${value.chain}` : ""}` : value.join(" . ");
    return `${isForOthers(key) ? "*" : key.map(part).join(" . ")} : ${found}`;
  });
  return `{ ${texts.join(", ")} }`;
}

/** `expression` as text: equal expressions are equal text. */
export function describe(expression: Expression): string {
  switch (expression.kind) {
    case "opaque":
      return expression.text;
    case "ip":
    case "ip6":
    case "transport":
    case "meta":
    case "ct":
    case "header":
    case "fib":
      return nameOfField(expression);
    case "numgen":
      return `numgen ${expression.mode} mod ${expression.modulus} offset ${expression.offset}`;
    case "bitwise":
      return `(${describe(expression.operand)} & ${expression.mask} ^ ${expression.xor})`;
    case "shift":
      return `(${describe(expression.operand)} ${expression.by < 0 ? ">>" : "<<"} ${Math.abs(expression.by)})`;
    case "combine":
      return `(${describe(expression.left)} ${COMBINING_SIGNS[expression.operator]} ${describe(expression.right)})`;
    case "concat":
      return expression.parts.map(describe).join(" . ");
    case "lookup":
      return `${describe(expression.key)} map ${nameOfMap(expression.map)}`;
    case "constant":
      return String(expression.value);
    default:
      return unreachable(expression);
  }
}
