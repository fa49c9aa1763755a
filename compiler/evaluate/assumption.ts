/** What is assumed of a packet where it is not known. */
import { prefixOfNames } from "../ir/interval.ts";
import type { KeyPart } from "../ir/types.ts";
import { ALWAYS, type Condition, coverOf, impliedBy, not, unknownsIn, whereKnown } from "./condition.ts";

/** A match that is not understood, or asks for what is not known, was taken to hold or not to hold. */
export interface Assumption {
  readonly text: string;
  readonly holds: boolean;
  /** It holds when what `subject` names is one of `values`. */
  readonly about?: About;
}

export interface About {
  readonly subject: string;
  readonly values: readonly KeyPart[];
}

/** As text: that a value is one of `values`. */
export function describeTest({ subject, values }: About): string {
  const [only, more] = values;
  return only !== undefined && more === undefined && typeof only !== "object"
    ? `${subject} == ${only}`
    : `${subject} ${values.map(printPart).join()}`;
}

function printPart(part: KeyPart): string {
  if (typeof part !== "object") return String(part);
  const prefix = prefixOfNames(part);
  return prefix === undefined ? `${part.from}-${part.to}` : `${prefix}*`;
}

/** Lists of assumptions: all of one of them hold. */
export interface Choice {
  readonly ways: readonly (readonly Assumption[])[];
  /** There are more ways, which are not listed. */
  readonly isMore: boolean;
}

/** More choices, and more ways of one, are not told. */
const MOST = 100;
const MOST_WAYS = 20;

/** What has to hold for `condition`: all of `assumptions`, and one way of each of `choices`. */
export function assumptionsOf(condition: Condition): {
  readonly assumptions: readonly Assumption[];
  readonly choices: readonly Choice[];
} {
  if (condition === ALWAYS) return { assumptions: [], choices: [] };
  const implied = impliedBy(condition);
  const rest = whereKnown(condition, ({ text }) => implied.get(text));
  return { assumptions: assumptionsFor(condition, implied), choices: rest === ALWAYS ? [] : choicesOf(rest) };
}

function assumptionsFor(condition: Condition, implied: ReadonlyMap<string, boolean>): Assumption[] {
  return [...unknownsIn(condition)]
    .sort((a, b) => a.index - b.index)
    .flatMap(({ text, about }): Assumption[] => {
      const holds = implied.get(text);
      if (holds === undefined) return [];
      return [about === undefined ? { text, holds } : { text, holds, about }];
    });
}

/** As sums of which each has to hold, or as one sum of products: whichever has fewer. */
function choicesOf(condition: Condition): Choice[] {
  const sums = coverOf(not(condition), MOST);
  const products = coverOf(condition, MOST_WAYS);
  if (sums.isMore || (!products.isMore && products.ways.length < sums.ways.length)) return [products];
  return sums.ways.map((way) => ({ ways: way.map((each) => [{ ...each, holds: !each.holds }]), isMore: false }));
}

/** As text: that all of one of its lists hold. */
export function describeChoice({ ways, isMore }: Choice): string {
  const all = ways.map((way) => way.map(describeAssumption).join(" and ")).sort();
  return `${all.join(", or ")}${isMore ? ", or in other ways" : ""}`;
}

export function describeAssumption({ text, holds }: Assumption): string {
  return holds ? text : `not ${text}`;
}
