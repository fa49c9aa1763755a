/** Comparing Gateways says of all requests what asking for each of them says: all hosts, paths, methods, headers and parameters of a small world. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareUrls } from "../../compiler/compare/urls/compare.ts";
import type { RoutedSide, UrlDifference } from "../../compiler/compare/urls/types.ts";
import { hostName } from "../../compiler/evaluate/http-route.ts";
import { decideRequest } from "../../compiler/evaluate/listener-route.ts";
import type { AskedRequest } from "../../compiler/expectations/engines/requests.ts";
import type {
  ListenerHost,
  ListeningPort,
  NamedText,
  PathReplacement,
  RequestConditions,
  RequestRule,
  RequestTarget,
  RouteFilter,
  RouteShare,
} from "../../compiler/ir/routes.ts";
import type { Address } from "../../compiler/net/address.ts";
import { HOSTILE_LISTENERS } from "../support/hostile-listeners.ts";
import { endsOf, portRequestsFor } from "../support/listener-requests.ts";
import { LISTENERS } from "../support/listeners.ts";
import { runs } from "../support/runs.ts";

const PORT = 8080;

// --- a small world ---------------------------------------------------------------------------------------------------

const HOSTS = ["a", "a.b", "*.b", "*.a.b", undefined] as const;
const PATHS = ["/", "/a", "/a/b", "/a/", "/b"] as const;

const HEADER = fc.constantFrom<NamedText>(
  { name: "x", value: "1" },
  { name: "x", value: "2" },
  { name: "y", value: "1" },
  { name: "host", value: "a.b" },
);
const PARAMETER = fc.constantFrom<NamedText>({ name: "q", value: "1" }, { name: "q", value: "2" });

const CONDITIONS: fc.Arbitrary<RequestConditions | undefined> = fc
  .record(
    {
      method: fc.constantFrom("GET", "POST"),
      headers: fc.uniqueArray(HEADER, { minLength: 1, maxLength: 2, selector: ({ name }) => name }),
      parameters: fc.array(PARAMETER, { minLength: 1, maxLength: 1 }),
    },
    { requiredKeys: [] },
  )
  .map((conditions) => (Object.keys(conditions).length === 0 ? undefined : conditions));

const endpoints = (n: number): RouteShare["target"] => ({
  kind: "endpoints",
  backend: `ns/s${n}:80`,
  endpoints: [{ address: n as Address, port: 80 }],
});
const ENDPOINTS = fc.constantFrom(1, 2).map(endpoints);
const REPLACEMENT = fc.constantFrom<PathReplacement>(
  { part: "all", path: "/a" },
  { part: "prefix", path: "/a" },
  { part: "prefix", path: "" },
);
const FILTER: fc.Arbitrary<RouteFilter> = fc.oneof(
  REPLACEMENT.map((path): RouteFilter => ({ kind: "rewrite", path })),
  fc.constantFrom<RouteFilter>(
    { kind: "rewrite", host: "a" },
    { kind: "request-headers", set: [{ name: "x", value: "1" }], add: [], remove: [] },
    { kind: "request-headers", set: [], add: [{ name: "z", value: "1" }], remove: [] },
    { kind: "request-headers", set: [], add: [], remove: ["z"] },
    { kind: "response-headers", set: [{ name: "z", value: "1" }], add: [], remove: [] },
  ),
);
const FILTERS = fc.oneof(fc.constant([]), fc.constant([]), fc.array(FILTER, { maxLength: 2 }));
const REDIRECTED: fc.Arbitrary<RequestTarget> = fc
  .record({ host: fc.constant("a"), port: fc.constant(8443), path: REPLACEMENT }, { requiredKeys: [] })
  .map((others): RequestTarget => ({ kind: "redirect", scheme: "http", status: 302, ...others }));
const TARGET: fc.Arbitrary<RequestTarget> = fc.oneof(
  { weight: 5, arbitrary: ENDPOINTS },
  { weight: 1, arbitrary: fc.constant<RequestTarget>({ kind: "status", status: 500, reason: "broken" }) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.tuple(fc.constantFrom(1, 2), ENDPOINTS), { minLength: 2, maxLength: 3 })
      .map((all): RequestTarget => ({ kind: "shares", shares: all.map(([weight, target]) => ({ weight, target })) })),
  },
  { weight: 1, arbitrary: REDIRECTED },
);

const RULE: fc.Arbitrary<RequestRule> = fc
  .tuple(fc.constantFrom("exact" as const, "prefix" as const), fc.constantFrom(...PATHS), CONDITIONS, TARGET, FILTERS)
  .map(([match, path, conditions, target, filters]) => ({
    match,
    path: match === "prefix" && path !== "/" ? path.replace(/\/$/, "") : path,
    ...(conditions && { conditions }),
    target,
    ...(filters.length === 0 ? {} : { filters }),
  }));

function hostRank({ host }: ListenerHost): number {
  return host === undefined ? 0 : host.startsWith("*.") ? host.length : 1e6;
}

const HOST_RULES: fc.Arbitrary<ListenerHost[]> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...HOSTS), fc.array(RULE, { maxLength: 5 })), {
    minLength: 1,
    maxLength: 3,
    selector: ([host]) => host,
  })
  .map((hosts) =>
    hosts
      .map(([host, paths]) => ({ ...(host === undefined ? {} : { host }), paths }))
      .sort((a, b) => hostRank(b) - hostRank(a)),
  );

/** Hosts, and the same with one rule taken away, moved or added. */
const CHANGED: fc.Arbitrary<[ListenerHost[], ListenerHost[]]> = fc
  .tuple(HOST_RULES, fc.nat(), fc.nat(), fc.constantFrom("taken", "moved", "added", "changed"), RULE)
  .map(([hosts, host, at, change, rule]) => [
    hosts,
    hosts.map((each, i) => {
      if (i !== host % hosts.length) return each;
      const paths = [...each.paths];
      const place = at % (paths.length + 1);
      if (change === "added") paths.splice(place, 0, rule);
      else if (change === "taken") paths.splice(place, 1);
      else if (change === "changed") paths.splice(place, 1, { ...(paths[place] ?? rule), target: rule.target });
      else paths.splice(place, 0, ...paths.splice(0, 1));
      return { ...each, paths };
    }),
  ]);

