/** Comparisons of flags. */
import { anyBit, noBit } from "../../ir/build.ts";
import type { DataType, Expression, Match } from "../../ir/types.ts";
import { FLAGS } from "./keywords.ts";
import type { SyntaxNode } from "./syntax.ts";
import { toValue } from "./to-values.ts";

export function isFlags(type: DataType): boolean {
  return FLAGS[type] !== undefined;
}

export function flagList(node: Extract<SyntaxNode, { kind: "list" }>, type: DataType): number | undefined {
  let mask = 0;
  for (const item of node.items) {
    const value = toValue(item, type);
    if (typeof value !== "number") return undefined;
    mask |= value;
  }
  return mask >>> 0;
}

/**
 * How nft 1.0.6 compares flags: a list, or one flag, tests whether one of them is set; with `!` whether none is; with an
 * operator the whole value; `a / b` the bits of b. `other` for what is no flag.
 *
 * `a | b` without an operator is not understood: it tests bits when it is read, and is how a comparison of the whole
 * value is listed.
 */
export function toFlagMatch(
  left: Expression,
  type: DataType,
  operator: string,
  right: SyntaxNode,
): Match | undefined | "other" {
  const masked = maskedFlags(right, type);
  if (masked !== undefined) {
    if (operator !== "" && operator !== "==" && operator !== "!=") return undefined;
    const bitwise: Expression = { kind: "bitwise", operand: left, mask: masked.mask, xor: 0 };
    return { kind: "compare", left: bitwise, operator: operator === "!=" ? "!=" : "==", right: masked.value };
  }
  const flags = right.kind === "list" ? flagList(right, type) : toValue(right, type);
  if (typeof flags !== "number") return "other";
  if (left.kind === "bitwise") {
    if (operator !== "" && operator !== "==" && operator !== "!=") return undefined;
    return { kind: "compare", left, operator: operator === "!=" ? "!=" : "==", right: flags };
  }
  switch (operator) {
    case "":
      return right.kind === "binary" ? undefined : anyBit(left, flags);
    case "!":
      return noBit(left, flags);
    case "==":
    case "!=":
      return { kind: "compare", left, operator, right: flags };
    default:
      return undefined;
  }
}

export function asMatch(match: Match | undefined | "other"): Match | undefined {
  return match === "other" ? undefined : match;
}

/** `syn / syn,ack`: the slash stands in the item between both lists. */
function maskedFlags(node: SyntaxNode, type: DataType): { readonly value: number; readonly mask: number } | undefined {
  const items = node.kind === "list" ? node.items : [node];
  const at = items.findIndex(({ kind }) => kind === "slash");
  const middle = items[at];
  if (middle?.kind !== "slash") return undefined;
  const value = flagList({ kind: "list", items: [...items.slice(0, at), middle.value] }, type);
  const mask = flagList({ kind: "list", items: [middle.right, ...items.slice(at + 1)] }, type);
  return value === undefined || mask === undefined ? undefined : { value, mask };
}
