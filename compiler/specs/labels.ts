/** Labels that join objects, or hide them. */
import type { Meta } from "./types.ts";

/** Label that names the Service of a slice. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** An object with either label does not exist for kube-proxy, whatever the label's value. */
const IGNORED_LABELS = ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"] as const;

/** The label that hides an object from kube-proxy. */
export function ignoredLabel(meta: Meta): string | undefined {
  return IGNORED_LABELS.find((label) => meta.labels.has(label));
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
