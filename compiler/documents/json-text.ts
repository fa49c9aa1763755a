/** Where things stand in a JSON text. The functions that take a text JSON.parse has accepted do not check it again. */
/** Half-open range of UTF-16 offsets. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** The value of a text; undefined when it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** Members of all objects in `root`: of two with the same key JSON.parse has kept one. */
export function countMembers(root: unknown): number {
  let count = 0;
  const pending: unknown[] = [root]; // a recursion would overflow on deep nesting
  while (pending.length > 0) {
    const value = pending.pop();
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item === "object" && item !== null) pending.push(item);
    } else if (typeof value === "object" && value !== null) {
      const members = value as Readonly<Record<string, unknown>>;
      for (const key in members) {
        count++;
        const member = members[key];
        if (typeof member === "object" && member !== null) pending.push(member);
      }
    }
  }
  return count;
}

/** Whether more members are written in the JSON value from `start` to `end` than the `count` that its objects have. */
export function hasMoreMembers(text: string, start: number, end: number, count: number): boolean {
  const most = countKeyColons(text, start, end);
  return most !== count && countColons(text, start, end) !== count;
}

/** At least as many as members are written: the colons behind a quotation mark, of which few are within strings (`"::1"`); undefined where one may
 *  stand behind white space. Looking for colons is faster than looking for the ends of strings. */
function countKeyColons(text: string, start: number, end: number): number | undefined {
  let count = 0;
  for (let at = text.indexOf(":", start); at >= 0 && at < end; at = text.indexOf(":", at + 1)) {
    const before = text.charCodeAt(at - 1);
    if (before === QUOTE) {
      if (!isEscaped(text, at - 1)) count++;
    } else if (isSpace(before)) return undefined;
  }
  return count;
}

/** Colons outside strings in the JSON value from `start` to `end`: one for each member that is written. */
function countColons(text: string, start: number, end: number): number {
  let count = 0;
  for (let open = text.indexOf('"', start); open >= 0 && open < end; ) {
    const at = skipSpace(text, endOfString(text, open));
    if (text.charCodeAt(at) === COLON) count++;
    open = text.indexOf('"', at);
  }
  return count;
}

/** Every key of the JSON value from `start` to `end` that its object has already, with both places; in the order of the
 *  text. */
export function* repeatedKeys(
  text: string,
  start: number,
  end: number,
): Generator<{ readonly key: string; readonly first: TextRange; readonly second: TextRange }> {
  const objects: (Map<string, TextRange> | undefined)[] = []; // the open objects; undefined for arrays
  let at = start;
  while (at < end) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const key: TextRange = { start: at, end: endOfString(text, at) };
      const after = skipSpace(text, key.end);
      const keys = objects.at(-1);
      if (text.charCodeAt(after) === COLON && keys !== undefined) {
        const name = readKey(text, key);
        const first = keys.get(name);
        if (first === undefined) keys.set(name, key);
        else yield { key: name, first, second: key };
      }
      at = after;
    } else {
      if (code === OPEN_BRACE) objects.push(new Map());
      else if (code === OPEN_BRACKET) objects.push(undefined);
      else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) objects.pop();
      at++;
    }
  }
}

/** Where a text that JSON.parse has refused stops being JSON, and what should stand there. */
export function syntaxErrorIn(text: string, start: number): { readonly offset: number; readonly message: string } {
  const open: ("]" | "}")[] = []; // what closes the arrays and objects that are open
  let want: Wanted = "value";
  let first = false; // directly behind an opening bracket, where it may close again
  let at = skipSpace(text, start);
  const fail = (offset: number, expected: string) => ({ offset, message: `expected ${expected}` });
  while (at < text.length) {
    const char = text.charAt(at);
    const token = readToken(text, at);
    if (char === open.at(-1) && (want === "comma" || first)) {
      open.pop();
      want = open.length === 0 ? "end" : "comma";
      first = false;
    } else if (want === "value" && (char === "{" || char === "[")) {
      open.push(char === "{" ? "}" : "]");
      want = char === "{" ? "key" : "value";
      first = true;
    } else if (want === "value" && (token.kind === "string" || token.kind === "word")) {
      want = open.length === 0 ? "end" : "comma";
      first = false;
    } else if (want === "key" && token.kind === "string") {
      want = "colon";
      first = false;
    } else if (want === "colon" && char === ":") {
      want = "value";
    } else if (want === "comma" && char === ",") {
      want = open.at(-1) === "}" ? "key" : "value";
    } else if (token.kind === "broken") {
      return fail(token.at, token.expected);
    } else {
      return fail(at, describe(want, open.at(-1)));
    }
    at = skipSpace(text, token.end);
  }
  return fail(text.trimEnd().length, describe(want, open.at(-1)));
}

