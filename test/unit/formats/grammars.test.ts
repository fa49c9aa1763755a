import { createToken, EmbeddedActionsParser } from "chevrotain";
import { describe, expect, test } from "vitest";
import { lineParser } from "../../../compiler/formats/iptables/grammar.ts";
import { quickStart } from "../../../compiler/formats/lazy-lookahead.ts";
import { nftParser } from "../../../compiler/formats/nft/grammar.ts";

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
