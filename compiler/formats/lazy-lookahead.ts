import {
  type ILexerConfig,
  type ILookaheadStrategy,
  type IOrAlt,
  type IParserConfig,
  type IParserErrorMessageProvider,
  LLkLookaheadStrategy,
  tokenLabel,
} from "chevrotain";

/**
 * Looks ahead as chevrotain does by default, but works out what tells alternatives apart when a text first comes to them. To
 * work it out for a whole grammar takes longer than to read most texts.
 */
class LazyLookahead implements ILookaheadStrategy {
  private readonly eager: ILookaheadStrategy;

  constructor(maxLookahead: number) {
    this.eager = new LLkLookaheadStrategy({ maxLookahead });
  }

  validate(options: Parameters<ILookaheadStrategy["validate"]>[0]): ReturnType<ILookaheadStrategy["validate"]> {
    return this.eager.validate(options);
  }

  buildLookaheadForAlternation(
    options: Parameters<ILookaheadStrategy["buildLookaheadForAlternation"]>[0],
  ): ReturnType<ILookaheadStrategy["buildLookaheadForAlternation"]> {
    const { eager } = this;
    let choose: ReturnType<ILookaheadStrategy["buildLookaheadForAlternation"]> | undefined;
    // chevrotain calls it as a method of the parser.
    return function (this: unknown, alternatives?: IOrAlt<unknown>[]): number | undefined {
      choose ??= eager.buildLookaheadForAlternation(options);
      return choose.call(this, alternatives);
    };
  }

  buildLookaheadForOptional(
    options: Parameters<ILookaheadStrategy["buildLookaheadForOptional"]>[0],
  ): ReturnType<ILookaheadStrategy["buildLookaheadForOptional"]> {
    const { eager } = this;
    let isThere: ReturnType<ILookaheadStrategy["buildLookaheadForOptional"]> | undefined;
    return function (this: unknown): boolean {
      isThere ??= eager.buildLookaheadForOptional(options);
      return isThere.call(this);
    };
  }
}

const EXPECTED_LABEL: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => tokenLabel(expected),
  buildNotAllInputParsedMessage: () => "",
  buildNoViableAltMessage: () => "",
  buildEarlyExitMessage: () => "",
};

/** The settings of a lexer that starts quickly. A test makes each lexer with `validates`. */
export function quickLexing(validates: boolean): ILexerConfig {
  return { positionTracking: "onlyOffset", ensureOptimizations: true, skipValidations: !validates };
}

/** The settings of a parser that starts quickly. The message of each of its errors is the label of the token that was expected,
 *  or empty where several could stand. A test makes each parser with `validates`: a grammar is right or wrong once. */
export function quickStart(maxLookahead: number, validates: boolean): IParserConfig {
  return {
    recoveryEnabled: false,
    maxLookahead,
    errorMessageProvider: EXPECTED_LABEL,
    lookaheadStrategy: new LazyLookahead(maxLookahead),
    skipValidations: !validates,
  };
}
