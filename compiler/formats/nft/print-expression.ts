/** Expressions and values in nft's spelling. */
import { unreachable } from "../../invariant.ts";
import { typeOf } from "../../ir/expression-type.ts";
import { intervalAsPrefix, prefixOfNames } from "../../ir/interval.ts";
import type {
  Component,
  DataType,
  Expression,
  FieldExpression,
  Interval,
  KeyPart,
  TableFamily,
  Value,
} from "../../ir/types.ts";
import { type Ipv4, type Ipv6, printIpv4, printIpv6 } from "../../net/address.ts";
import { printPrefix } from "../../net/prefix.ts";
import { FLAGS, SYMBOLS } from "./keywords.ts";

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
      return `${printExpression(expression.key, family)} map @${expression.map}`;
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

const COMBINING_SIGNS = { and: "&", or: "|", xor: "^" } as const;

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

/** The names of the bits of `mask`, or undefined when one has none. */
export function flagNames(mask: number, type: DataType): string[] | undefined {
  const flags = FLAGS[type];
  if (flags === undefined) return undefined;
  const names = [...flags].filter(([bit]) => (mask & bit) !== 0);
  const covered = names.reduce((sum, [bit]) => sum | bit, 0);
  return covered === mask ? names.map(([, name]) => name) : undefined;
}

/** A single value. */
export function printValue(value: Value, type: DataType): string {
  if (typeof value === "string") return `"${value.replaceAll("*", "\\*")}"`;
  if (typeof value === "bigint") return printCompatible(value as Ipv6);
  // Nearly all elements are made of these, which have no symbols.
  if (type === "ipv4_addr") return printIpv4(value as Ipv4);
  if (type === "inet_service") return String(value);
  const symbol = SYMBOLS[type]?.get(value) ?? FLAGS[type]?.get(value);
  if (symbol !== undefined) return symbol;
  switch (type) {
    case "classid":
      return printClassid(value);
    case "mark":
      return `0x${value.toString(16).padStart(8, "0")}`;
    case "ct_state":
    case "ct_status":
    case "tcp_flag":
    case "dscp":
      return `0x${value.toString(16)}`;
    case "ether_addr":
      return value
        .toString(16)
        .padStart(12, "0")
        .replace(/(..)(?=.)/g, "$1:");
    case "ether_type":
      return `0x${value.toString(16).padStart(4, "0")}`;
    default:
      return String(value);
  }
}

/** An address with 96 leading zero bits is listed as the C library writes it: with the IPv4 address that it once stood for. */
function printCompatible(address: Ipv6): string {
  return address >> 32n === 0n && address > 0xffffn ? `::${printIpv4(Number(address) as Ipv4)}` : printIpv6(address);
}

/** Traffic control's `major:minor`, in hexadecimal; two values have words. */
function printClassid(value: number): string {
  if (value === 0) return "none";
  if (value === 0xffffffff) return "root";
  return `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
}

/** An interval: a prefix where it is one, else `from-to`. */
export function printInterval(interval: Interval, type: DataType): string {
  if (interval.from === interval.to) return printValue(interval.from, type);
  const beginning = prefixOfNames(interval);
  if (beginning !== undefined) return `"${beginning.replaceAll("*", "\\*")}*"`;
  const prefix = intervalAsPrefix(interval, type);
  return prefix === undefined ? `${printEnd(interval.from, type)}-${printEnd(interval.to, type)}` : printPrefix(prefix);
}

/** One end of a range: nft has no ranges of names. */
function printEnd(value: Value, type: DataType): string {
  return typeof value === "number" && SYMBOLS[type] !== undefined ? String(value) : printValue(value, type);
}

/** The components of an element's key or value. */
export function printKey(key: readonly KeyPart[], components: readonly Component[]): string {
  let text = "";
  for (let i = 0; i < key.length; i++) {
    const part = key[i] as KeyPart;
    const type = (components[i] as Component).type;
    if (i > 0) text += " . ";
    text += typeof part === "object" ? printInterval(part, type) : printValue(part, type);
  }
  return text;
}
