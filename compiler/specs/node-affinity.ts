/** What a Pod asks of its node beyond plain labels. */
import { type Context, wordOrEmpty } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import type { Fitting } from "./shape.ts";
import { NODE_OPERATORS, type NodeRequirementSpec, type NodeSelectorTermSpec } from "./types.ts";

const REQUIREMENT = { key: "string", operator: "string", values: ["string"] } as const;

const TERM = { matchExpressions: [REQUIREMENT], matchFields: [REQUIREMENT] } as const;

/** Affinity (v1): only what is required of nodes is looked at. Preferences, and other Pods, decide nothing here. */
export const AFFINITY = {
  nodeAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: "any",
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [TERM] },
  },
  podAffinity: "any",
  podAntiAffinity: "any",
} as const;

/** The terms of which a node has to meet one; undefined where nothing is required. `field`: the Pod's `spec`. */
export function decodeNodeAffinity(
  context: Context,
  field: Field,
  affinity: Fitting<typeof AFFINITY> | null | undefined,
): readonly NodeSelectorTermSpec[] | undefined {
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined || required === null) return undefined;
  const terms = field
    .member("affinity")
    .member("nodeAffinity")
    .member("requiredDuringSchedulingIgnoredDuringExecution")
    .member("nodeSelectorTerms");
  return (required.nodeSelectorTerms ?? []).map(({ matchExpressions, matchFields }, index) => ({
    labels: decodeRequirements(context, terms.item(index).member("matchExpressions"), matchExpressions),
    fields: decodeRequirements(context, terms.item(index).member("matchFields"), matchFields),
  }));
}

function decodeRequirements(
  context: Context,
  list: Field,
  given: readonly Fitting<typeof REQUIREMENT>[] | null | undefined,
): readonly NodeRequirementSpec[] {
  return (given ?? []).map(({ key, operator, values }, index) => ({
    key: key ?? "",
    operator: wordOrEmpty(context, list.item(index), "operator", operator, NODE_OPERATORS),
    values: values ?? [],
  }));
}
