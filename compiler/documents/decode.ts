/** Reading fields, and reporting what is wrong with them in the words of the API server (`field.Error` of apimachinery),
 *  because those are what people search for. */
import type { Diagnostic, DiagnosticCode, Origin, Report } from "../diagnostics.ts";
import type { Field } from "./field.ts";
import { nearest } from "./nearest.ts";
import { isObject, show } from "./show.ts";

/** What decoders of one object share. */
export interface Context {
  readonly report: Report;
  /** The object: findings name fields relative to it. */
  readonly root: Field;
  /** Kind and name of the object, for messages: `Service shop/api`. */
  readonly subject: string;
}

// --- findings ----------------------------------------------------------------------------------------------------------

/** Reports that the value at `field` is not as it should be:
 *  `spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive`. */
export function reportInvalid(
  context: Context,
  field: Field,
  detail: string,
  code: DiagnosticCode = "invalid-value",
): void {
  reportField(context, field, code, `Invalid value: ${show(field.value)}: ${detail}`);
}

/** The same for a value that the API server would refuse, or has accepted once, and that kube-proxy treats in a defined
 *  way. */
export function warnInvalid(
  context: Context,
  field: Field,
  detail: string,
  code: DiagnosticCode = "invalid-value",
): void {
  reportField(context, field, code, `Invalid value: ${show(field.value)}: ${detail}`, "warning");
}

/** Reports a member of `field` that has to be there and is not. */
export function reportMissing(context: Context, field: Field, key: string, detail?: string): void {
  const path = field.fieldPath(context.root);
  const message = `${path === "" ? key : `${path}.${key}`}: Required value${detail === undefined ? "" : `: ${detail}`}`;
  context.report({ severity: "error", code: "missing-field", message, origin: field });
}

/** Reports a value that is none of the words in `allowed`. */
export function reportUnsupported(context: Context, field: Field, allowed: readonly string[]): void {
  reportField(context, field, "invalid-value", unsupported(field, allowed));
}

function unsupported(field: Field, allowed: readonly string[]): string {
  return `Unsupported value: ${show(field.value)}: supported values: ${allowed.map(show).join(", ")}`;
}

/** Reports a value that `first` has already; `shown` where it is more than the value at `field`. */
export function reportDuplicate(context: Context, field: Field, first: Origin | undefined, shown = field.value): void {
  const notes = first === undefined ? undefined : [{ message: "first used here", origin: first }];
  reportField(context, field, "duplicate-value", `Duplicate value: ${show(shown)}`, "error", notes);
}

/** Warns of a field that the API server does not take here, and that has a defined effect (or none) all the same. */
export function warnForbidden(context: Context, field: Field, detail: string): void {
  reportField(context, field, "forbidden-field", `Forbidden: ${detail}`, "warning");
}

/** Reports an array of more than `max` elements. */
export function reportTooMany(context: Context, field: Field, count: number, max: number): void {
  reportField(context, field, "too-many-items", `Too many: ${count}: must have at most ${max} items`);
}

/** Reports `body` about the field at `field`. */
export function reportField(
  context: Context,
  field: Field,
  code: DiagnosticCode,
  body: string,
  severity: Diagnostic["severity"] = "error",
  notes?: Diagnostic["notes"],
): void {
  const message = `${field.fieldPath(context.root)}: ${body}`;
  context.report({ severity, code, message, origin: field, ...(notes === undefined ? {} : { notes }) });
}

// --- values that have the right type -------------------------------------------------------------------------------------
// Their `Field` is made only when there is something to report: most fields of most objects are right.

/** Gives what is wrong with a text. */
export type TextRule = (text: string) => readonly string[];

/** Reports that `text`, the member `key` of `field`, breaks `rule`; not when it is empty or absent. */
export function checkText(
  context: Context,
  field: Field,
  key: string,
  text: string | null | undefined,
  rule: TextRule,
): void {
  if (text === undefined || text === null || text === "") return;
  for (const problem of rule(text)) reportInvalid(context, field.member(key), problem);
}

/** Reports that the member `key` of `field` is absent or empty. */
export function checkRequired(context: Context, field: Field, key: string, value: unknown, detail?: string): void {
  if (isEmpty(value)) reportMissing(context, field, key, detail);
}

