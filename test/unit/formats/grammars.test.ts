import { createToken, EmbeddedActionsParser, Lexer } from "chevrotain";
import { describe, expect, test } from "vitest";
import { lineParser } from "../../../compiler/formats/iptables/grammar.ts";
import { lineLexer, TOKENS as WORDS } from "../../../compiler/formats/iptables/lexer.ts";
import { quickLexing, quickStart } from "../../../compiler/formats/lazy-lookahead.ts";
import { nftParser } from "../../../compiler/formats/nft/grammar.ts";
import { nftLexer, TOKENS } from "../../../compiler/formats/nft/lexer.ts";

const WORD = createToken({ name: "Word", pattern: /\w+/ });

class Ambiguous extends EmbeddedActionsParser {
  constructor(validates: boolean) {
    super([WORD], quickStart(1, validates));
    this.performSelfAnalysis();
  }

  readonly either = this.RULE("either", () => {
    this.OR([{ ALT: () => this.CONSUME1(WORD) }, { ALT: () => this.CONSUME2(WORD) }]);
  });
}

describe("parsers are checked here, since they do not check their grammar when they start", () => {
  const parsers = { nft: nftParser(), iptables: lineParser };
  test.each(Object.entries(parsers))("the grammar of %s", (_, parser) => {
    expect(() => Reflect.construct(parser.constructor, [true])).not.toThrow();
  });

  test("a grammar with two alternatives that nothing tells apart", () => {
    expect(() => new Ambiguous(false)).not.toThrow();
    expect(() => new Ambiguous(true)).toThrow(/Ambiguous Alternatives/);
  });
});

describe("lexers are checked here, since they do not check their tokens when they start", () => {
  test.each([
    ["nft", TOKENS, nftLexer],
    ["iptables", WORDS, lineLexer],
  ] as const)("the tokens of %s", (_, tokens, quick) => {
    expect(new Lexer([...tokens], quickLexing(true)).lexerDefinitionErrors).toEqual([]);
    expect(quick.tokenize("a 1").tokens.length).toBe(2);
  });

  test("tokens of which one stands behind another that takes its words", () => {
    const tokens = [WORD, createToken({ name: "Both", pattern: /\w+/ })];
    expect(() => new Lexer(tokens, quickLexing(false))).not.toThrow();
    expect(() => new Lexer(tokens, quickLexing(true))).toThrow(/WORD|Word/);
  });
});
