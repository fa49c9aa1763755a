import { describe, expect, test } from "vitest";
import { encodeRoutes } from "../../../compiler/formats/router/encode.ts";
import { HASH_START, hashWith } from "../../../compiler/formats/router/hash.ts";
import * as L from "../../../compiler/formats/router/layout.ts";
import * as library from "../../../compiler/index.ts";
import type { HostRoutes, RouteTarget } from "../../../compiler/ir/routes.ts";
import { createRouter, type RoutedRequest, TableError } from "../../../runtime/router/index.ts";
import { exampleManifests } from "../../support/examples.ts";

/** The shop's table: what `kpc compile -o router` prints. */
const { rules } = library.compile(exampleManifests(), { settings: { clusterCIDR: "10.244.0.0/16" } });
const { bytes: TABLE = new Uint8Array() } = await library.printBytes(
  rules ?? expect.unreachable(),
  "router",
  "a digest",
);

describe("the router of the shop", () => {
  const router = createRouter(TABLE);

  test("says which backend gets a request, its endpoints, the rule with its place, and why", () => {
    expect(router.route({ host: "shop.example.com", path: "/api/orders?x" })).toEqual({
      backend: "shop/api:http",
      endpoints: [
        { address: "10.244.1.20", port: 8081 },
        { address: "10.244.1.21", port: 8081 },
        { address: "fd00:10:244:1::20", port: 8081 },
        { address: "fd00:10:244:1::21", port: 8081 },
      ],
      status: undefined,
      rule: {
        host: "shop.example.com",
        match: "prefix",
        path: "/api",
        origin: expect.stringMatching(/ingress\.yaml:12:13$/),
      },
      why: "a rule names shop.example.com, and /api is the longest prefix of the path: shop/api:http",
      certificate: undefined,
    });
  });

  test.each([
    [{ host: "SHOP.example.com.:8080", path: "/" }, "shop/web:80"],
    [{ host: "shop.example.com", path: "/apix" }, "shop/web:80"],
    [{ host: "shop.example.com", path: "/api" }, "shop/api:http"],
    [{ host: "example.com", path: "/api" }, 404],
    [{ path: "/api" }, 404],
    [{ host: "[fd00::1]", path: "/api" }, 404],
  ] as const)("%j", (request, wanted) => {
    const { backend, status, rule, why } = router.route(request);
    expect(backend ?? status).toBe(wanted);
    expect(rule === undefined).toBe(wanted === 404);
    expect(why).toMatch(
      wanted === 404 ? /^no rule names the host, .* the fallback does: 404, no default backend$/ : /^a rule names/,
    );
  });

  test("gives the same object for requests with one outcome", () => {
    const route = (path: string) => router.route({ host: "shop.example.com", path });
    expect(route("/api/a")).toBe(route("/api/b"));
    expect(route("/api/a")).not.toBe(route("/"));
  });

  test("goes over to another table at once, and keeps its own when the other is none", () => {
    const other = createRouter(TABLE);
    other.replace(encodeRoutes([]));
    const nothing = { status: 404, why: "no Ingress has a rule for the host: 404, no Ingress" };
    expect(other.route({ host: "shop.example.com", path: "/" })).toMatchObject(nothing);
    expect(() => other.replace(TABLE.subarray(4))).toThrow(TableError);
    expect(other.route({ host: "shop.example.com", path: "/" })).toMatchObject(nothing);
    other.replace(TABLE);
    expect(other.route({ host: "shop.example.com", path: "/" }).backend).toBe("shop/web:80");
    expect(other.source).toBe("a digest");
  });

  test.each([
    [undefined],
    [null],
    ["/"],
    [{}],
    [{ path: 7 }],
    [{ host: 7, path: "/" }],
    [{ host: null, path: "/" }],
    [{ path: "/", sni: 7 }],
  ])("refuses %j as a request", (wrong) => {
    expect(() => router.route(wrong as unknown as RoutedRequest)).toThrow(
      /^request: expected \{host\?: string, path: string, sni\?: string, port\?: number, method\?: string, headers\?: Iterable\}, found /,
    );
  });
});

