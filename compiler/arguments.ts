/** Checks of what callers of the library and of the classifier pass: a wrong argument is one clear `TypeError`, not a crash somewhere
 *  below. */
import type { Source } from "./diagnostics.ts";

/** Throws `TypeError` unless `value` is a source: `{name, text}`. */
export function checkSource(value: unknown, what: string): asserts value is Source {
  if (!isRecord(value) || typeof value["name"] !== "string" || typeof value["text"] !== "string")
    throw new TypeError(`${what}: expected {name: string, text: string}, found ${describe(value)}`);
}

/** The sources in `value`, checked one at a time as they are read. Throws `TypeError` for what is no list of sources. */
export function sourcesIn(value: unknown, what: string): Iterable<Source> {
  if (typeof value === "string" || !isIterable(value))
    throw new TypeError(`${what}: expected a list of {name: string, text: string}, found ${describe(value)}`);
  return checked(value, what);
}

function* checked(values: Iterable<unknown>, what: string): Generator<Source> {
  let index = 0;
  for (const value of values) {
    checkSource(value, `${what}[${index++}]`);
    yield value;
  }
}

/** What an option may be. `count`: a number of 0 or more. A list: one of these words. */
export type OptionKind = "boolean" | "count" | "function" | "any" | readonly string[];

/** Throws `TypeError` unless `value` is undefined or an object with no members but `kinds`, each undefined or of its kind. */
export function checkOptions(value: unknown, kinds: Readonly<Record<string, OptionKind>>): void {
  if (value === undefined) return;
  if (!isRecord(value)) throw new TypeError(`options: expected an object, found ${describe(value)}`);
  for (const [name, option] of Object.entries(value)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined)
      throw new TypeError(`options: expected ${Object.keys(kinds).join(", ")}, found ${JSON.stringify(name)}`);
    if (option !== undefined && !isOfKind(option, kind))
      throw new TypeError(`options.${name}: expected ${describeKind(kind)}, found ${describe(option)}`);
  }
}

function isOfKind(value: unknown, kind: OptionKind): boolean {
  if (kind === "any") return true;
  if (kind === "count") return typeof value === "number" && value >= 0;
  if (typeof kind === "string") return typeof value === kind;
  return kind.some((each) => each === value);
}

function describeKind(kind: OptionKind): string {
  if (typeof kind === "object") return kind.map((each) => JSON.stringify(each)).join(" or ");
  return kind === "count" ? "a number of 0 or more" : `a ${kind}`;
}

/** Throws `TypeError` unless `value` is one of `words`. */
export function checkWord(value: unknown, words: readonly string[], what: string): void {
  if (!isOfKind(value, words))
    throw new TypeError(`${what}: expected ${describeKind(words)}, found ${describe(value)}`);
}

/** Throws `TypeError` unless `value` is text. */
export function checkText(value: unknown, what: string): asserts value is string {
  if (typeof value !== "string") throw new TypeError(`${what}: expected a string, found ${describe(value)}`);
}

/** Throws `TypeError` unless `value` is bytes. */
export function checkBytes(value: unknown, what: string): asserts value is Uint8Array {
  if (classOf(value) !== "Uint8Array") throw new TypeError(`${what}: expected a Uint8Array, found ${describe(value)}`);
}

/** A value in a few words, for messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string")
    return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value);
  if (isRecord(value)) return `an object with ${Object.keys(value).slice(0, 5).join(", ") || "no members"}`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object") return String(value);
  const name = classOf(value);
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name === "Array" ? "array" : name}`;
}

/** Whether `value` is an object with members: no array, `Map`, `Promise` or the like, whose content is not in members. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return classOf(value) === "Object";
}

/** The name that a value's class gives itself: `Object` for those that callers write. */
function classOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}
