/** What a proxy does at the ports of Gateways: hosts, rules in their order, targets, certificates. */
import { describe, expect, test } from "vitest";
import type { ListeningPort, RequestRule } from "../../../compiler/ir/routes.ts";
import { lowerListeners } from "../../../compiler/lower/listeners.ts";
import type { GatewayAction, GatewayRule, ServedListener } from "../../../compiler/model/gateway-types.ts";
import {
  attach,
  filtersText,
  findingText,
  listenerOf,
  matchOf,
  place,
  redirectTo,
  ruleTo,
  targetText,
  weighted,
  whereIs,
} from "../../support/gateway-listeners.ts";

function lowered(...listeners: readonly ServedListener[]): {
  readonly ports: ListeningPort[];
  readonly findings: string[];
} {
  const findings: string[] = [];
  const ports = lowerListeners(listeners, (finding) => findings.push(findingText(finding)));
  return { ports, findings };
}

function ruleText({ match, path, conditions, target, filters, shadowed = [], origin }: RequestRule): string {
  const { method, headers, parameters } = conditions ?? {};
  const named = (sign: string, all: typeof headers) => (all ?? []).map(({ name, value }) => `${sign}${name}=${value}`);
  const asked = [...(method === undefined ? [] : [method]), ...named("", headers), ...named("?", parameters)];
  const lost = shadowed.map((each) => ` not ${targetText(each.target)} ${whereIs(each.origin)}`);
  const when = conditions === undefined ? "" : ` when ${asked.join(" ")}`;
  return `${match} ${path}${when}: ${targetText(target)}${filtersText(filters)}${lost.join("")} ${whereIs(origin)}`;
}

/** `PORT PROTOCOL HOST PLACE`, and the rules of each host below. */
function linesOf(...listeners: readonly ServedListener[]): string[] {
  return lowered(...listeners).ports.flatMap(({ port, protocol, hosts }) =>
    hosts.flatMap(({ host = "any", paths, origin }) => [
      `${port} ${protocol} ${host} ${whereIs(origin)}`,
      ...paths.map((rule) => `  ${ruleText(rule)}`),
    ]),
  );
}

test.each<[what: string, listeners: ServedListener[], want: string[]]>([
  ["nothing", [], []],
  [
    "ports in their order, with a host each",
    [listenerOf({ port: 9000 }), listenerOf({ port: 80, protocol: "https" })],
    ["80 https any @0", "9000 http any @0"],
  ],
  [
    "a listener has the routes of its port only",
    [listenerOf({ routes: [attach([undefined], ruleTo("a", "/"))] }), listenerOf({ port: 81, origin: place(1) })],
    ["80 http any @0", "  prefix /: a @0", "81 http any @1"],
  ],
  [
    "precise hosts, then the longest wildcards, then all others; by name",
    ["b.test", undefined, "*.test", "*.c.test", "a.test", "*.b.test"].map((hostname) => listenerOf({ hostname })),
    ["a.test", "b.test", "*.b.test", "*.c.test", "*.test", "any"].map((host) => `80 http ${host} @0`),
  ],
  [
    "a host of a route at a listener for all hosts",
    [listenerOf({ routes: [attach(["a.test"], ruleTo("a", "/"))], origin: place(7) })],
    ["80 http a.test @7", "  prefix /: a @0", "80 http any @7"],
  ],
  [
    "hosts go to the most specific listener that takes them",
    [
      listenerOf({ routes: [attach(["a.test", "b.example"], ruleTo("all", "/"))] }),
      listenerOf({ hostname: "*.test", routes: [attach(["a.test"], ruleTo("test", "/"))], origin: place(1) }),
    ],
    [
      "80 http a.test @1",
      "  prefix /: test @0",
      "80 http b.example @0",
      "  prefix /: all @0",
      "80 http *.test @1",
      "80 http any @0",
    ],
  ],
  [
    "whichever comes first",
    [
      listenerOf({ hostname: "*.test", routes: [attach(["a.test"], ruleTo("test", "/"))], origin: place(1) }),
      listenerOf({ routes: [attach(["a.test"], ruleTo("all", "/"))] }),
    ],
    ["80 http a.test @1", "  prefix /: test @0", "80 http *.test @1", "80 http any @0"],
  ],
  [
    "rules of several routes with one host",
    [listenerOf({ routes: [attach([undefined], ruleTo("a", "/a")), attach([undefined], ruleTo("b", "/b"))] })],
    ["80 http any @0", "  prefix /a: a @0", "  prefix /b: b @0"],
  ],
])("%s", (_, listeners, want) => {
  expect(linesOf(...listeners)).toEqual(want);
});

