import { describe, expect, test } from "vitest";
import { decideRoute } from "../../../../compiler/evaluate/http-route.ts";
import { required } from "../../../../compiler/invariant.ts";
import type { HostRoutes, RouteTarget } from "../../../../compiler/ir/routes.ts";
import { parseAddress } from "../../../../compiler/net/address.ts";
import { loadSpecs } from "../../../../compiler/specs/load.ts";
import { withNearRule } from "../../../../compiler/trace/http/near-rule.ts";
import { renderRoute, routeData } from "../../../../compiler/trace/http/told.ts";
import { parseUrl } from "../../../../compiler/trace/http/url.ts";
import { AddressNames } from "../../../../compiler/trace/names.ts";
import { mustCompile } from "../../../support/compile.ts";
import { webCluster } from "../../../support/tables.ts";

const to = (backend: string, ...addresses: string[]): RouteTarget => ({
  kind: "endpoints",
  backend,
  endpoints: addresses.map((text) => ({ address: required(parseAddress(text), text), port: 8080 })),
});
const WEB = to("shop/web:80", "10.0.0.7", "fd00::7");
const API = to("shop/api:80", "10.0.0.9");
const ROUTES: readonly HostRoutes[] = [
  {
    host: "a.example",
    paths: [
      { match: "exact", path: "/api", target: WEB },
      { match: "prefix", path: "/api/v1", target: API },
      { match: "prefix", path: "/api", target: WEB, shadowed: [{ target: API }] },
    ],
    fallback: { kind: "status", status: 404, reason: "no default backend" },
  },
  { host: "*.example", paths: [], fallback: API },
];

const names = new AddressNames(
  loadSpecs([], () => undefined),
  mustCompile(webCluster(["10.0.0.7"])).node,
);

function asked(text: string): string[] {
  const url = parseUrl({ name: "url", text }, ({ message }) => expect.unreachable(message)) ?? expect.unreachable();
  return renderRoute(url, decideRoute({ routes: ROUTES }, url.request), names)
    .split("\n")
    .filter((line) => line !== "");
}

describe("which rule serves a URL", () => {
  test.each([
    [
      "https://a.example/api",
      [
        "https://a.example/api",
        "host  a.example        a rule names the host",
        "path  /api exactly     exact paths win",
        "      /api and below   takes it, too: would go to shop/web:80",
        "  shadows one to shop/api:80",
        "=> shop/web:80, one of 2 endpoints",
        "     10.0.0.7:8080",
        "     [fd00::7]:8080",
      ],
    ],
    [
      "A.example:8080/api/v1/x?y=/#z",
      [
        "http://A.example:8080/api/v1/x?y=/",
        "host  a.example          a rule names the host",
        "path  /api/v1 and below  the longest one wins",
        "      /api and below     takes it, too: would go to shop/web:80",
        "  shadows one to shop/api:80",
        "=> shop/api:80, one of 1 endpoint",
        "     10.0.0.9:8080",
      ],
    ],
    [
      "http://b.example",
      [
        "http://b.example/",
        "host  *.example      a wildcard: no rule names the host",
        "path  none takes it  the fallback of the host does",
        "=> shop/api:80, one of 1 endpoint",
        "     10.0.0.9:8080",
      ],
    ],
    [
      "http://a.example/apis",
      [
        "http://a.example/apis",
        "host  a.example      a rule names the host",
        "path  none takes it  the fallback of the host does",
        "=> 404: no default backend",
      ],
    ],
    [
      "http://10.0.0.1/",
      ["http://10.0.0.1/", "host  any other  there are no Ingresses for this host", "=> 404: no Ingress"],
    ],
  ])("%s", (url, lines) => {
    const squeeze = (each: string): string => each.replace(/ {2,}/g, "  ");
    expect(asked(url).map(squeeze)).toEqual(lines.map(squeeze));
  });
});

describe("what may be meant", () => {
  const NEAR: readonly HostRoutes[] = [
    {
      host: "shop.example.com",
      paths: [
        { match: "exact", path: "/health", target: WEB },
        { match: "prefix", path: "/api/v1", target: API },
      ],
      fallback: { kind: "status", status: 404, reason: "no default backend" },
    },
    { host: "*.wild.example.com", paths: [], fallback: API },
    { paths: [], fallback: WEB },
  ];
  const nearTo = (text: string): unknown => {
    const { request } =
      parseUrl({ name: "url", text }, ({ message }) => expect.unreachable(message)) ?? expect.unreachable();
    return withNearRule(decideRoute({ routes: NEAR }, request), NEAR, request).near;
  };

  test.each<[string, unknown]>([
    ["http://shpo.example.com/", { host: "shop.example.com" }],
    ["http://shop.example.co:8080/", { host: "shop.example.com" }],
    ["http://a.wlid.example.com/", { host: "*.wild.example.com" }],
    ["http://other.example.org/", undefined],
    ["http://203.0.113.9/", undefined],
    ["http://[2001:db8::1]/", undefined],
    ["http://shop.example.com/health/", { path: "/health" }],
    ["http://shop.example.com/Health", { path: "/health" }],
    ["http://shop.example.com/api/v2/orders", { path: "/api/v1" }],
    ["http://shop.example.com/api/v1/orders", undefined],
    ["http://shop.example.com/orders", undefined],
    ["http://a.wild.example.com/health", undefined],
  ])("by %s", (url, near) => {
    expect(nearTo(url)).toEqual(near);
  });

  test("is told as text and as data", () => {
    const url = parseUrl({ name: "url", text: "http://shpo.example.com/" }, fail) ?? fail();
    const decision = withNearRule(decideRoute({ routes: NEAR }, url.request), NEAR, url.request);
    expect(renderRoute(url, decision, names)).toContain("no rule names the host, did you mean shop.example.com?");
    expect(routeData(url, decision, names)).toMatchObject({ didYouMean: { host: "shop.example.com" } });
    const lost = parseUrl({ name: "url", text: "http://shop.example.com/helth" }, fail) ?? fail();
    const other = withNearRule(decideRoute({ routes: NEAR }, lost.request), NEAR, lost.request);
    expect(renderRoute(lost, other, names)).toContain("the fallback of the host does, did you mean /health?");
  });
});

const fail = (): never => expect.unreachable();

describe("what is no URL of a request", () => {
  test.each([
    ["", "expected a host, such as http://shop.example.com/api"],
    ["/api", "expected a host, such as http://shop.example.com/api"],
    ["ftp://a/", "expected http or https, not ftp"],
    ["http://user@a/", "expected a host without user and password: a"],
    ["http://u:p@a:80/", "expected a host without user and password: a:80"],
    ["http://b\u00fccher.example:81/", "expected a host in ASCII, as requests have it: xn--bcher-kva.example:81"],
    ["http://a\u00fc b/", "expected a host, such as http://shop.example.com/api"],
    ["http://*.example.com/", "expected a host, not a pattern: write a name that the pattern takes"],
    ["*", "expected a URL: a request for * is about the whole proxy, and no rule takes it"],
    ["http://[2001:db8::zz]/", "expected an IPv6 address in brackets, found 2001:db8::zz"],
    ["http://[10.0.0.1]/", "expected an IPv6 address in brackets, found 10.0.0.1"],
    ["http://2001:db8::1/", "expected a host, such as http://shop.example.com/api"],
    ["http://a/b c", 'no request has " " in its path: write it as %20'],
  ])("%j", (text, wanted) => {
    const told: string[] = [];
    expect(parseUrl({ name: "url", text }, ({ message }) => told.push(message))).toBeUndefined();
    expect(told).toEqual([wanted]);
  });
});
