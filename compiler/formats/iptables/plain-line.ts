/** Most lines of a dump are words with a blank between them: those are cut here, many times as fast as by the grammar. */
import type { OptionText } from "./grammar.ts";

/** The options of the line of `text` from `start` to `end`, as the grammar has them; undefined where the line holds anything that
 *  takes the grammar to tell. */
export function readPlainLine(text: string, start: number, end: number): OptionText[] | undefined {
  const options: OptionText[] = [];
  let values: string[] = [];
  let name: string | undefined;
  let nameStart = 0;
  let negated = false;
  /** Where a "!" stands that has no option yet; -1: nowhere. */
  let bang = -1;
  let last = 0;
  for (let i = start; i < end; ) {
    const code = text.charCodeAt(i);
    if (code === BLANK) {
      i++;
      continue;
    }
    const from = i;
    if (code === DASH) {
      i = endOfOption(text, i, end);
      if (i < 0) return undefined;
      if (name !== undefined) options.push({ negated, name, values, start: nameStart - start, end: last - start });
      name = text.slice(from, i);
      negated = bang >= 0;
      nameStart = negated ? bang : from;
      values = [];
      bang = -1;
    } else if (bang >= 0) {
      return undefined;
    } else if (code === BANG) {
      i++;
      if (i === end || text.charCodeAt(i) !== BLANK) return undefined;
      bang = from;
      continue;
    } else if (name === undefined) {
      i = code === BRACKET && i === start ? endOfWord(text, i, end) : -1;
      if (i < 0 || !COUNTERS.test(text.slice(from, i))) return undefined;
      continue;
    } else if (code === QUOTE) {
      i = endOfQuoted(text, i, end);
      if (i < 0) return undefined;
      values.push(text.slice(from + 1, i - 1));
    } else {
      i = code === EQUALS ? -1 : endOfWord(text, i, end);
      if (i < 0) return undefined;
      const word = text.slice(from, i);
      if (code === BRACKET && COUNTERS.test(word)) return undefined;
      values.push(word);
    }
    last = i;
  }
  if (name === undefined || bang >= 0) return undefined;
  options.push({ negated, name, values, start: nameStart - start, end: last - start });
  return options;
}

const BLANK = 32;
const BANG = 33;
const QUOTE = 34;
const DASH = 45;
const EQUALS = 61;
const BRACKET = 91;
const BACKSLASH = 92;

const COUNTERS = /^\[\d+:\d+\]$/;

/** Where the word from `at` on ends; -1: it holds a character that is none of a plain word. */
function endOfWord(text: string, at: number, end: number): number {
  let i = at;
  for (; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === BLANK) return i;
    if (code < BLANK || code > 126 || code === QUOTE) return -1;
  }
  return i;
}

/** As `endOfWord`: -1 where it is no option, or one with a value in the same word. */
function endOfOption(text: string, at: number, end: number): number {
  let i = at + 1;
  if (text.charCodeAt(i) === DASH) i++;
  const first = i;
  for (; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === BLANK) break;
    const isLetter = (code | 32) >= 97 && (code | 32) <= 122;
    if (!isLetter && !(code >= 48 && code <= 57) && (code !== DASH || i === first)) return -1;
  }
  return i > first ? i : -1;
}

/** Where the quoted word from `at` on ends; -1: its text is not just what stands between the quotation marks. */
function endOfQuoted(text: string, at: number, end: number): number {
  if (text.charCodeAt(at + 1) === EQUALS) return -1;
  for (let i = at + 1; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) return -1;
    if (code === QUOTE) return i + 1 === end || text.charCodeAt(i + 1) === BLANK ? i + 1 : -1;
  }
  return -1;
}
