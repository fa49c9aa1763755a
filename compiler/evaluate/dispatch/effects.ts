/** Which packets a chain may do something to. */
import type { Chain, Expression } from "../../ir/types.ts";
import { EMPTY, intersect, meet, type Ranges, unite } from "../../packets/ranges.ts";
import { fieldOf } from "../expression.ts";
import { type PlannedRule, requiredValues } from "../plan.ts";
import type { Branch, SharedState, State } from "../state.ts";
import { isUnknown } from "../unknown-expression.ts";
import type { Plan, Plans } from "./plan.ts";
import type { NeededValues } from "./run.ts";

/** A chain that leads on with more rules than these, as a dump's one to each Service: a packet comes to few of the chains behind it. */
const FEW_RULES = 256;

interface Field {
  readonly text: string;
  readonly field: Expression;
}

/** For the chains of a table. */
export class Effects implements NeededValues {
  private readonly plans: Plans;
  /** By chain and text of a field; undefined: the chain may do something whatever the field's value. */
  private readonly known = new Map<Chain, Map<string, Ranges | undefined>>();
  private readonly required = new Map<readonly PlannedRule[], readonly Field[]>();
  private readonly needed = new Map<Chain, readonly (Field & { readonly values: Ranges })[]>();

  constructor(plans: Plans) {
    this.plans = plans;
  }

  /** The branches of `whole` to which `chain` may do something, and those that leave it at its end as they came. */
  divide(chain: Chain, whole: State): { readonly state: State | undefined; readonly idle: State | undefined } {
    const { shared, branches } = whole;
    const needed = this.neededFor(chain).filter(({ field }) => !isUnknown(field, shared));
    if (needed.length === 0) return { state: whole, idle: undefined };
    const idle = branches.filter((branch) => needed.some((each) => isIdle(each, shared, branch)));
    if (idle.length === 0) return { state: whole, idle: undefined };
    if (idle.length === branches.length) return { state: undefined, idle: whole };
    const others = new Set(idle);
    return {
      state: { shared, branches: branches.filter((branch) => !others.has(branch)) },
      idle: { shared, branches: idle },
    };
  }

  /** The fields on whose values it depends for each of `rules` whether it does something. Each of them leads on, or ends. */
  fields(rules: readonly PlannedRule[]): readonly Field[] {
    const known = this.required.get(rules);
    if (known !== undefined) return known;
    const found = this.requiredBelow(rules).filter(({ text }) =>
      rules.every((rule) => this.ofRule(rule, text, rules) !== undefined),
    );
    this.required.set(rules, found);
    return found;
  }

  /** The values of the field that `text` names without which `rule` does nothing; undefined: that does not depend on it. That a
   *  rule leads past others does nothing to packets to which none of those does anything. Among many rules what one asks itself is enough. */
  ofRule(planned: PlannedRule, text: string, among: readonly PlannedRule[]): Ranges | undefined {
    const { jumpTarget, steps } = planned;
    const own = requiredValues(planned, text)?.values;
    if (steps.length === 0) return EMPTY;
    if (jumpTarget === undefined || (own !== undefined && among.length > FEW_RULES)) return own;
    const inside = this.ofChain(this.plans.table.chain(jumpTarget.chain), text);
    if (own === undefined || inside === undefined) return own ?? inside;
    return intersect(own, inside);
  }

  private ofChain(chain: Chain, text: string): Ranges | undefined {
    const known = this.known.get(chain) ?? new Map<string, Ranges | undefined>();
    this.known.set(chain, known);
    if (known.has(text)) return known.get(text);
    const values = this.findOfChain(this.plans.of(chain), text);
    known.set(text, values);
    return values;
  }

  private findOfChain(plan: Plan, text: string): Ranges | undefined {
    const all: Ranges[] = [];
    const rules = rulesOf(plan);
    for (const rule of rules) {
      const values = this.ofRule(rule, text, rules);
      if (values === undefined) return undefined;
      all.push(values);
    }
    return unite(all);
  }

  /** The values of fields without which `chain` does nothing. */
  private neededFor(chain: Chain): readonly (Field & { readonly values: Ranges })[] {
    const known = this.needed.get(chain);
    if (known !== undefined) return known;
    const found = this.requiredBelow(rulesOf(this.plans.of(chain))).flatMap((each) => {
      const values = this.ofChain(chain, each.text);
      return values === undefined ? [] : [{ ...each, values }];
    });
    this.needed.set(chain, found);
    return found;
  }

  /** The fields that the first of `rules` asks for, or the first ones of the chains to which it leads: others do not matter to
   *  all of them. */
  private requiredBelow(rules: readonly PlannedRule[]): Field[] {
    const found = new Map<string, Field>();
    let [rule] = rules;
    while (rule !== undefined) {
      for (const required of rule.requirements) found.set(required.text, required);
      const { jumpTarget }: PlannedRule = rule;
      if (jumpTarget === undefined) break;
      [rule] = rulesOf(this.plans.of(this.plans.table.chain(jumpTarget.chain)));
    }
    return [...found.values()];
  }
}

/** Whether packets have none of the values without which nothing is done to them. */
function isIdle({ field, values }: Field & { readonly values: Ranges }, shared: SharedState, branch: Branch): boolean {
  const value = fieldOf(field, shared, branch);
  if (value === undefined) return true;
  if (typeof value === "string") return false;
  return typeof value === "object" ? !meet(branch.region[value.field], values) : !values.has(value);
}

function rulesOf(plan: Plan): readonly PlannedRule[] {
  return plan.flatMap((part) => (part.kind === "rule" ? [part] : part.rules));
}