/** Whether a member is absent, null, an empty string or an empty array: what has length 0 in Go. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** The word in `allowed` that `value`, the member `key` of `field`, is. */
export function wordOf<Word extends string>(
  context: Context,
  field: Field,
  key: string,
  value: string | null | undefined,
  allowed: readonly Word[],
): Word | undefined {
  if (value === undefined || value === null) return undefined;
  for (const word of allowed) if (word === value) return word;
  reportUnsupported(context, field.member(key), allowed);
  return undefined;
}

/** The same where the empty string counts as absent, as it does in fields that are no pointers in Go. */
export function wordOrEmpty<Word extends string>(
  context: Context,
  field: Field,
  key: string,
  value: string | null | undefined,
  allowed: readonly Word[],
): Word | undefined {
  return value === "" ? undefined : wordOf(context, field, key, value, allowed);
}

/** What `newerWordOf` gives for a word that kpc does not know and a newer API server may. */
export const NEWER = Symbol("a word of a newer API");

/** The word in `allowed` that `value`, the member `key` of `field`, is. A word that kpc does not know is a warning,
 *  `unknown-value`, that says what becomes of it (`effect`), where an API server has written the object; also in other
 *  objects unless `onlyStored`, or where it is a slip of a known word: those are errors. */
export function newerWordOf<Word extends string>(
  context: Context,
  field: Field,
  key: string,
  value: string | null | undefined,
  allowed: readonly Word[],
  effect: string,
  { onlyStored = false }: { readonly onlyStored?: boolean } = {},
): Word | typeof NEWER | undefined {
  if (value === undefined || value === null) return undefined;
  for (const word of allowed) if (word === value) return word;
  const place = field.member(key);
  return toleratesNewer(context, value, allowed, onlyStored, place, effect) ? NEWER : undefined;
}

/** Reports `value`, which stands at `place` and is none of `allowed`; gives whether it is only a warning. */
export function toleratesNewer(
  context: Context,
  value: string,
  allowed: readonly string[],
  onlyStored: boolean,
  place: Field,
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
function isStored(root: Field): boolean {
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
export function reportType(context: Context, field: Field, wanted: string): void {
  const { value } = field;
  const found = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const path = field.fieldPath(context.root);
  const isScalar = found === "string" || found === "number" || found === "boolean";
  const hint = wanted === "string" && isScalar ? " (a string needs quotes here)" : "";
  const what = isScalar ? `${found} ${show(value)}${hint}` : found;
  const message = `${path === "" ? context.subject : path}: Invalid value: expected ${wanted}, found ${what}`;
  context.report({ severity: "error", code: "wrong-type", message, origin: field });
}

// --- fields by themselves ----------------------------------------------------------------------------------------------

/** The value as it is, when it is a string. */
export function asString(context: Context, field: Field | undefined): string | undefined {
  return asType(context, field, "string", (value): value is string => typeof value === "string");
}

/** The value as it is, when it is a whole number. */
export function asInteger(context: Context, field: Field | undefined): number | undefined {
  return asType(context, field, "integer", (value): value is number => Number.isInteger(value));
}

export function asBoolean(context: Context, field: Field | undefined): boolean | undefined {
  return asType(context, field, "boolean", (value): value is boolean => typeof value === "boolean");
}

/** The elements, when the value is an array. */
export function asArray(context: Context, field: Field | undefined): Field[] {
  const array = asType(context, field, "array", (value): value is unknown[] => Array.isArray(value));
  return array === undefined || field === undefined ? [] : field.items();
}

/** The elements of an array, or one value that stands for an array of one. */
export function asStringOrArray(context: Context, field: Field | undefined): Field[] {
  return field !== undefined && typeof field.value === "string" ? [field] : asArray(context, field);
}

/** The field itself, when its value is an object. */
export function asObject(context: Context, field: Field | undefined): Field | undefined {
  return asType(context, field, "object", isObject) === undefined ? undefined : field;
}

/** One of the words in `allowed`. */
export function asOneOf<Word extends string>(
  context: Context,
  field: Field | undefined,
  allowed: readonly Word[],
): Word | undefined {
  const value = asString(context, field);
  if (value === undefined || field === undefined) return undefined;
  const word = allowed.find((candidate) => candidate === value);
  if (word === undefined) reportUnsupported(context, field, allowed);
  return word;
}

function asType<T>(
  context: Context,
  field: Field | undefined,
  wanted: string,
  is: (value: unknown) => value is T,
): T | undefined {
  if (field === undefined || is(field.value)) return field?.value as T | undefined;
  reportType(context, field, wanted);
  return undefined;
}
