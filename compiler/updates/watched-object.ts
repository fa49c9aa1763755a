/** Objects as the API server sends them, cut down to what decides rules. */
import { isObject } from "../documents/show.ts";
import { unreachable } from "../invariant.ts";
import { HIDING_LABELS, SERVICE_NAME_LABEL } from "../specs/labels.ts";

export const RULE_KINDS = ["Service", "EndpointSlice", "Node", "ServiceCIDR"] as const;

export type RuleKind = (typeof RULE_KINDS)[number];

export interface WatchedObject {
  readonly kind: RuleKind;
  /** `namespace/name`; of kinds without namespaces the name. */
  readonly key: string;
  /** Of an EndpointSlice: the Service that it names, `namespace/name`. */
  readonly service: string | undefined;
  /** JSON with the members that are read. Equal texts give equal rules. */
  readonly text: string;
}

type Json = Readonly<Record<string, unknown>>;

/** What is kept of `value`; undefined where it is no object of a kind that is watched, or has no name. Its members may be anything:
 *  those that are wrong are reported when it is decoded. */
export function watchedObject(value: unknown): WatchedObject | undefined {
  if (!isObject(value)) return undefined;
  const kind = RULE_KINDS.find((each) => each === value["kind"]);
  const metadata = value["metadata"];
  if (kind === undefined || !isObject(metadata)) return undefined;
  const { name, namespace } = metadata;
  if (typeof name !== "string" || name === "") return undefined;
  const isNamespaced = kind === "Service" || kind === "EndpointSlice";
  const place = typeof namespace === "string" && namespace !== "" ? namespace : "default";
  const owner = kind === "EndpointSlice" && isObject(metadata["labels"]) && metadata["labels"][SERVICE_NAME_LABEL];
  return {
    kind,
    key: isNamespaced ? `${place}/${name}` : name,
    service: typeof owner === "string" && owner !== "" ? `${place}/${owner}` : undefined,
    text: JSON.stringify(trimmed(kind, value, metadata)),
  };
}

/** A function that orders keys as their namespaces and names are ordered: `/` is no part of them. */
export function compareKeys(a: string, b: string): number {
  const [left, right] = [a.replace("/", "\0"), b.replace("/", "\0")];
  return left < right ? -1 : left > right ? 1 : 0;
}

const ZONE_LABEL = "topology.kubernetes.io/zone";

const READ_LABELS = [...HIDING_LABELS, SERVICE_NAME_LABEL, ZONE_LABEL];

function trimmed(kind: RuleKind, object: Json, metadata: Json): Json {
  const labels = isObject(metadata["labels"]) ? pick(metadata["labels"], READ_LABELS) : metadata["labels"];
  const head = {
    ...pick(object, ["apiVersion", "kind"]),
    metadata: { ...pick(metadata, ["name", "namespace", "creationTimestamp"]), labels },
  };
  const { spec, status } = object;
  switch (kind) {
    case "Service":
      // Who watches slices does not look for Pods.
      return { ...head, spec: without(spec, ["selector"]), status: within(status, ["loadBalancer"]) };
    case "EndpointSlice":
      return { ...head, ...pick(object, ["addressType", "ports"]), endpoints: trimmedEndpoints(object["endpoints"]) };
    case "Node":
      return { ...head, spec: within(spec, ["podCIDR", "podCIDRs"]), status: within(status, ["addresses"]) };
    case "ServiceCIDR":
      return { ...head, spec };
    default:
      return unreachable(kind);
  }
}

function trimmedEndpoints(endpoints: unknown): unknown {
  if (!Array.isArray(endpoints)) return endpoints;
  return endpoints.map((each: unknown) => within(each, ["addresses", "conditions", "nodeName", "hints"]));
}

function within(value: unknown, members: readonly string[]): unknown {
  return isObject(value) ? pick(value, members) : value;
}

function without(value: unknown, members: readonly string[]): unknown {
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => !members.includes(key))) : value;
}

function pick(object: Json, members: readonly string[]): Json {
  return Object.fromEntries(members.flatMap((key) => (object[key] === undefined ? [] : [[key, object[key]]])));
}
