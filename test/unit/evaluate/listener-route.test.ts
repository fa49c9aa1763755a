import { describe, expect, test } from "vitest";
import { decideAtListener, decideRequest, takesHost } from "../../../compiler/evaluate/listener-route.ts";
import { changeHeaders, forwardRequest, locationOf, replacePath } from "../../../compiler/evaluate/request-changes.ts";
import type { ListeningPort, PathReplacement, RequestRule } from "../../../compiler/ir/routes.ts";

function to(path: string, more: Partial<RequestRule> = {}): RequestRule {
  return { match: "prefix", path, target: { kind: "status", status: 503, reason: path }, ...more };
}

function port(hosts: ListeningPort["hosts"]): ListeningPort {
  return { port: 80, protocol: "http", hosts };
}

test.each([
  [true, undefined, undefined],
  [true, undefined, "a.b"],
  [true, "a.b", "a.b"],
  [false, "a.b", "x.a.b"],
  [false, "a.b", undefined],
  [true, "*.b", "a.b"],
  [true, "*.b", "x.a.b"],
  [false, "*.b", "a.ab"],
  [false, "*.b", "a.xb"],
  [false, "*.b", "b"],
  [false, "*.b", ".b"],
  [false, "*.b", "ab"],
])("%s: host %s takes %s", (want, host, name) => {
  expect(takesHost(host, name)).toBe(want);
});

describe("at a listener", () => {
  const listener = port([
    {
      host: "shop.test",
      paths: [
        to("/cart", { match: "exact" }),
        to("/api/v2", { conditions: { method: "POST" } }),
        to("/api", { conditions: { headers: [{ name: "version", value: "2" }] } }),
        to("/api", { conditions: { parameters: [{ name: "v", value: "2" }] } }),
        to("/api"),
        to("", {
          conditions: { headers: [{ name: "host", value: "SHOP.test:8080" }], parameters: [{ name: "", value: "x" }] },
        }),
        to("/read", { conditions: { method: "GET" } }),
        to("/flag", { conditions: { parameters: [{ name: "w", value: "" }] } }),
      ],
    },
    { host: "*.test", paths: [to("/")] },
  ]);

  test.each([
    ["an exact path", { target: "/cart" }, 0],
    ["the method", { target: "/api/v2", method: "POST" }, 1],
    ["a shorter prefix where the method is another one", { target: "/api/v2" }, 4],
    ["a header, whatever its case", { target: "/api", headers: [{ name: "Version", value: "2" }] }, 2],
    [
      "the first header of a name only",
      {
        target: "/api",
        headers: [
          { name: "version", value: "1" },
          { name: "version", value: "2" },
        ],
      },
      4,
    ],
    ["a parameter", { target: "/api/x?w&v=2" }, 3],
    ["the first parameter of a name only", { target: "/api/x?v=1&v=2" }, 4],
    ["parameters as they are spelt", { target: "/api/x?%76=2" }, 4],
    ["no parameter behind #", { target: "/api/x#?v=2" }, 4],
    ["the host as it came, and a parameter without a name", { target: "/?=x" }, 5],
    ["no other host", { host: "shop.test", target: "/?=x" }, undefined],
    ["a parameter without a value", { target: "/?=" }, undefined],
    ["no path", { target: "?=x" }, 5],
    ["the path before #", { target: "/cart#top" }, 0],
    ["a parameter that has no =", { target: "/flag?w" }, 7],
    ["a parameter that has one, and nothing behind it", { target: "/flag?w=" }, 7],
    ["GET where no method is said", { target: "/read" }, 6],
  ] as const)("%s", (_, request, want) => {
    const { matching } = decideAtListener(listener, { host: "SHOP.test:8080", ...request });
    expect(matching[0]).toBe(want === undefined ? undefined : listener.hosts[0]?.paths[want]);
  });

  test("no path of the most specific host: 404, though a wildcard has one", () => {
    const { rules, target } = decideAtListener(listener, { host: "shop.test", target: "/other" });
    expect(rules?.host).toBe("shop.test");
    expect(target).toEqual({ kind: "status", status: 404, reason: "no rule takes the request" });
  });

  test("no host: 404", () => {
    expect(decideAtListener(listener, { host: "else", target: "/" }).target).toEqual({
      kind: "status",
      status: 404,
      reason: "no listener for this host",
    });
  });
});

test("a port has a listener, or Ingresses, or nothing", () => {
  const listeners = [port([{ paths: [to("/gateway")] }])];
  const routes = [{ paths: [], fallback: { kind: "status", status: 503, reason: "ingress" } as const }];
  const request = { host: "a", target: "/gateway" };
  const reasonAt = (number: number, program: Parameters<typeof decideRequest>[0]): unknown => {
    const { isClosed, target } = decideRequest(program, { ...request, port: number });
    const said = target.kind === "status" ? target.reason : target;
    return isClosed ? `closed: ${said}` : said;
  };
  expect(reasonAt(80, { routes, listeners })).toBe("/gateway");
  expect(reasonAt(81, { routes, listeners })).toBe("ingress");
  expect(reasonAt(81, { routes: [], listeners })).toBe("closed: no Ingress");
  expect(reasonAt(81, { routes: [] })).toBe("no Ingress");
});

describe("replaced paths", () => {
  test.each<readonly [string, PathReplacement | undefined, string, string]>([
    ["/xyz/bar", { part: "prefix", path: "/xyz" }, "/foo", "/foo/bar"],
    ["/xyz", { part: "prefix", path: "/xyz" }, "/foo", "/foo"],
    ["/xyz/", { part: "prefix", path: "/xyz" }, "/foo", "/foo/"],
    ["/bar", { part: "prefix", path: "" }, "/foo", "/foo/bar"],
    ["/", { part: "prefix", path: "" }, "/foo", "/foo/"],
    ["/", { part: "prefix", path: "" }, "/foo", "/foo"],
    ["/xyz/foo", { part: "prefix", path: "/xyz" }, "/", "/foo"],
    ["/new?a=/foo", { part: "all", path: "/new" }, "/foo", "/foo/bar?a=/foo"],
    ["/foo?a", undefined, "/foo", "/foo?a"],
  ])("%s", (want, replacement, prefix, target) => {
    expect(replacePath(replacement, prefix, target)).toBe(want);
  });
});

test("redirects", () => {
  const request = { host: "Shop.test:8080", target: "/a/b?c" };
  expect(locationOf({ kind: "redirect", scheme: "https", status: 301 }, "/a", request)).toBe("https://shop.test/a/b?c");
  const all = { kind: "redirect", scheme: "http", host: "x.test", port: 8081, status: 302 } as const;
  expect(locationOf({ ...all, path: { part: "prefix", path: "/z" } }, "/a", request)).toBe("http://x.test:8081/z/b?c");
});

test("filters change what the backend gets", () => {
  const request = { host: "a", target: "/foo/x", headers: [{ name: "Gone", value: "1" }] };
  const headers = {
    kind: "request-headers",
    set: [{ name: "set", value: "2" }],
    add: [{ name: "set", value: "3" }],
    remove: ["gone"],
  } as const;
  expect(
    forwardRequest([headers, { kind: "rewrite", host: "b", path: { part: "prefix", path: "" } }], "/foo", request),
  ).toEqual({
    host: "b",
    target: "/x",
    headers: [
      { name: "set", value: "2" },
      { name: "set", value: "3" },
    ],
  });
  expect(changeHeaders(headers, [{ name: "set", value: "1" }])).toHaveLength(2);
});
