/** What scalars of one line stand for. Most plain ones are texts beyond doubt (`web`); the library is asked about the others (`yes`, `1e3`).
 *  Those that return again and again, such as keys, are found again without being cut out of the text: of equal short scalars there is one
 *  value. */
import { isScalar } from "yaml";
import { copyOf } from "./part-memory.ts";
import { isDigit } from "./yaml-characters.ts";
import { composeAll } from "./yaml-trees.ts";
import { toValue } from "./yaml-value.ts";

interface Word {
  readonly text: string;
  /** Undefined: no scalar that reads as it is written. */
  readonly value: unknown;
}

/** Number of words that are kept: a new one replaces an old one. A power of two. */
const PLACES = 1024;

/** Longer values seldom return. */
const LONGEST_VALUE = 12;

const LONGEST_KEY = 64;

export class PlainWords {
  private readonly words = new Array<Word | undefined>(PLACES).fill(undefined);

  /** The value of the scalar from `start` to `end`; undefined where it is none that stands for something alone. `hash`: of its characters,
   *  by `hashWith`. */
  valueOf(text: string, start: number, end: number, hash: number): unknown {
    if (end - start > LONGEST_VALUE) return valueOfPlain(text.slice(start, end));
    return this.wordOf(text, start, end, hash).value;
  }

  /** The same for a key: undefined where it stands for something else than its text. */
  keyOf(text: string, start: number, end: number, hash: number): string | undefined {
    const { text: key, value } =
      end - start > LONGEST_KEY ? wordOf(text.slice(start, end)) : this.wordOf(text, start, end, hash);
    return value === key ? key : undefined;
  }

  private wordOf(text: string, start: number, end: number, hash: number): Word {
    const place = hash & (PLACES - 1);
    const known = this.words[place];
    if (known !== undefined && known.text.length === end - start && text.startsWith(known.text, start)) return known;
    // V8 keeps a whole text for each piece of it.
    const word = wordOf(copyOf(text.slice(start, end)));
    this.words[place] = word;
    return word;
  }
}

function wordOf(text: string): Word {
  return { text, value: valueOfPlain(text) };
}

/** The hash of characters of which `hash` is that of all but the last one, `code`. */
export function hashWith(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0;
}

/** `text` is a plain scalar of one line. */
function valueOfPlain(text: string): unknown {
  if (isDigit(text.charCodeAt(0))) {
    if (WHOLE_NUMBER.test(text)) return Number(text);
    return NO_NUMBER.test(text) ? text : askLibrary(text);
  }
  return SURELY_TEXT.test(text) && !OTHER_THAN_TEXT.test(text) ? text : askLibrary(text);
}

/** In decimal digits, exactly as JavaScript writes it. */
const WHOLE_NUMBER = /^(?:0|[1-9][0-9]{0,14})$/;

/** No number has two points (an address), two dashes behind its first character (a UUID, a date), or other characters. */
const NO_NUMBER = /\..*\.|.-.*-|[^-+.0-9a-fA-FxXoO_]/;

const SURELY_TEXT = /^[A-Za-z_/$(]/;

/** In YAML 1.1 or 1.2. */
const OTHER_THAN_TEXT = /^(?:true|false|yes|no|on|off|y|n|null)$/i;

function askLibrary(text: string): unknown {
  const [tree, ...others] = composeAll(text) ?? [];
  if (tree === undefined || others.length > 0 || tree.errors.length > 0) return undefined;
  const { contents } = tree;
  if (!isScalar(contents) || contents.type !== "PLAIN" || contents.source !== text) return undefined;
  return toValue(tree).value;
}

/** The text in quotes; undefined where the library has to read it. */
export function unquote(quoted: string): string | undefined {
  const inner = quoted.slice(1, -1);
  if (quoted.startsWith("'")) return inner.includes("'") ? inner.replaceAll("''", "'") : inner;
  if (!inner.includes("\\")) return inner;
  // What JSON has of escapes means the same in YAML.
  return JSON_STRING.test(quoted) ? (JSON.parse(quoted) as string) : undefined;
}

/** Of ASCII. */
const JSON_STRING = /^"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"$/;
