/** Which backends count as the same. */
import { expect, test } from "vitest";
import { compareUrls } from "../../../../compiler/compare/urls/compare.ts";
import { targetWords } from "../../../../compiler/compare/urls/words.ts";
import { required } from "../../../../compiler/invariant.ts";
import type { RouteTarget } from "../../../../compiler/ir/routes.ts";
import { parseAddress } from "../../../../compiler/net/address.ts";

type Endpoints = Extract<RouteTarget, { readonly kind: "endpoints" }>;

function to(addresses: readonly string[], more: Partial<Endpoints> = {}): Endpoints {
  const endpoints = addresses.map((text) => ({ address: required(parseAddress(text), text), port: 80 }));
  return { kind: "endpoints", backend: "ns/a:80", endpoints, ...more };
}

const status = (code: 404 | 503): RouteTarget => ({ kind: "status", status: code, reason: "" });

/** The words for both sides where they differ; undefined: they are equal. */
function compare(left: RouteTarget, right: RouteTarget, knowsEndpoints = true) {
  const side = (fallback: RouteTarget) => ({ routes: [{ paths: [], fallback }], knowsEndpoints, rejectsUnsafe: false });
  const [difference] = compareUrls(side(left), side(right)).differences;
  return difference && targetWords(difference);
}

test.each<readonly [string, RouteTarget, RouteTarget]>([
  ["the same endpoints in another order", to(["10.0.0.1", "fd00::1"]), to(["fd00::1", "10.0.0.1"])],
  ["a Service of another name with the same endpoints", to(["10.0.0.1"]), to(["10.0.0.1"], { backend: "ns/b:http" })],
  ["no endpoint and 503", to([]), status(503)],
  ["endpoints that get no new clients", to(["10.0.0.1"], { draining: [] }), to(["10.0.0.1"])],
  ["a host outside, and its address", to([], { external: { host: "192.0.2.1", port: 80 } }), to(["192.0.2.1"])],
])("equal: %s", (_, left, right) => {
  expect(compare(left, right)).toBeUndefined();
});

test.each<readonly [string, RouteTarget, RouteTarget, readonly [string, string]]>([
  [
    "one endpoint more",
    to(["10.0.0.1"]),
    to(["10.0.0.1", "10.0.0.2"]),
    ["ns/a:80 at 10.0.0.1:80", "ns/a:80 at 10.0.0.1:80, 10.0.0.2:80"],
  ],
  [
    "IPv4 and IPv6 with the same number",
    to(["0.0.0.1"]),
    to(["::1"]),
    ["ns/a:80 at 0.0.0.1:80", "ns/a:80 at [::1]:80"],
  ],
  ["404 and 503", status(404), to([]), ["404", "ns/a:80"]],
  [
    "clients that are kept",
    to(["10.0.0.1"], { sticky: "cookie" }),
    to(["10.0.0.1"]),
    ["ns/a:80 at 10.0.0.1:80, clients kept by a cookie", "ns/a:80 at 10.0.0.1:80"],
  ],
  [
    "other hosts outside",
    to([], { external: { host: "a.test", port: 80 } }),
    to([], { external: { host: "b.test", port: 80 } }),
    ["ns/a:80 at a.test:80", "ns/a:80 at b.test:80"],
  ],
])("different: %s", (_, left, right, words) => {
  expect(compare(left, right)).toEqual(words);
});

test("names count where endpoints are not known", () => {
  expect(compare(to(["10.0.0.1"]), to([]), false)).toBeUndefined();
  expect(compare(to([]), to([], { backend: "ns/b:80" }), false)).toEqual(["ns/a:80", "ns/b:80"]);
});
