/** Whether two sides do the same in every way in which the unknown matches can turn out. */

import { TOLERANCE } from "../evaluate/distribution.ts";
import {
  ALWAYS,
  type Condition,
  firstAsked,
  NEVER,
  sense,
  whenFalse,
  whenTrue,
} from "../evaluate/unknown/condition.ts";

/** What happens with a probability where a condition holds: on the right side it has a minus. */
export interface Weight {
  readonly result: string;
  readonly condition: Condition;
  readonly weight: number;
}

/** What there is to tell of two sides that do the same. */
export const EQUAL = "";

/** Weighs what happens on both sides, unknown after unknown. Keep one for a question: it remembers. */
export class Scales {
  private readonly spend: (steps: number) => void;
  private readonly balanced = new Map<string, boolean>();
  private readonly differences = new Map<string, string | undefined>();
  /** Differences that hang on an unknown, by what they are: short names. */
  private readonly names = new Map<string, string>();

  constructor(spend: (steps: number) => void) {
    this.spend = spend;
  }

  /** Whether the weights of each result make up for each other, whatever the unknown matches are. */
  areBalanced(weights: readonly Weight[]): boolean {
    const rest = addUp(weights);
    const unknown = firstIn(rest);
    if (unknown === undefined) return rest.reduce((sum, { weight }) => sum + Math.abs(weight), 0) <= TOLERANCE / 2;
    const key = keyOf(rest);
    let found = this.balanced.get(key);
    if (found === undefined) {
      this.spend(rest.length);
      found =
        this.areBalanced(rest.map((each) => ({ ...each, condition: whenTrue(each.condition, unknown) }))) &&
        this.areBalanced(rest.map((each) => ({ ...each, condition: whenFalse(each.condition, unknown) })));
      this.balanced.set(key, found);
    }
    return found;
  }

  /** What both sides do to a packet to which all of `weights` apply, where it is not the same: equal text for equal differences. */
  differenceOf(weights: readonly Weight[]): string {
    if (weights.every(({ condition }) => condition === ALWAYS)) return sumUp(weights);
    if (this.areBalanced(weights)) return EQUAL;
    return this.find(weights, sense(...weights.map(({ condition }) => condition))) ?? EQUAL;
  }

  /** `possible`: where all is possible; undefined: nothing is. */
  private find(weights: readonly Weight[], possible: Condition): string | undefined {
    if (possible === NEVER) return undefined;
    const rest = weights.filter(({ condition }) => condition !== NEVER);
    const unknown = firstIn([...rest, { condition: possible }]);
    if (unknown === undefined) return sumUp(rest);
    const key = `${possible.id} ${keyOf(rest)}`;
    if (this.differences.has(key)) return this.differences.get(key);
    this.spend(rest.length);
    const [yes, no] = [whenTrue, whenFalse].map((when) =>
      this.find(
        rest.map((each) => ({ ...each, condition: when(each.condition, unknown) })),
        when(possible, unknown),
      ),
    );
    const found = yes === undefined || yes === no ? no : no === undefined ? yes : this.name(unknown.index, yes, no);
    this.differences.set(key, found);
    return found;
  }

  private name(unknown: number, yes: string, no: string): string {
    const text = `${unknown} ? ${yes} : ${no}`;
    const name = this.names.get(text) ?? `#${this.names.size}`;
    this.names.set(text, name);
    return name;
  }
}

function firstIn(parts: readonly { readonly condition: Condition }[]) {
  const [first] = parts;
  if (first === undefined) return undefined;
  let { condition } = first;
  for (const each of parts)
    if (each.condition.unknown !== undefined && firstAsked(each.condition, condition) === each.condition.unknown)
      condition = each.condition;
  return condition.unknown;
}

/** Those that are of one result under one condition together, without those that make up for each other. */
function addUp(weights: readonly Weight[]): Weight[] {
  const sums = new Map<string, Weight>();
  for (const each of weights) {
    if (each.condition === NEVER) continue;
    const key = `${each.condition.id} ${each.result}`;
    const known = sums.get(key);
    sums.set(key, known === undefined ? each : { ...each, weight: known.weight + each.weight });
  }
  return [...sums.values()].filter(({ weight }) => weight !== 0);
}

function keyOf(weights: readonly Weight[]): string {
  return weights
    .map(({ result, condition, weight }) => `${condition.id} ${weight} ${result}`)
    .sort()
    .join("\n\n");
}

function sumUp(weights: readonly Weight[]): string {
  const sums = new Map<string, { left: number; right: number }>();
  for (const { result, weight } of weights) {
    const sum = sums.get(result) ?? { left: 0, right: 0 };
    if (weight > 0) sum.left += weight;
    else sum.right -= weight;
    sums.set(result, sum);
  }
  const all = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  if (all.every(([, { left, right }]) => Math.abs(left - right) <= TOLERANCE)) return EQUAL;
  return all.map(([result, { left, right }]) => `${result} ${left.toFixed(7)} ${right.toFixed(7)}`).join("; ");
}
