/** What rules and elements are, as numbers. */
import type { Token } from "./tokens.ts";

/** The number of a value of a sort, or of a chain of one table of one side, that may be exchanged with others. */
export type Parameter = number;

/** What a rule or an element is. */
export interface RowTemplate {
  readonly token: Token;
  /** In the order in which they stand in it. */
  readonly parameters: readonly Parameter[];
  readonly guards: readonly RowGuard[];
}

/** A parameter without which a row does nothing. */
export interface RowGuard {
  /** Its place in `parameters`. */
  readonly at: number;
  /** What is asked for it. */
  readonly field: Token;
}
