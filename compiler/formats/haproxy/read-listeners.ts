/** Listeners of Gateways, read back from the frontends that kpc writes for them and from their maps. */
import type { Origin, Report } from "../../diagnostics.ts";
import type {
  ListenerHost,
  ListeningPort,
  PathReplacement,
  RequestRule,
  RouteFilter,
  RouteShare,
} from "../../ir/routes.ts";
import { compareBy } from "../../order.ts";
import { certificateList } from "./certificates.ts";
import { asksClientProto } from "./conditions.ts";
import { chooseLine, depthOf, listenerLines } from "./listeners.ts";
import { type BackendChanges, isChange, readChanges } from "./read-filters.ts";
import { type ListChoice, type ListLines, type RuleGroup, readLists, rulesOfList } from "./read-lists.ts";
import { type MapRow, mapError, type TextLine } from "./read-maps.ts";
import { LIST } from "./rules.ts";
import { REJECT_UNSAFE } from "./settings.ts";
import { ANY_HOST, type MapName, SPARE_LOOKUP } from "./shape.ts";

/** The lines of a configuration that are for listeners, and the others. */
export interface SplitConfig {
  /** By port. */
  readonly ports: ReadonlyMap<number, readonly TextLine[]>;
  /** Lines of backends that change requests, by the name of the backend. */
  readonly changes: ReadonlyMap<string, readonly TextLine[]>;
  readonly others: readonly TextLine[];
}

/** Takes the frontends of listeners, and what their backends change, out of the lines of a configuration. */
export function splitConfig(lines: readonly TextLine[]): SplitConfig {
  const ports = new Map<number, TextLine[]>();
  const changes = new Map<string, TextLine[]>();
  const others: TextLine[] = [];
  if (!lines.some(({ text }) => PORT.test(text))) return { ports, changes, others: lines };
  let into: TextLine[] | undefined;
  let backend: string | undefined;
  for (const line of lines) {
    const { text } = line;
    const [, port] = PORT.exec(text) ?? [];
    if (SECTION.test(text)) {
      into = undefined;
      [, backend] = /^backend (\S+)$/.exec(text) ?? [];
    }
    if (port !== undefined) {
      into = ports.get(Number(port)) ?? [line];
      ports.set(Number(port), into);
    } else if (into !== undefined) into.push(line);
    else if (backend !== undefined && isChange(text)) changes.set(backend, [...(changes.get(backend) ?? []), line]);
    else others.push(line);
  }
  return { ports, changes, others };
}

const PORT = /^frontend port-(\d{1,5})$/;
const SECTION =
  /^(?:global|defaults|frontend|backend|listen|peers|resolvers|userlist|mailers|cache|program|http-errors|ring|fcgi-app|log-forward)\b/;

/** What listeners are read from. */
export interface FrontendInput {
  readonly rowsOf: (name: MapName, port: number) => readonly MapRow[];
  /** Where a backend leads, as far as its servers say; undefined: there is none of this name. `isSpared`: a spare one may stand for it. */
  readonly targetOf: (name: string, isSpared: boolean) => RouteShare["target"] | undefined;
  /** What else it does. */
  readonly changes: ReadonlyMap<string, readonly TextLine[]>;
}

/** A listener that was read, and whether its frontend answers unsafe paths with 400. */
export interface ReadListener {
  readonly listener: ListeningPort;
  readonly rejectsUnsafe: boolean;
}

/** The listener at `port`, whose frontend has these lines. Reports `haproxy-line` and `haproxy-map`; the caller gives up then. */
export function readListener(
  port: number,
  lines: readonly TextLine[],
  input: FrontendInput,
  report: Report,
): ReadListener {
  const parts = partsOf(lines);
  const { binds, tests, choices, fixed, last } = parts;
  const fail = (message: string, { span }: Origin): void =>
    report({ severity: "error", code: "haproxy-line", message, origin: { span } });
  const protocol = binds.some(({ text }) => /\sssl\b/.test(text)) ? "https" : "http";
  const depths = new Set(fixed.flatMap(({ text }) => /,field\(-1,\.,(\d+)\),/.exec(text)?.[1] ?? []).map(Number));
  const rejects = fixed.some(({ text }) => text === REJECT_UNSAFE);
  const spares = fixed.some(({ text }) => text === SPARE_LOOKUP);
  for (const bind of binds)
    if (!isBind(bind.text, port)) fail(`expected bind :${port}, for TLS with crt-list ${certificateList(port)}`, bind);
  const expected = [
    ...listenerLines(port, protocol, {
      asksProto: asksClientProto(tests.map(({ text }) => text)),
      rejects,
      depths,
      spares,
    }),
    chooseLine(choices.length > 0),
  ];
  const at = Math.max(fixed.length, expected.length);
  const wrong = Array.from({ length: at }, (_, i) => i).find((i) => fixed[i]?.text !== expected[i]);
  if (wrong !== undefined)
    fail(
      `kpc does not write this line, so it is not known what becomes of requests: expected ${expected[wrong] ?? "the next section"}`,
      fixed[wrong] ?? lines[0] ?? NOWHERE,
    );
  const rest = last && input.targetOf(last.name, false);
  if (rest?.kind !== "status" || rest.status !== 404)
    fail(
      "kpc answers 404 where no rule takes a request: expected default_backend status-404",
      last ?? lines[0] ?? NOWHERE,
    );
  const lists = readLists({ tests, choices }, fail);
  return {
    listener: { port, protocol, hosts: hostsOf(port, { lists, depths, spares }, input, report) },
    rejectsUnsafe: rejects,
  };
}

