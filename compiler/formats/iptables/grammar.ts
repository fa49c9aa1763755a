import { EmbeddedActionsParser, type IToken } from "chevrotain";
import { quickStart } from "../lazy-lookahead.ts";
import { Bang, Counters, lineLexer, Option, Quoted, TOKENS, Unclosed, Word } from "./lexer.ts";

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

/** Offsets in a line, the end not included. */
export interface PlaceInLine {
  readonly start: number;
  readonly end: number;
}

interface ParsedLine {
  /** Each word as an option where the line is broken. */
  readonly options: readonly OptionText[];
  /** A character that no word has. */
  readonly unreadable: PlaceInLine | undefined;
  /** What was expected, and where. */
  readonly broken: (PlaceInLine & { readonly message: string }) | undefined;
}

export function parseLine(line: string): ParsedLine {
  const { tokens, errors } = lineLexer.tokenize(line);
  const [first] = errors;
  const unreadable = first === undefined ? undefined : { start: first.offset, end: first.offset + first.length };
  lineParser.input = tokens;
  const options = lineParser.command();
  const [error] = lineParser.errors;
  if (error === undefined) return { options, unreadable, broken: undefined };
  const words = tokens.map(({ image, startOffset, tokenType }) => ({
    negated: tokenType === Bang,
    name: image,
    values: [],
    start: startOffset,
    end: startOffset + image.length,
  }));
  const unclosed = tokens.find(({ tokenType }) => tokenType === Unclosed);
  if (unclosed !== undefined) {
    const message = "expected a closing quotation mark in this line";
    return { options: words, unreadable, broken: { message, start: unclosed.startOffset, end: line.length } };
  }
  const { image, startOffset } = error.token;
  const start = image === "" ? line.length - 1 : startOffset;
  const message =
    image === "" ? "the line ends where an option was expected" : `expected an option, found ${JSON.stringify(image)}`;
  return { options: words, unreadable, broken: { message, start, end: start + Math.max(image.length, 1) } };
}
