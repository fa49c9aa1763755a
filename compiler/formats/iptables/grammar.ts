import { EmbeddedActionsParser, type IToken } from "chevrotain";
import { quickStart } from "../lazy-lookahead.ts";
import { Bang, Counters, Option, Quoted, TOKENS, Word } from "./lexer.ts";

/** An option with the words that follow it: `! --dport 80`. */
export interface OptionText {
  readonly negated: boolean;
  readonly name: string;
  readonly values: readonly string[];
  /** Offsets in the line, the end not included. */
  readonly start: number;
  readonly end: number;
}

/** Only the syntax of one line. Its parts are made at once: a syntax tree for each of 700,000 lines takes longer than all
 *  the rest. */
class LineParser extends EmbeddedActionsParser {
  constructor(validates = false) {
    super(TOKENS, quickStart(2, validates));
    this.performSelfAnalysis();
  }

  // "[n:n]"? option+
  readonly command = this.RULE("command", (): OptionText[] => {
    const options: OptionText[] = [];
    this.OPTION(() => this.CONSUME(Counters));
    this.AT_LEAST_ONE(() => options.push(this.SUBRULE(this.optionText)));
    return options;
  });

  // "!"? OPTION "!"? word*
  private readonly optionText = this.RULE("optionText", (): OptionText => {
    const values: string[] = [];
    const bang = this.OPTION1(() => this.CONSUME1(Bang));
    let negated = bang !== undefined;
    const name = this.CONSUME(Option);
    let end = name;
    // The old place of the negation; a "!" before an option belongs to that option.
    this.OPTION2({
      GATE: () => this.LA(2).tokenType !== Option,
      DEF: () => {
        this.CONSUME2(Bang);
        negated = true;
      },
    });
    this.MANY(() => {
      end = this.OR([{ ALT: () => this.CONSUME(Quoted) }, { ALT: () => this.CONSUME(Word) }]);
      values.push(this.ACTION(() => wordOf(end)));
    });
    return this.ACTION(() => ({
      negated,
      name: name.image,
      values: withoutEquals(values),
      start: (bang ?? name).startOffset,
      end: end.startOffset + end.image.length,
    }));
  });
}

function wordOf({ tokenType, image }: IToken): string {
  return tokenType === Quoted ? image.slice(1, -1).replace(/\\(.)/g, "$1") : image;
}

/** `--dport=80` is `--dport 80`. */
function withoutEquals(values: string[]): readonly string[] {
  const [first] = values;
  return first?.startsWith("=") ? [first.slice(1), ...values.slice(1)] : values;
}

export const lineParser = new LineParser();