const GET = { method: "GET" };
const header = (...names: readonly string[]) => ({ headers: names.map((name) => ({ name, value: "1" })) });
const parameter = (...names: readonly string[]) => ({ parameters: names.map((name) => ({ name, value: "1" })) });
const all = (...rules: readonly GatewayRule[]) => listenerOf({ routes: [attach([undefined], ...rules)] });
const rulesOf = (...rules: readonly GatewayRule[]) =>
  linesOf(all(...rules))
    .slice(1)
    .map((line) => line.trim().replace(/ @\d+$/, ""));

test.each<[what: string, rules: GatewayRule[], want: string[]]>([
  [
    "exact paths before prefixes",
    [ruleTo("a", "/longer"), ruleTo("b", "/b", { match: "exact" })],
    ["exact /b: b", "prefix /longer: a"],
  ],
  [
    "exact paths as given",
    [ruleTo("a", "/a", { match: "exact" }), ruleTo("b", "/longer", { match: "exact" })],
    ["exact /a: a", "exact /longer: b"],
  ],
  ["long prefixes before short ones", [ruleTo("a", "/a"), ruleTo("b", "/bb")], ["prefix /bb: b", "prefix /a: a"]],
  ["a method before none", [ruleTo("a", "/"), ruleTo("b", "/", GET)], ["prefix / when GET: b", "prefix /: a"]],
  ["but behind a longer prefix", [ruleTo("a", "/", GET), ruleTo("b", "/b")], ["prefix /b: b", "prefix / when GET: a"]],
  [
    "more headers before fewer",
    [ruleTo("a", "/", header("x")), ruleTo("b", "/", header("y", "x"))],
    ["prefix / when x=1 y=1: b", "prefix / when x=1: a"],
  ],
  [
    "a method before headers",
    [ruleTo("a", "/", header("x", "y")), ruleTo("b", "/", GET)],
    ["prefix / when GET: b", "prefix / when x=1 y=1: a"],
  ],
  [
    "more parameters before fewer",
    [ruleTo("a", "/", parameter("p")), ruleTo("b", "/", parameter("q", "p"))],
    ["prefix / when ?p=1 ?q=1: b", "prefix / when ?p=1: a"],
  ],
  [
    "headers before parameters",
    [ruleTo("a", "/", parameter("p", "q")), ruleTo("b", "/", header("x"))],
    ["prefix / when x=1: b", "prefix / when ?p=1 ?q=1: a"],
  ],
  [
    "all conditions at once",
    [ruleTo("a", "/", { ...GET, ...header("x"), ...parameter("p") })],
    ["prefix / when GET x=1 ?p=1: a"],
  ],
  ["no trailing slash of a prefix", [ruleTo("a", "/a/"), ruleTo("b", "/")], ["prefix /a: a", "prefix /: b"]],
  ["the trailing slash of an exact path", [ruleTo("a", "/a/", { match: "exact" })], ["exact /a/: a"]],
  [
    "the first of equal matches; the others are told",
    [ruleTo("a", "/a", {}, 1), ruleTo("b", "/a", {}, 2), ruleTo("c", "/a", GET, 3), ruleTo("d", "/a", {}, 4)],
    ["prefix /a when GET: c", "prefix /a: a not b @2 not d @4"],
  ],
  [
    "an exact path is not its prefix",
    [ruleTo("a", "/a"), ruleTo("b", "/a", { match: "exact" })],
    ["exact /a: b", "prefix /a: a"],
  ],
  [
    "each match of a rule",
    [{ ...ruleTo("a", "/"), matches: [matchOf("/a"), matchOf("/bb")] }],
    ["prefix /bb: a", "prefix /a: a"],
  ],
])("the order of rules: %s", (_, rules, want) => {
  expect(rulesOf(...rules)).toEqual(want);
});

test("a match has its place, and matches that are never used are told once", () => {
  const rules = [ruleTo("a", "/a", {}, 1), ruleTo("b", "/a", {}, 2)];
  const { ports, findings } = lowered(listenerOf({ routes: [attach([undefined, "a.test"], ...rules)] }));
  expect(ports[0]?.hosts.map(({ paths }) => paths.map(({ origin }) => whereIs(origin)))).toEqual([["@1"], ["@1"]]);
  expect(findings).toEqual([
    "warning shadowed-path @2: an older route, or an earlier rule, takes the same requests at port 80: this match of /a is never used; taken here @1",
  ]);
});

