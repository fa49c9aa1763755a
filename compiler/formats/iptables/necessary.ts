/** What is certain about matches that are not understood. */
import type { Match } from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";
import { notHolding } from "./choice.ts";
import { MATCHES } from "./extensions/matches.ts";
import type { Certainty } from "./extensions/row.ts";

type OpaqueMatch = Extract<Match, { kind: "opaque" }>;

function certaintyOf({ text }: OpaqueMatch): Certainty | undefined {
  const name = /^-m (\S+)/.exec(text)?.[1];
  return name === undefined ? undefined : meaningOf(MATCHES, name)?.certain;
}

/** The steps of rules for `unknown`, an extension that is not understood, with what is certain of it: of the lists one applies
 *  to a packet, or none. */
export function certainly(unknown: OpaqueMatch): [Match[], ...Match[][]] {
  const certain = certaintyOf(unknown);
  if (certain === undefined) return [[unknown]];
  if ("either" in certain) {
    const [first, ...more] = certain.either;
    return [[...first, unknown], ...more.map((list) => [...list, unknown])];
  }
  const { needs, failsWithout = isPositive } = certain;
  const others = notHolding(needs);
  const own = [needs, unknown];
  return others === undefined || failsWithout(unknown.spelled ?? unknown.text) ? [own] : [own, [others]];
}

/** Whether an option is not negated. */
function isPositive(spelled: string): boolean {
  return !/ ! --/.test(spelled) || /(?<! !) --/.test(spelled);
}

/** What holds wherever `match` does; undefined: nothing is certain. */
export function necessaryFor(match: OpaqueMatch): Match | undefined {
  const certain = certaintyOf(match);
  return certain !== undefined && "needs" in certain ? certain.needs : undefined;
}
