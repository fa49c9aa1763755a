/** The rules of a chain, those together that ask for one field. */
import type { Chain } from "../../ir/types.ts";
import { askedBy, type PlannedRule, plannedOf } from "../plan.ts";
import { Run } from "./run.ts";

/** In order. */
export type Plan = readonly (PlannedRule | Run)[];

/** Fewer rules are asked one after the other. */
const FEWEST = 6;

export function planOf({ rules }: Chain): Plan {
  const planned = rules.map(plannedOf);
  const plan: (PlannedRule | Run)[] = [];
  for (let i = 0; i < planned.length; ) {
    const { text, end } = longestRun(planned, i);
    if (text !== undefined && end - i >= FEWEST) {
      plan.push(new Run(planned.slice(i, end), text, end === planned.length));
      i = end;
    } else {
      plan.push(planned[i] as PlannedRule);
      i++;
    }
  }
  return plan;
}

/** The field that the most rules from `start` on ask for, and the rule behind them. */
function longestRun(rules: readonly PlannedRule[], start: number): { text: string | undefined; end: number } {
  let common = (rules[start] as PlannedRule).asks.map(({ text }) => text);
  let end = start + 1;
  for (; end < rules.length && common.length > 0; end++) {
    const rule = rules[end] as PlannedRule;
    const both = common.filter((text) => askedBy(rule, text) !== undefined);
    if (both.length === 0) break;
    common = both;
  }
  if (common.length < 2) return { text: common[0], end };
  const run = rules.slice(start, end);
  const values = (text: string): number => new Set(run.map((rule) => askedBy(rule, text)?.values.key)).size;
  const [text] = common.map((each) => [each, values(each)] as const).sort(([, a], [, b]) => b - a)[0] ?? [];
  return { text, end };
}
