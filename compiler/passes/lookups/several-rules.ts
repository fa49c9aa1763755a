/** What takes several rules, and what may not stand in several. */
import type { FieldExpression, Match } from "../../ir/types.ts";

/** Ports that one `multiport` match holds; a range takes two of them. */
const MULTIPORT_LIMIT = 15;

/** Whether formats without sets have no single match for `field`: iptables has one for a single interval, for a few ports
 *  and for types of addresses. */
export function isList(field: FieldExpression, { intervals }: Extract<Match, { kind: "within" }>): boolean {
  if (intervals.length <= 1 || field.kind === "fib") return false;
  const places = intervals.reduce((sum, { from, to }) => sum + (from === to ? 1 : 2), 0);
  return field.kind !== "transport" || places > MULTIPORT_LIMIT;
}

/** Whether one of `matches` may have another answer each time that it is asked. */
export function asksChance(matches: readonly Match[]): boolean {
  return matches.some((match) => match.kind === "chance" || ("left" in match && match.left.kind === "numgen"));
}
