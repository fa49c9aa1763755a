/** What requests an HTTPRoute's rule takes. */
import { type Context, checkRequired, checkText, reportInvalid, reportTooMany, wordOf } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import type { HttpMatchSpec, HttpNameValue, UnsupportedPart } from "./gateway-types.ts";
import type { Fitting } from "./shape.ts";

const NAMED = { name: "string", type: "string", value: "string" } as const;

export const MATCH = {
  headers: [NAMED],
  method: "string",
  path: { type: "string", value: "string" },
  queryParams: [NAMED],
} as const;

const PATH_TYPES = ["Exact", "PathPrefix", "RegularExpression"] as const;
const NAMED_TYPES = ["Exact", "RegularExpression"] as const;
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] as const;

const MAX_NAMED = 16;
const MAX_PATH = 1024;

/** What a path must not have. */
const BAD_SEQUENCES = ["//", "/./", "/../", "%2f", "%2F", "#"] as const;
const BAD_ENDINGS = ["/..", "/."] as const;

/** The match at `field`; undefined where it is wrong. `skip` gets what kpc does not carry. */
export function decodeMatch(
  context: Context,
  field: Field,
  { headers, method, path, queryParams }: Fitting<typeof MATCH>,
  skip: (part: UnsupportedPart) => void,
): HttpMatchSpec | undefined {
  const place = field.member("path");
  const type = wordOf(context, place, "type", path?.type, PATH_TYPES) ?? "PathPrefix";
  const value = path?.value ?? "/";
  if (type === "RegularExpression") skip({ what: "a regular expression", field: place.member("type") });
  else for (const problem of pathProblems(value)) reportInvalid(context, place.member("value"), problem);
  const word = wordOf(context, field, "method", method, METHODS);
  const lowered = decodeNamed(context, field.member("headers"), headers ?? [], true, skip);
  const parameters = decodeNamed(context, field.member("queryParams"), queryParams ?? [], false, skip);
  if (type === "RegularExpression") return undefined;
  return {
    match: type === "Exact" ? "exact" : "prefix",
    path: value,
    method: word,
    headers: lowered,
    parameters,
    field,
  };
}

/** What is wrong with a path that requests are compared with. */
export function pathProblems(path: string): readonly string[] {
  const problems: string[] = [];
  if (!path.startsWith("/")) problems.push("must be an absolute path and start with '/'");
  for (const sequence of BAD_SEQUENCES) if (path.includes(sequence)) problems.push(`must not contain '${sequence}'`);
  for (const ending of BAD_ENDINGS) if (path.endsWith(ending)) problems.push(`must not end with '${ending}'`);
  if (problems.length === 0 && !IS_PATH.test(path))
    problems.push(`must only contain valid characters (matching ${IS_PATH.source})`);
  if (path.length > MAX_PATH) problems.push(`may not be more than ${MAX_PATH} bytes`);
  return problems;
}

const IS_PATH = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$/;

/** Headers or query parameters. Of equal names the first one counts. */
function decodeNamed(
  context: Context,
  list: Field,
  given: readonly Fitting<typeof NAMED>[],
  areHeaders: boolean,
  skip: (part: UnsupportedPart) => void,
): HttpNameValue[] {
  if (given.length > MAX_NAMED) reportTooMany(context, list, given.length, MAX_NAMED);
  const found = new Map<string, HttpNameValue>();
  for (const [index, { name, type, value }] of given.entries()) {
    const field = list.item(index);
    checkHeaderName(context, field, name);
    checkRequired(context, field, "value", value);
    const word = wordOf(context, field, "type", type, NAMED_TYPES) ?? "Exact";
    if (word === "RegularExpression") skip({ what: "a regular expression", field: field.member("type") });
    else checkText(context, field, "value", value, areHeaders ? headerValueProblems : parameterProblems);
    const key = areHeaders ? (name ?? "").toLowerCase() : (name ?? "");
    if (found.has(key)) reportInvalid(context, field.member("name"), "only the first match of a name counts");
    else found.set(key, { name: key, value: value ?? "" });
  }
  return [...found.values()];
}

/** Reports what is wrong with the name of a header, the member `name` of `field`. */
export function checkHeaderName(context: Context, field: Field, name: string | null | undefined): void {
  checkRequired(context, field, "name", name);
  checkText(context, field, "name", name, headerNameProblems);
}

/** What is wrong with the name of a header. */
export function headerNameProblems(name: string): readonly string[] {
  if (name.length > 256) return ["may not be more than 256 bytes"];
  return /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(name) ? [] : ["must be the name of a header"];
}

/** What is wrong with the value of a header. */
export function headerValueProblems(value: string): readonly string[] {
  if (value.length > 4096) return ["may not be more than 4096 bytes"];
  return /^[!-~]+(?:[\t ]?[!-~]+)*$/.test(value)
    ? []
    : ["must consist of printable ASCII characters, with single blanks or tabs between them"];
}

/** The value is compared with what the request has, percent signs and all. */
function parameterProblems(value: string): readonly string[] {
  if (value.length > 1024) return ["may not be more than 1024 bytes"];
  return /^[!-~]+$/.test(value) && !/[#&]/.test(value)
    ? []
    : ["must be as requests spell it, for instance a%20b for a blank: no request has it otherwise"];
}
