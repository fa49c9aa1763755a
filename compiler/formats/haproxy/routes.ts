/** From the rows of HAProxy's maps to routes. */
import type { Origin, Report } from "../../diagnostics.ts";
import type { HostRoutes, PathRoute, RouteTarget } from "../../ir/types.ts";
import { compareBy } from "../../order.ts";
import { type MapRow, type MapRows, mapError } from "./read-maps.ts";
import { ANY_HOST } from "./shape.ts";

/** What the rows of one host lead to. */
interface HostRows {
  readonly paths: PathRoute[];
  fallback?: Pick<HostRoutes, "fallback" | "fallbackOrigin">;
}

/** How names of backends are read. */
export interface BackendNames {
  /** Where the backend leads; undefined: there is none of this name. */
  readonly targetOf: (name: string) => RouteTarget | undefined;
  /** For requests that no row takes; undefined: nothing says it, so each host needs a row for `/`. */
  readonly last: RouteTarget | undefined;
}

/** The rows of maps; `redirects` names the hosts (by their ids) that are redirected to https. */
export interface RoutingRows extends MapRows {
  readonly redirects: readonly MapRow[];
}

/**
 * The routes that HAProxy takes with these maps, asked as kpc's configuration asks them: in the order in which kpc lowers routes. A row
 * for `/` is the fallback of its host. Undefined where a row is not understood: `haproxy-map`.
 */
export function routesOfMaps(
  rows: RoutingRows,
  { targetOf, last }: BackendNames,
  report: Report,
): HostRoutes[] | undefined {
  let failed = false;
  const fail = (message: string, origin: Origin): void => {
    failed = true;
    report(mapError(message, origin));
  };
  for (const map of Object.values(rows)) refuseEqualKeys(map, fail);
  const byId = new Map<string, HostRows>();
  const rowsOf = (id: string): HostRows => {
    const known = byId.get(id) ?? { paths: [] };
    byId.set(id, known);
    return known;
  };
  const read = (row: MapRow, match: PathRoute["match"]): void => {
    const { key, value, span } = row;
    const slash = key.indexOf("/");
    const target = targetOf(value);
    const path = key.slice(slash);
    if (slash <= 0) fail(`expected HOST/PATH, not ${key}`, row);
    else if (target === undefined) fail(`haproxy.cfg has no backend ${value}`, row);
    else if (match === "exact") rowsOf(key.slice(0, slash)).paths.push({ match, path, target, origin: { span } });
    else if (!path.endsWith("/"))
      fail(`expected a slash at the end of ${key}: without it half an element matches`, row);
    else if (path === "/") rowsOf(key.slice(0, slash)).fallback = { fallback: target, fallbackOrigin: { span } };
    else rowsOf(key.slice(0, slash)).paths.push({ match, path: path.slice(0, -1), target, origin: { span } });
  };
  for (const row of rows.exact) read(row, "exact");
  for (const row of rows.prefixes) read(row, "prefix");
  const hosts: HostRoutes[] = [];
  const redirected = new Set(rows.redirects.map(({ key }) => key));
  const add = (host: string | undefined, id: string, origin: Origin | undefined): void => {
    const { paths, fallback = last && { fallback: last } } = byId.get(id) ?? { paths: [] };
    if (fallback !== undefined)
      hosts.push({
        ...(host === undefined ? {} : { host }),
        paths: inOrder(paths),
        ...fallback,
        ...(redirected.has(id) ? { httpsRedirect: true } : {}),
      });
    else if (origin !== undefined)
      fail(`no row of prefixes.map says what serves other paths of ${host}: expected ${id}/`, origin);
  };
  for (const row of [...rows.hosts].sort(byKey)) {
    if (/^[^*/]+$/.test(row.key) && isAsked(row.key)) add(row.key, row.value, row);
    else fail(`expected a host in lower case, not ${row.key}`, row);
  }
  for (const row of [...rows.wildcards].sort(byKey)) {
    if (/^\*\.[^*/]+$/.test(row.key) && isAsked(row.key)) add(row.key, row.value, row);
    else fail(`expected a wildcard such as *.example.com, not ${row.key}`, row);
  }
  const rest = rows.prefixes[0] ?? rows.hosts[0] ?? rows.exact[0];
  if (byId.get(ANY_HOST)?.fallback === undefined && last === undefined)
    fail(`no row of prefixes.map says what serves other hosts: expected ${ANY_HOST}/`, rest ?? NOWHERE);
  else add(undefined, ANY_HOST, undefined);
  return failed ? undefined : hosts;
}

const NOWHERE: Origin = { span: () => ({ source: { name: "prefixes.map", text: "" }, start: 0, end: 0 }) };

const byKey = compareBy<MapRow>(({ key }) => key);

/** Whether a Host header can lead to it, as HAProxy asks: without port, in lower case, without a dot at the end. */
function isAsked(host: string): boolean {
  return host === host.toLowerCase() && !host.includes(":") && !host.endsWith(".");
}

/** HAProxy takes the first of them. */
function refuseEqualKeys(rows: readonly MapRow[], fail: (message: string, origin: Origin) => void): void {
  const seen = new Set<string>();
  for (const row of rows) {
    if (seen.has(row.key)) fail(`the key ${row.key} is here twice`, row);
    seen.add(row.key);
  }
}

function inOrder(paths: readonly PathRoute[]): PathRoute[] {
  return [...paths].sort(
    compareBy(
      ({ match }) => (match === "exact" ? 0 : 1),
      ({ path }) => -path.length,
      ({ path }) => path,
    ),
  );
}
