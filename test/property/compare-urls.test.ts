/** Comparing routes says of all URLs what asking for each of them says: all hosts and paths of a few labels and elements. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareUrls } from "../../compiler/compare/urls/compare.ts";
import type { UrlClass } from "../../compiler/compare/urls/types.ts";
import { evaluateRoute } from "../../compiler/evaluate/http-route.ts";
import { targetName } from "../../compiler/ir/request-words.ts";
import type { HostRoutes, PathRoute, RequestTarget, RouteTarget } from "../../compiler/ir/routes.ts";
import type { Address } from "../../compiler/net/address.ts";
import { compareBy } from "../../compiler/order.ts";
import { runs } from "../support/runs.ts";

const LISTED = ["a", "a.b", "b.b", "*.b", "*.a.b", undefined] as const;
const ASKED_HOSTS = ["a", "b", "c", "a.b", "b.b", "c.b", "a.a.b", "b.a.b", "c.a.b", "c.c.c.b"];

/** All paths of up to `depth` of `elements`, with and without a slash at the end. */
function allPaths(elements: readonly string[], depth: number): string[] {
  let parts: string[] = [""];
  const paths = new Set(["/"]);
  for (let n = 0; n < depth; n++) {
    parts = parts.flatMap((part) => elements.map((element) => `${part}/${element}`));
    for (const part of parts) paths.add(part).add(`${part}/`);
  }
  return [...paths];
}

const RULE_PATHS = allPaths(["a", "b", ""], 2);
const ASKED_PATHS = [...new Set([...allPaths(["a", "b", "c"], 3), ...allPaths(["a", "b", "c", ""], 2)])];

const TARGET: fc.Arbitrary<RouteTarget> = fc.constantFrom<RouteTarget>(
  ...[1, 2].map(
    (n): RouteTarget => ({
      kind: "endpoints",
      backend: `ns/s${n}:80`,
      endpoints: [{ address: n as Address, port: 80 }],
    }),
  ),
  { kind: "status", status: 503, reason: "broken" },
);

const PATH: fc.Arbitrary<PathRoute> = fc
  .record({
    match: fc.constantFrom("exact" as const, "prefix" as const),
    path: fc.constantFrom(...RULE_PATHS),
    target: TARGET,
  })
  .map((route) =>
    route.match === "prefix" && route.path !== "/" ? { ...route, path: route.path.replace(/\/$/, "") } : route,
  );

/** As lowering orders them. */
function ordered(paths: readonly PathRoute[]): PathRoute[] {
  const rank = compareBy<PathRoute>(
    ({ match }) => (match === "exact" ? 0 : 1),
    ({ path }) => -(path === "/" ? 0 : path.length),
  );
  return [...new Map(paths.map((each) => [`${each.match} ${each.path}`, each])).values()].sort(rank);
}

const TABLE: fc.Arbitrary<HostRoutes[]> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...LISTED), fc.array(PATH, { maxLength: 5 }), TARGET), {
    maxLength: 4,
    selector: ([host]) => host,
  })
  .map((hosts) =>
    hosts.map(([host, paths, fallback]) => ({
      ...(host === undefined ? {} : { host }),
      paths: ordered(paths),
      fallback,
    })),
  );

/** A table, and the same with one thing changed. */
const CHANGED: fc.Arbitrary<[HostRoutes[], HostRoutes[]]> = fc
  .tuple(TABLE, fc.nat(), fc.nat(), PATH)
  .map(([table, host, at, path]) => [
    table,
    table.map((rules, i) => {
      if (i !== host % table.length) return rules;
      const paths = rules.paths.filter((_, j) => j !== at % (rules.paths.length + 1));
      return { ...rules, paths: at % 2 === 0 ? paths : ordered([...paths, path]) };
    }),
  ]);

function isIn({ host, path, match }: UrlClass, askedHost: string, asked: string): boolean {
  const isHost = host === undefined || host === askedHost || host === askedHost.replace(/^[^.]+/, "*");
  if (match === "exact") return isHost && asked === path;
  return isHost && (path === "/" || asked === path || asked.startsWith(`${path}/`));
}

function served(routes: readonly HostRoutes[], host: string, target: string): string {
  const found = evaluateRoute({ routes }, { host, target });
  return found.kind === "status" ? String(found.status) : found.backend;
}

/** Checks everything that is said of two tables against asking for all URLs; gives whether they differ. */
function hold(left: readonly HostRoutes[], right: readonly HostRoutes[]): boolean {
  const { differences } = compareUrls(
    { routes: left, knowsEndpoints: true, rejectsUnsafe: false },
    { routes: right, knowsEndpoints: true, rejectsUnsafe: false },
  );
  const differing = ASKED_HOSTS.flatMap((host) =>
    ASKED_PATHS.filter((path) => served(left, host, path) !== served(right, host, path)).map((path) => ({
      host,
      path,
    })),
  );
  expect(differences.length > 0).toBe(differing.length > 0);
  const shortest = Math.min(...differing.map(({ host, path }) => host.length + path.length));
  if (differences.length > 0) expect(differences[0]?.example.length).toBeLessThanOrEqual(shortest);
  for (const { example, left: mine, right: yours } of differences) {
    const slash = example.indexOf("/");
    const name = ({ target }: { readonly target: RequestTarget }): string => targetName(target);
    expect([name(mine), name(yours)]).toEqual([
      served(left, example.slice(0, slash), example.slice(slash)),
      served(right, example.slice(0, slash), example.slice(slash)),
    ]);
    expect(name(mine)).not.toBe(name(yours));
  }
  for (const { host, path } of differing)
    expect([host, path, differences.some(({ urls }) => isIn(urls, host, path))]).toEqual([host, path, true]);
  return differing.length > 0;
}

describe("two tables of routes", () => {
  test("differ where asking for some URL tells them apart, and nowhere else", () => {
    const found = { true: 0, false: 0 };
    fc.assert(
      fc.property(fc.oneof(CHANGED, fc.tuple(TABLE, TABLE)), ([left, right]) => {
        found[hold(left, right) ? "true" : "false"]++;
      }),
      { numRuns: runs(600) },
    );
    expect(Math.min(found.true, found.false)).toBeGreaterThan(runs(600) / 20);
  });
});
