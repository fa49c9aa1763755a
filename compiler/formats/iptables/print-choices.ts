/** Rules that one line of iptables was read as, joined again. */
import { L4PROTO } from "../../ir/build.ts";
import { stringify } from "../../ir/normal-form.ts";
import type { Rule, Step } from "../../ir/types.ts";
import { notHolding } from "./choice.ts";
import { certainly, necessaryFor } from "./necessary.ts";

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
    const one =
      second === undefined
        ? undefined
        : (joinTwo(first, second) ?? joinIcmp(first, second) ?? joinLimited(first, second));
    joined.push(one ?? first);
    if (one !== undefined) i++;
  }
  return joined;
}

/** `first` without what is certain, where `second` is the same rule for the other packets for which the match may hold. */
function joinTwo(first: Rule, second: Rule): Rule | undefined {
  if (first.comment !== second.comment) return undefined;
  for (const [i, unknown] of first.steps.entries()) {
    const [own, others, ...more] = unknown.kind === "opaque" ? certainly(unknown) : [[]];
    if (others === undefined || more.length > 0) continue;
    const before = first.steps.slice(0, Math.max(i + 1 - own.length, 0));
    const behind = first.steps.slice(i + 1);
    const isOne = ([steps, list]: [readonly Step[], readonly Step[]]): boolean =>
      stringify(steps) === stringify([...before, ...list, ...behind]);
    if (isOne([first.steps, own]) && isOne([second.steps, others]))
      return { ...first, steps: [...before, unknown, ...behind] };
  }
  return undefined;
}

/** `! --dst-type LOCAL --limit-iface-in` is another type, or the type and not on the interface. */
function joinLimited(first: Rule, second: Rule): Rule | undefined {
  if (second.steps.every(({ kind }) => kind !== "opaque")) return undefined;
  const at = first.steps.findIndex((step, i) => !isSame(step, second.steps[i]));
  const [other, type, unknown] = [first.steps[at], second.steps[at], second.steps[at + 1]];
  if (other?.kind !== "compare" || type?.kind !== "compare" || unknown?.kind !== "opaque") return undefined;
  const [before, behind] = [first.steps.slice(0, at), first.steps.slice(at + 1)];
  const isOne = isSame(type, notHolding(other)) && stringify(second.steps.slice(at + 2)) === stringify(behind);
  if (!isOne || first.comment !== second.comment || !unknown.spelled?.startsWith("-m addrtype !")) return undefined;
  return { ...first, steps: [...before, unknown, ...behind] };
}

/** `! --icmp-type 3/4` is another type, or the type and another code. */
function joinIcmp(first: Rule, second: Rule): Rule | undefined {
  if (second.steps.every((step) => step.kind !== "compare" || step.left.kind !== "header")) return undefined;
  const at = first.steps.findIndex((step, i) => !isSame(step, second.steps[i]));
  const [other, type, code] = [first.steps[at], second.steps[at], second.steps[at + 1]];
  if (other?.kind !== "compare" || type?.kind !== "compare" || code?.kind !== "compare") return undefined;
  const { left } = type;
  if (left.kind !== "header" || !/^icmp(v6)? type$/.test(left.field) || code.operator !== "!=") return undefined;
  const field = left.field === "icmp type" ? "icmp code" : "icmpv6 code";
  const rest = first.steps.slice(at + 1);
  const others = [
    ...first.steps.slice(0, at),
    notHolding(other),
    { ...code, left: { kind: "header", field } },
    ...rest,
  ];
  if (type.operator !== "==" || first.comment !== second.comment || stringify(others) !== stringify(second.steps))
    return undefined;
  const [name, option] = left.field === "icmp type" ? ["icmp", "--icmp-type"] : ["icmp6", "--icmpv6-type"];
  const text = `-m ${name} ! ${option} ${type.right}/${code.right}`;
  // The protocol is said in either way.
  const ofProtocol: Step = { kind: "compare", left: L4PROTO, operator: "==", right: name === "icmp" ? 1 : 58 };
  const steps: Step[] = [...first.steps.slice(0, at), ofProtocol, { kind: "opaque", text, negated: false }, ...rest];
  return { ...first, steps };
}

/** Whether `step` is what holds wherever the match behind it does. */
function isCertain(step: Step, next: Step | undefined): boolean {
  return next?.kind === "opaque" && isSame(step, necessaryFor(next));
}

function isSame(left: Step, right: Step | undefined): boolean {
  return right !== undefined && stringify(left) === stringify(right);
}
