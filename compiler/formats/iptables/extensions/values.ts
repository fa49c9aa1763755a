/** Values as several extensions of iptables write them: read, tested and printed. */
import { within } from "../../../ir/build.ts";
import { mergeIntervals } from "../../../ir/interval.ts";
import type { Expression, Interval, Match, Step, Value } from "../../../ir/types.ts";
import { parseServicePort } from "../../../net/service-names.ts";
import { meaningOf } from "../../../words.ts";
import { type RefusedOption, refuse } from "../choice.ts";
import type { OptionText } from "../grammar.ts";
import { type Lacking, lacking } from "../rule-words.ts";
import { type FieldPrinter, oneOption, type Words } from "./row.ts";

// --- tests ---------------------------------------------------------------------------------------------------------------

/** `field` is in `interval`, or is not. */
export function testInterval(
  field: Expression,
  interval: Interval,
  negated: boolean,
): Extract<Match, { kind: "compare" | "within" }> {
  if (interval.from !== interval.to) return within(field, [interval], negated);
  return testValue(field, interval.from, negated);
}

export function testValue(field: Expression, value: Value, negated: boolean): Extract<Match, { kind: "compare" }> {
  return { kind: "compare", left: field, operator: negated ? "!=" : "==", right: value };
}

/** `field` is in one of `intervals`, or in none. */
export function testIntervals(field: Expression, intervals: readonly Interval[], negated: boolean): Match {
  const merged = mergeIntervals(intervals);
  const [only] = merged;
  return merged.length === 1 && only !== undefined
    ? testInterval(field, only, negated)
    : within(field, merged, negated);
}

/** `field & mask == value`, or not. */
export function testMasked(field: Expression, mask: Value, value: Value, negated: boolean, all = 0xffffffff): Match {
  const xor = typeof mask === "bigint" ? 0n : 0;
  const left: Expression = mask === all ? field : { kind: "bitwise", operand: field, mask, xor };
  return testValue(left, value, negated);
}

// --- texts ---------------------------------------------------------------------------------------------------------------

export const NO_MARK = refuse("expected a mark, or mark/mask, of 32 bits");

export const NO_PORT = refuse("expected a port or the name of a service");

/** `80`, `80:90`, `:90`, `80:`, names of services; undefined for anything else. */
export function parsePorts(text: string): Interval | undefined {
  // Names of services may hold a "-", ranges are written with ":".
  const parts = text.split(":");
  if (parts.length > 2 || text === "") return undefined;
  const [first = "", second = first] = parts;
  const from = first === "" && parts.length === 2 ? 0 : parseServicePort(first);
  const to = second === "" && parts.length === 2 ? 65535 : parseServicePort(second);
  return from === undefined || to === undefined || from > to ? undefined : { from, to };
}

/** An unsigned number of at most `bits` bits, decimal, octal or hexadecimal as strtoul reads it. */
export function parseUnsigned(text: string, bits = 32): number | undefined {
  if (!/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text)) return undefined;
  const value = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
  return value < 2 ** bits ? value : undefined;
}

/** `VALUE` or `VALUE/MASK`. */
export function parseMarkAndMask(text: string): { readonly value: number; readonly mask: number } | undefined {
  const [first = "", second] = text.split("/");
  const value = parseUnsigned(first);
  const mask = second === undefined ? 0xffffffff : parseUnsigned(second);
  return value === undefined || mask === undefined || text.split("/").length > 2 ? undefined : { value, mask };
}

/** An option that is a mark, or some bits of one. */
export function readMark(field: Expression): (option: OptionText) => Step[] | RefusedOption {
  return ({ values: [text = ""], negated }) => {
    const parsed = parseMarkAndMask(text);
    return parsed === undefined ? NO_MARK : [testMasked(field, parsed.mask, parsed.value, negated)];
  };
}

/** The bits of a comma list; undefined when a word is none. */
export function parseBits(text: string, bits: Readonly<Record<string, number>>): number | undefined {
  let mask = 0;
  for (const word of text.split(",")) {
    const bit = meaningOf(bits, word.toUpperCase());
    if (bit === undefined) return undefined;
    mask |= bit;
  }
  return mask;
}

/** The list of `mask`'s bits by their names, in the order of `bits`; undefined where one has no name, or there is none. */
export function nameBits(mask: number, bits: Readonly<Record<string, number>>): string | undefined {
  const names = Object.entries(bits).filter(([, bit]) => (mask & bit) !== 0);
  const covered = names.reduce((sum, [, bit]) => sum | bit, 0);
  return covered === mask && names.length > 0 ? names.map(([name]) => name).join(",") : undefined;
}

/** `80`, or `80:90`. */
export function printRange({ from, to }: Interval, separator: ":" | "-" = ":"): string {
  return from === to ? String(from) : `${from}${separator}${to}`;
}

export function printHex(value: Value, digits = 0): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}

// --- printers ------------------------------------------------------------------------------------------------------------

/** Prints a test of one value, of which `words` gives the text. */
export function oneValue(words: (value: Value, negated: boolean) => Words | Lacking): NonNullable<FieldPrinter["one"]> {
  return ({ from, to }, { negated }) =>
    from === to ? words(from, negated) : lacking("a range where iptables takes one value");
}

/** Of a mark: by its value, or by some of its bits. */
export function markPrinter(match: "mark" | "connmark"): FieldPrinter {
  return {
    one: oneValue((value, negated) => oneOption(match, "--mark", [printHex(value)], negated)),
    masked: ({ mask, value }, { negated }) =>
      oneOption(match, "--mark", [`${printHex(value)}/${printHex(mask)}`], negated),
  };
}
