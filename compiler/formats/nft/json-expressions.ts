/** Expressions of libnftables-json(5) in nft's words. */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** A part of the JSON that kpc has no words for. It is thrown by what writes a statement or an element, and caught where one begins. */
export class UnknownJson extends Error {
  constructor(value: JsonValue | undefined) {
    super(describeJson(value));
  }
}

export function isObjectOf(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The one member of an object that names what it is. */
export function memberOf(value: JsonValue | undefined): readonly [key: string, value: JsonValue] {
  if (isObjectOf(value)) {
    const [only, more] = Object.entries(value);
    if (only !== undefined && more === undefined) return only;
  }
  throw new UnknownJson(value);
}

export function describeJson(value: JsonValue | undefined): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** A word as it is, anything else as a quoted text. */
export function quoted(text: string): string {
  return `"${text}"`;
}

/** The text of `value` as nft lists it. Throws `UnknownJson`. */
export function expressionText(value: JsonValue | undefined): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return wordText(value);
  if (typeof value === "boolean") return value ? "exists" : "missing";
  if (Array.isArray(value)) return value.map((each: JsonValue) => expressionText(each)).join(",");
  const [kind, body] = memberOf(value);
  const operands = BINARY.has(kind) && Array.isArray(body) ? (body as readonly JsonValue[]) : undefined;
  if (operands !== undefined) {
    const [first, ...rest] = operands;
    return rest.reduce<string>((text, each) => `${text} ${kind} ${operandText(each)}`, expressionText(first));
  }
  const write = WRITERS[kind];
  if (write === undefined) throw new UnknownJson(value);
  return write(body);
}

/** A list of flags behind an operator: `tcp flags & (syn | ack)`. */
function operandText(value: JsonValue): string {
  return Array.isArray(value)
    ? `(${value.map((each: JsonValue) => expressionText(each)).join(" | ")})`
    : expressionText(value);
}

const BINARY: ReadonlySet<string> = new Set(["&", "|", "^", "<<", ">>"]);

/** Words that are keywords or names stay as they are; what has blanks or wildcards needs quotation marks. */
function wordText(text: string): string {
  return /^(@?[A-Za-z0-9_][\w.:/-]*|\*|[0-9a-fA-F:.]+)$/.test(text) ? text : quoted(text);
}

export function object(body: JsonValue | undefined): JsonObject {
  if (!isObjectOf(body)) throw new UnknownJson(body);
  return body;
}

export function word(body: JsonValue | undefined): string {
  if (typeof body !== "string" && typeof body !== "number") throw new UnknownJson(body);
  return String(body);
}

const WITHOUT_META: ReadonlySet<string> = new Set([
  "iifname",
  "oifname",
  "iif",
  "oif",
  "iifgroup",
  "oifgroup",
  "iiftype",
  "oiftype",
]);

function meta(body: JsonValue): string {
  const key = word(object(body)["key"]);
  return WITHOUT_META.has(key) ? key : `meta ${key}`;
}

function ct(body: JsonValue): string {
  const { key, dir, family } = object(body);
  const words = [dir, family, key].filter((each) => each !== undefined).map(word);
  return ["ct", ...words].join(" ");
}

function payload(body: JsonValue): string {
  const { protocol, field, base, offset, len } = object(body);
  if (base !== undefined) return `@${word(base)},${word(offset)},${word(len)}`;
  return `${word(protocol)} ${word(field)}`;
}

function fib(body: JsonValue): string {
  const { result, flags } = object(body);
  const words = Array.isArray(flags) ? flags.map((each: JsonValue) => word(each)) : [word(flags)];
  return `fib ${words.join(" . ")} ${word(result)}`;
}

function generator(name: string): (body: JsonValue) => string {
  return (body) => {
    const { mode, mod, offset, expr, seed } = object(body);
    const key = mode === undefined ? expressionText(expr) : word(mode);
    const more = [
      ...(seed === undefined ? [] : [`seed 0x${Number(word(seed)).toString(16)}`]),
      ...(offset === undefined || offset === 0 ? [] : [`offset ${word(offset)}`]),
    ];
    return [name, key, "mod", word(mod), ...more].join(" ");
  };
}

function elements(body: JsonValue): string {
  const list = Array.isArray(body) ? (body as readonly JsonValue[]) : [body];
  return `{ ${list.map(elementText).join(", ")} }`;
}

