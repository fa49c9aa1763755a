/** What iptables 1.8 asks of the options of its extensions before it takes a rule: which have to be there, which exclude each
 *  other, and between which bounds numbers are. */
import { meaningOf } from "../../words.ts";
import type { OptionText } from "./grammar.ts";

/** A number from `from` to `to`; `pair`: or two of them around this sign. */
interface Bounds {
  readonly from: bigint;
  readonly to: bigint;
  readonly pair?: ":" | "-";
}

export interface OptionRules {
  /** All of these have to be there. */
  readonly required?: readonly string[];
  /** Of each list one has to be there. */
  readonly oneOf?: readonly (readonly string[])[];
  /** Of each list at most one may be there. */
  readonly exclusive?: readonly (readonly string[])[];
  readonly numbers?: Readonly<Record<string, Bounds>>;
  /** Words that an option takes, in lower case. */
  readonly words?: Readonly<Record<string, readonly string[]>>;
  /** Options that may not stand behind `!`. */
  readonly notInverted?: readonly string[];
  /** Another reason to refuse the options. */
  readonly other?: (options: readonly OptionText[]) => string | undefined;
}

export const bits = (count: number, pair?: ":" | "-"): Bounds => ({
  from: 0n,
  to: (1n << BigInt(count)) - 1n,
  ...(pair === undefined ? {} : { pair }),
});
export const upTo = (to: number, from = 0): Bounds => ({ from: BigInt(from), to: BigInt(to) });

/** One option more than once is all that is wrong. */
export const ONCE: OptionRules = {};

/** The one option of an extension. */
export const only = (name: string): OptionRules => ({ required: [name] });

/** One of several options, and no more. */
export const choice = (...names: readonly string[]): OptionRules => ({ oneOf: [names], exclusive: [names] });

export const firstValue = (options: readonly OptionText[], wanted: string): string | undefined =>
  options.find(({ name }) => name === wanted)?.values[0];

/** Numbers are not looked at: one of them is a word. */
export const SKIP = "skip";

/** What was expected where iptables refuses the options of the extension `name`, and at which of them; undefined: it takes them. */
export function optionsRefused(
  { name, options }: { readonly name: string; readonly options: readonly OptionText[] },
  rules: OptionRules | undefined,
): { readonly message: string; readonly option: OptionText | undefined } | undefined {
  const stray = options.find(({ name }) => /^-[0-9]/.test(name));
  if (stray !== undefined) return { message: "expected a value, found a negative number", option: stray };
  const twice = options.find((option, i) => options.findIndex((other) => other.name === option.name) < i);
  if (twice !== undefined && rules !== undefined) return { message: `expected ${twice.name} once`, option: twice };
  if (rules === undefined) return undefined;
  const { required = [], oneOf = [], exclusive = [], numbers = {}, words = {}, notInverted = [] } = rules;
  const names = [...required, ...oneOf.flat()];
  // Options may be abbreviated.
  const has = (wanted: string): boolean =>
    options.some(
      (option) => option.name === wanted || (wanted.startsWith(option.name) && !names.includes(option.name)),
    );
  const missing = required.find((option) => !has(option));
  if (missing !== undefined) return { message: `expected ${missing} with ${name}`, option: undefined };
  const absent = oneOf.find((choices) => !choices.some(has));
  if (absent !== undefined) return { message: `expected one of ${absent.join(", ")}`, option: undefined };
  for (const choices of exclusive) {
    const [, second] = options.filter((option) => choices.includes(option.name));
    if (second !== undefined)
      return { message: `expected one of ${choices.join(", ")}, and no second`, option: second };
  }
  const other = rules.other?.(options);
  if (other !== undefined && other !== SKIP) return { message: other, option: undefined };
  for (const option of options) {
    const found = other === SKIP ? undefined : valueRefused(option, numbers, words, notInverted);
    if (found !== undefined) return { message: found, option };
  }
  return undefined;
}

function valueRefused(
  { name, values, negated }: OptionText,
  numbers: Readonly<Record<string, Bounds>>,
  words: Readonly<Record<string, readonly string[]>>,
  notInverted: readonly string[],
): string | undefined {
  if (negated && notInverted.includes(name)) return `expected ${name} without a negation`;
  const known = meaningOf(words, name);
  const [value] = values;
  if (known !== undefined && !known.includes(value?.toLowerCase() ?? "")) return `expected ${known.join(", ")}`;
  const bounds = meaningOf(numbers, name);
  return bounds === undefined || isWithin(value ?? "", bounds)
    ? undefined
    : `expected a number from ${bounds.from} to ${bounds.to}${bounds.pair === undefined ? "" : `, or two of them with "${bounds.pair}"`}`;
}

function isWithin(text: string, { from, to, pair }: Bounds): boolean {
  const parts = pair === undefined ? [text] : text.split(pair);
  const ends = parts.map((part) => (pair !== undefined && part === "" ? undefined : parseNumber(part)));
  if (parts.length > 2 || text === "") return false;
  if (ends.some((end, i) => parts[i] !== "" && (end === undefined || end < from || end > to))) return false;
  const [first, second] = ends;
  return first === undefined || second === undefined || first <= second;
}

/** As strtoul reads it: decimal, octal or hexadecimal. */
function parseNumber(text: string): bigint | undefined {
  if (/^0[0-7]+$/.test(text)) return BigInt(`0o${text.slice(1)}`);
  return /^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text) ? BigInt(text.toLowerCase()) : undefined;
}
