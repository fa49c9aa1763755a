/** Random tables of HTTP routes as no manifest has them, and requests such as no server lets through. */
import fc from "fast-check";
import type { HttpRequest } from "../../compiler/evaluate/http-route.ts";
import type { HostRoutes } from "../../compiler/ir/routes.ts";
import { HOST, PATH, TARGET } from "./http-routes.ts";

/** Names and elements that are hard to tell apart, and such as no manifest has. */
const ODD_HOST = fc.oneof(
  HOST,
  fc.constantFrom("", "*", "*.", ".", "a.", "A.b", "*.*.a", "xn--4ca.a", "ä.a", "k.a", "\u212a.a"),
  fc.string({ maxLength: 6 }),
);
const ODD_PATH = fc.oneof(
  PATH,
  fc.constantFrom("", "/", "//", "///", "a", "a/b", "*", "/a?b", "/a#b", "/ä", "/\u{1f600}/a"),
  fc.string({ unit: fc.constantFrom("/", "a", "b", "?", "\u0131"), maxLength: 8 }),
);

/** Any routes: in any order, with the same host or path again. */
export const UNORDERED_ROUTES: fc.Arbitrary<HostRoutes[]> = fc.array(
  fc
    .tuple(
      ODD_HOST,
      fc.array(
        fc.record({ match: fc.constantFrom("exact" as const, "prefix" as const), path: ODD_PATH, target: TARGET }),
        { maxLength: 12 },
      ),
      TARGET,
    )
    .map(([host, paths, fallback]) => ({ ...(host === undefined ? {} : { host }), paths, fallback })),
  { maxLength: 6 },
);

/** Requests near what `routes` have, some of which no server would let through. */
export function hostileRequestsFor(routes: readonly HostRoutes[]): fc.Arbitrary<HttpRequest> {
  const known = routes.flatMap(({ host }) => host ?? []);
  const host = fc
    .tuple(
      fc.oneof(fc.constantFrom("a", ...known), ODD_HOST, fc.constant(undefined)),
      fc.constantFrom("", "", "", ".", ":80", ".:80", "..", ":"),
      fc.constantFrom("", "", "", "", "w.", ".", "[", `${"l".repeat(300)}.`),
    )
    .map(([name, tail, head]) => (name === undefined ? undefined : head + name + tail));
  const paths = routes.flatMap((each) => each.paths.map(({ path }) => path));
  const target = fc
    .tuple(
      fc.oneof(fc.constantFrom("/", ...paths), ODD_PATH),
      fc.constantFrom("", "", "", "/", "/x", "x", "?q=/a", "#", "//", `/${"l".repeat(4000)}`, "/l".repeat(2000)),
    )
    .map(([path, tail]) => path + tail);
  return fc.record({ host, target });
}
