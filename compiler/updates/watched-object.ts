/** Objects as the API server sends them, cut down to what decides rules. */
import { isObject } from "../documents/show.ts";
import { unreachable } from "../invariant.ts";
import { API_VERSIONS } from "../specs/kinds.ts";
import { HIDING_LABELS, SERVICE_NAME_LABEL } from "../specs/labels.ts";
import { briefService, briefSlice } from "./brief-objects.ts";

/** The kinds that rules are made of where an API server tells of objects. */
export type RuleKind = "Service" | "EndpointSlice" | "Node" | "ServiceCIDR";

export interface WatchedObject {
  readonly kind: RuleKind;
  /** `namespace/name`; of kinds without namespaces the name. */
  readonly key: string;
  /** Of an EndpointSlice: the Service that it names, `namespace/name`. */
  readonly service: string | undefined;
  /** Brief (`brief-objects.ts`), or JSON with the members that are read. Equal texts give equal rules. */
  readonly text: string;
}

type Json = Readonly<Record<string, unknown>>;

/** What is kept of `value`, an object of `kind`; undefined where it has no name. Its members may be anything: those that are wrong are
 *  reported when it is decoded. Items of lists do not say what they are: the kind does. */
export function watchedObject(kind: RuleKind, value: unknown): WatchedObject | undefined {
  const metadata = isObject(value) ? value["metadata"] : undefined;
  if (!isObject(value) || !isObject(metadata)) return undefined;
  const { name, namespace } = metadata;
  if (typeof name !== "string" || name === "") return undefined;
  const isNamespaced = kind === "Service" || kind === "EndpointSlice";
  const place = typeof namespace === "string" && namespace !== "" ? namespace : "default";
  const owner = kind === "EndpointSlice" && isObject(metadata["labels"]) && metadata["labels"][SERVICE_NAME_LABEL];
  return {
    kind,
    key: isNamespaced ? `${place}/${name}` : name,
    service: typeof owner === "string" && owner !== "" ? `${place}/${owner}` : undefined,
    text: brief(kind, value, metadata, place) ?? trimmedJson(kind, value, metadata),
  };
}

/** A function that orders keys as their namespaces and names are ordered: `/` is no part of them. */
export function compareKeys(a: string, b: string): number {
  const [left, right] = [a.replace("/", "\0"), b.replace("/", "\0")];
  return left < right ? -1 : left > right ? 1 : 0;
}

const ZONE_LABEL = "topology.kubernetes.io/zone";

const READ_LABELS = [...HIDING_LABELS, SERVICE_NAME_LABEL, ZONE_LABEL];

function brief(kind: RuleKind, object: Json, metadata: Json, namespace: string): string | undefined {
  const { labels: given = {}, namespace: written = namespace } = metadata;
  if (!isObject(given) || typeof written !== "string") return undefined;
  const head = { namespace, metadata, labels: pick(given, READ_LABELS) };
  if (kind === "Service") return briefService(head, object["spec"], object["status"]);
  return kind === "EndpointSlice" ? briefSlice(head, object) : undefined;
}

/** JSON of what is read of `object`, an object of `kind` with `metadata`. */
export function trimmedJson(kind: RuleKind, object: Json, metadata: Json): string {
  return JSON.stringify(trimmed(kind, object, metadata));
}

function trimmed(kind: RuleKind, object: Json, metadata: Json): Json {
  const labels = isObject(metadata["labels"]) ? pick(metadata["labels"], READ_LABELS) : metadata["labels"];
  const head = {
    apiVersion: API_VERSIONS[kind][0],
    kind,
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
  return endpoints.map((each: unknown) =>
    within(each, isObject(each) && isUsual(each["conditions"]) ? UNCONDITIONED : ENDPOINT),
  );
}

const ENDPOINT = ["addresses", "conditions", "nodeName", "hints"] as const;
const UNCONDITIONED = ["addresses", "nodeName", "hints"] as const;

/** Whether an endpoint without conditions has the same ones. */
function isUsual(conditions: unknown): boolean {
  if (!isObject(conditions)) return false;
  for (const key of Object.keys(conditions)) if (USUAL_CONDITIONS.get(key) !== conditions[key]) return false;
  return true;
}

const USUAL_CONDITIONS: ReadonlyMap<string, unknown> = new Map([
  ["ready", true],
  ["serving", true],
  ["terminating", false],
]);

function within(value: unknown, members: readonly string[]): unknown {
  return isObject(value) ? pick(value, members) : value;
}

function without(value: unknown, members: readonly string[]): unknown {
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => !members.includes(key))) : value;
}

function pick(object: Json, members: readonly string[]): Json {
  const picked: Record<string, unknown> = {};
  for (const key of members) if (object[key] !== undefined) picked[key] = object[key];
  return picked;
}
