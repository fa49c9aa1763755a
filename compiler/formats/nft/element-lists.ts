/** Long lists of elements, most of which have the shape of others in the list. */
import type { IToken } from "chevrotain";
import type { MapElement, SetElement } from "../../ir/types.ts";
import { ShapeBook } from "../shapes/book.ts";
import { HOLES, type HoleKind } from "../shapes/holes.ts";
import { Rows } from "../shapes/rows.ts";
import { Shape } from "../shapes/shape.ts";
import { nftParser } from "./grammar.ts";
import { Newline, nftLexer } from "./lexer.ts";
import { placeOfList } from "./set-aside.ts";
import type { ElementNode } from "./syntax.ts";

/** How elements of a set are read, as far as its declaration has been. */
export interface ElementReading {
  /** Equal texts read alike. */
  readonly key: string;
  /** Undefined: it is not understood. */
  readonly read: (node: ElementNode) => SetElement | undefined;
}

/** A list whose elements are read. */
export interface ReadList {
  /** Its braces, and what stands between them. */
  readonly tokens: readonly IToken[];
  /** The reading that it was read by. */
  readonly key: string;
  readonly rows: Rows<SetElement | MapElement>;
}

export function isList(part: ElementNode | ReadList): part is ReadList {
  return "tokens" in part;
}

/** The chain to which an element of a verdict map leads. */
export function chainsOf(element: SetElement | MapElement): readonly string[] {
  return "value" in element && "kind" in element.value && "chain" in element.value ? [element.value.chain] : [];
}

/** Elements that the grammar has to read one by one, before it reads the whole list: each alone takes longer. */
const MAX_ALONE = 64;

/** Characters of an element, about. */
const LENGTH = 50;

export class ElementLists {
  /** By the key of their reading. */
  private readonly books = new Map<string, ShapeBook<SetElement | MapElement>>();

  /** The elements in the list, of which `tokens` are the braces and a `Listed` between them; undefined where one of them is wrong, or few have a shape in common. */
  read(tokens: readonly IToken[], { key, read }: ElementReading): ReadList | undefined {
    const { text, start, end } = placeOfList(tokens[1] as IToken);
    const book = this.books.get(key) ?? openBook(read);
    this.books.set(key, book);
    const rows = new Rows<SetElement | MapElement>(Math.floor((end - start) / LENGTH));
    let alone = 0;
    for (let at = endOfBlanks(text, start, end); at < end; ) {
      let template = book.expect(text, at, end);
      let elementEnd = book.end;
      if (template === undefined) {
        elementEnd = endOfElement(text, at, end);
        const own = text.slice(at, elementEnd).trimEnd();
        template = book.read(own, 0, own.length);
        if (template === undefined) {
          if (++alone > MAX_ALONE && alone * 4 > rows.count) return undefined;
          const element = readAlone(own, read);
          if (element === undefined) return undefined;
          rows.addMade(element);
        }
      }
      if (template !== undefined) rows.add(template, book.values);
      at = endOfBlanks(text, elementEnd, end);
      if (at === end) break;
      if (text.charCodeAt(at) !== COMMA) return undefined;
      at = endOfBlanks(text, at + 1, end);
    }
    return rows.count === 0 ? undefined : { tokens, key, rows };
  }
}

function openBook(read: ElementReading["read"]): ShapeBook<SetElement | MapElement> {
  return new ShapeBook({
    shapeOf: shapeOfElement,
    read: (text) => readAlone(text, read),
    mayEnd: (text, at, end) => {
      if (at > end) return false;
      const next = endOfBlanks(text, at, end);
      return next === end || text.charCodeAt(next) === COMMA;
    },
    nameOf: () => undefined,
  });
}

/** What the grammar makes of a list of one element; undefined where there is anything to report. */
function readAlone(text: string, read: ElementReading["read"]): SetElement | undefined {
  const { tokens, errors } = nftLexer.tokenize(`{ ${text} }`);
  if (errors.length > 0) return undefined;
  nftParser().take(tokens.filter(({ tokenType }) => tokenType !== Newline));
  const node = nftParser().set();
  if (nftParser().errors.length > 0 || node.kind !== "set") return undefined;
  const [only, ...more] = node.elements;
  return only === undefined || more.length > 0 ? undefined : read(only);
}

// --- shapes --------------------------------------------------------------------------------------------------------------

const ADDRESSES_AND_NUMBERS: readonly HoleKind[] = [
  "ipv4-prefix",
  "ipv4-range",
  "ipv4",
  "ipv6-prefix",
  "ipv6",
  "classid",
  "number",
];
const CHAINS: readonly HoleKind[] = ["word"];
const TEXTS: readonly HoleKind[] = ["quoted"];

/** Where words begin that may differ: behind blanks, and behind words that say what comes. */
const STARTS = /(?:^|[ \t\r\n])(?:((?:jump|goto) )|(comment ")|(?=[0-9a-fA-F:]))/g;
const STOPS = /"?(?=[ \t\r\n]|$)/y;

function shapeOfElement(text: string): Shape | undefined {
  const literals: string[] = [];
  const kinds: HoleKind[] = [];
  let from = 0;
  STARTS.lastIndex = 0;
  for (let found = STARTS.exec(text); found !== null; found = STARTS.exec(text)) {
    const start = found.index + found[0].length;
    // A match of no characters has not moved on.
    if (found[0] === "") STARTS.lastIndex++;
    const [, jump, comment] = found;
    for (const kind of jump !== undefined ? CHAINS : comment !== undefined ? TEXTS : ADDRESSES_AND_NUMBERS) {
      const end = HOLES[kind].scan(text, start, [], 0, () => undefined);
      STOPS.lastIndex = end;
      if (end < 0 || !STOPS.test(text)) continue;
      literals.push(text.slice(from, start));
      kinds.push(kind);
      from = end;
      STARTS.lastIndex = from;
      break;
    }
  }
  literals.push(text.slice(from));
  return kinds.length === 0 ? undefined : new Shape(literals, kinds);
}

// --- text ----------------------------------------------------------------------------------------------------------------

const COMMA = 44;
const QUOTE = 34;

function endOfBlanks(text: string, from: number, end: number): number {
  let at = from;
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code !== 32 && code !== 10 && code !== 9 && code !== 13 && code !== 12) break;
  }
  return at;
}

/** Where the comma behind the element stands that begins at `from`, or the list ends. */
function endOfElement(text: string, from: number, end: number): number {
  let isQuoted = false;
  let at = from;
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isQuoted = !isQuoted;
    else if (code === COMMA && !isQuoted) break;
  }
  return at;
}
