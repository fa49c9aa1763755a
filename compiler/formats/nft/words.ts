/** Words of a text of nft: variables, what the grammar makes of them, and what is wrong with them. */
import type { IToken } from "chevrotain";
import type { DiagnosticCode, Origin } from "../../diagnostics.ts";
import type { TextFindings } from "../text-findings.ts";
import { ElementLists } from "./element-lists.ts";
import { isEnd, nftParser } from "./grammar.ts";
import { CloseBrace, CloseParen, OpenBrace, OpenParen, Variable, Word } from "./lexer.ts";
import { withLists } from "./set-aside.ts";
import type { ElementNode } from "./syntax.ts";

export class WordReader {
  readonly findings: TextFindings;
  readonly lists = new ElementLists();
  private readonly variables = new Map<string, readonly IToken[]>();

  constructor(findings: TextFindings) {
    this.findings = findings;
  }

  error(code: DiagnosticCode, message: string, tokens: readonly IToken[]): void {
    const { start, end } = this.spanOf(tokens);
    this.findings.error(code, message, start, end);
  }

  spanOf(tokens: readonly IToken[]): { readonly start: number; readonly end: number } {
    const [first] = tokens;
    const last = tokens.at(-1);
    const start = first?.startOffset ?? 0;
    return { start, end: last === undefined ? start + 1 : last.startOffset + last.image.length };
  }

  originOf(tokens: readonly IToken[]): Origin {
    const { start, end } = this.spanOf(tokens);
    return this.findings.originOf(start, end);
  }

  // --- variables ---------------------------------------------------------------------------------------------------------

  /** `define NAME = …` */
  define(tokens: readonly IToken[]): void {
    const [, name, equals, ...value] = tokens;
    if (name === undefined || equals?.image !== "=" || value.length === 0) {
      this.error("rules-syntax", "expected define NAME = VALUE", tokens);
      return;
    }
    const words = this.expand(value);
    this.variables.set(name.image, words);
    // A priority may be negative; everything else is a value.
    if (words[0]?.image !== "-") this.parse(words, () => nftParser().values());
  }

  /** `tokens` with the values of variables in their places. */
  expand(tokens: readonly IToken[]): readonly IToken[] {
    if (!tokens.some(({ tokenType }) => tokenType === Variable)) return tokens;
    return tokens.flatMap((token): readonly IToken[] => {
      if (token.tokenType !== Variable) return [token];
      const value = this.variables.get(token.image.slice(1));
      if (value === undefined) {
        this.error("rules-syntax", `${token.image} is not defined`, [token]);
        return [{ ...token, tokenType: Word, tokenTypeIdx: Word.tokenTypeIdx as number }];
      }
      // Each word where the variable stood: places and findings lead there.
      return value.map((word) => ({ ...word, startOffset: token.startOffset }));
    });
  }

  /** `tokens` with the values of the variables that are defined. */
  withVariables(tokens: readonly IToken[]): readonly IToken[] {
    return tokens.flatMap((token) =>
      token.tokenType === Variable ? (this.variables.get(token.image.slice(1)) ?? [token]) : [token],
    );
  }

  // --- grammar -----------------------------------------------------------------------------------------------------------

  /** What a rule of the grammar makes of `tokens`; undefined when they do not fit, which is reported. */
  parse<T>(tokens: readonly IToken[], rule: () => T): T | undefined {
    if (depthOf(tokens) > MAX_DEPTH) {
      this.error(
        "too-deep",
        `expected at most ${MAX_DEPTH} braces or parentheses within one another`,
        tokens.slice(0, 1),
      );
      return undefined;
    }
    nftParser().take([...tokens]);
    const found = rule();
    const [error] = nftParser().errors;
    if (error === undefined) return found;
    const token = isEnd(error.token) || Number.isNaN(error.token.startOffset) ? undefined : error.token;
    const what = error.message === "" ? "" : `expected ${error.message}, `;
    if (token === undefined) {
      const last = tokens.at(-1);
      this.error(
        "rules-syntax",
        `${what === "" ? "expected more, " : what}found the end of the line`,
        last === undefined ? [] : [last],
      );
    } else {
      this.error("rules-syntax", `${what}found ${JSON.stringify(token.image)}, which does not fit here`, [token]);
    }
    return undefined;
  }

  /** As `parse`, of what nothing is reported. */
  parseQuietly<T>(tokens: readonly IToken[], rule: () => T): T | undefined {
    nftParser().take([...tokens]);
    const found = rule();
    return nftParser().errors.length === 0 ? found : undefined;
  }

  /** `{ elements }` of a set or map. */
  parseElements(tokens: readonly IToken[]): readonly ElementNode[] | undefined {
    const node = this.parse(withLists(tokens), () => nftParser().set());
    return node?.kind === "set" ? node.elements : undefined;
  }
}

/** More would be no text that anybody wrote, and exhaust the parser's stack. */
const MAX_DEPTH = 32;

/** How many braces and parentheses are open at most. */
function depthOf(tokens: readonly IToken[]): number {
  let depth = 0;
  let deepest = 0;
  for (const { tokenType } of tokens) {
    if (tokenType === OpenBrace || tokenType === OpenParen) deepest = Math.max(deepest, ++depth);
    else if (tokenType === CloseBrace || tokenType === CloseParen) depth--;
  }
  return deepest;
}
