/** YAML as programs write it, and most people: block maps and lists with scalars of one line, literal blocks, short flow collections,
 *  comments. Its values are read here in one pass and without a tree, in a twentieth of the library's time. What a scalar stands for
 *  the library says (`one-line-scalars.ts`), and it reads each text that has anything else: tabs, anchors, tags, scalars of several lines,
 *  directives, characters other than ASCII, keys that are there twice, indentation that does not fit, and all mistakes.
 *
 *  A character that is not expected ends the reading, so that no text is understood by chance. `test/property/regular-yaml.test.ts` holds
 *  that the library reads the same of whatever is read here. */
import { hashWith, type PlainWords, unquote } from "./one-line-scalars.ts";
import {
  BACKSLASH,
  BAR,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  DASH,
  DOUBLE_QUOTE,
  HASH,
  isBlank,
  isLetter,
  isOfKey,
  LINE_FEED,
  OPEN_BRACE,
  OPEN_BRACKET,
  SINGLE_QUOTE,
  SPACE,
  startsPlain,
  TILDE,
  UNDERSCORE,
} from "./yaml-characters.ts";
import type { YamlRegion } from "./yaml-excerpts.ts";

/** The value of the only document in a region, in an object because null is data (and what an empty document is); undefined where the
 *  library has to read it. */
export function readRegularYaml(region: YamlRegion, words: PlainWords): { readonly value: unknown } | undefined {
  return new RegularReader(region, words).read();
}

/** Of collections in each other: real manifests have at most twenty or so, and the library knows how deep it gets. */
const MAX_DEPTH = 64;

/** The library takes keys of up to 1,024 characters. */
const LONGEST_KEY = 256;

/** No column. */
const NOWHERE = -1;

class RegularReader {
  private readonly text: string;
  private readonly start: number;
  private readonly end: number;
  private readonly startColumn: number;
  private readonly words: PlainWords;
  /** Where the next thing to be read starts: the first character of a line that is neither blank nor a comment, or what stands behind a
   *  dash. */
  private at = 0;
  /** Its column; `NOWHERE` behind the end. */
  private column = NOWHERE;
  private depth = 0;
  private isRegular = true;

  constructor({ text, start, end, column }: YamlRegion, words: PlainWords) {
    this.text = text;
    this.start = start;
    this.end = end;
    this.startColumn = column;
    this.words = words;
  }

  read(): { readonly value: unknown } | undefined {
    const { text, start, startColumn } = this;
    if (startColumn === 0 && text.startsWith("---", start)) {
      this.at = start + 3;
      if (isBlank(this.code(this.at))) this.finishLine(this.at);
      else this.giveUp();
    } else this.findContent(start, startColumn);
    const value = this.column === NOWHERE ? null : this.block();
    if (this.column !== NOWHERE) this.giveUp(); // something that belongs to nothing above it
    return this.isRegular ? { value } : undefined;
  }

  /** Ends the reading: there is nothing more. */
  private giveUp(): undefined {
    this.isRegular = false;
    this.at = this.end;
    this.column = NOWHERE;
    return undefined;
  }

  /** The end of the text is the end of a line. */
  private code(at: number): number {
    return at < this.end ? this.text.charCodeAt(at) : LINE_FEED;
  }

  // --- lines -------------------------------------------------------------------------------------------------------------

  /** Goes to the next thing in lines, of which the first is that at `at`, and has a column. */
  private findContent(at: number, column: number): void {
    const { text, end } = this;
    let [start, firstColumn] = [at, column];
    while (start < end) {
      let next = start;
      let code = this.code(next);
      while (code === SPACE) code = this.code(++next);
      if (code !== LINE_FEED && code !== HASH) {
        this.column = firstColumn + next - start;
        this.at = next;
        return;
      }
      const lineFeed = code === LINE_FEED ? next : text.indexOf("\n", next);
      start = lineFeed < 0 ? end : lineFeed + 1;
      firstColumn = 0;
    }
    this.at = end;
    this.column = NOWHERE;
  }

  /** Goes behind the line of which everything before `at` is read; there may be a comment. */
  private finishLine(at: number): void {
    const next = this.skipSpaces(at);
    const code = this.code(next);
    if (code === LINE_FEED) this.findContent(next + 1, 0);
    else if (code === HASH && next > at) this.findContent(next, 0);
    else this.giveUp();
  }

  private skipSpaces(at: number): number {
    let next = at;
    while (this.code(next) === SPACE) next++;
    return next;
  }

  private endOfLine(at: number): number {
    const lineFeed = this.text.indexOf("\n", at);
    return lineFeed < 0 ? this.end : lineFeed;
  }