const NAMES = ["a", "c", "a.b", "c.b", "c.a.b", "c.c.b", "a.b:1"];
const TARGETS = ["/", "/a", "/a/", "/a/b", "/a/b/c", "/a/c", "/b", "/c"].flatMap((path) =>
  ["", "?q=1", "?q=2"].map((query) => path + query),
);
const HEADERS: readonly (readonly NamedText[])[] = ["", "1", "2"].flatMap((x) =>
  ["", "1"].map((y) => [
    ...(x === "" ? [] : [{ name: "x", value: x }]),
    ...(y === "" ? [] : [{ name: "y", value: y }]),
    ...(x + y === "" ? [{ name: "z", value: "9" }] : []),
  ]),
);

const ALL_REQUESTS: readonly AskedRequest[] = NAMES.flatMap((host) =>
  TARGETS.flatMap((target) =>
    ["GET", "POST", "PUT"].flatMap((method) => HEADERS.map((headers) => request({ host, target, method, headers }))),
  ),
);

function request(of: Pick<AskedRequest, "host" | "target" | "method" | "headers">): AskedRequest {
  return { ...of, port: PORT, scheme: "http", serverName: undefined } as AskedRequest;
}

/** One rule that takes each request, and what it changes: the endpoint is always the same. */
const ONE_RULE: fc.Arbitrary<RequestRule[]> = fc
  .tuple(fc.constantFrom("/", "/a"), fc.array(FILTER, { maxLength: 2 }), REDIRECTED, fc.integer({ min: 0, max: 4 }))
  .map(([path, filters, redirect, kind]) => {
    const rule = { match: "prefix" as const, path };
    const impossible = { headers: ["1", "2"].map((value) => ({ name: "x", value })) };
    if (kind === 0) return [{ ...rule, target: redirect }];
    if (kind === 1)
      return [
        { ...rule, conditions: impossible, target: redirect },
        { ...rule, target: endpoints(1) },
      ];
    return [{ ...rule, target: endpoints(1), ...(filters.length === 0 ? {} : { filters }) }];
  });

const FEW_REQUESTS: readonly AskedRequest[] = ["a", "a.b", "a.b:1", "c.b", "a:1", "c.a.b", "c"].flatMap((host) =>
  ["/", "/a", "/a/", "/a/b", "/a/c", "/b"].flatMap((target) =>
    [
      [],
      [{ name: "x", value: "1" }],
      [
        { name: "x", value: "9" },
        { name: "z", value: "9" },
      ],
    ].map((headers) => request({ host, target, method: "GET", headers })),
  ),
);

// --- what is held against what -----------------------------------------------------------------------------------------

function side(listeners: readonly ListeningPort[]): RoutedSide {
  return { routes: [], listeners, knowsEndpoints: true, rejectsUnsafe: false, tls: "none" };
}

/** Where a request may end, as one text: ends that are alike together, by their parts of all. */
function answer(listeners: readonly ListeningPort[], asked: AskedRequest): string {
  const ends = endsOf(listeners, asked);
  const total = ends.reduce((sum, { weight }) => sum + weight, 0);
  const parts = new Map<string, number>();
  for (const { weight, end } of ends) {
    const key = JSON.stringify(end);
    parts.set(key, (parts.get(key) ?? 0) + weight);
  }
  return [...parts]
    .map(([key, weight]) => `${key} ${(weight / total).toFixed(9)}`)
    .sort()
    .join("\n");
}

/** The request that a difference shows. */
function shownRequest({ example, request: asked }: UrlDifference): AskedRequest {
  const slash = example.indexOf("/");
  const headers = asked?.headers ?? [];
  const own = headers.find(({ name }) => name === "host")?.value;
  return request({
    host: own ?? example.slice(0, slash),
    target: example.slice(slash),
    method: asked?.method ?? "GET",
    headers: headers.filter(({ name }) => name !== "host"),
  });
}

