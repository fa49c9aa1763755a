/** Lists of rules, by where they stand: as rows of their chains, of which no object is made. */
import { ruleAt } from "../../ir/rule-rows.ts";
import type { Chain, Rule } from "../../ir/types.ts";

/** The rules of a chain from number `first` to before `end`. */
export interface RuleRun {
  readonly chain: Chain;
  readonly first: number;
  readonly end: number;
}

export function countRulesIn(runs: readonly RuleRun[]): number {
  return runs.reduce((sum, { first, end }) => sum + end - first, 0);
}

/** Those for whose number in the list `stays` says so. */
export function filterRulesIn(runs: readonly RuleRun[], stays: (i: number) => boolean): readonly Rule[] {
  const kept: Rule[] = [];
  let i = 0;
  for (const { chain, first, end } of runs)
    for (let at = first; at < end; at++) if (stays(i++)) kept.push(ruleAt(chain, at));
  return kept;
}
