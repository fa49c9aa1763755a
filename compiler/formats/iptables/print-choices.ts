/** Rules that one line of iptables was read as, joined again. */
import { stringify } from "../../ir/normal-form.ts";
import type { Match, Rule, Step } from "../../ir/types.ts";
import { necessaryFor, notHolding } from "./necessary.ts";

/** `rules` as iptables spells them: without what is certain about matches that are not understood (`necessaryFor`). The rule for
 *  packets for which a negated match is not certain and the rule for the others are one. */
export function joinChoices(rules: readonly Rule[]): readonly Rule[] {
  let joined = rules;
  for (let before = -1; before !== joined.length; ) {
    before = joined.length;
    joined = joinOnce(joined);
  }
  return joined.map((rule) => ({
    ...rule,
    steps: rule.steps.filter((step, i) => !isCertain(step, rule.steps[i + 1])),
  }));
}

function joinOnce(rules: readonly Rule[]): readonly Rule[] {
  const joined: Rule[] = [];
  for (let i = 0; i < rules.length; i++) {
    const [first, second] = [rules[i], rules[i + 1]];
    if (first === undefined) break;
    const one = second === undefined ? undefined : joinTwo(first, second);
    joined.push(one ?? first);
    if (one !== undefined) i++;
  }
  return joined;
}

/** `first` without what is certain where `second` is the same rule for the packets for which the negated match holds anyway. */
function joinTwo(first: Rule, second: Rule): Rule | undefined {
  const at = first.steps.findIndex((step, i) => isCertain(step, first.steps[i + 1]) && !isSame(step, second.steps[i]));
  const [needed, unknown, ...rest] = first.steps.slice(at) as [Match, Step, ...Step[]];
  if (at < 0 || unknown.kind !== "opaque" || !unknown.negated || first.comment !== second.comment) return undefined;
  const others = [...first.steps.slice(0, at), notHolding(needed), ...rest];
  return stringify(others) === stringify(second.steps)
    ? { ...first, steps: [...first.steps.slice(0, at), unknown, ...rest] }
    : undefined;
}

/** Whether `step` is what holds wherever the match behind it does. */
function isCertain(step: Step, next: Step | undefined): boolean {
  if (next?.kind !== "opaque") return false;
  const name = /^-m (\S+)/.exec(next.text)?.[1];
  return name !== undefined && isSame(step, necessaryFor(name));
}

function isSame(left: Step, right: Step | undefined): boolean {
  return right !== undefined && stringify(left) === stringify(right);
}
