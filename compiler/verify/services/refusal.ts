/** By what a packet is dropped or rejected. */
import { lineAndColumn } from "../../diagnostics.ts";
import { isRefused } from "../../evaluate/disposition.ts";
import type { Outcome, PathStep, PolicyStep, Result, RuleStep } from "../../evaluate/packet.ts";

/** `how`: `dropped`, `rejected with port-unreachable`. `by`: `KUBE-FIREWALL, line 12 of host.v4`, or `policy drop of FORWARD, …`. */
export function describeRefusal({ results }: Outcome): { readonly how: string; readonly by: string } {
  const result = results.find(({ disposition }) => isRefused(disposition));
  if (result === undefined) return { how: "dropped", by: "" };
  const { disposition } = result;
  const how = disposition.kind === "reject" ? `rejected with ${disposition.with}` : "dropped";
  const step = decisiveStep(result);
  return { how, by: step === undefined ? "" : describeStep(step) };
}

/** The rule or policy that ended the packet's way. */
export function decisiveStep({ path }: Pick<Result, "path">): RuleStep | PolicyStep | undefined {
  return path.findLast((step): step is RuleStep | PolicyStep => isEnd(step));
}

function isEnd(step: PathStep): boolean {
  if (step.kind === "policy") return step.base.policy === "drop";
  if (step.kind !== "rule") return false;
  return step.effect.kind === "reject" || (step.effect.kind === "verdict" && step.effect.verdict.kind === "drop");
}

/** `KUBE-FIREWALL, line 12 of host.v4`. */
export function describeStep(step: RuleStep | PolicyStep): string {
  const origin = step.kind === "policy" ? step.base.origin : (step.element?.origin ?? step.rule.origin);
  const what = step.kind === "policy" ? `policy of ${step.chain} in table ${step.family} ${step.table}` : step.chain;
  const span = origin?.span();
  return span === undefined ? what : `${what}, line ${lineAndColumn(span).line} of ${span.source.name}`;
}