test("matches at several places, or of several files, are told each", () => {
  const { findings } = lowered(all(ruleTo("a", "/a"), ruleTo("b", "/a", {}, 2), ruleTo("c", "/a", {}, 3)));
  expect(findings.map((finding) => finding.split(":")[0])).toEqual([
    "warning shadowed-path @2",
    "warning shadowed-path @3",
  ]);
});

const acting = (action: GatewayAction, filters: GatewayRule["filters"] = []) => ({
  matches: [matchOf("/")],
  filters,
  action,
});
const backends = (...all: ReturnType<typeof weighted>[]) => acting({ kind: "backends", backends: all });
const REWRITE = { kind: "rewrite", host: "h.test", path: { part: "all", path: "/x" }, field: place(0) } as const;
const REQUEST = {
  kind: "request-headers",
  set: [{ name: "s", value: "1" }],
  add: [{ name: "a", value: "2" }],
  remove: ["r"],
  field: place(0),
} as const;

test.each<[what: string, rule: GatewayRule, want: string]>([
  ["one backend", backends(weighted(1, "a")), "a"],
  ["one backend, whatever its weight", backends(weighted(7, "a"), weighted(0, "b")), "a"],
  ["backends by weight", backends(weighted(1, "a"), weighted(0, "b"), weighted(3, "c")), "1*(a) 3*(c)"],
  ["no backend", backends(), "500 the rule has no backend"],
  ["only backends of weight 0", backends(weighted(0, "a")), "500 all backends have weight 0"],
  ["a broken backend", backends(weighted(1, "broken")), "500 broken: why"],
  ["an unready backend", backends(weighted(1, "unready")), "503 unready: why"],
  ["shares of broken backends", backends(weighted(1, "a"), weighted(2, "broken")), "1*(a) 2*(500 broken: why)"],
  ["a backend with a filter is a share", backends(weighted(1, "a", [REWRITE])), "1*(a) [rewrite h.test all /x]"],
  [
    "filters of a rule",
    acting({ kind: "backends", backends: [weighted(1, "a")] }, [REQUEST, REWRITE]),
    "a [request-headers set s=1 add a=2 remove r] [rewrite h.test all /x]",
  ],
  [
    "a rewriting without a host",
    backends(weighted(1, "a", [{ ...REWRITE, host: undefined }])),
    "1*(a) [rewrite  all /x]",
  ],
  [
    "a rewriting without a path",
    backends(weighted(1, "a", [{ ...REWRITE, path: undefined }])),
    "1*(a) [rewrite h.test]",
  ],
  ["a failure", acting({ kind: "failure", reason: "it cannot" }), "500 it cannot"],
  ["a failure has no filters", acting({ kind: "failure", reason: "it cannot" }, [REWRITE]), "500 it cannot"],
])("a target: %s", (_, rule, want) => {
  expect(rulesOf(rule)).toEqual([`prefix /: ${want}`]);
});

test("what a rule, a redirect or a rewriting does not say is no member", () => {
  const of = (rule: GatewayRule) => lowered(all(rule)).ports[0]?.hosts[0]?.paths[0] ?? expect.unreachable();
  const plain = of(backends(weighted(1, "a", [{ ...REWRITE, host: undefined, path: undefined }])));
  expect(Object.keys(plain)).toEqual(["match", "path", "target", "origin"]);
  expect(plain.target).toMatchObject({ shares: [{ filters: [{ kind: "rewrite" }] }] });
  const { target } = plain;
  const filters = target.kind === "shares" ? target.shares.flatMap((each) => each.filters ?? []) : [];
  expect(filters.map((each) => Object.keys(each))).toEqual([["kind"]]);
  const [host] = lowered(all(backends(weighted(1, "a")))).ports[0]?.hosts ?? [];
  expect(Object.keys(host ?? {})).toEqual(["paths", "origin"]);
  expect(Object.keys(of(acting({ kind: "redirect", redirect: redirectTo({}) })).target)).toEqual([
    "kind",
    "scheme",
    "status",
  ]);
  expect(Object.keys(of(ruleTo("a", "/", GET)).conditions ?? {})).toEqual(["method"]);
  expect(Object.keys(of(ruleTo("a", "/", header("x"))).conditions ?? {})).toEqual(["headers"]);
  expect(Object.keys(of(ruleTo("a", "/", parameter("p"))).conditions ?? {})).toEqual(["parameters"]);
});

const replaced = { part: "prefix", path: "/n" } as const;

test.each<
  [what: string, at: Parameters<typeof listenerOf>[0], redirect: Parameters<typeof redirectTo>[0], want: string]
