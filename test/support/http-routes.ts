/** Random tables of HTTP routes, and requests near what they have. */
import fc from "fast-check";
import type { HttpRequest } from "../../compiler/evaluate/http-route.ts";
import { required } from "../../compiler/invariant.ts";
import type { HostRoutes, PathRoute, RouteTarget } from "../../compiler/ir/routes.ts";
import { parseAddress } from "../../compiler/net/address.ts";

const LABEL = fc.constantFrom("a", "b", "shop", "api", "x-1");
const DOMAIN = fc.array(LABEL, { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
/** A host of a rule. */
export const HOST = fc.oneof(
  DOMAIN,
  DOMAIN.map((domain) => `*.${domain}`),
  fc.constant(undefined),
);

const ELEMENT = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "foo", "bar", "A") },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "..",
      ".",
      "%2f",
      "%2F",
      "a%20b",
      "foo;x=1",
      "x:y",
      "~",
      "*",
      "@",
      "'",
      '"',
      "%[x]",
      "$",
      "\\",
    ),
  },
  { weight: 1, arbitrary: fc.stringMatching(/^[!-"$-.0->@-~]{1,12}$/) },
  { weight: 1, arbitrary: fc.constant("") },
);
/** The path of a rule. */
export const PATH = fc
  .tuple(fc.array(ELEMENT, { maxLength: 4 }), fc.boolean())
  .map(([parts, slash]) => `/${parts.join("/")}${slash ? "/" : ""}`);

/** Where a rule leads. */
export const TARGET: fc.Arbitrary<RouteTarget> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.integer({ min: 1, max: 250 }).map((n): RouteTarget => {
      const address = required(parseAddress(`10.1.0.${n}`), "an address");
      const leaving = required(parseAddress(`10.1.1.${n}`), "an address");
      return {
        kind: "endpoints",
        backend: `ns/svc-${n}:80`,
        endpoints: [{ address, port: 8080 }],
        ...(n % 5 === 0 ? { draining: [{ address: leaving, port: 8080 }] } : {}),
        ...(n % 7 === 0 ? { sticky: "cookie" } : {}),
      };
    }),
  },
  { weight: 1, arbitrary: fc.constant<RouteTarget>({ kind: "status", status: 503, reason: "broken" }) },
);

/** As lowering orders them: exact paths, then prefixes, the longest first, each path once. */
function ordered(paths: readonly PathRoute[]): PathRoute[] {
  const once = new Map(paths.map((each) => [`${each.match} ${each.path}`, each]));
  const rank = ({ match, path }: PathRoute): number => (match === "exact" ? 1e6 : path === "/" ? 0 : path.length);
  return [...once.values()].sort((a, b) => rank(b) - rank(a));
}

const ROUTE: fc.Arbitrary<PathRoute> = fc
  .tuple(fc.constantFrom("exact" as const, "prefix" as const), PATH, TARGET)
  .map(([match, path, target]) => ({
    match,
    path: match === "prefix" && path !== "/" ? path.replace(/\/$/, "") : path,
    target,
  }));

/** Any table of routes, as lowering orders it. */
export const ROUTES: fc.Arbitrary<HostRoutes[]> = fc
  .uniqueArray(fc.tuple(HOST, fc.array(ROUTE, { maxLength: 12 }), TARGET), {
    minLength: 1,
    maxLength: 6,
    selector: ([host]) => host,
  })
  .map((hosts) => {
    const none: [undefined, PathRoute[], RouteTarget] = [
      undefined,
      [],
      { kind: "status", status: 404, reason: "none" },
    ];
    const all = hosts.some(([host]) => host === undefined) ? hosts : [...hosts, none];
    return all.map(([host, paths, fallback]) => ({
      ...(host === undefined ? {} : { host }),
      paths: ordered(paths),
      fallback,
    }));
  });

/** Requests near what `routes` have, and others. */
export function requestsFor(routes: readonly HostRoutes[]): fc.Arbitrary<HttpRequest> {
  const known = routes.flatMap(({ host }) => host ?? []);
  const host = fc.oneof(
    DOMAIN,
    fc.constantFrom("", "a", ...known).map((name) => name.replace("*", "w")),
    fc.constantFrom("a", ...known),
    fc.constant(undefined),
    // As much of a listed host as HAProxy's fetches and maps can take for all of it.
    fc
      .tuple(
        fc.constantFrom("a", ...known),
        fc.constantFrom(
          "/",
          "/a",
          "/foo/?",
          "/?",
          "?",
          "#",
          ",b",
          ", b",
          ",",
          ".b",
          ":80:81",
          ":80/a",
          "..",
          ";",
          "@a",
        ),
      )
      .map(([name, more]) => name + more),
    fc
      .tuple(
        fc.constantFrom("b,", "b, ", ",", "/", "a/", "a/b.", "[", "[.", "*", "*.", ":", "b@", "."),
        fc.constantFrom("a", ...known),
      )
      .map(([before, name]) => before + name),
    fc.constantFrom("[fd00::1]", "10.0.0.1", "A.B", "a..b", ".a", "a:80", "SHOP.a:8080", "a.", "a.:80", "*"),
  );
  const paths = routes.flatMap((each) => each.paths.map(({ path }) => path));
  const target = fc
    .tuple(
      fc.oneof(PATH, fc.constantFrom("/", ...paths)),
      fc.constantFrom("", "", "", "/", "/x", "x", "?q=/a", "//", `/${"l".repeat(4000)}`),
    )
    .map(([path, tail]) => path + tail);
  return fc.record({ host, target });
}