type Wanted = "value" | "key" | "colon" | "comma" | "end";

function describe(want: Wanted, closing: string | undefined): string {
  switch (want) {
    case "value":
      return "a JSON value";
    case "key":
      return "a key in double quotes";
    case "colon":
      return '":"';
    case "comma":
      return `"," or "${closing}"`;
    case "end":
      return "the end of the text";
  }
}

type Token =
  | { readonly kind: "string" | "word" | "mark"; readonly end: number }
  | { readonly kind: "broken"; readonly at: number; readonly expected: string; readonly end: number };

function readToken(text: string, at: number): Token {
  if (text.charCodeAt(at) === QUOTE) {
    const end = endOfString(text, at);
    const flaw = flawIn(text.slice(at, end));
    if (end > text.length) return { kind: "broken", at, expected: "the string that starts here to end", end };
    if (flaw === undefined) return { kind: "string", end };
    return { kind: "broken", at: at + flaw, expected: "a character that JSON allows in a string, or its escape", end };
  }
  WORD.lastIndex = at;
  const word = WORD.exec(text)?.[0];
  return word === undefined ? { kind: "mark", end: at + 1 } : { kind: "word", end: at + word.length };
}

const WORD = /(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_.+-])/y;

/** The offset in `string` of the first character that JSON does not allow there. */
function flawIn(string: string): number | undefined {
  for (const { index, 1: escaped } of string.matchAll(CONTROL_OR_ESCAPE)) if (escaped === undefined) return index;
  return undefined;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL_OR_ESCAPE = /[\x00-\x1f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4})?/g;

// --- walking a valid text ------------------------------------------------------------------------------------------------

/** Where the keys and values of the object at `open` stand. */
function* membersAt(text: string, open: number): Generator<{ readonly key: TextRange; readonly value: number }> {
  let at = skipSpace(text, open + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const key: TextRange = { start: at, end: endOfString(text, at) };
    const value = skipSpace(text, skipSpace(text, key.end) + 1);
    yield { key, value };
    at = skipSpace(text, skipValue(text, value));
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
  }
}

/** Where the value of the member `name` of the object at `open` stands; undefined when there is no such member, or no
 *  object. Also for a text that may be no JSON; a name that is written with escapes is not found. */
export function memberAt(text: string, open: number, name: string): number | undefined {
  if (text.charCodeAt(open) !== OPEN_BRACE) return undefined;
  const written = JSON.stringify(name);
  for (const { key, value } of membersAt(text, open)) if (text.slice(key.start, key.end) === written) return value;
  return undefined;
}

/** The member `name` of the object at `open`: its key, and where its value starts. */
export function findMember(
  text: string,
  open: number,
  name: string,
): { readonly key: TextRange; readonly value: number } | undefined {
  for (const member of membersAt(text, open)) if (readKey(text, member.key) === name) return member;
  return undefined;
}

function readKey(text: string, { start, end }: TextRange): string {
  return JSON.parse(text.slice(start, end)) as string;
}

/** Behind the value that starts at `start`. */
export function skipValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth++;
      at++;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (depth === 0) return at; // no value at all: the text is no JSON
      depth--;
      at++;
    } else if (depth > 0) {
      at++;
      continue;
    } else {
      while (at < text.length && !ENDS_WORD.has(text.charCodeAt(at))) at++;
    }
    if (depth === 0) return at;
  }
  return text.length;
}

/** Behind the string that starts at `open`; behind the end of the text when it does not end. */
function endOfString(text: string, open: number): number {
  for (let quote = text.indexOf('"', open + 1); quote >= 0; quote = text.indexOf('"', quote + 1))
    if (!isEscaped(text, quote)) return quote + 1;
  return text.length + 1;
}

/** Whether the quotation mark at `quote`, which does not open a string, is part of one. */
function isEscaped(text: string, quote: number): boolean {
  let before = quote;
  while (text.charCodeAt(before - 1) === BACKSLASH) before--;
  return ((quote - before) & 1) === 1;
}

/** The first offset from `at` on that holds no white space. */
export function skipSpace(text: string, at: number): number {
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const ENDS_WORD: ReadonlySet<number> = new Set([9, 10, 13, 32, COMMA, CLOSE_BRACKET, CLOSE_BRACE]);
