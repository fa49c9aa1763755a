/** From the rows of HAProxy's maps to routes. */
import type { Origin, Report } from "../../diagnostics.ts";
import type { HostRoutes, PathRoute, RouteTarget } from "../../ir/routes.ts";
import { compareBy } from "../../order.ts";
import { type MapRow, mapError, type RoutingRows } from "./read-maps.ts";
import { ANY_HOST, ROUTES_MAP } from "./shape.ts";

/** What the rows of one host lead to. */
interface HostRows {
  /** The first of them. */
  readonly row: MapRow;
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
  for (const map of [rows.routes, rows.redirects]) refuseEqualKeys(map, fail);
  const byId = new Map<string, HostRows>();
  const hostOf = (row: MapRow, id: string): HostRows => {
    const known = byId.get(id) ?? { row, paths: [] };
    byId.set(id, known);
    return known;
  };
  for (const row of rows.routes) {
    const { key, value, span } = row;
    const slash = key.indexOf("/");
    const [id, path] = [key.slice(0, slash), key.slice(slash)];
    const target = targetOf(value);
    if (slash <= 0) fail(`expected HOST/PATH, not ${key}`, row);
    else if (!isHost(id)) fail(`expected a host in lower case, a wildcard such as *.example.com, or *, not ${id}`, row);
    else if (target === undefined) fail(`haproxy.cfg has no backend ${value}`, row);
    else if (path === "/") hostOf(row, id).fallback = { fallback: target, fallbackOrigin: { span } };
    else if (path.endsWith("/"))
      hostOf(row, id).paths.push({ match: "prefix", path: path.slice(0, -1), target, origin: { span } });
    else if (path.length > 2 && path.endsWith("/?"))
      hostOf(row, id).paths.push({ match: "exact", path: path.slice(0, -2), target, origin: { span } });
    else fail(`expected / or /? at the end of ${key}: without it half an element matches`, row);
  }
  const redirected = new Set<string>();
  for (const row of rows.redirects) {
    const id = row.key.slice(0, -1);
    if (row.key !== `${id}/`) fail(`expected HOST/, not ${row.key}`, row);
    else if (!byId.has(id)) fail(`no row of ${ROUTES_MAP} is for the host ${id}`, row);
    redirected.add(id);
  }
  const hosts: HostRoutes[] = [];
  for (const [id, { row, paths, fallback }] of [...byId].sort(byHost)) {
    // What no row of the other hosts takes goes to the default backend.
    const rest = fallback ?? (id === ANY_HOST && last !== undefined ? { fallback: last } : undefined);
    if (rest === undefined) fail(`no row of ${ROUTES_MAP} says what serves other paths of ${id}: expected ${id}/`, row);
    else
      hosts.push({
        ...(id === ANY_HOST ? {} : { host: id }),
        paths: inOrder(paths),
        ...rest,
        ...(redirected.has(id) ? { httpsRedirect: true } : {}),
      });
  }
  if (!byId.has(ANY_HOST)) {
    if (last !== undefined) hosts.push({ paths: [], fallback: last });
    else fail(`no row of ${ROUTES_MAP} says what serves other hosts: expected ${ANY_HOST}/`, rows.routes[0] ?? NOWHERE);
  }
  return failed ? undefined : hosts;
}

const NOWHERE: Origin = { span: () => ({ source: { name: ROUTES_MAP, text: "" }, start: 0, end: 0 }) };

/** Precise hosts, wildcards, other hosts. */
const byHost = compareBy<readonly [string, HostRows]>(
  ([id]) => (id === ANY_HOST ? 2 : id.startsWith("*.") ? 1 : 0),
  ([id]) => id,
);

/** Whether a Host header can lead to it, as HAProxy asks: without port, in lower case, without a dot at the end. */
function isHost(id: string): boolean {
  if (id === ANY_HOST) return true;
  const isAsked = id === id.toLowerCase() && !id.includes(":") && !id.endsWith(".");
  return isAsked && /^(?:\*\.)?[^*]+$/.test(id);
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
