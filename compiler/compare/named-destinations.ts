/** The destinations that matches ask for. */
import type { Expression, KeyPart, Step } from "../ir/types.ts";
import { isMatch, valuesTested } from "../ir/walk.ts";

/** Those that a step asks for: points, and intervals. */
export function forEachNamed(step: Step, add: (part: KeyPart) => void): void {
  if (step.kind === "compare") {
    if (isDestination(step.left)) add(step.right);
  } else if (isMatch(step)) for (const part of valuesTested(step, isDestination)) add(part);
}

export function isDestination(expression: Expression): boolean {
  if (expression.kind === "ip" || expression.kind === "ip6") return expression.field === "daddr";
  return expression.kind === "ct" && expression.key === "original-daddr";
}
