/** The words of a text, but for long lists of elements: a million of them as tokens are gigabytes. */
import { createToken, type ILexingError, type IToken, Lexer } from "chevrotain";
import { Newline, nftLexer } from "./lexer.ts";

/** What stands between the braces of a long list of elements, as one token: its text is that of all. */
export const Listed = createToken({ name: "Listed", pattern: Lexer.NA, label: "elements" });

/** Where a list stands: what is read a character after the other is read from the whole text, of which it is a part. */
export interface ListPlace {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** That of a token `Listed`. */
export function placeOfList(list: IToken): ListPlace {
  return list.payload as ListPlace;
}

/** Shorter ones are read as they are. */
const LEAST = 1024;

/** Where a list of elements may begin: a line of a set, or a command that adds to one. */
const LIST = /(?:^|\n)(?:[ \t]*elements = |(?:add|create) element [^\n{}#"'$;\\]*)\{/g;

/** The tokens of `text`, with a token `Listed` for what stands in each long list. */
export function lexAside(text: string): { readonly tokens: IToken[]; readonly errors: readonly ILexingError[] } {
  const tokens: IToken[] = [];
  const errors: ILexingError[] = [];
  let from = 0;
  const take = (end: number): void => {
    const found = nftLexer.tokenize(from === 0 && end === text.length ? text : text.slice(from, end));
    for (const token of found.tokens) {
      token.startOffset += from;
      tokens.push(token);
    }
    for (const error of found.errors) errors.push({ ...error, offset: error.offset + from });
    from = end;
  };
  LIST.lastIndex = 0;
  while (LIST.test(text)) {
    const start = LIST.lastIndex;
    const end = endOfList(text, start);
    if (end - start < LEAST) continue;
    take(start);
    const place: ListPlace = { text, start, end };
    tokens.push({
      image: text.slice(start, end),
      startOffset: start,
      tokenType: Listed,
      tokenTypeIdx: Listed.tokenTypeIdx as number,
      payload: place,
    } as IToken);
    from = end;
    LIST.lastIndex = end;
  }
  take(text.length);
  return { tokens, errors };
}

/** `tokens` of one line, with all words of their lists: ends of lines mean nothing there. */
export function withLists(tokens: readonly IToken[]): readonly IToken[] {
  if (!tokens.some(({ tokenType }) => tokenType === Listed)) return tokens;
  return tokens.flatMap((token) =>
    token.tokenType === Listed ? wordsOfList(token).filter(({ tokenType }) => tokenType !== Newline) : [token],
  );
}

/** The words in a list, and ends of lines. */
export function wordsOfList(list: IToken): readonly IToken[] {
  const { tokens } = nftLexer.tokenize(list.image);
  for (const token of tokens) token.startOffset += list.startOffset;
  return tokens;
}

const LINE_FEED = 10;
const QUOTE = 34;

/** Other characters than those that elements are written with: what ends a list, what begins a text; `#`, `$`, `'`, `;`, a backslash and
 *  another brace, which may mean something else; and those that no word has. */
const ODD = /[^\t\n\f\r !%&(-:<-[\]-z|~-\uffff]/g;

/** Where the brace stands that closes the list from `start` on; -1 where the list holds anything but elements, or a character that no
 *  word has. */
function endOfList(text: string, start: number): number {
  ODD.lastIndex = start;
  while (ODD.test(text)) {
    const at = ODD.lastIndex - 1;
    if (text.startsWith("}", at)) return at;
    const end = text.startsWith('"', at) ? endOfQuoted(text, at + 1) : -1;
    if (end < 0) return -1;
    ODD.lastIndex = end + 1;
  }
  return -1;
}

/** Where the quotation mark stands that closes the text from `start` on; -1: the line ends before. */
function endOfQuoted(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === LINE_FEED) return -1;
  }
  return -1;
}
