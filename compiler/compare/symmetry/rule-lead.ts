/** A rule as what leads on to another chain by the value of a field. */
import type { Rule, Step, Value } from "../../ir/types.ts";
import { type Guard, guardIn, isPure, type Named, type SortedField } from "./fields.ts";

/** What leads to another chain. */
export interface Lead {
  readonly field: SortedField;
  readonly from: Named;
  readonly to: Named;
  /** The chain that it leads to, where it does nothing else, and the protocol whose packets it leads there. */
  readonly target: string | undefined;
  readonly protocol: Value | undefined;
  /** What it asks of other fields. */
  readonly others: readonly Guard[];
}

/** The chain that a rule leads to that asks for a protocol, perhaps, and for guards, of which one is step `at`, and nothing else;
 *  and the other guards. */
export function leadOf({ steps, whileReplacing }: Rule, at: number): Pick<Lead, "target" | "others"> {
  const last = steps.at(-1);
  if (last?.kind !== "verdict" || !("chain" in last.verdict) || whileReplacing) return NOWHERE;
  let others: Guard[] | undefined;
  for (let i = 0; i < steps.length - 1; i++) {
    const step = steps[i] as Step;
    if (i === at) continue;
    const guard = guardIn(step, i);
    if (guard === undefined && (i > 0 || protocolIn(step) === undefined)) return NOWHERE;
    if (guard !== undefined) {
      others ??= [];
      others.push(guard);
    }
  }
  return { target: last.verdict.chain, others: others ?? NOWHERE.others };
}

const NOWHERE: Pick<Lead, "target" | "others"> = { target: undefined, others: [] };

/** The protocol without which `step` fails. */
export function protocolIn(step: Step | undefined): Value | undefined {
  if (step?.kind !== "compare" || step.operator !== "==" || step.orAbsent) return undefined;
  return step.left.kind === "meta" && step.left.key === "l4proto" ? step.right : undefined;
}

/** The first protocol that a rule asks for before it does anything. */
export function protocolOf({ steps }: Rule): Value | undefined {
  for (const step of steps) {
    const protocol = protocolIn(step);
    if (protocol !== undefined) return protocol;
    if (!isPure(step)) return undefined;
  }
  return undefined;
}
