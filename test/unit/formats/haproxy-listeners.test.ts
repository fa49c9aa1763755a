import { describe, expect, test } from "vitest";
import { compareUrls } from "../../../compiler/compare/urls/compare.ts";
import { proxyUpdate } from "../../../compiler/formats/haproxy/changes.ts";
import { printHaproxy } from "../../../compiler/formats/haproxy/print.ts";
import { type ProxyRoutes, readHaproxy } from "../../../compiler/formats/haproxy/read.ts";
import { required } from "../../../compiler/invariant.ts";
import type { ListeningPort, RequestRule, RequestTarget, RouteFilter } from "../../../compiler/ir/routes.ts";
import { parseAddress } from "../../../compiler/net/address.ts";

const backend = (name: string, ...addresses: string[]): RequestTarget => ({
  kind: "endpoints",
  backend: `shop/${name}:80`,
  endpoints: addresses.map((text) => ({ address: required(parseAddress(text), text), port: 8080 })),
});

const WEB = backend("web", "10.1.0.1", "10.1.0.2");
const API = backend("api", "10.1.0.3");

const prefix = (path: string, target: RequestTarget, more: Partial<RequestRule> = {}): RequestRule => ({
  match: "prefix",
  path,
  target,
  ...more,
});

const RULES: readonly RequestRule[] = [
  prefix("/api", API, { conditions: { method: "POST", headers: [{ name: "x-env", value: "beta" }] } }),
  prefix("/web", WEB),
  prefix("/", WEB),
];

const at = (paths: readonly RequestRule[], host?: string): ListeningPort => ({
  port: 8080,
  protocol: "http",
  hosts: [{ ...(host === undefined ? {} : { host }), paths }],
});

const filesOf = (...listeners: ListeningPort[]): ReadonlyMap<string, string> => printHaproxy([], { listeners }).files;

/** Backends that maps and lines name and that are not there. HAProxy would answer 404 for those of maps, and refuse the others. */
function missingBackends(files: ReadonlyMap<string, string>): string[] {
  const lines = linesOf(files);
  const named = [...files].flatMap(([name, text]) =>
    /^(?:exact|prefixes|routes)\b.*\.map$/.test(name)
      ? [...text.matchAll(/ (\S+)$/gm)].map(([, value]) => value ?? "")
      : [],
  );
  const chosen = lines.flatMap((line) => /^(?:use|default)_backend ([^%\s]+)/.exec(line)?.[1] ?? []);
  const isThere = (name: string): boolean =>
    lines.includes(`backend ${name}`) ||
    lines.some((line) => line.endsWith(`-m str ${name} }`) || line.includes(`-m str ${name} } `));
  return [...new Set([...named, ...chosen])].filter((name) => !isThere(name));
}

const linesOf = (files: ReadonlyMap<string, string>): string[] =>
  (files.get("haproxy.cfg") ?? "").split("\n").map((line) => line.trim());

