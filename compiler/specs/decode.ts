/** Reading fields, and reporting what is wrong with them in the words of the API server (`field.Error` of apimachinery),
 *  because those are what people search for. */
import type { Diagnostic, DiagnosticCode, Origin, Report } from "../diagnostics.ts";
import { nearest } from "./nearest.ts";
import type { Node } from "./node.ts";
import { isObject, show } from "./show.ts";

/** What decoders of one object share. */
export interface Context {
  readonly report: Report;
  /** The object: findings name fields relative to it. */
  readonly root: Node;
  /** Kind and name of the object, for messages: `Service shop/api`. */
  readonly subject: string;
}

// --- findings ----------------------------------------------------------------------------------------------------------

/** Reports that the value at `node` is not as it should be:
 *  `spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive`. */
export function reportInvalid(
  context: Context,
  node: Node,
  detail: string,
  code: DiagnosticCode = "invalid-value",
): void {
  reportField(context, node, code, `Invalid value: ${show(node.value)}: ${detail}`);
}

/** The same for a value that the API server would refuse, or has accepted once, and that kube-proxy treats in a defined
 *  way. */
export function warnInvalid(
  context: Context,
  node: Node,
  detail: string,
  code: DiagnosticCode = "invalid-value",
): void {
  reportField(context, node, code, `Invalid value: ${show(node.value)}: ${detail}`, "warning");
}

/** Reports a member of `node` that has to be there and is not. */
export function reportMissing(context: Context, node: Node, key: string, detail?: string): void {
  const path = node.fieldPath(context.root);
  const message = `${path === "" ? key : `${path}.${key}`}: Required value${detail === undefined ? "" : `: ${detail}`}`;
  context.report({ severity: "error", code: "missing-field", message, origin: node });
}

/** Reports a value that is none of the words in `allowed`. */
export function reportUnsupported(context: Context, node: Node, allowed: readonly string[]): void {
  reportField(context, node, "invalid-value", unsupported(node, allowed));
}

function unsupported(node: Node, allowed: readonly string[]): string {
  return `Unsupported value: ${show(node.value)}: supported values: ${allowed.map(show).join(", ")}`;
}

/** Reports a value that `first` has already; `shown` where it is more than the value at `node`. */
export function reportDuplicate(context: Context, node: Node, first: Origin | undefined, shown = node.value): void {
  const notes = first === undefined ? undefined : [{ message: "first used here", origin: first }];
  reportField(context, node, "duplicate-value", `Duplicate value: ${show(shown)}`, "error", notes);
}

/** Warns of a field that the API server does not take here, and that has a defined effect (or none) all the same. */
export function warnForbidden(context: Context, node: Node, detail: string): void {
  reportField(context, node, "forbidden-field", `Forbidden: ${detail}`, "warning");
}

/** Reports an array of more than `max` elements. */
export function reportTooMany(context: Context, node: Node, count: number, max: number): void {
  reportField(context, node, "too-many-items", `Too many: ${count}: must have at most ${max} items`);
}

/** Reports `body` about the field at `node`. */
export function reportField(
  context: Context,
  node: Node,
  code: DiagnosticCode,
  body: string,
  severity: Diagnostic["severity"] = "error",
  notes?: Diagnostic["notes"],
): void {
  const message = `${node.fieldPath(context.root)}: ${body}`;
  context.report({ severity, code, message, origin: node, ...(notes === undefined ? {} : { notes }) });
}

// --- values that have the right type -------------------------------------------------------------------------------------
// Their node is made only when there is something to report: most fields of most objects are right.

/** Gives what is wrong with a text. */
export type Rule = (text: string) => readonly string[];

/** Reports that `text`, the member `key` of `node`, breaks `rule`; not when it is empty or absent. */
export function checkText(
  context: Context,
  node: Node,
  key: string,
  text: string | null | undefined,
  rule: Rule,
): void {
  if (text === undefined || text === null || text === "") return;
  for (const problem of rule(text)) reportInvalid(context, node.member(key), problem);
}

/** Reports that the member `key` of `node` is absent or empty. */
export function checkRequired(context: Context, node: Node, key: string, value: unknown, detail?: string): void {
  if (isEmpty(value)) reportMissing(context, node, key, detail);
}

/** Whether a member is absent, null, an empty string or an empty array: what has length 0 in Go. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** The word in `allowed` that `value`, the member `key` of `node`, is. */
export function wordOf<Word extends string>(
  context: Context,
  node: Node,
  key: string,
  value: string | null | undefined,
  allowed: readonly Word[],
): Word | undefined {
  if (value === undefined || value === null) return undefined;
  for (const word of allowed) if (word === value) return word;
  reportUnsupported(context, node.member(key), allowed);
  return undefined;
}

