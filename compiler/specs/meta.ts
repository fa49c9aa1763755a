/** What all kinds share: metadata, labels and annotations. */
import {
  type Context,
  checkRequired,
  checkText,
  reportField,
  reportInvalid,
  reportMissing,
  type TextRule,
  warnForbidden,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { isObject, show } from "../documents/show.ts";
import { dns1123LabelProblems, labelValueProblems, qualifiedNameProblems } from "./names.ts";
import type { Fitting } from "./shape.ts";
import type { Meta } from "./types.ts";

/** ObjectMeta (meta/v1). */
export const METADATA = {
  annotations: "strings",
  creationTimestamp: "string",
  deletionGracePeriodSeconds: "integer",
  deletionTimestamp: "string",
  finalizers: ["string"],
  generateName: "string",
  generation: "integer",
  labels: "strings",
  managedFields: "any",
  name: "string",
  namespace: "string",
  ownerReferences: "any",
  resourceVersion: "string",
  selfLink: "string",
  uid: "string",
} as const;

type Metadata = Fitting<typeof METADATA>;

/** Bytes of all annotations of an object together. */
const MAX_ANNOTATIONS = 256 << 10;

const NAME_REQUIRED = "name or generateName is required";

/** The metadata of the object at `root`; undefined without a name. Reports names, labels and annotations against the API's
 *  rules, the object's name against `nameRule`. */
export function decodeMeta(
  context: Context,
  root: Field,
  metadata: Metadata | null | undefined,
  namespaced: boolean,
  nameRule: TextRule,
): Meta | undefined {
  if (metadata === undefined || metadata === null) {
    reportMissing(context, root, "metadata.name", NAME_REQUIRED);
    return undefined;
  }
  const field = root.member("metadata");
  const { name, generateName } = metadata;
  const generated = "an object with generateName has no name until the API server gives it one";
  checkRequired(context, field, "name", name, isNothing(generateName) ? NAME_REQUIRED : generated);
  checkText(context, field, "name", name, nameRule);
  const namespace = decodeNamespace(context, field, metadata.namespace, namespaced);
  const labels = decodeLabels(context, field, "labels", metadata.labels);
  const annotations = decodeAnnotations(context, field, metadata.annotations);
  const creationTimestamp = decodeTime(context, field, "creationTimestamp", metadata.creationTimestamp);
  if (name === undefined || name === null || name === "") return undefined;
  const fromServer = !isNothing(metadata.uid) || !isNothing(metadata.resourceVersion);
  const controller = controllerOf(metadata.ownerReferences);
  return { name, namespace, labels, annotations, creationTimestamp, fromServer, controller, field: root };
}

/** `Kind/name` of the owner that is the controller. */
function controllerOf(owners: unknown): string | undefined {
  if (!Array.isArray(owners)) return undefined;
  const owner: unknown = owners.find((each: unknown) => isObject(each) && each["controller"] === true);
  return isObject(owner) ? `${String(owner["kind"])}/${String(owner["name"])}` : undefined;
}

function isNothing(text: string | null | undefined): boolean {
  return text === undefined || text === null || text === "";
}

function decodeNamespace(
  context: Context,
  metadata: Field,
  namespace: string | null | undefined,
  namespaced: boolean,
): string {
  if (namespaced) {
    checkText(context, metadata, "namespace", namespace, dns1123LabelProblems);
    return isNothing(namespace) ? "default" : (namespace ?? "");
  }
  if (!isNothing(namespace)) warnForbidden(context, metadata.member("namespace"), "not allowed on this type");
  return "";
}

/** Milliseconds since 1970 of an RFC 3339 time. */
export function decodeTime(
  context: Context,
  field: Field,
  key: string,
  text: string | null | undefined,
): number | undefined {
  if (text === undefined || text === null) return undefined;
  const time = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  reportInvalid(context, field.member(key), "must be a time, such as 2006-01-02T15:04:05Z");
  return undefined;
}

type Strings = Readonly<Record<string, string | null>>;

const NOTHING: ReadonlyMap<string, string> = new Map();

/** Labels, or a selector of that form: keys and values are checked. A value that is null is empty, as in Go. */
export function decodeLabels(
  context: Context,
  field: Field,
  key: string,
  labels: Strings | null | undefined,
): ReadonlyMap<string, string> {
  if (labels === undefined || labels === null) return NOTHING;
  const map = new Map<string, string>();
  for (const label in labels) {
    const value = labels[label] ?? "";
    map.set(label, value);
    for (const problem of qualifiedNameProblems(label)) reportEntry(context, field.member(key), label, label, problem);
    for (const problem of labelValueProblems(value)) reportEntry(context, field.member(key), label, value, problem);
  }
  return map;
}

function decodeAnnotations(
  context: Context,
  metadata: Field,
  annotations: Strings | null | undefined,
): ReadonlyMap<string, string> {
  if (annotations === undefined || annotations === null) return NOTHING;
  const map = new Map<string, string>();
  let length = 0;
  for (const key in annotations) {
    const value = annotations[key] ?? "";
    map.set(key, value);
    length += key.length + value.length;
    // The rule for labels, but case does not matter.
    for (const problem of qualifiedNameProblems(key.toLowerCase()))
      reportEntry(context, metadata.member("annotations"), key, key, problem);
  }
  if (length > MAX_ANNOTATIONS) {
    const body = `Too long: may not be more than ${MAX_ANNOTATIONS} bytes`;
    reportField(context, metadata.member("annotations"), "too-long", body);
  }
  return map;
}

/** The API server names the map, not the entry; the place is the entry's. */
function reportEntry(context: Context, map: Field, key: string, shown: string, problem: string): void {
  const entry = map.member(key);
  const origin = shown === key ? entry.key() : entry;
  const message = `${map.fieldPath(context.root)}: Invalid value: ${show(shown)}: ${problem}`;
  context.report({ severity: "error", code: "invalid-value", message, origin });
}