describe("listeners in HAProxy's files", () => {
  test("a map leads to a backend, or to a list where conditions decide", () => {
    const files = filesOf(at(RULES, "*.example.com"));
    expect(files.get("wildcards-8080.map")).toBe(".example.com *.example.com\n");
    expect(files.get("prefixes-8080.map")).toMatch(
      /^\*\.example\.com\/ shop\.web\.80\n\*\.example\.com\/api\/ (rules-[0-9a-f]{12})\n\*\.example\.com\/web\/ shop\.web\.80\n$/,
    );
    const list = /rules-[0-9a-f]{12}/.exec(files.get("prefixes-8080.map") ?? "")?.[0];
    const header = linesOf(files)
      .find((line) => line.startsWith("acl header-"))
      ?.split(" ")[1];
    expect(linesOf(files).filter((line) => line.includes(`-m str ${list} }`))).toEqual([
      `use_backend shop.api.80 if { var(txn.backend) -m str ${list} } method-POST ${header}`,
      `use_backend shop.web.80 if { var(txn.backend) -m str ${list} }`,
    ]);
    expect(linesOf(files)).toContain("bind :8080");
    expect(files.has("routes.map")).toBe(false);
  });

  test("one more path, and one more endpoint, are a line each", () => {
    const before = filesOf(at(RULES));
    const path = filesOf(at([prefix("/more", WEB), ...RULES]));
    const endpoint = filesOf(
      at(
        RULES.map((rule) => (rule.target === API ? { ...rule, target: backend("api", "10.1.0.3", "10.1.0.4") } : rule)),
      ),
    );
    const added = (files: ReadonlyMap<string, string>): string[] =>
      [...files].flatMap(([name, text]) => {
        const known = new Set((before.get(name) ?? "").split("\n"));
        return text.split("\n").filter((line) => !known.has(line));
      });
    expect(added(path)).toEqual(["*/more/ shop.web.80"]);
    expect(added(endpoint)).toEqual(["  server 10-1-0-4-8080 10.1.0.4:8080"]);
  });

  test("Ingresses keep their frontend, except at ports of Gateways", () => {
    const fallback = { kind: "status", status: 404, reason: "none" } as const;
    const print = (port: number) => printHaproxy([{ paths: [], fallback }], { listeners: [{ ...at(RULES), port }] });
    expect([...print(8080).files.keys()]).toEqual(expect.arrayContaining(["routes.map", "hosts-8080.map"]));
    expect(print(8080).unsupported).toEqual([]);
    expect(print(80).files.has("routes.map")).toBe(false);
    expect(print(80).unsupported).toMatchObject([
      { code: "unsupported-haproxy", message: "Ingresses are not served at port 80: a Gateway listens there" },
    ]);
  });

  test.each<[string, readonly RouteFilter[]]>([
    ["a line break", [{ kind: "request-headers", set: [{ name: "x", value: "a\nb" }], add: [], remove: [] }]],
    ["a name that is none", [{ kind: "response-headers", set: [], add: [], remove: ["a b"] }]],
    ["a query in a path", [{ kind: "rewrite", path: { part: "all", path: "/a?b" } }]],
    ["a blank in a path", [{ kind: "rewrite", path: { part: "prefix", path: "/a b" } }]],
    ["a host that is none", [{ kind: "rewrite", host: "a b" }]],
  ])("a rule whose filter has %s is answered with 500, and told", (_, filters) => {
    const { files, unsupported } = printHaproxy([], { listeners: [at([prefix("/", WEB, { filters })])] });
    expect(files.get("prefixes-8080.map")).toBe("*/ status-500\n");
    expect(unsupported).toMatchObject([{ code: "unsupported-haproxy", message: expect.stringContaining("500") }]);
    expect(linesOf(files)).toEqual(expect.arrayContaining(["backend status-500", "http-request return status 500"]));
    const shares = { kind: "shares", shares: [1, 2].map((weight) => ({ weight, target: WEB, filters })) } as const;
    const redirect = { kind: "redirect", status: 302, scheme: "http", path: { part: "all", path: "/a?b" } } as const;
    for (const target of [WEB, shares, redirect] as RequestTarget[])
      for (const conditions of [undefined, { method: "POST" }]) {
        const rule = prefix("/", target, { filters, ...(conditions && { conditions }) });
        expect(missingBackends(filesOf(at([rule, prefix("/x", WEB)])))).toEqual([]);
      }
  });

  test.each([
    { headers: [{ name: "a b", value: "c" }] },
    { headers: [{ name: "x", value: "a\rb" }] },
    { method: "get it" },
    { headers: Array.from({ length: 60 }, (_, i) => ({ name: `x-${i}`, value: "1" })) },
  ])("a rule with a condition that no line can have is left out, and told", (conditions) => {
    const { files, unsupported } = printHaproxy([], { listeners: [at([prefix("/", WEB, { conditions })])] });
    expect(files.get("prefixes-8080.map")).toBe("*/ status-404\n");
    expect(unsupported).toMatchObject([{ message: expect.stringContaining("not served") }]);
  });

  test("are read back; without any of the lines that decide, they are refused or differ", () => {
    const rules: readonly RequestRule[] = [
      { match: "exact", path: "/x", target: { kind: "status", status: 500, reason: "broken" } },
      prefix("/api", {
        kind: "shares",
        shares: [1, 2].map((weight) => ({ weight, target: weight === 1 ? WEB : API })) as never,
      }),
      prefix("/old", { kind: "redirect", scheme: "https", status: 301, path: { part: "prefix", path: "/new" } }),
      prefix("/web", WEB, {
        filters: [
          { kind: "request-headers", set: [{ name: "x-a", value: "1" }], add: [], remove: ["x-b"] },
          { kind: "response-headers", set: [], add: [{ name: "x-c", value: "1" }], remove: [] },
          { kind: "rewrite", host: "web.example", path: { part: "prefix", path: "/v2" } },
        ],
      }),
      prefix("/", API, { conditions: { method: "POST", headers: [{ name: "x-forwarded-proto", value: "https" }] } }),
      prefix("/", WEB, { conditions: { parameters: [{ name: "q", value: "a%20b" }] } }),
    ];
    const listener = at(rules, "*.a.example");
    const files = filesOf(listener);
    const config = required(files.get("haproxy.cfg"), "a file");
    const read = (text: string): ProxyRoutes | undefined => {
      const sources = new Map([...files].map(([name, each]) => [name, { name, text: each }]));
      return readHaproxy({ name: "haproxy.cfg", text }, sources, () => undefined);
    };
    const isEqual = (routes: ProxyRoutes): boolean => {
      const side = {
        routes: [],
        listeners: [listener],
        rejectsUnsafe: false,
        knowsEndpoints: true,
        tls: "none" as const,
      };
      return compareUrls(side, { ...routes, tls: "none" }).differences.length === 0;
    };
    expect(isEqual(required(read(config), "what was written"))).toBe(true);
    const lines = config.split("\n");
    const begin = lines.indexOf("frontend port-8080");
    const harmless = lines.filter((_, i) => {
      if (i < begin) return false;
      const without = read(lines.filter((_, j) => j !== i).join("\n"));
      return without !== undefined && isEqual(without);
    });
    expect([...new Set(harmless.map((line) => line.trim()))].sort()).toEqual([
      "",
      "backend status-503",
      "balance roundrobin",
      "bind :8080",
      "bind :::8080 v6only",
      "http-request return status 503",
    ]);
  });
});

