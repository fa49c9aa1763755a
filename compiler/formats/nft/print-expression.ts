/** Expressions in nft's spelling. */

import { unreachable } from "../../invariant.ts";
import { COMBINING_SIGNS } from "../../ir/describe.ts";
import { typeOf } from "../../ir/expression-type.ts";
import type { DataType, Expression, FieldExpression, TableFamily, Value } from "../../ir/types.ts";
import { printAsked } from "./print-elements.ts";
import { flagNames, printValue } from "./print-values.ts";

/** An expression as the left side of a match, a key, or the right side of `set`. `family` is the table's: a
 *  connection's addresses are spelled by family. */
export function printExpression(expression: Expression, family: TableFamily): string {
  switch (expression.kind) {
    case "numgen":
      return `numgen ${expression.mode} mod ${expression.modulus}${expression.offset === 0 ? "" : ` offset ${expression.offset}`}`;
    case "bitwise":
      return printBitwise(expression, family);
    case "shift":
      return `${printOperand(expression.operand, family)} ${expression.by < 0 ? ">>" : "<<"} ${Math.abs(expression.by)}`;
    case "combine":
      return [expression.left, expression.right]
        .map((side) => printOperand(side, family))
        .join(` ${COMBINING_SIGNS[expression.operator]} `);
    case "concat":
      return expression.parts.map((part) => printExpression(part, family)).join(" . ");
    case "lookup":
      return `${printExpression(expression.key, family)} map ${printAsked(expression.map)}`;
    case "constant":
      return printValue(expression.value, expression.type);
    case "opaque":
      return expression.text;
    default:
      // All fields: `printField` takes nothing else.
      return printField(expression, family);
  }
}

function printField(field: FieldExpression, family: TableFamily): string {
  switch (field.kind) {
    case "ip":
      return `ip ${field.field}`;
    case "ip6":
      return `ip6 ${field.field}`;
    case "transport":
      return `${field.protocol} ${field.field}`;
    case "meta":
      // nft lists these without the keyword.
      return /^[io]if(name)?$/.test(field.key) ? field.key : `meta ${field.key}`;
    case "ct":
      return printCtField(field.key, family);
    case "fib":
      return `fib ${field.of} ${field.result}`;
    case "header":
      return field.field;
    default:
      return unreachable(field);
  }
}

function printCtField(key: Extract<FieldExpression, { kind: "ct" }>["key"], family: TableFamily): string {
  const ip = family === "ip6" ? "ip6" : "ip";
  switch (key) {
    case "original-saddr":
    case "original-daddr":
    case "reply-saddr":
    case "reply-daddr":
      return `ct ${key.replace("-", ` ${ip} `)}`;
    case "original-proto-src":
    case "original-proto-dst":
    case "reply-proto-src":
    case "reply-proto-dst":
      return `ct ${key.replace("-", " ")}`;
    case "original-protocol":
      return "ct protocol";
    default:
      return `ct ${key}`;
  }
}

/** An expression between operators. */
function printOperand(expression: Expression, family: TableFamily): string {
  const text = printExpression(expression, family);
  return isComposed(expression) ? `(${text})` : text;
}

function isComposed({ kind }: Expression): boolean {
  return kind === "bitwise" || kind === "shift" || kind === "combine";
}

/** `(x & mask) ^ xor` as `x & m`, `x | m` or `x ^ m`, whichever says the same. */
function printBitwise({ operand, mask, xor }: Extract<Expression, { kind: "bitwise" }>, family: TableFamily): string {
  const type = typeOf(operand, family);
  const inner = printOperand(operand, family);
  const all = 0xffffffff;
  if (xor === 0 || xor === 0n) return `${inner} & ${printMask(mask, type)}`;
  if (mask === all) return `${inner} ^ ${printMask(xor, type)}`;
  if (typeof mask === "number" && typeof xor === "number" && ~mask >>> 0 === xor)
    return `${inner} | ${printMask(xor, type)}`;
  return `${inner} & ${printMask(mask, type)} ^ ${printMask(xor, type)}`;
}

/** A mask: names of bits where the type has them, else hexadecimal. */
function printMask(mask: Value, type: DataType): string {
  if (typeof mask !== "number") return printValue(mask, type);
  const names = flagNames(mask, type);
  if (names === undefined || names.length === 0) return printValue(mask, type);
  return names.length === 1 ? names.join() : `(${names.join(" | ")})`;
}
