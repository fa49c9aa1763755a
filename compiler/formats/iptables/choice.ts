/** What a match of iptables can be: one list of tests, one of several lists, not understood, or refused. */
import type { Match, Step } from "../../ir/types.ts";

/** A match that holds where all tests of one list hold. No packet passes two of the lists: a rule becomes one for each list, and
 *  what the rule does is done once. */
export interface MatchAlternatives {
  readonly either: readonly (readonly Step[])[];
}

/** iptables does not take the rule. */
export interface RefusedOption {
  /** What is wrong, for people: "expected …". */
  readonly refused: string;
}

export function refuse(message: string): RefusedOption {
  return { refused: message };
}

/** What a match is; undefined where it is not understood. */
export type MatchRead = Step[] | MatchAlternatives | RefusedOption | undefined;

export function isRefused(read: object | undefined): read is RefusedOption {
  return read !== undefined && "refused" in read;
}

/** `first`, or else `second`: `not` is `first` turned round. */
export function either(first: Match, not: Match, second: Match): MatchAlternatives {
  return { either: [[first], [not, second]] };
}

/** The lists of tests that a match is; a list of steps is the only one. */
export function listsOf(read: readonly Step[] | MatchAlternatives): readonly (readonly Step[])[] {
  return "either" in read ? read.either : [read];
}

/** All of `lists` with each of `more` behind. */
export function combine<T>(lists: readonly (readonly T[])[], more: readonly (readonly T[])[]): T[][] {
  const [only, ...others] = more;
  if (only !== undefined && others.length === 0) return lists.map((list) => list.concat(only));
  return lists.flatMap((list) => more.map((tail) => [...list, ...tail]));
}

/** `match` turned round. */
export function notHolding(match: Match): Match | undefined {
  if (match.kind === "compare" && (match.operator === "==" || match.operator === "!="))
    return { ...match, operator: match.operator === "==" ? "!=" : "==" };
  return match.kind === "within" ? { ...match, negated: !match.negated } : undefined;
}