  // --- collections ---------------------------------------------------------------------------------------------------------

  /** The map or list that starts here. */
  private block(): unknown {
    if (this.atDash()) return this.list(this.column);
    const key = this.key();
    return key === undefined ? this.giveUp() : this.map(this.column, key);
  }

  private atDash(): boolean {
    return this.code(this.at) === DASH && isBlank(this.code(this.at + 1));
  }

  private list(column: number): unknown {
    if (++this.depth > MAX_DEPTH) return this.giveUp();
    const items: unknown[] = [];
    while (this.column === column && this.atDash()) items.push(this.item(column));
    this.depth--;
    return items;
  }

  /** What stands behind the dash. */
  private item(column: number): unknown {
    const behind = this.at + 1;
    const at = this.skipSpaces(behind);
    const code = this.code(at);
    if (code === LINE_FEED || code === HASH) {
      this.finishLine(behind);
      return this.column > column ? this.block() : null;
    }
    this.column = column + 1 + at - behind;
    this.at = at;
    if (this.atDash()) return this.list(this.column);
    const key = this.key();
    return key === undefined ? this.scalar(column) : this.map(this.column, key);
  }

  /** The map at `column` of which the first key is read. */
  private map(column: number, firstKey: string): unknown {
    if (++this.depth > MAX_DEPTH) return this.giveUp();
    const map: Record<string, unknown> = {};
    let key: string | undefined = firstKey;
    do {
      // Keys of the prototype are no keys of manifests.
      if (key === undefined || map[key] !== undefined) return this.giveUp();
      map[key] = this.member(column);
      if (this.column !== column) break;
      key = this.key();
    } while (this.isRegular);
    this.depth--;
    return map;
  }

  /** The value of a key at `column`. */
  private member(column: number): unknown {
    const behind = this.at;
    const at = this.skipSpaces(behind);
    const code = this.code(at);
    if (code === LINE_FEED || code === HASH) {
      this.finishLine(behind);
      if (this.column > column) return this.block();
      return this.column === column && this.atDash() ? this.list(column) : null;
    }
    this.at = at;
    return this.scalar(column);
  }

  // --- keys ----------------------------------------------------------------------------------------------------------------

  /** The key that starts here, and goes behind its colon; undefined, and stays, where there is none. */
  private key(): string | undefined {
    const { text, at } = this;
    const first = this.code(at);
    if (first === DOUBLE_QUOTE || first === SINGLE_QUOTE) {
      const close = this.endOfQuoted(at);
      return close === undefined ? undefined : this.keyBefore(close, unquote(text.slice(at, close)));
    }
    if (!isLetter(first) && first !== UNDERSCORE) return undefined;
    let end = at;
    let hash = 0;
    for (let code = first; isOfKey(code); code = this.code(++end)) hash = hashWith(hash, code);
    return this.code(end) === COLON ? this.keyBefore(end, this.words.keyOf(text, at, end, hash)) : undefined;
  }

  private keyBefore(end: number, key: string | undefined): string | undefined {
    if (key === undefined || key === "__proto__" || end - this.at > LONGEST_KEY) return undefined;
    if (this.code(end) !== COLON || !isBlank(this.code(end + 1))) return undefined;
    this.at = end + 1;
    return key;
  }

  // --- scalars -------------------------------------------------------------------------------------------------------------

  /** What stands here, of a collection at `column`: a scalar or a flow collection. */
  private scalar(column: number): unknown {
    switch (this.code(this.at)) {
      case DOUBLE_QUOTE:
      case SINGLE_QUOTE:
      case OPEN_BRACE:
      case OPEN_BRACKET: {
        const value = this.flow();
        if (value !== undefined) this.finishLine(this.at);
        return value;
      }
      case BAR:
        return this.literal(column);
      default:
        return this.plain();
    }
  }

  private plain(): unknown {
    const { text, at } = this;
    let code = this.code(at);
    if (!startsPlain(code) || (code === DASH && isBlank(this.code(at + 1)))) return this.giveUp();
    let end = at; // behind the last character that is no space
    let hash = 0;
    let next = at;
    for (; code !== LINE_FEED; code = this.code(++next)) {
      if (code === SPACE) {
        if (this.code(next + 1) === HASH) break;
      } else if (code < SPACE || code > TILDE || (code === COLON && isBlank(this.code(next + 1)))) {
        return this.giveUp();
      } else end = next + 1;
      hash = hashWith(hash, code);
    }
    // With spaces behind it a word has another hash, and is found less often.
    const value = this.words.valueOf(text, at, end, hash);
    if (value === undefined) return this.giveUp();
    this.finishLine(end);
    return value;
  }

