/** What HAProxy is given is read back: files and the maps of the runtime API hold the same routes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../../compiler/diagnostics.ts";
import { proxyUpdate } from "../../compiler/formats/haproxy/changes.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import { readHaproxy, readHaproxyMaps } from "../../compiler/formats/haproxy/read.ts";
import { ROUTES_MAP } from "../../compiler/formats/haproxy/shape.ts";
import { required } from "../../compiler/invariant.ts";
import type { HostRoutes, PathRoute, RouteTarget } from "../../compiler/ir/routes.ts";
import { compareBy } from "../../compiler/order.ts";
import { ROUTES } from "../support/http-routes.ts";
import { runs } from "../support/runs.ts";

/** Routes without what no file holds: why the proxy answers itself, and places. */
function plain(routes: readonly HostRoutes[], targetOf: (target: RouteTarget) => unknown): unknown {
  return routes.map(({ host, paths, fallback }) => ({
    host,
    paths: paths.map(({ match, path, target }) => ({ match, path, target: targetOf(target) })),
    fallback: targetOf(fallback),
  }));
}

/** `routes` as files hold them: in order, and a prefix `/` as the fallback. */
function held(routes: readonly HostRoutes[]): HostRoutes[] {
  const rank = compareBy<PathRoute>(
    ({ match }) => (match === "exact" ? 0 : 1),
    ({ path }) => -path.length,
    ({ path }) => path,
  );
  const hostRank = compareBy<HostRoutes>(({ host }) =>
    host === undefined ? "2" : `${host.startsWith("*.") ? 1 : 0} ${host}`,
  );
  return [...routes].sort(hostRank).map(({ paths, fallback, ...host }) => {
    const root = paths.find(({ match, path }) => match === "prefix" && path === "/");
    return {
      ...host,
      paths: paths.filter((each) => each !== root).sort(rank),
      fallback: root?.target ?? fallback,
    };
  });
}

function withEndpoints(target: RouteTarget): unknown {
  if (target.kind === "status") return target.status;
  const { backend, draining = [], sticky } = target;
  const [endpoints = [], leaving] = [target.endpoints, draining].map((list) =>
    list.map(({ address, port }) => `${address} ${port}`).sort(),
  );
  return endpoints.length === 0 ? 503 : { backend, endpoints, leaving, sticky };
}

function named(target: RouteTarget): unknown {
  return target.kind === "status" ? target.status : target.backend;
}

/** As `show map; show map #0` prints it. */
function shownMaps(files: ReadonlyMap<string, string>): string {
  const text = required(files.get(ROUTES_MAP), ROUTES_MAP);
  const where = `pattern loaded from file '${ROUTES_MAP}' used by map at file 'haproxy.cfg' line 20`;
  const list = `0 (${ROUTES_MAP}) ${where}. curr_ver=0 next_ver=0 entry_cnt=${text.split("\n").length - 1}\n`;
  return `# id (file) description\n${list}\n${text.replace(/^(?=.)/gm, "0x55d4a56f5150 ")}\n`;
}

describe("what HAProxy is given holds the routes", () => {
  test("its files", () => {
    fc.assert(
      fc.property(ROUTES, fc.nat(2), (routes, spares) => {
        const findings: Diagnostic[] = [];
        const { files } = printHaproxy(routes, { header: ["a comment"], settings: { spareBackends: spares } });
        const sources = new Map([...files].map(([name, text]) => [name, { name, text }]));
        const config = required(sources.get("haproxy.cfg"), "haproxy.cfg");
        const read = readHaproxy(config, sources, (finding) => void findings.push(finding));
        expect(findings).toEqual([]);
        expect(plain(read?.routes ?? [], withEndpoints)).toEqual(plain(held(routes), withEndpoints));
      }),
      { numRuns: runs(2000) },
    );
  });

  test("its files after an update: a backend that has a spare one keeps its name", () => {
    let placed = 0;
    fc.assert(
      fc.property(ROUTES, ROUTES, (before, after) => {
        const printed = [before, after].map((routes) => printHaproxy(routes, { settings: { spareBackends: 4 } }).files);
        const { files } = proxyUpdate(required(printed[0], "before"), required(printed[1], "after"));
        if (files.get("backends.map") !== "") placed++;
        const findings: Diagnostic[] = [];
        const sources = new Map([...files].map(([name, text]) => [name, { name, text }]));
        const config = required(sources.get("haproxy.cfg"), "haproxy.cfg");
        const read = readHaproxy(config, sources, (finding) => void findings.push(finding));
        expect(findings).toEqual([]);
        expect(plain(read?.routes ?? [], withEndpoints)).toEqual(plain(held(after), withEndpoints));
      }),
      { numRuns: runs(2000) },
    );
    expect(placed).toBeGreaterThan(0);
  });

  test("what show map prints of its maps, with names of backends", () => {
    fc.assert(
      fc.property(ROUTES, (routes) => {
        const { files } = printHaproxy(routes);
        // A row for hosts that no rule names, which lowering always gives.
        fc.pre(routes.some(({ host }) => host === undefined));
        const findings: Diagnostic[] = [];
        const source = { name: "maps", text: shownMaps(files) };
        const read = readHaproxyMaps(source, (finding) => void findings.push(finding));
        expect(findings).toEqual([]);
        expect(plain(read?.routes ?? [], named)).toEqual(plain(held(routes), named));
      }),
      { numRuns: runs(2000) },
    );
  });
});
