/** Labels that join objects, or hide them. */
import { unreachable } from "../invariant.ts";
import type { Meta } from "./metadata.ts";

/** Label that names the Service of a slice. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** An object with either label does not exist for kube-proxy, whatever the label's value. */
export const HIDING_LABELS = ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"] as const;

/** The label that hides an object from kube-proxy. */
export function ignoredLabel(meta: Meta): string | undefined {
  return HIDING_LABELS.find((label) => meta.labels.has(label));
}

/** Whether `labels` hold all of `selector`. An empty selector selects nothing: for Services it means that somebody else
 *  makes the endpoints. */
export function selects(
  selector: ReadonlyMap<string, string> | undefined,
  labels: ReadonlyMap<string, string>,
): boolean {
  if (selector === undefined || selector.size === 0) return false;
  for (const [key, value] of selector) if (labels.get(key) !== value) return false;
  return true;
}

/** Operators of selectors that look at whether a label is there, and at its value. */
export type LabelOperator = "In" | "NotIn" | "Exists" | "DoesNotExist";

/** Whether a label holds, as labels.Requirement of apimachinery; `value` undefined: it is not there, and so in no list. */
export function labelHolds(operator: LabelOperator, values: readonly string[], value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return unreachable(operator);
  }
}
