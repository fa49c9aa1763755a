/** Lines of backends that change requests and answers, or redirect, read back. */
import type { NamedText, RouteFilter, RouteRedirect } from "../../ir/routes.ts";
import { filterLines, RAW_HOSTS, redirectLines } from "./filters.ts";
import { PATTERN, textOfFormat, textOfPattern, wordsOf } from "./read-words.ts";

/** What the lines of a backend do besides sending requests to servers. */
export interface BackendChanges {
  /** In order; the last replacement of a path counts, for the prefix `prefix`. */
  readonly filters: readonly RouteFilter[];
  /** The path of the rule that the lines were written for, where they replace it. */
  readonly prefix: string;
  /** Undefined: requests are forwarded, or answered with `status`. */
  readonly redirect?: RouteRedirect;
  readonly status?: 500;
}

/** Whether a line of a backend is one of these. */
export function isChange(line: string): boolean {
  return (
    /^http-(?:request|response|after-response) (?:set|add|del)-header /.test(line) ||
    /^http-request (?:set-path|replace-path|redirect) /.test(line) ||
    line === "http-request return status 500" ||
    RAW_HOSTS.includes(line)
  );
}

/** What the lines of a backend do, all of which are such; undefined where kpc does not write them so. */
export function readChanges(lines: readonly string[]): BackendChanges | undefined {
  if (lines.length === 1 && lines[0] === "http-request return status 500")
    return { filters: [], prefix: "/", status: 500 };
  const filters: RouteFilter[] = [];
  let prefix = "/";
  let redirect: RouteRedirect | undefined;
  for (const line of lines) {
    if (RAW_HOSTS.includes(line)) continue;
    const words = wordsOf(line);
    const replaced = readReplacement(words);
    const redirected = readRedirect(line);
    const filter = replaced?.filter ?? readHeader(words);
    if (redirected !== undefined) redirect = redirected;
    else if (filter === undefined) return undefined;
    else filters.push(filter);
    prefix = replaced?.prefix ?? prefix;
  }
  const changes = redirect === undefined ? { filters, prefix } : withRedirect(redirect, filters, prefix);
  return printed(changes)?.join("\n") === lines.join("\n") ? changes : undefined;
}

/** The path that is replaced is that of the redirect. */
function withRedirect(redirect: RouteRedirect, filters: readonly RouteFilter[], prefix: string): BackendChanges {
  const path = filters.flatMap((filter) => (filter.kind === "rewrite" ? (filter.path ?? []) : []))[0];
  const others = filters.filter(({ kind }) => kind !== "rewrite");
  return { filters: others, prefix, redirect: { ...redirect, ...(path && { path }) } };
}

function printed({ filters, prefix, redirect }: BackendChanges): readonly string[] | undefined {
  if (redirect === undefined) return filterLines(filters, prefix);
  return redirectLines(redirect, { match: "prefix", path: prefix, target: redirect, filters });
}

function readHeader(words: readonly string[]): RouteFilter | undefined {
  const [where = "", verb, name = "", format] = words;
  if (where === "http-request" && verb === "set-header" && name === "Host" && format !== undefined)
    return { kind: "rewrite", host: format };
  const kind = where === "http-request" ? "request-headers" : "response-headers";
  const header: NamedText[] = format === undefined ? [] : [{ name, value: textOfFormat(format) }];
  // An empty value is no word: its quotes are all there is of it.
  const one = header.length > 0 ? header : [{ name, value: "" }];
  if (verb === "set-header") return { kind, set: one, add: [], remove: [] };
  if (verb === "add-header") return { kind, set: [], add: one, remove: [] };
  return verb === "del-header" ? { kind, set: [], add: [], remove: [name] } : undefined;
}

function readReplacement([where, verb, from = "", to = ""]: readonly string[]):
  | { readonly filter: RouteFilter; readonly prefix: string }
  | undefined {
  if (where !== "http-request") return undefined;
  if (verb === "set-path")
    return { filter: { kind: "rewrite", path: { part: "all", path: textOfFormat(from) } }, prefix: "/" };
  if (verb !== "replace-path") return undefined;
  const [, whole] = ALL_BELOW.exec(from) ?? [];
  const [, before = whole] = BELOW.exec(from) ?? [];
  if (before === undefined) return undefined;
  const path = whole === undefined ? textOfFormat(to.replace(/\\1$/, "").replaceAll("\\\\", "\\")) : "";
  return { filter: { kind: "rewrite", path: { part: "prefix", path } }, prefix: textOfPattern(before) || "/" };
}

const ALL_BELOW = new RegExp(String.raw`^\^(${PATTERN})/\?\(\.\*\)\$$`);
const BELOW = new RegExp(String.raw`^\^(${PATTERN})\(\(\?:/\.\*\)\?\)\$$`);

function readRedirect(line: string): RouteRedirect | undefined {
  const [, code, scheme, host, port] =
    /^http-request redirect code (301|302|303|307|308) location (https?):\/\/(%\[var\(txn\.host\)\]|[a-z0-9_.-]+)(?::(\d+))?%\[pathq\]$/.exec(
      line,
    ) ?? [];
  if (code === undefined) return undefined;
  return {
    kind: "redirect",
    scheme: scheme === "https" ? "https" : "http",
    ...(host?.startsWith("%") ? {} : { host: host ?? "" }),
    ...(port === undefined ? {} : { port: Number(port) }),
    status: Number(code) as RouteRedirect["status"],
  };
}