describe("bytes that are no table are refused with the reason", () => {
  const changed = (word: number, value: number): Uint8Array => {
    const copy = TABLE.slice();
    new DataView(copy.buffer).setUint32(word * 4, value, true);
    return copy;
  };
  test.each([
    [new Uint8Array(7), "this is no table of routes of kpc"],
    [changed(L.R_MAGIC, 0), "this is no table of routes of kpc"],
    [
      changed(L.R_VERSION, 2),
      "the table has another layout: expected version 4, found 2; print it again with this version of kpc",
    ],
    [TABLE.subarray(0, -4), "the table is cut off"],
    [changed(40, 77), "the table is damaged: its checksum is another one"],
  ])("%#", (bytes, message) => {
    expect(() => createRouter(bytes)).toThrow(new TableError(message));
  });
});

describe("names of hosts", () => {
  const target = (backend: string): RouteTarget => ({ kind: "endpoints", backend, endpoints: [] });
  const routesOf = (names: readonly string[]): HostRoutes[] =>
    names.map((host) => ({ host, paths: [], fallback: target(host) }));

  test("are found among many, with wildcards beside them", () => {
    const names = Array.from({ length: 1000 }, (_, i) => [
      `h${i}.example`,
      `*.h${i}.example`,
      `x.h${i * 2}.example`,
    ]).flat();
    const router = createRouter(encodeRoutes(routesOf(names)));
    const known = new Set(names);
    const asked = Array.from({ length: 1100 }, (_, i) => [
      `h${i}.example`,
      `x.h${i}.example`,
      `Y.H${i}.Example.:80`,
      `x.y.h${i}.example`,
    ]).flat();
    const wanted = asked.map((host) => {
      const name = host.replace(/\.?(:.*)?$/, "").toLowerCase();
      return [name, name.replace(/^[^.]+/, "*")].find((each) => known.has(each));
    });
    expect(asked.map((host) => router.route({ host, path: "/" }).backend)).toEqual(wanted);
    expect(new Set(wanted).size).toBeGreaterThan(2500);
  });

  test("are told apart when their hashes are the same", () => {
    const names = new Map<number, string>();
    for (let i = 0; ; i++) {
      const name = `${i.toString(36).padStart(6, "-")}.example`;
      const hash = [...name].reduceRight((sum, letter) => hashWith(sum, letter.charCodeAt(0)), HASH_START);
      const other = names.get(hash);
      names.set(hash, name);
      if (other === undefined) continue;
      for (const only of [[name], [other], [name, other]]) {
        const router = createRouter(encodeRoutes(routesOf(only)));
        for (const host of [name, other])
          expect(router.route({ host, path: "/" }).backend).toBe(only.includes(host) ? host : undefined);
      }
      return;
    }
  });
});

test("hosts with the same paths in the same order share one tree", () => {
  const status = { kind: "status", status: 503, reason: "" } as const;
  const hostWith = (host: string, paths: readonly string[], match: "exact" | "prefix" = "prefix"): HostRoutes => ({
    host,
    paths: paths.map((path) => ({ match, path, target: status })),
    fallback: status,
  });
  const wordsOfTrees = (...routes: HostRoutes[]): number =>
    new DataView(encodeRoutes(routes).buffer).getUint32((L.R_TREES + 1) * 4, true);
  const [one, two] = [hostWith("a", ["/a", "/b"]), hostWith("b", ["/b", "/a"])];
  expect(wordsOfTrees(one, hostWith("c", ["/a", "/b"]))).toBe(wordsOfTrees(one));
  expect(wordsOfTrees(one, two, hostWith("c", ["/a", "/b"]))).toBe(wordsOfTrees(one, two));
  expect(wordsOfTrees(one, two)).toBeGreaterThan(wordsOfTrees(one));
  expect(wordsOfTrees(one, hostWith("c", ["/a", "/b"], "exact"))).toBeGreaterThan(wordsOfTrees(one));
  expect(wordsOfTrees(one, hostWith("c", ["/a"]))).toBeGreaterThan(wordsOfTrees(one));
});

test("a table may be a part of larger memory, which may change later", () => {
  const memory = Buffer.concat([Buffer.from("abc"), TABLE, Buffer.from("abc")]);
  const router = createRouter(memory.subarray(3, -3));
  memory.fill(0);
  expect(router.route({ host: "shop.example.com", path: "/" }).backend).toBe("shop/web:80");
});

test("a table has the same bytes whenever it is made", () => {
  const again = library.compile(exampleManifests(), { settings: { clusterCIDR: "10.244.0.0/16" } }).rules;
  return expect(library.printBytes(again ?? expect.unreachable(), "router", "a digest")).resolves.toEqual({
    diagnostics: [],
    bytes: TABLE,
  });
});