function isIn({ urls: { host, path, match } }: UrlDifference, asked: AskedRequest): boolean {
  const name = hostName(asked.host) ?? "";
  const [way = ""] = asked.target.split("?");
  const isHost = host === undefined || host === name || (host.startsWith("*") && name.endsWith(host.slice(1)));
  if (match === "exact") return isHost && way === path;
  return isHost && (path === "/" || way === path || way.startsWith(`${path}/`));
}

/** Whether a difference is told of the rules that take the request on each side. */
function isTold(difference: UrlDifference, sides: readonly (readonly ListeningPort[])[], asked: AskedRequest): boolean {
  const [left, right] = sides.map((listeners) => decideRequest({ routes: [], listeners }, asked).matching[0]);
  const isRule = ({ route, target }: UrlDifference["left"], rule: RequestRule | undefined): boolean =>
    rule === undefined ? route === undefined : target === rule.target && route?.path === rule.path;
  return isIn(difference, asked) && isRule(difference.left, left) && isRule(difference.right, right);
}

/** Checks what is said of two sides against asking; gives whether they differ for some of `requests`. */
function hold(
  left: readonly ListeningPort[],
  right: readonly ListeningPort[],
  requests: readonly AskedRequest[],
): boolean {
  const { differences, open } = compareUrls(side(left), side(right));
  expect(open).toEqual([]);
  for (const difference of differences) {
    const asked = shownRequest(difference);
    expect([asked, answer(left, asked)]).not.toEqual([asked, answer(right, asked)]);
    expect([asked, isTold(difference, [left, right], asked)]).toEqual([asked, true]);
  }
  const differing = requests.filter((asked) => answer(left, asked) !== answer(right, asked));
  for (const asked of differing)
    expect([asked, differences.some((each) => isTold(each, [left, right], asked))]).toEqual([asked, true]);
  return differing.length > 0;
}

const listening = (hosts: readonly ListenerHost[]): ListeningPort[] => [{ port: PORT, protocol: "http", hosts }];

describe("two Gateways", () => {
  test("differ where some request of all tells them apart, and nowhere else", () => {
    const found = { true: 0, false: 0 };
    fc.assert(
      fc.property(fc.oneof(CHANGED, fc.tuple(HOST_RULES, HOST_RULES)), ([left, right]) => {
        const differs = hold(listening(left), listening(right), ALL_REQUESTS);
        found[differs ? "true" : "false"]++;
        const { differences } = compareUrls(side(listening(left)), side(listening(right)));
        expect(differences.length > 0).toBe(differs);
      }),
      { numRuns: Math.max(12, runs(160)) },
    );
    expect(Math.min(found.true, found.false)).toBeGreaterThan(0);
  });

  test("with one rule each differ where filters and redirects show in some request, and nowhere else", () => {
    const found = { true: 0, false: 0 };
    fc.assert(
      fc.property(fc.constantFrom(...HOSTS), ONE_RULE, ONE_RULE, (host, mine, yours) => {
        const [left, right] = [mine, yours].map((paths) => listening([{ ...(host && { host }), paths }])) as [
          ListeningPort[],
          ListeningPort[],
        ];
        const differs = hold(left, right, FEW_REQUESTS);
        found[differs ? "true" : "false"]++;
        expect(compareUrls(side(left), side(right)).differences.length > 0).toBe(differs);
      }),
      { numRuns: runs(1600) },
    );
    expect(Math.min(found.true, found.false)).toBeGreaterThan(runs(1600) / 20);
  });

  test.each([
    ["as lowering gives them", LISTENERS],
    ["with hostile texts", HOSTILE_LISTENERS],
  ])("show requests that the evaluator answers otherwise, and no sampled request shows more: %s", (_, arbitrary) => {
    const here = arbitrary.map((listeners) => listeners.filter(({ port }) => port === PORT));
    const known = here.filter(({ length }) => length > 0);
    const pairs = fc.oneof(
      fc.tuple(known, known),
      known.map((each): [ListeningPort[], ListeningPort[]] => [each, withoutOne(each)]),
    );
    fc.assert(
      fc.property(
        pairs.chain(([left, right]) =>
          fc.tuple(
            fc.constant(left),
            fc.constant(right),
            fc.array(fc.oneof(portRequestsFor(left), portRequestsFor(right)), { maxLength: 40 }),
          ),
        ),
        ([left, right, requests]) => void hold(left, right, requests),
      ),
      { numRuns: runs(160) },
    );
  });
});

/** Without the first rule of the first host. */
function withoutOne(listeners: readonly ListeningPort[]): ListeningPort[] {
  return listeners.map((listener) => ({
    ...listener,
    hosts: listener.hosts.map((host, i) => (i === 0 ? { ...host, paths: host.paths.slice(1) } : host)),
  }));
}
