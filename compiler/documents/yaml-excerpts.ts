/** Where a YAML text can be cut so that each part, read alone, means what it meant in the whole: at document markers, and
 *  between the items of a List. The library needs about 70 bytes of memory per character that it reads at once, and
 *  `kubectl get -o yaml` writes one document however many objects there are.
 *
 *  Lines end with a line feed here, as in the library; hence no `^` and `$` of multi-line expressions, which also stop at
 *  other characters. */

/** A part of a text where it stands. */
export interface YamlRegion {
  readonly text: string;
  readonly start: number;
  /** Behind a line feed, or at the end of the text. */
  readonly end: number;
  /** The column of what stands at `start`. What is left of it is not of this part: spaces stand for it. */
  readonly column: number;
}

/** A text that is read as a whole. */
export function wholeRegion(text: string): YamlRegion {
  return { text, start: 0, end: text.length, column: 0 };
}

/** The text of a part alone; columns are those of the whole text. */
export function textOfRegion({ text, start, end, column }: YamlRegion): string {
  return " ".repeat(column) + text.slice(start, end);
}

/** A part of a text that can be read alone. */
export interface Excerpt {
  readonly length: number;
  /** What to read, made anew on each call: nobody should keep it. Columns are those of the whole text. */
  readonly read: () => string;
  /** The same where it stands. */
  readonly region: () => YamlRegion;
  /** The offset in the whole text of an offset in the excerpt. */
  readonly place: (offset: number) => number;
}

/** A List that has been taken apart. */
export interface SplitYamlList {
  /** The document without its items: `items:` has no value. */
  readonly head: Excerpt;
  readonly items: () => Generator<Excerpt>;
}

/** The parts of `text` that document markers separate: a line that begins with `---` always is one (YAML 1.2, rule
 *  c-forbidden), also within quotes and block scalars. Directives (`%YAML`) belong to the document behind the marker that
 *  follows them, so a text that has some is one part. */
export function* excerptsOf(text: string): Generator<Excerpt> {
  let start = 0;
  if (!/(?:^|\n)\ufeff?%/.test(text)) {
    for (const { index } of text.matchAll(/\n\ufeff?---(?=[ \t\r\n]|$)/g)) {
      yield excerpt(text, start, index + 1);
      start = index + 1;
    }
  }
  yield excerpt(text, start, text.length);
}

function excerpt(text: string, start: number, end: number): Excerpt {
  return excerptOf({ text, start, end, column: 0 }, (offset) => start + offset);
}

function excerptOf(region: YamlRegion, place: Excerpt["place"]): Excerpt {
  const length = region.column + region.end - region.start;
  return { length, read: () => textOfRegion(region), region: () => region, place };
}

/** `document` taken apart at the items of its top-level key `items`; undefined when it has none, or when it cannot be told
 *  from its lines alone that this is safe.
 *
 *  Why it is safe: the document's first line is a key at column 0, so its root is a block map, and whatever stands below
 *  a key (block scalars, quoted or plain scalars of several lines, flow collections) has to be indented by at least one
 *  column: every line at column 0 is a key, a dash that belongs to the key before it, a comment, or a mistake. In the same
 *  way what stands in an item is indented deeper than the item's dash. So a line with a dash at the column of the first
 *  one begins an item, and the next line at column 0 ends the list. An item that begins with a key is a block map at the
 *  column of that key; with a space instead of the dash it is the same map, and a document of its own. Aliases, further
 *  documents, tabs, other items, and other lines that are indented as little as a dash could void this: a List that has
 *  some is read whole. */
export function splitList(document: Excerpt): SplitYamlList | undefined {
  const text = document.read();
  if (!FIRST_LINE_IS_KEY.test(text)) return undefined;
  const key = /\nitems:(?: +#[^\n]*| *\r?)\n/.exec(text);
  if (key === null || /\n(?: *\t|\.\.\.(?=[ \t\r\n]|$))/.test(text) || mayHaveAliases(text)) return undefined;
  const begin = firstContent(text, key.index + key[0].length);
  const column = /^( *)-/.exec(text.slice(begin, begin + 64))?.[1]?.length;
  const end = column === undefined ? undefined : endOfItems(text, begin, column);
  if (column === undefined || end === undefined) return undefined;
  const { place } = document;
  return {
    head: excerptOf(wholeRegion(text.slice(0, begin) + text.slice(end)), (offset) =>
      place(offset < begin ? offset : offset - begin + end),
    ),
    *items() {
      const dash = `\n${" ".repeat(column)}-`;
      for (let start = begin; start < end; ) {
        const from = start;
        const next = text.indexOf(dash, from) + 1;
        const to = next === 0 || next > end ? end : next;
        start = to;
        const item: YamlRegion = { text, start: from + column + 1, end: to, column: column + 1 };
        yield excerptOf(item, (offset) => place(from + offset));
      }
    },
  };
}

/** A marker, blank lines and comments may come before it. */
const FIRST_LINE_IS_KEY = /^(?:\ufeff?---(?:[ \t]+#[^\n]*|[ \t]*\r?)\n)?(?:[ \t]*(?:#[^\n]*|\r?)\n)*[A-Za-z]+:[ \r\n]/;

/** The first line from the one at `start` on that is neither blank nor a comment. */
function firstContent(text: string, start: number): number {
  let line = start;
  while (line < text.length) {
    const end = text.indexOf("\n", line);
    const next = end < 0 ? text.length : end + 1;
    if (!/^ *(?:#|\r?\n?$)/.test(text.slice(line, next))) return line;
    line = next;
  }
  return line;
}

/** Where the items with their dashes at `column` end, the first of them being at `start`: at the next key. Undefined when
 *  a line indented as little as a dash is neither an item that begins with a key, nor a key that ends the list. */
function endOfItems(text: string, start: number, column: number): number | undefined {
  const other = new RegExp(`\\n(?! {${column}}- +[A-Za-z][A-Za-z0-9]*:[ \\r\\n]) {0,${column}}[^ \\r\\n]`, "g");
  other.lastIndex = start - 1;
  const line = (other.exec(text)?.index ?? text.length - 1) + 1;
  return line === text.length || (line > start && /[A-Za-z]/.test(text.charAt(line))) ? line : undefined;
}

/** Whether there could be an anchor and an alias to it in `text`, which an item alone would not know of. */
function mayHaveAliases(text: string): boolean {
  return /[\s,:[{]\*[^\s,[\]{}]/.test(text) && /[\s,:[{]&[^\s,[\]{}]/.test(text);
}
