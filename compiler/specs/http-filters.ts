/** What an HTTPRoute changes in requests and responses. */

import {
  type Context,
  checkRequired,
  checkText,
  reportDuplicate,
  reportInvalid,
  reportMissing,
  wordOf,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { unreachable } from "../invariant.ts";
import { decodePort, isGiven, warnNotCarried } from "./gateway-references.ts";
import type { HttpFilterSpec, HttpNameValue, HttpPathReplacement, UnsupportedPart } from "./gateway-types.ts";
import { checkHeaderName, headerNameProblems, headerValueProblems } from "./http-match.ts";
import { preciseHostnameProblems } from "./names.ts";
import type { Fitting } from "./shape.ts";

const HEADER = { name: "string", value: "string" } as const;
const HEADERS = { add: [HEADER], remove: ["string"], set: [HEADER] } as const;
const PATH = { replaceFullPath: "string", replacePrefixMatch: "string", type: "string" } as const;
const REDIRECT = {
  hostname: "string",
  path: PATH,
  port: "integer",
  scheme: "string",
  statusCode: "integer",
} as const;
const REWRITE = { hostname: "string", path: PATH } as const;

export const FILTER = {
  cors: "any",
  extensionRef: "any",
  externalAuth: "any",
  requestHeaderModifier: HEADERS,
  requestMirror: "any",
  requestRedirect: REDIRECT,
  responseHeaderModifier: HEADERS,
  type: "string",
  urlRewrite: REWRITE,
} as const;

/** The types of filters, and the member that each has. */
const MEMBERS = {
  CORS: "cors",
  ExtensionRef: "extensionRef",
  ExternalAuth: "externalAuth",
  RequestHeaderModifier: "requestHeaderModifier",
  RequestMirror: "requestMirror",
  RequestRedirect: "requestRedirect",
  ResponseHeaderModifier: "responseHeaderModifier",
  URLRewrite: "urlRewrite",
} as const;

const TYPES = Object.keys(MEMBERS) as (keyof typeof MEMBERS)[];

/** These can stand in a rule more than once. */
const REPEATABLE: ReadonlySet<string> = new Set(["RequestMirror", "ExtensionRef"]);

const STATUSES = [301, 302, 303, 307, 308] as const;

/** The filters in the list at `list`, in order. `skip` gets those without which requests must not be forwarded; of others that kpc does
 *  not carry it reports what becomes of them. */
export function decodeFilters(
  context: Context,
  list: Field,
  given: readonly Fitting<typeof FILTER>[],
  skip: (part: UnsupportedPart) => void,
): HttpFilterSpec[] {
  const first = new Map<string, Field>();
  const decoded = given.flatMap((filter, index): HttpFilterSpec[] => {
    const field = list.item(index);
    checkRequired(context, field, "type", filter.type);
    const type = wordOf(context, field, "type", filter.type, TYPES);
    if (type === undefined) return [];
    const known = first.get(type);
    if (known === undefined) first.set(type, field.member("type"));
    else if (!REPEATABLE.has(type)) reportDuplicate(context, field.member("type"), known);
    for (const [other, key] of Object.entries(MEMBERS))
      if (other !== type && isGiven(filter[key]))
        reportInvalid(context, field.member(key), `must be nil if the filter.type is not ${other}`);
    if (!isGiven(filter[MEMBERS[type]])) {
      reportMissing(context, field, MEMBERS[type], `must be specified for ${type} filter.type`);
      return [];
    }
    return decodeFilter(context, field, type, filter, skip);
  });
  const redirect = decoded.find(({ kind }) => kind === "redirect");
  if (redirect !== undefined && decoded.some(({ kind }) => kind === "rewrite"))
    reportInvalid(
      context,
      redirect.field.member("type"),
      "may be RequestRedirect or URLRewrite in one list of filters, but not both",
    );
  return decoded;
}

function decodeFilter(
  context: Context,
  field: Field,
  type: keyof typeof MEMBERS,
  { requestHeaderModifier, requestRedirect, responseHeaderModifier, urlRewrite }: Fitting<typeof FILTER>,
  skip: (part: UnsupportedPart) => void,
): HttpFilterSpec[] {
  const place = field.member(MEMBERS[type]);
  switch (type) {
    case "RequestHeaderModifier":
      return [{ kind: "request-headers", ...decodeHeaders(context, place, requestHeaderModifier ?? {}), field }];
    case "ResponseHeaderModifier":
      return [{ kind: "response-headers", ...decodeHeaders(context, place, responseHeaderModifier ?? {}), field }];
    case "RequestRedirect":
      return [decodeRedirect(context, field, place, requestRedirect ?? {})];
    case "URLRewrite": {
      const { hostname, path } = urlRewrite ?? {};
      checkText(context, place, "hostname", hostname, preciseHostnameProblems);
      return [{ kind: "rewrite", host: hostname || undefined, path: decodePath(context, place, path), field }];
    }
    case "RequestMirror":
      warnNotCarried(context, field.member("type"), "RequestMirror", "requests are sent to their backend only");
      return [];
    case "CORS":
      warnNotCarried(context, field.member("type"), "CORS", "the backend has to answer for it");
      return [];
    // Without the filter, requests must not reach a backend.
    case "ExtensionRef":
    case "ExternalAuth":
      skip({ what: `the filter ${type}`, field: field.member("type") });
      return [];
    default:
      return unreachable(type);
  }
}

function decodeHeaders(
  context: Context,
  field: Field,
  { add, remove, set }: Fitting<typeof HEADERS>,
): Pick<Extract<HttpFilterSpec, { readonly set: unknown }>, "set" | "add" | "remove"> {
  const seen = new Map<string, Field>();
  const once = (name: string, place: Field): void => {
    const lower = name.toLowerCase();
    const known = seen.get(lower);
    if (known === undefined) seen.set(lower, place);
    else reportDuplicate(context, place, known);
    if (lower === "host") reportInvalid(context, place, "Host is changed by the hostname of URLRewrite");
  };
  const named = (key: "set" | "add", list: typeof set): HttpNameValue[] =>
    (list ?? []).map(({ name, value }, index) => {
      const item = field.member(key).item(index);
      checkHeaderName(context, item, name);
      checkRequired(context, item, "value", value);
      checkText(context, item, "value", value, headerValueProblems);
      once(name ?? "", item.member("name"));
      return { name: (name ?? "").toLowerCase(), value: value ?? "" };
    });
  const removed = (remove ?? []).map((name, index) => {
    const item = field.member("remove").item(index);
    for (const problem of headerNameProblems(name)) reportInvalid(context, item, problem);
    once(name, item);
    return name.toLowerCase();
  });
  return { set: named("set", set), add: named("add", add), remove: removed };
}

function decodeRedirect(
  context: Context,
  field: Field,
  place: Field,
  { hostname, path, port, scheme, statusCode }: Fitting<typeof REDIRECT>,
): HttpFilterSpec {
  checkText(context, place, "hostname", hostname, preciseHostnameProblems);
  const status = STATUSES.find((known) => known === (statusCode ?? 302));
  if (status === undefined) reportInvalid(context, place.member("statusCode"), `must be one of ${STATUSES.join(", ")}`);
  return {
    kind: "redirect",
    scheme: wordOf(context, place, "scheme", scheme || undefined, ["http", "https"]),
    host: hostname || undefined,
    port: decodePort(context, place, "port", port),
    path: decodePath(context, place, path),
    status: status ?? 302,
    field,
  };
}

function decodePath(
  context: Context,
  filter: Field,
  path: Fitting<typeof PATH> | null | undefined,
): HttpPathReplacement | undefined {
  if (path === undefined || path === null) return undefined;
  const field = filter.member("path");
  checkRequired(context, field, "type", path.type);
  const type = wordOf(context, field, "type", path.type, ["ReplaceFullPath", "ReplacePrefixMatch"]);
  if (type === undefined) return undefined;
  const [key, other] =
    type === "ReplaceFullPath"
      ? (["replaceFullPath", "replacePrefixMatch"] as const)
      : (["replacePrefixMatch", "replaceFullPath"] as const);
  if (isGiven(path[other])) reportInvalid(context, field.member(other), `must not be set when type is ${type}`);
  const value = path[key];
  if (value === undefined || value === null) {
    reportMissing(context, field, key, `must be specified when type is set to '${type}'`);
    return undefined;
  }
  const isWhole = type === "ReplaceFullPath";
  for (const problem of replacementProblems(value, isWhole)) reportInvalid(context, field.member(key), problem);
  return isWhole
    ? { part: "all", path: value === "" ? "/" : value }
    : { part: "prefix", path: value.replace(/\/$/, "") };
}

/** What is written into a request line or a URL: the API does not look at it, but a proxy has to. */
function replacementProblems(path: string, isWhole: boolean): readonly string[] {
  if (path === "" && !isWhole) return [];
  const problems = path.startsWith("/") ? [] : ["must start with '/'"];
  if (!/^[-A-Za-z0-9/._~!$&'()*+,;=:@%]*$/.test(path)) problems.push("must be a path as requests spell it");
  return problems;
}