const NOWHERE: Origin = { span: () => ({ source: { name: "haproxy.cfg", text: "" }, start: 0, end: 0 }) };

interface FrontendParts extends ListLines {
  readonly binds: readonly TextLine[];
  /** Those that are the same for all rules. */
  readonly fixed: readonly TextLine[];
  readonly last: (Origin & { readonly name: string }) | undefined;
}

function partsOf([, ...lines]: readonly TextLine[]): FrontendParts {
  const written = lines.filter(({ text }) => text !== "" && !text.startsWith("#"));
  const is = (test: RegExp) => written.filter(({ text }) => test.test(text));
  const [binds, tests, choices] = [is(/^bind /), is(/^acl /), is(/^use_backend \S+ if \{ var\(txn\.backend\) -m str /)];
  const defaults = is(/^default_backend \S+$/);
  const known = new Set([...binds, ...tests, ...choices, ...defaults]);
  const [first] = defaults;
  return {
    binds,
    tests,
    choices,
    fixed: written.filter((line) => !known.has(line)),
    last: first && { name: first.text.split(" ")[1] ?? "", span: first.span },
  };
}

/** Whether a line lets the frontend listen at `port` of all addresses. */
function isBind(line: string, port: number): boolean {
  const [, at, tls = ""] = /^bind (?:::)?:(\d+)(?: v6only)?(?: accept-proxy)?( ssl .*)?$/.exec(line) ?? [];
  const [, list] = /^ ssl crt-list (\S+)(?: strict-sni)?(?: alpn \S+)?$/.exec(tls) ?? [];
  return at === String(port) && (tls === "" || list === certificateList(port));
}

/** What the lines of a frontend say. */
export interface FrontendRules {
  /** Undefined: nothing says which rules a list has, so that it is known by its name only. */
  readonly lists: ReadonlyMap<string, readonly ListChoice[]> | undefined;
  /** Numbers of labels of wildcards that it looks for; undefined: nothing says them. */
  readonly depths: ReadonlySet<number> | undefined;
  /** Spare backends may stand for those that maps name. */
  readonly spares: boolean;
}

/** The hosts with their rules, the most specific ones first. */
export function hostsOf(port: number, frontend: FrontendRules, input: FrontendInput, report: Report): ListenerHost[] {
  const fail = (message: string, origin: Origin): void => report(mapError(message, origin));
  const byId = new Map<string, RequestRule[]>();
  const read = (row: MapRow, match: RequestRule["match"]): void => {
    const slash = row.key.indexOf("/");
    const [id, whole] = [row.key.slice(0, slash), row.key.slice(slash)];
    const isWhole = match === "exact" || whole.endsWith("/");
    if (slash <= 0) fail(`expected HOST/PATH, not ${row.key}`, row);
    else if (!isWhole) fail(`expected a slash at the end of ${row.key}: without it half an element matches`, row);
    if (slash <= 0 || !isWhole) return;
    const path = match === "exact" || whole === "/" ? whole : whole.slice(0, -1);
    const rules = byId.get(id) ?? [];
    byId.set(id, rules);
    rules.push(...rulesAtRow(row, { match, path }, frontend, input, fail));
  };
  for (const row of once(input.rowsOf("exact", port), fail)) read(row, "exact");
  const prefixes = [...once(input.rowsOf("prefixes", port), fail)];
  for (const row of prefixes.sort(compareBy(({ key }) => -key.length))) read(row, "prefix");
  const hosts: ListenerHost[] = [];
  for (const row of once(input.rowsOf("hosts", port), fail)) {
    const isAsked = row.key === row.key.toLowerCase() && /^[^*:/[]+$/.test(row.key) && !row.key.endsWith(".");
    if (isAsked) hosts.push({ host: row.key, paths: byId.get(row.value) ?? [], origin: row });
    else fail(`expected a host in lower case, not ${row.key}`, row);
  }
  const wildcards = [...once(input.rowsOf("wildcards", port), fail)];
  for (const row of wildcards.sort(compareBy(({ key }) => -key.length))) {
    if (!/^(?:\.[^*./:[]+)+$/.test(row.key) || row.key !== row.key.toLowerCase())
      fail(`expected what follows the asterisk of a wildcard, such as .example.com, not ${row.key}`, row);
    else if (frontend.depths?.has(depthOf(row.key)) === false)
      fail(`no line of haproxy.cfg looks for wildcards with as many labels as ${row.key}`, row);
    else hosts.push({ host: `*${row.key}`, paths: byId.get(row.value) ?? [], origin: row });
  }
  const others = byId.get(ANY_HOST);
  return others === undefined ? hosts : [...hosts, { paths: others }];
}

/** HAProxy takes the first one of equal keys. */
function once(rows: readonly MapRow[], fail: (message: string, origin: Origin) => void): readonly MapRow[] {
  const seen = new Set<string>();
  for (const row of rows) {
    if (seen.has(row.key)) fail(`the key ${row.key} is here twice`, row);
    seen.add(row.key);
  }
  return rows;
}

type RowPath = Pick<RequestRule, "match" | "path">;

/** The rules for the paths of a row: what none of them takes is answered with 404, not by a shorter prefix. */
function rulesAtRow(
  row: MapRow,
  at: RowPath,
  { lists, spares }: FrontendRules,
  { targetOf, changes }: FrontendInput,
  fail: (message: string, origin: Origin) => void,
): RequestRule[] {
  const list = lists?.get(row.value);
  if (row.value.startsWith(LIST) && list === undefined && lists !== undefined) {
    fail(`haproxy.cfg has no rules of the list ${row.value}`, row);
    return [];
  }
  const groups: readonly RuleGroup[] =
    list === undefined ? [{ ends: [{ weight: 1, backend: row.value }], origin: row }] : rulesOfList(list, fail);
  // Spare backends stand for names in maps, not for those in lists.
  const backends = { changes, targetOf: (name: string) => targetOf(name, spares && list === undefined) };
  const rules = groups.map((group) => ruleOf(group, row, at, backends, fail));
  return rules.at(-1)?.conditions === undefined
    ? rules
    : [...rules, { ...at, target: { kind: "status", status: 404, reason: "no rule takes the request" }, origin: row }];
}

function ruleOf(
  { conditions, ends, origin }: RuleGroup,
  row: MapRow,
  at: RowPath,
  {
    targetOf,
    changes,
  }: Pick<FrontendInput, "changes"> & { targetOf: (name: string) => RouteShare["target"] | undefined },
  fail: (message: string, origin: Origin) => void,
): RequestRule {
  const resolved = ends.map(({ weight, backend }) => {
    const target = targetOf(backend);
    const lines = changes.get(backend) ?? [];
    const read = readChanges(lines.map(({ text }) => text));
    if (target === undefined) fail(`haproxy.cfg has no backend ${backend}`, row);
    else if (read === undefined) fail(`kpc does not write the lines of backend ${backend} so`, lines[0] ?? row);
    const change = read && atRow(read, at);
    if (read !== undefined && change === undefined)
      fail(`backend ${backend} replaces a path of which ${row.key} has a part only`, row);
    return { weight, target: target ?? NO_BACKEND, change: change ?? { filters: [], prefix: "/" } };
  });
  const rule = { ...at, ...(conditions && { conditions }), origin };
  const [only] = resolved;
  if (only !== undefined && resolved.length === 1) {
    const { target, change } = only;
    const filters = change.filters.length === 0 ? {} : { filters: change.filters };
    if (change.redirect !== undefined) return { ...rule, target: change.redirect, ...filters };
    if (change.status !== undefined) return { ...rule, target: { kind: "status", status: 500, reason: ANSWERED } };
    return { ...rule, target, ...filters };
  }
  if (resolved.some(({ change }) => change.redirect !== undefined))
    fail("kpc redirects no part of the requests", origin);
  const shares = resolved.map(({ weight, target, change }) => ({
    weight,
    target: change.status === undefined ? target : ({ kind: "status", status: 500, reason: ANSWERED } as const),
    ...(change.filters.length === 0 ? {} : { filters: change.filters }),
  }));
  return { ...rule, target: { kind: "shares", shares } };
}

const ANSWERED = "HAProxy answers itself";
const NO_BACKEND: RouteShare["target"] = { kind: "status", status: 503, reason: "no backend" };

/** The same for a rule with the path of a row, at or below that of the rule that the lines were written for. Undefined: only some of its paths are. */
function atRow(changes: BackendChanges, at: RowPath): BackendChanges | undefined {
  const { filters, prefix, redirect } = changes;
  let isWhole = true;
  const moved = (path: PathReplacement): PathReplacement | undefined => {
    if (path.part === "all") return path;
    const [above, own] = [prefix === "/" ? "" : prefix, at.match === "prefix" && at.path === "/" ? "" : at.path];
    if (own === above || own.startsWith(`${above}/`)) {
      const replaced = path.path + own.slice(above.length);
      return at.match === "exact" ? { part: "all", path: replaced || "/" } : { part: "prefix", path: replaced };
    }
    if (at.match === "prefix" && above.startsWith(`${own}/`)) isWhole = false;
    return undefined;
  };
  const all = filters.map((filter): RouteFilter => {
    if (filter.kind !== "rewrite" || filter.path === undefined) return filter;
    const { path, ...others } = filter;
    const replaced = moved(path);
    return replaced === undefined ? others : { ...others, path: replaced };
  });
  if (redirect?.path === undefined) return isWhole ? { ...changes, filters: all } : undefined;
  const { path, ...others } = redirect;
  const replaced = moved(path);
  if (!isWhole) return undefined;
  return { ...changes, filters: all, redirect: { ...others, ...(replaced && { path: replaced }) } };
}
