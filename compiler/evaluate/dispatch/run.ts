/** Rules next to each other of which each asks, among other things, whether the same field has certain values. */
import { required } from "../../invariant.ts";
import type { Expression } from "../../ir/types.ts";
import { Diagram } from "../../packets/diagram.ts";
import type { Ranges } from "../../packets/ranges.ts";
import { fieldOf } from "../expression.ts";
import { type PlannedRule, type RequiredValues, requiredValues } from "../plan.ts";
import { type Branch, narrow, type SharedState, type State } from "../state.ts";
import { isUnknown } from "../unknown-expression.ts";

/** Packets, and the rules that they do not pass by, in their order. */
export interface Meeting {
  readonly state: State;
  readonly rules: readonly PlannedRule[];
}

/** What rules do nothing without, by fields besides the one that a run asks for. */
export interface NeededValues {
  /** The fields on whose values it depends for each of `rules` whether it does something. */
  fields(rules: readonly PlannedRule[]): readonly { readonly text: string; readonly field: Expression }[];
  /** The values of the field that `text` names without which `rule` does nothing; undefined: that does not depend on it. */
  ofRule(rule: PlannedRule, text: string, among: readonly PlannedRule[]): Ranges | undefined;
}

type RuleIndex = Diagram<readonly PlannedRule[]>;

export class Run {
  readonly kind = "run";
  readonly rules: readonly PlannedRule[];
  /** Each packet meets one of the rules at most, and none behind them: passing by one that does nothing changes nothing. */
  readonly isDispatch: boolean;
  /** The text of the field. */
  readonly text: string;
  private readonly field: Expression;
  private readonly index: RuleIndex;
  /** By what rules do nothing without, besides the values of `field`. */
  private readonly others = new Map<string, RuleIndex>();
  private readonly byProtocol = new Map<number, readonly PlannedRule[]>();

  /** `text` names a field that all `rules` ask for; `isLast`: they are the last ones of their chain. */
  constructor(rules: readonly PlannedRule[], text: string, isLast: boolean) {
    this.rules = rules;
    this.text = text;
    this.field = valuesOfRunField(rules[0] as PlannedRule, text).field;
    let most = 0;
    const values = rules.map((rule) => valuesOfRunField(rule, text).values);
    this.index = indexOf(rules, values, (met) => {
      most = Math.max(most, met);
    });
    this.isDispatch = isLast && most <= 1;
  }

  meet(state: State, needed: NeededValues): Meeting[] {
    const { shared, branches } = state;
    if (isUnknown(this.field, shared)) return [{ state, rules: this.rulesFor(shared.protocol) }];
    const byRules = new Map<readonly PlannedRule[], Branch[]>();
    const add = (branch: Branch, rules: readonly PlannedRule[]): void => {
      const known = byRules.get(rules);
      if (known === undefined) byRules.set(rules, [branch]);
      else known.push(branch);
    };
    for (const branch of branches) {
      const value = fieldOf(this.field, shared, branch);
      if (typeof value === "string") throw new Error("only numbers are looked up among rules");
      if (value === undefined) {
        add(branch, NO_RULES);
        continue;
      }
      if (typeof value !== "object") {
        add(branch, this.index.at(value));
        continue;
      }
      const few = this.isDispatch ? this.meetByOther(shared, branch, needed) : undefined;
      if (few !== undefined) add(branch, few);
      else
        for (const { region, found } of this.index.split(branch.region, [value.field]))
          add(narrow(branch, region), found);
    }
    return [...byRules].map(([rules, some]) => ({
      state:
        some.length === branches.length && some.every((branch, i) => branch === branches[i])
          ? state
          : { shared, branches: some },
      rules,
    }));
  }

  /** The rules that may do something to packets of a protocol. */
  private rulesFor(protocol: number): readonly PlannedRule[] {
    let rules = this.byProtocol.get(protocol);
    if (rules === undefined) {
      rules = this.rules.filter((rule) => requiredValues(rule, L4PROTO)?.values.has(protocol) !== false);
      this.byProtocol.set(protocol, rules);
    }
    return rules;
  }

  /** The rules that may do something to packets of which another field is the same. */
  private meetByOther(shared: SharedState, branch: Branch, needed: NeededValues): readonly PlannedRule[] | undefined {
    for (const { field, text } of needed.fields(this.rules)) {
      if (isUnknown(field, shared)) continue;
      const value = fieldOf(field, shared, branch);
      if (value === undefined) return NO_RULES;
      if (typeof value === "object" || typeof value === "string") continue;
      let index = this.others.get(text);
      if (index === undefined) {
        index = indexOf(
          this.rules,
          this.rules.map((rule) => required(needed.ofRule(rule, text, this.rules), "all rules depend on the field")),
        );
        this.others.set(text, index);
      }
      return index.at(value);
    }
    return undefined;
  }
}

const L4PROTO = "meta l4proto";
const NO_RULES: readonly PlannedRule[] = [];

export function valuesOfRunField(rule: PlannedRule, text: string): RequiredValues {
  return required(requiredValues(rule, text), "all rules of a run ask for its field");
}

/** Of `rules`, by one of `values` each. `note` is told how many are met together. */
function indexOf(
  rules: readonly PlannedRule[],
  values: readonly Ranges[],
  note: (met: number) => void = () => undefined,
): RuleIndex {
  const numbers = new Map(rules.map((rule, i) => [rule, i]));
  return new Diagram(
    1,
    values.map((each) => ({ parts: [each] })),
    {
      find: (met): readonly PlannedRule[] => {
        note(met.length);
        return met.map((i) => rules[i] as PlannedRule);
      },
      key: (met) => met.map((rule) => numbers.get(rule)).join(),
    },
  );
}
