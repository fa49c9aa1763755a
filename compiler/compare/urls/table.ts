/** Routes by host and path, as they are looked for. */
import type { Origin } from "../../diagnostics.ts";
import type { HostRoutes, PathRoute, RouteTarget } from "../../ir/routes.ts";

/** What serves the requests of one host. */
export interface HostTable {
  /** As the rules name it; undefined: requests of no listed host. */
  readonly host: string | undefined;
  /** By the path as requests have it. */
  readonly exact: ReadonlyMap<string, ServedBy>;
  /** By the path with a slash at its end; `/` is the fallback of the host where no rule has it. */
  readonly prefixes: ReadonlyMap<string, ServedBy>;
}

/** A rule, and where its requests go. */
export interface ServedBy {
  readonly target: RouteTarget;
  /** Undefined: the fallback of the host. */
  readonly route: Pick<PathRoute, "match" | "path"> | undefined;
  readonly origin: Origin | undefined;
}

/** The rules of all hosts. */
export interface RouteTable {
  /** By name, and by `*.` and the rest. */
  readonly named: ReadonlyMap<string, HostRoutes>;
  /** For hosts that no rule names. */
  readonly any: HostRoutes;
}

/** The table of `routes`; of equal hosts the first one counts. */
export function tableOf(routes: readonly HostRoutes[]): RouteTable {
  const named = new Map<string, HostRoutes>();
  let any: HostRoutes | undefined;
  for (const rules of routes) {
    if (rules.host === undefined) any ??= rules;
    else if (!named.has(rules.host)) named.set(rules.host, rules);
  }
  return { named, any: any ?? { paths: [], fallback: NO_INGRESS } };
}

const NO_INGRESS: RouteTarget = { kind: "status", status: 404, reason: "no Ingress for this host" };

/** The rules of a host by path. Paths that no request has are left out. */
export function hostTableOf({ host, paths, fallback, fallbackOrigin }: HostRoutes): HostTable {
  const exact = new Map<string, ServedBy>();
  const prefixes = new Map<string, ServedBy>();
  for (const route of paths) {
    const { match, path, target, origin } = route;
    if (!isRequestPath(path)) continue;
    const [map, key] = match === "exact" ? [exact, path] : [prefixes, path === "/" ? "/" : `${path}/`];
    // The first one wins.
    if (!map.has(key)) map.set(key, { target, route, origin });
  }
  if (!prefixes.has("/")) prefixes.set("/", { target: fallback, route: undefined, origin: fallbackOrigin });
  return { host, exact, prefixes };
}

/** How many exact paths and prefixes `hostTableOf` has. */
export function countRows({ paths }: HostRoutes): number {
  const keys = new Set<string>(["prefix /"]);
  for (const { match, path } of paths) if (isRequestPath(path)) keys.add(`${match} ${path}`);
  return keys.size;
}

/** Whether requests can have the path: HTTP has no blanks, control characters and others than ASCII in it, and `?` and `#` end it. */
function isRequestPath(path: string): boolean {
  return /^\/[!-"$->@-~]*$/.test(path);
}

/** The rules for a host, by its name in lower case. */
export function rulesFor({ named, any }: RouteTable, host: string): HostRoutes {
  return named.get(host) ?? named.get(wildcardOf(host) ?? "") ?? any;
}

/** `*.example.com` for `shop.example.com`; undefined where there is no second label. */
function wildcardOf(host: string): string | undefined {
  const dot = host.indexOf(".");
  return dot < 1 ? undefined : `*${host.slice(dot)}`;
}

/** The longest of `keys`, each with a slash at its end, that begins `path` element by element. `keys` has `/`. */
export function longestPrefix(keys: { readonly has: (key: string) => boolean }, path: string): string {
  const asked = `${path}/`;
  for (let end = asked.length; end > 1; end = asked.lastIndexOf("/", end - 2) + 1) {
    const key = asked.slice(0, end);
    if (keys.has(key)) return key;
  }
  return "/";
}

/** What serves `path`, which begins with a slash. */
export function servedBy({ exact, prefixes }: HostTable, path: string): ServedBy {
  const found = exact.get(path) ?? prefixes.get(longestPrefix(prefixes, path));
  if (found === undefined) throw new RangeError("a table of a host has a row for /");
  return found;
}
