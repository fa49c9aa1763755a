/** Filters of rules, and redirects, as lines of a backend of their own. */
import { unreachable } from "../../invariant.ts";
import type { NamedText, PathReplacement, RequestRule, RouteFilter, RouteRedirect } from "../../ir/routes.ts";
import { IS_TOKEN } from "./conditions.ts";
import { isWord, literal, pattern, quoted, quotedFormat } from "./quoting.ts";

/** The lines for `filters` in their order; undefined where HAProxy cannot do it. `path`: that of the rule. */
export function filterLines(filters: readonly RouteFilter[], path: string): readonly string[] | undefined {
  // The path that is replaced is the one that the rule matched: of several replacements only the last one counts.
  const last = filters.findLastIndex((filter) => filter.kind === "rewrite" && filter.path !== undefined);
  return whole(
    filters.map((filter, i) => {
      if (filter.kind !== "rewrite" || i >= last) return linesOf(filter, path, "http-response");
      const { path: _, ...others } = filter;
      return linesOf(others, path, "http-response");
    }),
  );
}

/** The lines of a backend that only redirects. Header filters change its response. */
export function redirectLines(
  { scheme, host, port, path, status }: RouteRedirect,
  { path: prefix, filters = [] }: RequestRule,
): readonly string[] | undefined {
  const written = port === undefined ? "" : `:${port}`;
  const responses = filters.filter(({ kind }) => kind === "response-headers");
  const to = host ?? "%[var(txn.host)]";
  return whole([
    ...responses.map((filter) => linesOf(filter, prefix, "http-after-response")),
    path === undefined ? [] : pathLines(path, prefix),
    host === undefined ? RAW_HOSTS : isHost(host) ? [] : undefined,
    [`http-request redirect code ${status} location ${scheme}://${to}${written}%[pathq]`],
  ]);
}

/** Hosts that are no names are told as they came. */
export const RAW_HOSTS: readonly string[] = [
  "http-request set-var(txn.host) req.fhdr(host) if { req.fhdr(host) -m beg [ } or { var(txn.host) -m len 0 }",
];

function linesOf(
  filter: RouteFilter,
  prefix: string,
  response: "http-response" | "http-after-response",
): readonly string[] | undefined {
  switch (filter.kind) {
    case "request-headers":
      return headerLines("http-request", filter);
    case "response-headers":
      return headerLines(response, filter);
    case "rewrite": {
      const { host, path } = filter;
      return whole([
        host === undefined ? [] : isHost(host) ? [`http-request set-header Host ${host}`] : undefined,
        path === undefined ? [] : pathLines(path, prefix),
      ]);
    }
    default:
      return unreachable(filter);
  }
}

function headerLines(
  action: string,
  { set, add, remove }: Extract<RouteFilter, { readonly kind: "request-headers" | "response-headers" }>,
): readonly string[] | undefined {
  const written = (verb: string, { name, value }: NamedText): readonly string[] | undefined =>
    IS_TOKEN.test(name) && (value === "" || isWord(value))
      ? [`${action} ${verb}-header ${quoted(name)} ${value === "" ? "''" : quotedFormat(value)}`]
      : undefined;
  return whole([
    ...set.map((header) => written("set", header)),
    ...add.map((header) => written("add", header)),
    ...remove.map((name) => (IS_TOKEN.test(name) ? [`${action} del-header ${quoted(name)}`] : undefined)),
  ]);
}

/** Another path; the query is not part of it. */
function pathLines({ part, path }: PathReplacement, prefix: string): readonly string[] | undefined {
  if (!IS_PATH.test(path)) return undefined;
  if (part === "all") return path === "" ? undefined : [`http-request set-path ${quotedFormat(path)}`];
  const before = prefix === "/" ? "" : pattern(prefix);
  // In what is put in, a backslash and a digit stand for a group.
  const after = literal(path).replaceAll("\\", "\\\\");
  const [from, to] = path === "" ? [`^${before}/?(.*)$`, "/\\1"] : [`^${before}((?:/.*)?)$`, `${after}\\1`];
  return [`http-request replace-path ${quoted(from)} ${quoted(to)}`];
}

/** Signs of a path; no query, no fragment. */
const IS_PATH = /^(?:\/[!"$->@-~]*)?$/;

function isHost(host: string): boolean {
  return /^[a-z0-9_][a-z0-9_.-]*$/.test(host);
}

/** All lines, or undefined where some cannot be written. */
function whole(parts: readonly (readonly string[] | undefined)[]): readonly string[] | undefined {
  const lines: string[] = [];
  for (const part of parts) {
    if (part === undefined) return undefined;
    lines.push(...part);
  }
  return lines;
}