/** The same where the empty string counts as absent, as it does in fields that are no pointers in Go. */
export function wordOrEmpty<Word extends string>(
  context: Context,
  node: Node,
  key: string,
  value: string | null | undefined,
  allowed: readonly Word[],
): Word | undefined {
  return value === "" ? undefined : wordOf(context, node, key, value, allowed);
}

/** What `newerWordOf` gives for a word that kpc does not know and a newer API server may. */
export const NEWER = Symbol("a word of a newer API");

/** The word in `allowed` that `value`, the member `key` of `node`, is. A word that kpc does not know is a warning,
 *  `unknown-value`, that says what becomes of it (`effect`), where an API server has written the object; also in other
 *  objects unless `onlyStored`, or where it is a slip of a known word: those are errors. */
export function newerWordOf<Word extends string>(
  context: Context,
  node: Node,
  key: string,
  value: string | null | undefined,
  allowed: readonly Word[],
  effect: string,
  { onlyStored = false }: { readonly onlyStored?: boolean } = {},
): Word | typeof NEWER | undefined {
  if (value === undefined || value === null) return undefined;
  for (const word of allowed) if (word === value) return word;
  const place = node.member(key);
  return toleratesNewer(context, value, allowed, onlyStored, place, effect) ? NEWER : undefined;
}

/** Reports `value`, which stands at `place` and is none of `allowed`; gives whether it is only a warning. */
export function toleratesNewer(
  context: Context,
  value: string,
  allowed: readonly string[],
  onlyStored: boolean,
  place: Node,
  effect: string,
): boolean {
  const isSlip = value === "" || nearest(value, allowed) !== undefined;
  if (!isStored(context.root) && (onlyStored || isSlip)) {
    reportUnsupported(context, place, allowed);
    return false;
  }
  reportField(context, place, "unknown-value", `${unsupported(place, allowed)}; ${effect}`, "warning");
  return true;
}

/** Whether an API server has written the object: it has a uid or a resourceVersion. */
function isStored(root: Node): boolean {
  const metadata = root.get("metadata");
  return ["uid", "resourceVersion"].some((key) => typeof metadata?.get(key)?.value === "string");
}

/** A context in which errors are only warnings: for values that do no harm. */
export function lenient(context: Context): Context {
  const report: Report = (finding) =>
    context.report(finding.severity === "error" ? { ...finding, severity: "warning" } : finding);
  return { ...context, report };
}

/** Reports a value of the wrong JSON type. */
export function reportType(context: Context, node: Node, wanted: string): void {
  const { value } = node;
  const found = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const path = node.fieldPath(context.root);
  const isScalar = found === "string" || found === "number" || found === "boolean";
  const hint = wanted === "string" && isScalar ? " (a string needs quotes here)" : "";
  const what = isScalar ? `${found} ${show(value)}${hint}` : found;
  const message = `${path === "" ? context.subject : path}: Invalid value: expected ${wanted}, found ${what}`;
  context.report({ severity: "error", code: "wrong-type", message, origin: node });
}

// --- nodes by themselves -----------------------------------------------------------------------------------------------

/** The value as it is, when it is a string. */
export function asString(context: Context, node: Node | undefined): string | undefined {
  return asType(context, node, "string", (value): value is string => typeof value === "string");
}

/** The value as it is, when it is a whole number. */
export function asInteger(context: Context, node: Node | undefined): number | undefined {
  return asType(context, node, "integer", (value): value is number => Number.isInteger(value));
}

export function asBoolean(context: Context, node: Node | undefined): boolean | undefined {
  return asType(context, node, "boolean", (value): value is boolean => typeof value === "boolean");
}

/** The elements, when the value is an array. */
export function asArray(context: Context, node: Node | undefined): Node[] {
  const array = asType(context, node, "array", (value): value is unknown[] => Array.isArray(value));
  return array === undefined || node === undefined ? [] : node.items();
}

/** The elements of an array, or one value that stands for an array of one. */
export function asStringOrArray(context: Context, node: Node | undefined): Node[] {
  return node !== undefined && typeof node.value === "string" ? [node] : asArray(context, node);
}

/** The node itself, when its value is an object. */
export function asObject(context: Context, node: Node | undefined): Node | undefined {
  return asType(context, node, "object", isObject) === undefined ? undefined : node;
}

/** One of the words in `allowed`. */
export function asOneOf<Word extends string>(
  context: Context,
  node: Node | undefined,
  allowed: readonly Word[],
): Word | undefined {
  const value = asString(context, node);
  if (value === undefined || node === undefined) return undefined;
  const word = allowed.find((candidate) => candidate === value);
  if (word === undefined) reportUnsupported(context, node, allowed);
  return word;
}

function asType<T>(
  context: Context,
  node: Node | undefined,
  wanted: string,
  is: (value: unknown) => value is T,
): T | undefined {
  if (node === undefined || is(node.value)) return node?.value as T | undefined;
  reportType(context, node, wanted);
  return undefined;
}
