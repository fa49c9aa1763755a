/** What redirects and filters of a rule make of a request. */
import { expect, test } from "vitest";
import type { HttpRequest } from "../../../compiler/evaluate/http-route.ts";
import { forwardRequest, locationOf, replacePath } from "../../../compiler/evaluate/request-changes.ts";
import type { PathReplacement, RouteFilter, RouteRedirect } from "../../../compiler/ir/routes.ts";

const all = (path: string): PathReplacement => ({ part: "all", path });
const prefix = (path: string): PathReplacement => ({ part: "prefix", path });

test.each<[replacement: PathReplacement | undefined, matched: string, target: string, want: string]>([
  [undefined, "/a", "/a/b?q", "/a/b?q"],
  [all("/x"), "/a", "/a/b", "/x"],
  [all("/x"), "/a", "/a/b?q=1", "/x?q=1"],
  [prefix("/x"), "/a", "/a/b", "/x/b"],
  [prefix("/x"), "/a", "/a", "/x"],
  [prefix("/x"), "/a", "/a/b?q", "/x/b?q"],
  [prefix("/x"), "/a", "/a/b#f", "/x/b"],
  [prefix("/x"), "/", "/a/b", "/x/a/b"],
  [prefix(""), "/a", "/a/b", "/b"],
  [prefix(""), "/a", "/a", "/"],
  [prefix(""), "/a", "/a?q", "/?q"],
])("%j in place of %s: %s becomes %s", (replacement, matched, target, want) => {
  expect(replacePath(replacement, matched, target)).toBe(want);
});

test.each<[redirect: Partial<RouteRedirect>, host: string | undefined, want: string]>([
  [{}, "a.test", "https://a.test/a/b"],
  [{}, "a.test:8080", "https://a.test/a/b"],
  [{}, undefined, "https:///a/b"],
  [{}, "[fd00::1]:8080", "https://[fd00::1]:8080/a/b"],
  [{ host: "b.test" }, "a.test", "https://b.test/a/b"],
  [{ port: 8443 as never, scheme: "http" }, "a.test", "http://a.test:8443/a/b"],
  [{ path: prefix("/x") }, "a.test", "https://a.test/x/b"],
])("a redirect %j of %s leads to %s", (members, host, want) => {
  const redirect: RouteRedirect = { kind: "redirect", scheme: "https", status: 302, ...members };
  expect(locationOf(redirect, "/a", { method: "GET", host, target: "/a/b" } as HttpRequest)).toBe(want);
});

const headers = (members: Partial<Extract<RouteFilter, { readonly set: unknown }>>): RouteFilter => ({
  ...{ kind: "request-headers", set: [], add: [], remove: [] },
  ...members,
});
const named = (name: string, value: string) => ({ name, value });

test.each<[what: string, filters: RouteFilter[], want: string]>([
  ["nothing", [], "a.test /a/b x=1 y=2"],
  ["another host", [{ kind: "rewrite", host: "b.test" }], "b.test /a/b x=1 y=2"],
  ["another path", [{ kind: "rewrite", path: prefix("/n") }], "a.test /n/b x=1 y=2"],
  ["a header set", [headers({ set: [named("x", "3")] })], "a.test /a/b y=2 x=3"],
  ["a header more", [headers({ add: [named("x", "3")] })], "a.test /a/b x=1 y=2 x=3"],
  ["a header less", [headers({ remove: ["x"] })], "a.test /a/b y=2"],
  ["headers of the answer", [headers({ kind: "response-headers", remove: ["x"] })], "a.test /a/b x=1 y=2"],
  [
    "another path, then another host",
    [
      { kind: "rewrite", path: prefix("/n") },
      { kind: "rewrite", host: "b.test" },
    ],
    "b.test /n/b x=1 y=2",
  ],
  [
    "one after the other",
    [{ kind: "rewrite", host: "b.test" }, headers({ remove: ["x"] }), { kind: "rewrite", path: all("/") }],
    "b.test / y=2",
  ],
])("filters: %s", (_, filters, want) => {
  const request = { method: "GET", host: "a.test", target: "/a/b", headers: [named("X", "1"), named("y", "2")] };
  const seen = forwardRequest(filters, "/a", request as HttpRequest);
  expect([seen.host, seen.target, ...seen.headers.map(({ name, value }) => `${name}=${value}`)].join(" ")).toBe(want);
});

test("a request without headers has none", () => {
  expect(forwardRequest([], "/", { method: "GET", host: undefined, target: "/" } as HttpRequest)).toEqual({
    host: undefined,
    target: "/",
    headers: [],
  });
});
