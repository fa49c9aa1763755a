/** The words of a text, but for long lists of elements: a million of them as tokens are gigabytes. */
import { createToken, type ILexingError, type IToken, Lexer } from "chevrotain";
import { Newline, nftLexer } from "./lexer.ts";

/** What stands between the braces of a long list of elements, as one token: its text is that of all. */
export const Listed = createToken({ name: "Listed", pattern: Lexer.NA, label: "elements" });

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
    tokens.push({
      image: text.slice(start, end),
      startOffset: start,
      tokenType: Listed,
      tokenTypeIdx: Listed.tokenTypeIdx as number,
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

const TAB = 9;
const LINE_FEED = 10;
const FORM_FEED = 12;
const RETURN = 13;
const BLANK = 32;
const QUOTE = 34;
const CLOSE = 125;

/** What may mean something besides elements: `#`, `$`, `'`, `;`, a backslash, another brace. */
const OTHERS: ReadonlySet<number> = new Set([...`#$';\\{`].map((character) => character.charCodeAt(0)));

/** Where the brace stands that closes the list from `start` on; -1 where the list holds anything but elements, or a character that no
 *  word has. */
function endOfList(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === CLOSE) return at;
    if (code === QUOTE) {
      at = endOfQuoted(text, at + 1);
      if (at < 0) return -1;
    } else if (code < 60 || code > 90) {
      const isControl = code < BLANK && code !== TAB && code !== LINE_FEED && code !== FORM_FEED && code !== RETURN;
      if (isControl || OTHERS.has(code)) return -1;
    }
  }
  return -1;
}

function endOfQuoted(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === LINE_FEED) return -1;
  }
  return -1;
}
