/** Rules next to each other of which each asks, among other things, whether the same field has certain values. */
import { required } from "../../invariant.ts";
import type { Expression } from "../../ir/types.ts";
import { Diagram } from "../diagram.ts";
import { fieldOf, isUnknown } from "../expression.ts";
import { type Asked, askedBy, leadOf, type PlannedRule } from "../plan.ts";
import { type Ranges, subtract, uniteDisjoint } from "../ranges.ts";
import { type Control, narrow, type State, type Stream } from "../state.ts";
import type { Effects } from "./effects.ts";
import type { Plan } from "./plan.ts";
import type { TableDispatch } from "./table.ts";

/** Packets, and the rules that they do not pass by, in their order. */
export interface Meeting {
  readonly state: State;
  readonly rules: readonly PlannedRule[];
}

type RuleIndex = Diagram<readonly PlannedRule[]>;

export class Run {
  readonly kind = "run";
  readonly rules: readonly PlannedRule[];
  /** Each packet meets one of the rules at most, and none behind them: passing by one that does nothing changes nothing. */
  readonly isDispatch: boolean;
  /** The text of the field. */
  private readonly text: string;
  private readonly field: Expression;
  private readonly index: RuleIndex;
  /** By what rules do nothing without, besides the values of `field`. */
  private readonly others = new Map<string, RuleIndex>();
  private flattened: Run | undefined;

  /** `text` names a field that all `rules` ask for; `isLast`: they are the last ones of their chain. */
  constructor(rules: readonly PlannedRule[], text: string, isLast: boolean) {
    this.rules = rules;
    this.text = text;
    this.field = fieldAskedBy(rules[0] as PlannedRule, text).field;
    let most = 0;
    const values = rules.map((rule) => fieldAskedBy(rule, text).values);
    this.index = indexOf(rules, values, (met) => {
      most = Math.max(most, met);
    });
    this.isDispatch = isLast && most <= 1;
  }

  /** A tree of chains that dispatch by one field as one run of the rules at its leaves: the ways to them are left out. */
  flat(dispatch: TableDispatch): Run {
    if (this.flattened !== undefined) return this.flattened;
    this.flattened = this;
    const rules = this.isDispatch ? this.rules.flatMap((rule) => this.leavesOf(rule, dispatch)) : this.rules;
    if (rules.length !== this.rules.length) this.flattened = new Run(rules, this.text, true);
    return this.flattened;
  }

  private leavesOf(rule: PlannedRule, dispatch: TableDispatch): readonly PlannedRule[] {
    const lead = leadOf(rule.rule);
    if (lead === undefined || rule.asks.length > 1 || rule.first.length > 1 || rule.steps.length > 1) return [rule];
    const below = this.dispatchedBy(dispatch.plan(dispatch.table.chain(lead.chain)), dispatch);
    if (below === undefined) return [rule];
    const { values } = fieldAskedBy(rule, this.text);
    const areInside = below.every((each) => subtract(fieldAskedBy(each, this.text).values, values).isEmpty);
    return areInside ? below : [rule];
  }

  /** The rules that a chain dispatches to by the same field, if it does nothing else. */
  private dispatchedBy(plan: Plan, dispatch: TableDispatch): readonly PlannedRule[] | undefined {
    const [run, more] = plan;
    if (run?.kind === "run" && more === undefined)
      return run.isDispatch && run.text === this.text ? run.flat(dispatch).rules : undefined;
    const rules = plan.filter((part) => part.kind === "rule");
    if (rules.length < plan.length) return undefined;
    const values = rules.flatMap((rule) => askedBy(rule, this.text)?.values ?? []);
    if (values.length < rules.length || uniteDisjoint(values) === undefined) return undefined;
    return rules.flatMap((rule) => this.leavesOf(rule, dispatch));
  }

  meet(state: State, effects: Effects): Meeting[] {
    const { control, streams } = state;
    if (isUnknown(this.field, control)) return [{ state, rules: this.rules }];
    const byRules = new Map<readonly PlannedRule[], Stream[]>();
    const add = (stream: Stream, rules: readonly PlannedRule[]): void => {
      const known = byRules.get(rules);
      if (known === undefined) byRules.set(rules, [stream]);
      else known.push(stream);
    };
    for (const stream of streams) {
      const value = fieldOf(this.field, control, stream);
      if (typeof value === "string") throw new Error("only numbers are looked up among rules");
      if (value === undefined) {
        add(stream, NO_RULES);
        continue;
      }
      if (typeof value !== "object") {
        add(stream, this.index.at(value));
        continue;
      }
      const few = this.isDispatch ? this.meetByOther(control, stream, effects) : undefined;
      if (few !== undefined) add(stream, few);
      else
        for (const { region, found } of this.index.split(stream.region, [value.field]))
          add(narrow(stream, region), found);
    }
    return [...byRules].map(([rules, some]) => ({
      state:
        some.length === streams.length && some.every((stream, i) => stream === streams[i])
          ? state
          : { control, streams: some },
      rules,
    }));
  }

  /** The rules that may do something to packets of which another field is the same. */
  private meetByOther(control: Control, stream: Stream, effects: Effects): readonly PlannedRule[] | undefined {
    for (const { field, text } of effects.fields(this.rules)) {
      if (isUnknown(field, control)) continue;
      const value = fieldOf(field, control, stream);
      if (value === undefined) return NO_RULES;
      if (typeof value === "object" || typeof value === "string") continue;
      let index = this.others.get(text);
      if (index === undefined) {
        index = indexOf(
          this.rules,
          this.rules.map((rule) => required(effects.ofRule(rule, text), "all rules depend on the field")),
        );
        this.others.set(text, index);
      }
      return index.at(value);
    }
    return undefined;
  }
}

const NO_RULES: readonly PlannedRule[] = [];

function fieldAskedBy(rule: PlannedRule, text: string): Asked {
  return required(askedBy(rule, text), "all rules of a run ask for its field");
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
