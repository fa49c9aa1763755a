/** The rules of a chain, those together that ask for one field. */
import type { Chain } from "../../ir/types.ts";
import { subtract, uniteDisjoint } from "../../packets/ranges.ts";
import { type PlannedRule, plannedOf, requiredValues } from "../plan.ts";
import type { TableIndex } from "../table-index.ts";
import { Run, valuesOfRunField } from "./run.ts";

/** In order. */
export type Plan = readonly (PlannedRule | Run)[];

/** The plans of the chains of a table, each made once. */
export class Plans {
  readonly table: TableIndex;
  private readonly plans = new Map<Chain, Plan>();
  private readonly flattened = new Map<Run, Run>();

  constructor(table: TableIndex) {
    this.table = table;
  }

  of(chain: Chain): Plan {
    let plan = this.plans.get(chain);
    if (plan === undefined) {
      plan = planOf(chain);
      this.plans.set(chain, plan);
    }
    return plan;
  }

  /** A tree of chains that dispatch by one field as one run of the rules at its leaves: the ways to them are left out. */
  flat(run: Run): Run {
    const known = this.flattened.get(run);
    if (known !== undefined) return known;
    const rules = run.isDispatch ? run.rules.flatMap((rule) => this.keyedResultsOf(rule, run.text)) : run.rules;
    const flattened = rules.length === run.rules.length ? run : new Run(rules, run.text, true);
    this.flattened.set(run, flattened);
    return flattened;
  }

  private keyedResultsOf(rule: PlannedRule, text: string): readonly PlannedRule[] {
    const { jumpTarget } = rule;
    if (jumpTarget === undefined || rule.first.length > 1 || rule.steps.length > 1) return [rule];
    const below = this.dispatchedBy(this.of(this.table.chain(jumpTarget.chain)), text);
    if (below === undefined) return [rule];
    const { values } = valuesOfRunField(rule, text);
    const areInside = below.every((each) => subtract(valuesOfRunField(each, text).values, values).isEmpty);
    return areInside ? below : [rule];
  }

  /** The rules that a chain dispatches to by the field that `text` names, if it does nothing else. */
  private dispatchedBy(plan: Plan, text: string): readonly PlannedRule[] | undefined {
    const [run, more] = plan;
    if (run?.kind === "run" && more === undefined)
      return run.isDispatch && run.text === text ? this.flat(run).rules : undefined;
    const rules = plan.filter((part) => part.kind === "rule");
    if (rules.length < plan.length) return undefined;
    const values = rules.flatMap((rule) => requiredValues(rule, text)?.values ?? []);
    if (values.length < rules.length || uniteDisjoint(values) === undefined) return undefined;
    return rules.flatMap((rule) => this.keyedResultsOf(rule, text));
  }
}

/** Fewer rules are asked one after the other. */
const FEWEST = 6;

function planOf({ rules }: Chain): Plan {
  const planned = rules.map(plannedOf);
  const plan: (PlannedRule | Run)[] = [];
  for (let i = 0; i < planned.length; ) {
    const { text, end } = planned.length - i < FEWEST ? NO_RUN : longestRun(planned, i);
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

const NO_RUN = { text: undefined, end: 0 };

/** The field that the most rules from `start` on ask for, and the rule behind them. */
function longestRun(rules: readonly PlannedRule[], start: number): { text: string | undefined; end: number } {
  let common = (rules[start] as PlannedRule).requirements.map(({ text }) => text);
  let end = start + 1;
  for (; end < rules.length && common.length > 0; end++) {
    const rule = rules[end] as PlannedRule;
    const both = common.filter((text) => requiredValues(rule, text) !== undefined);
    if (both.length === 0) break;
    common = both;
  }
  if (common.length < 2) return { text: common[0], end };
  const run = rules.slice(start, end);
  const values = (text: string): number => new Set(run.map((rule) => requiredValues(rule, text)?.values.key)).size;
  const [text] = common.map((each) => [each, values(each)] as const).sort(([, a], [, b]) => b - a)[0] ?? [];
  return { text, end };
}
