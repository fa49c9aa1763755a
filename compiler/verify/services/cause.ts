/** Rules that make a difference, for the Services that they concern. */
import type { Discrepancy } from "../../compare/compare.ts";
import { isRefused, printAction } from "../../evaluate/disposition.ts";
import { TOLERANCE } from "../../evaluate/distribution.ts";
import type { Outcome } from "../../evaluate/packet.ts";
import type { Rule } from "../../ir/types.ts";
import { decisiveStep, describeStep } from "./refusal.ts";

/** Equal keys are one cause. */
export interface Cause {
  readonly key: string;
  /** `FORWARD, line 12 of host.v4`; `way`: what leads there. */
  readonly where: string;
  readonly way: string;
  /** What it does to packets: `drops it`. */
  readonly effect: string;
  /** The rules, and policies in words. */
  readonly rules: readonly (Rule | string)[];
}

/** The rule or policy by which one of `sides` drops or rejects what the other side does not. */
export function refusalCause(region: Discrepancy, sides: readonly ("left" | "right")[]): Cause | undefined {
  const more = chanceToBeRefused(region.right) - chanceToBeRefused(region.left);
  if (Math.abs(more) <= TOLERANCE) return undefined;
  const side = more > 0 ? "right" : "left";
  if (!sides.includes(side)) return undefined;
  const result = region[side].results.find(({ disposition }) => isRefused(disposition));
  const step = result === undefined ? undefined : decisiveStep(result);
  if (result === undefined || step === undefined) return undefined;
  const by = describeStep(step);
  const effect = printAction(result.disposition);
  return {
    key: `${side} ${by} ${effect}`,
    where: by,
    way: "",
    effect,
    rules: [step.kind === "policy" ? by : step.rule],
  };
}

/** That it is dropped or rejected. */
export function chanceToBeRefused({ results }: Outcome): number {
  return results
    .filter(({ disposition }) => isRefused(disposition))
    .reduce((sum, { probability }) => sum + probability, 0);
}