>([
  ["as the listener", {}, {}, "302 http://:"],
  ["at another port than that of the scheme", { port: 8080 }, {}, "302 http://:8080"],
  ["https at its port", { port: 443, protocol: "https" }, {}, "302 https://:"],
  ["https at another port", { port: 80, protocol: "https" }, {}, "302 https://:80"],
  ["to a scheme: its port", { port: 8080 }, { scheme: "https", status: 301 }, "301 https://:"],
  ["to http", { port: 8443, protocol: "https" }, { scheme: "http" }, "302 http://:"],
  ["to a port", { port: 8080 }, { port: 8443 as never, scheme: "https" }, "302 https://:8443"],
  ["to the port of the scheme", { port: 8080 }, { port: 80 as never }, "302 http://:"],
  ["to a host and a path", {}, { host: "h.test", path: replaced }, "302 http://h.test: prefix /n"],
])("a redirect: %s", (_, at, redirect, want) => {
  const rule = acting({ kind: "redirect", redirect: redirectTo(redirect) }, [REWRITE]);
  const [, line] = linesOf(listenerOf({ ...at, routes: [attach([undefined], rule)] }));
  expect(line).toBe(`  prefix /: ${want} @0`);
});

describe("certificates", () => {
  type Served = ServedListener["certificates"][number];
  const served = (name: string, ...names: string[]): Served => {
    const leaf = { names, notBefore: 1, notAfter: 2, commonName: undefined, addresses: [], isWeaklySigned: false };
    return { kind: "served", name, leaf: { ...leaf, publicKey: { algorithm: "", value: "" } }, origin: place(5) };
  };
  const https = (hostname: string | undefined, ...certificates: Served[]) =>
    listenerOf({ port: 443, protocol: "https", hostname, certificates, origin: place(3) });

  test.each<[what: string, listeners: ServedListener[], want: string[], findings: string[]]>([
    ["for all hosts", [https(undefined, served("s", "a.test"))], ["else s"], []],
    [
      "the first for all hosts",
      [https("a.test", served("r", "a.test")), https(undefined, served("s", "a.test"), served("t"))],
      ["a.test r @3", "else s"],
      [],
    ],
    ["of a host", [https("a.test", served("s", "a.test"))], ["a.test s @3"], []],
    ["of a wildcard", [https("*.test", served("s", "*.test"))], ["*.test any s @3"], []],
    [
      "which is not valid for the host",
      [https("a.test", served("s", "b.test"))],
      ["a.test s @3"],
      ["warning certificate-host @3: certificate s is not valid for a.test: clients refuse it"],
    ],
    ["one of several is valid", [https("a.test", served("s", "b.test"), served("t", "a.test"))], ["a.test s @3"], []],
    [
      "several, by their names",
      [https("*.test", served("s", "*.test"), served("t", "a.test", "b.example"))],
      ["a.test t @3", "*.test any s @3"],
      [],
    ],
    [
      "the first of a name",
      [https(undefined, served("s", "a.test"), served("t", "a.test", "b.test"))],
      ["a.test s @3", "b.test t @3", "else s"],
      [],
    ],
    [
      "hosts of one kind, by their names",
      [https("b.test", served("s", "b.test")), https("a.test", served("t", "a.test"))],
      ["a.test t @3", "b.test s @3"],
      [],
    ],
    ["one alone is for all of its listener", [https(undefined, served("s", "a.test"))], ["else s"], []],
  ])("%s", (_, listeners, want, findings) => {
    const made = lowered(...listeners);
    const tls = made.ports[0]?.tls ?? expect.unreachable();
    const lines = tls.hosts.map(({ host, labels, certificate, origin }) =>
      [host, labels, certificate, whereIs(origin)].filter((word) => word !== undefined).join(" "),
    );
    expect([...lines, ...(tls.fallback === undefined ? [] : [`else ${tls.fallback}`])]).toEqual(want);
    expect(made.findings).toEqual(findings);
  });

  test("a port without one for all hosts has no such member", () => {
    const [port] = lowered(https("a.test", served("s", "a.test"))).ports;
    expect(Object.keys(port?.tls ?? {})).toEqual(["certificates", "hosts"]);
  });

  test("are listed by name, each once", () => {
    const [port] = lowered(
      https("a.test", served("t", "a.test")),
      https("b.test", served("s", "b.test"), served("t", "a.test")),
    ).ports;
    expect(
      port?.tls?.certificates.map(({ name, names, notBefore, notAfter }) => [name, names, notBefore, notAfter]),
    ).toEqual([
      ["s", ["b.test"], 1, 2],
      ["t", ["a.test"], 1, 2],
    ]);
  });

  test("no port without TLS has any", () => {
    expect(lowered(listenerOf({})).ports[0]).not.toHaveProperty("tls");
  });
});