  /** Behind the quote that closes the scalar at `open`, in the same line; undefined where there is none, or a character that is no ASCII. */
  private endOfQuoted(open: number): number | undefined {
    const quote = this.code(open);
    for (let at = open + 1; ; at++) {
      const code = this.code(at);
      if (code === quote) {
        if (quote === DOUBLE_QUOTE || this.code(at + 1) !== SINGLE_QUOTE) return at + 1;
        at++;
      } else if (code === BACKSLASH && quote === DOUBLE_QUOTE) at++;
      else if (code < SPACE || code > TILDE) return undefined;
    }
  }

  /** The lines below `|` or `|-`. */
  private literal(column: number): unknown {
    const { text, end } = this;
    const keepsEnd = this.code(this.at + 1) !== DASH;
    const header = this.at + (keepsEnd ? 1 : 2);
    if (this.code(header) !== LINE_FEED) return this.giveUp();
    let line = header + 1;
    const indent = this.skipSpaces(line) - line;
    if (indent <= column || this.code(line + indent) === LINE_FEED) return this.giveUp();
    const lines: string[] = [];
    let blankLines = 0;
    while (line < end) {
      const content = this.skipSpaces(line);
      const lineEnd = this.endOfLine(content);
      if (content === lineEnd) {
        if (content > line) return this.giveUp();
        blankLines++;
      } else if (content - line < indent) break;
      else {
        for (; blankLines > 0; blankLines--) lines.push("");
        lines.push(text.slice(line + indent, lineEnd));
      }
      line = lineEnd + 1;
    }
    const value = lines.join("\n");
    if (/[\t\r]/.test(value)) return this.giveUp();
    this.findContent(line, 0);
    return keepsEnd ? `${value}\n` : value;
  }

  // --- flow collections ----------------------------------------------------------------------------------------------------

  /** The value here in the flow style, of one line, and goes behind it. */
  private flow(): unknown {
    const { text, at } = this;
    switch (this.code(at)) {
      case DOUBLE_QUOTE:
      case SINGLE_QUOTE: {
        const end = this.endOfQuoted(at);
        if (end === undefined) return this.giveUp();
        this.at = end;
        return unquote(text.slice(at, end)) ?? this.giveUp();
      }
      case OPEN_BRACKET:
        return this.flowList();
      case OPEN_BRACE:
        return this.flowMap();
      default: {
        let end = at;
        let hash = 0;
        for (let code = this.code(end); isOfKey(code) || code === COLON; code = this.code(++end)) {
          // It would end the scalar.
          if (code === COLON && !isOfKey(this.code(end + 1))) return this.giveUp();
          hash = hashWith(hash, code);
        }
        if (end === at || !startsPlain(this.code(at))) return this.giveUp();
        this.at = end;
        const value = this.words.valueOf(text, at, end, hash);
        return value === undefined ? this.giveUp() : value;
      }
    }
  }

  private flowList(): unknown {
    const items: unknown[] = [];
    if (!this.openFlow(CLOSE_BRACKET)) {
      do items.push(this.flow());
      while (this.hasMore(CLOSE_BRACKET));
    }
    return this.isRegular ? items : undefined;
  }

  private flowMap(): unknown {
    const map: Record<string, unknown> = {};
    if (!this.openFlow(CLOSE_BRACE)) {
      do {
        const key = this.key();
        if (key === undefined || map[key] !== undefined || this.code(this.at) !== SPACE) return this.giveUp();
        this.at = this.skipSpaces(this.at);
        map[key] = this.flow();
      } while (this.hasMore(CLOSE_BRACE));
    }
    return this.isRegular ? map : undefined;
  }

  /** Goes behind the opening bracket, and behind the closing one where nothing is between them. */
  private openFlow(close: number): boolean {
    if (++this.depth > MAX_DEPTH) this.giveUp();
    this.at = this.skipSpaces(this.at + 1);
    return this.code(this.at) === close && this.closeFlow();
  }

  private closeFlow(): true {
    this.at++;
    this.depth--;
    return true;
  }

  /** Goes to the next value of a collection; false, and behind its bracket, where there is none. */
  private hasMore(close: number): boolean {
    if (!this.isRegular) return false;
    this.at = this.skipSpaces(this.at);
    const code = this.code(this.at);
    if (code === COMMA) {
      this.at = this.skipSpaces(this.at + 1);
      return true;
    }
    if (code === close) this.closeFlow();
    else this.giveUp();
    return false;
  }
}
