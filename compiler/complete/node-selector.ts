/** Whether a node is one that a Pod asks for. */
import { labelHolds } from "../specs/labels.ts";
import type { NodeRequirementSpec, NodeSelectorTermSpec, NodeSpec, PodTemplateSpec } from "../specs/types.ts";

/** A Node of the input, or a name of which nothing else is known. */
export interface Place {
  readonly name: string;
  readonly node: NodeSpec | undefined;
}

/** Labels that a kubelet gives its Node. A manifest that somebody wrote seldom has them, and is not held to them. */
const KUBELET_LABELS: ReadonlySet<string> = new Set([
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
]);

/** A kubelet gives its Node this label with its host's name, which is the Node's name nearly everywhere. */
const HOSTNAME_LABEL = "kubernetes.io/hostname";

/** Whether the place has the labels of `nodeSelector` and meets a term of the required node affinity. What is not known of a
 *  place holds. */
export function isWanted(place: Place, { nodeSelector, nodeAffinity }: PodTemplateSpec): boolean {
  for (const [key, value] of nodeSelector) if (!holds({ key, operator: "In", values: [value] }, place)) return false;
  return nodeAffinity === undefined || nodeAffinity.some((term) => meets(place, term));
}

/** A term that asks for nothing is met by no node. */
function meets(place: Place, { labels, fields }: NodeSelectorTermSpec): boolean {
  if (labels.length + fields.length === 0) return false;
  return (
    labels.every((requirement) => holds(requirement, place)) &&
    fields.every((requirement) => requirement.key === "metadata.name" && test(requirement, place.name))
  );
}

/** Names of nodes that `template` asks for: by their names, or by the label that has them. */
export function nodesNamedBy({ nodeSelector, nodeAffinity = [] }: PodTemplateSpec): readonly string[] {
  const valuesOf = (requirements: readonly NodeRequirementSpec[], key: string): readonly string[] =>
    requirements.flatMap((each) => (each.key === key && each.operator === "In" ? each.values : []));
  return [
    ...[nodeSelector.get(HOSTNAME_LABEL)].flatMap((name) => name ?? []),
    ...nodeAffinity.flatMap(({ labels, fields }) => [
      ...valuesOf(labels, HOSTNAME_LABEL),
      ...valuesOf(fields, "metadata.name"),
    ]),
  ];
}

function holds(requirement: NodeRequirementSpec, { name, node }: Place): boolean {
  const { key, operator } = requirement;
  const given = node?.meta.labels.get(key);
  if (given !== undefined || node?.meta.fromServer === true) return test(requirement, given);
  if (key === HOSTNAME_LABEL) return test(requirement, name);
  if (node === undefined) return true;
  return KUBELET_LABELS.has(key) ? operator !== "DoesNotExist" : test(requirement, undefined);
}

/** An operator that kpc does not know, of which a warning tells, holds. */
function test({ operator, values }: NodeRequirementSpec, value: string | undefined): boolean {
  switch (operator) {
    case "In":
    case "NotIn":
    case "Exists":
    case "DoesNotExist":
      return labelHolds(operator, values, value);
    case "Gt":
      return compareNumbers(value, values, (label, bound) => label > bound);
    case "Lt":
      return compareNumbers(value, values, (label, bound) => label < bound);
    case undefined:
      return true;
  }
}

/** Both have to be whole numbers, and `values` one of them. */
function compareNumbers(
  value: string | undefined,
  values: readonly string[],
  isRight: (label: bigint, bound: bigint) => boolean,
): boolean {
  const [bound, more] = values;
  if (value === undefined || bound === undefined || more !== undefined) return false;
  if (![value, bound].every((text) => /^-?\d+$/.test(text))) return false;
  return isRight(BigInt(value), BigInt(bound));
}
