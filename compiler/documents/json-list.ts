/** A JSON List taken apart at its items: what JSON.parse makes of the whole text would live as long as the longest-lived
 *  of its parts, and copying it from one generation to the next costs more than reading it. */
import { memberAt, skipSpace, skipValue } from "./json-text.ts";

/** A List without its items, and where they stand. */
export interface SplitJsonList {
  /** The text with nothing in the array `items`. */
  readonly head: string;
  /** The offset in the text of an offset in the head. */
  readonly placeInHead: (offset: number) => number;
  readonly items: readonly Bounds[];
}

export type Bounds = readonly [start: number, end: number];

/** Finds where the object that starts at `start` ends. */
export type EndOfObject = (text: string, start: number) => number | undefined;

/** The object from `start` to `end` in `text` taken apart at its member `items`, an array of objects; undefined when it has none. Only
 *  the brackets and commas between the items have been looked at: what JSON.parse says of an item is still to come, and
 *  an item that `endOf` has cut at the wrong place is no JSON. */
export function splitJsonList(
  text: string,
  start: number,
  endOf: EndOfObject,
  end = text.length,
): SplitJsonList | undefined {
  const array = memberAt(text, skipSpace(text, start), "items");
  if (array === undefined || text.charAt(array) !== "[") return undefined;
  const items: Bounds[] = [];
  let at = array;
  do {
    const from = skipSpace(text, at + 1);
    const to = text.charAt(from) === "{" ? endOf(text, from) : undefined;
    if (to === undefined) return undefined;
    items.push([from, to]);
    at = skipSpace(text, to);
  } while (text.charAt(at) === ",");
  if (text.charAt(at) !== "]") return undefined;
  const gap = array + 1;
  const close = at;
  return {
    head: text.slice(start, gap) + text.slice(close, end),
    placeInHead: (offset) => start + (start + offset < gap ? offset : offset - gap + close),
    items,
  };
}

/** By the white space in front of it: programs put the bracket that closes an object below the line that opens it. */
export const endByIndentation: EndOfObject = (text, start) => {
  let line = start;
  while (text.charCodeAt(line - 1) === BLANK || text.charCodeAt(line - 1) === TAB) line--;
  if (text.charCodeAt(line - 1) !== LINE_FEED) return undefined;
  const closing = `${text.slice(line - 1, start)}}`;
  const before = closing.length - 1;
  // Looking for brackets is faster than looking for line feeds: there are fewer.
  for (let at = text.indexOf("}", start); at >= 0; at = text.indexOf("}", at + 1)) {
    if (text.charCodeAt(at - before) === LINE_FEED && text.startsWith(closing, at - before)) return at + 1;
  }
  return undefined;
};

/** By its brackets, one after the other. */
export const endByBrackets: EndOfObject = skipValue;

const TAB = 9;
const LINE_FEED = 10;
const BLANK = 32;
