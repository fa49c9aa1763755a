/** Tests of the family in tables that have packets of one family only. */

import { partHolds } from "../../ir/interval.ts";
import { NFPROTO } from "../../ir/packet-family.ts";
import { isForOthers } from "../../ir/sets.ts";
import type { Expression, MapElement, Match, TableFamily, Value, Verdict } from "../../ir/types.ts";

/** Whether `left` is the family of a packet in a table of one family: nft refuses `meta nfproto` there, and `meta protocol` says
 *  the same. */
export function isFamilyTest(left: Expression, family: TableFamily): boolean {
  return (family === "ip" || family === "ip6") && left.kind === "meta" && left.key === "nfproto";
}

/** `meta protocol ip` and the like. */
export function printFamilyTest(match: Extract<Match, { kind: "compare" | "within" }>): string {
  if (match.kind === "compare")
    return `meta protocol ${match.operator === "==" ? "" : `${match.operator} `}${nameOf(match.right)}`;
  const known = [NFPROTO.ip, NFPROTO.ip6].filter((each) => match.intervals.some((part) => partHolds(part, each)));
  const names = known.length === 0 ? [NO_PROTOCOL] : known.map(nameOf);
  return `meta protocol ${match.negated ? "!= " : ""}{ ${names.join(", ")} }`;
}

/** The elements of a map that is asked with the family. */
export function printFamilyElements(elements: readonly MapElement[], print: (verdict: Verdict) => string): string {
  const texts = elements.map(
    ({ key, value }) => `${isForOthers(key) ? "*" : nameOf(key[0])} : ${print(value as Verdict)}`,
  );
  return `{ ${texts.join(", ")} }`;
}

/** A link protocol that no packet of IP has. */
const NO_PROTOCOL = "0x0000";

function nameOf(family: Value | object | undefined): string {
  return family === NFPROTO.ip ? "ip" : family === NFPROTO.ip6 ? "ip6" : NO_PROTOCOL;
}