describe("changes of listeners while HAProxy runs", () => {
  const before = filesOf(at(RULES, "a.example"));

  test("paths and hosts change by rows", () => {
    const path = proxyUpdate(before, filesOf(at([prefix("/more", WEB), ...RULES], "a.example")));
    const row = { kind: "add-row", map: "prefixes-8080.map", key: "a.example/more/", value: "shop.web.80" };
    expect(path).toMatchObject({ kind: "at-run-time", changes: [row] });
    const both: ListeningPort = {
      ...at([]),
      hosts: [
        { host: "a.example", paths: RULES },
        { host: "b.example", paths: [prefix("/", WEB)] },
      ],
    };
    const host = proxyUpdate(before, filesOf(both));
    expect(host).toMatchObject({
      kind: "at-run-time",
      changes: [
        { map: "prefixes-8080.map", key: "b.example/" },
        { map: "hosts-8080.map", key: "b.example", value: "b.example" },
      ],
    });
  });

  test("endpoints change by servers", () => {
    const next = RULES.map((rule) => (rule.target === API ? { ...rule, target: backend("api", "10.1.0.9") } : rule));
    expect(proxyUpdate(before, filesOf(at(next, "a.example")))).toMatchObject({
      kind: "at-run-time",
      changes: [
        { kind: "add-server", server: "10-1-0-9-8080" },
        { kind: "remove-server", server: "10-1-0-3-8080" },
      ],
    });
  });

  test.each<[string, readonly RequestRule[]]>([
    ["other conditions", [prefix("/api", API, { conditions: { method: "PUT" } }), ...RULES.slice(1)]],
    ["a new backend", [prefix("/new", backend("new", "10.1.0.7")), ...RULES]],
    ["filters", [prefix("/f", WEB, { filters: [{ kind: "rewrite", host: "b.example" }] }), ...RULES]],
  ])("%s need a reload", (_, rules) => {
    expect(proxyUpdate(before, filesOf(at(rules, "a.example")))).toMatchObject({ kind: "reload" });
  });

  test("certificates need a reload", () => {
    const tls = (listed: string) => new Map([...before, ["certificates-8443.list", listed], ["a.pem", "1"]]);
    expect(proxyUpdate(tls("a.pem a.example\n"), tls("a.pem b.example\n"))).toMatchObject({
      kind: "reload",
      because: "certificates-8443.list has other rows",
    });
    const renewed = new Map([...tls("a.pem a.example\n"), ["a.pem", "2"]]);
    expect(proxyUpdate(tls("a.pem a.example\n"), renewed)).toMatchObject({
      kind: "reload",
      because: "certificate a.pem is another one",
    });
  });
});