/** An element of a set, or a pair of a map. */
export function elementText(value: JsonValue): string {
  if (Array.isArray(value) && value.length === 2) {
    const [key = null, data = null] = value as readonly JsonValue[];
    return `${elementText(key)} : ${dataText(data)}`;
  }
  return expressionText(value);
}

function dataText(value: JsonValue): string {
  if (isObjectOf(value)) {
    const [kind] = memberOf(value);
    if (VERDICTS.has(kind)) return verdictText(value);
  }
  return expressionText(value);
}

const VERDICTS: ReadonlySet<string> = new Set(["accept", "drop", "continue", "return", "jump", "goto"]);

export function isVerdictJson(kind: string): boolean {
  return VERDICTS.has(kind);
}

export function verdictText(value: JsonValue): string {
  const [kind, body] = memberOf(value);
  return kind === "jump" || kind === "goto" ? `${kind} ${word(object(body)["target"])}` : kind;
}

/** Seconds as nft writes them. */
export function secondsText(value: JsonValue | undefined): string {
  return `${word(value)}s`;
}

function element(body: JsonValue): string {
  const { val, comment, timeout, expires, counter } = object(body);
  return [
    expressionText(val),
    ...(counter === undefined ? [] : [counterText(counter)]),
    ...(timeout === undefined ? [] : [`timeout ${secondsText(timeout)}`]),
    ...(expires === undefined ? [] : [`expires ${secondsText(expires)}`]),
    ...(comment === undefined ? [] : [`comment ${quoted(word(comment))}`]),
  ].join(" ");
}

export function counterText(body: JsonValue): string {
  if (!isObjectOf(body)) return typeof body === "string" ? `counter name ${quoted(body)}` : "counter";
  return `counter packets ${word(body["packets"] ?? 0)} bytes ${word(body["bytes"] ?? 0)}`;
}

const WRITERS: Readonly<Record<string, (body: JsonValue) => string>> = {
  meta,
  ct,
  payload,
  fib,
  numgen: generator("numgen"),
  jhash: generator("jhash"),
  symhash: (body) => {
    const { mod, offset } = object(body);
    return `symhash mod ${word(mod)}${offset === undefined || offset === 0 ? "" : ` offset ${word(offset)}`}`;
  },
  concat: (body) =>
    Array.isArray(body) ? body.map((each: JsonValue) => expressionText(each)).join(" . ") : expressionText(body),
  prefix: (body) => {
    const { addr, len } = object(body);
    return `${expressionText(addr)}/${word(len)}`;
  },
  range: (body) => {
    if (!Array.isArray(body)) throw new UnknownJson(body);
    const [from, to] = body as readonly JsonValue[];
    const isQuoted = typeof from === "string" && !/^[0-9a-fA-F.:]*[.:a-fA-F][0-9a-fA-F.:]*$/.test(from);
    const isTime = typeof from === "string" && /^\d\d:\d\d(:\d\d)?$/.test(from);
    return isQuoted || isTime
      ? `${quoted(word(from))}-${quoted(word(to))}`
      : `${expressionText(from)}-${expressionText(to)}`;
  },
  set: elements,
  map: (body) => {
    const { key, data } = object(body);
    return `${expressionText(key)} map ${expressionText(data)}`;
  },
  elem: element,
  exthdr: (body) => {
    const { name, field } = object(body);
    return field === undefined ? `exthdr ${word(name)}` : `${word(name)} ${word(field)}`;
  },
  "tcp option": (body) => {
    const { name, field } = object(body);
    return ["tcp option", word(name), ...(field === undefined ? [] : [word(field)])].join(" ");
  },
  "ip option": (body) => {
    const { name, field } = object(body);
    return ["ip option", word(name), ...(field === undefined ? [] : [word(field)])].join(" ");
  },
  "sctp chunk": (body) => {
    const { name, field } = object(body);
    return ["sctp chunk", word(name), ...(field === undefined ? [] : [word(field)])].join(" ");
  },
  rt: (body) => {
    const { key, family } = object(body);
    return ["rt", ...(family === undefined ? [] : [word(family)]), word(key)].join(" ");
  },
  socket: (body) => `socket ${word(object(body)["key"])}`,
  osf: (body) => `osf ${word(object(body)["key"])}`,
  ipsec: (body) => {
    const { key, family, dir, spnum } = object(body);
    return [
      "ipsec",
      word(dir),
      ...(spnum === undefined ? [] : ["spnum", word(spnum)]),
      ...(family === undefined ? [] : [word(family)]),
      word(key),
    ].join(" ");
  },
};
