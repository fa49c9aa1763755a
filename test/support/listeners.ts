/** Random listeners of Gateways. */
import fc from "fast-check";
import { required } from "../../compiler/invariant.ts";
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
import { parseAddress } from "../../compiler/net/address.ts";

const LABEL = fc.constantFrom("a", "b", "shop");
const DOMAIN = fc.array(LABEL, { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
const HOST = fc.oneof(
  DOMAIN,
  DOMAIN.map((domain) => `*.${domain}`),
  fc.constant(undefined),
);
const PATH = fc
  .array(fc.constantFrom("a", "b", "foo", "%20", "x:y", "~"), { maxLength: 3 })
  .map((parts) => `/${parts.join("/")}`);

const NAME = fc.constantFrom("x-a", "x-b", "version");
const VALUE = fc.constantFrom("1", "2", "a b", '"', "%[x]", "\\");
const named = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<NamedText[]> =>
  fc.uniqueArray(fc.record({ name, value }), { minLength: 1, maxLength: 2, selector: (each) => each.name });
const METHOD = fc.constantFrom("GET", "HEAD", "POST", "DELETE");
const HEADERS = named(NAME, VALUE);
const PARAMETERS = named(fc.constantFrom("q", "version"), fc.constantFrom("1", "2", "a%20b"));

const CONDITIONS: fc.Arbitrary<RequestConditions | undefined> = fc
  .record({ method: METHOD, headers: HEADERS, parameters: PARAMETERS }, { requiredKeys: [] })
  .map((conditions) => (Object.keys(conditions).length === 0 ? undefined : conditions));

const REPLACEMENT: fc.Arbitrary<PathReplacement> = fc.oneof(
  PATH.map((path): PathReplacement => ({ part: "all", path })),
  PATH.map((path): PathReplacement => ({ part: "prefix", path: path === "/" ? "" : path })),
);

const FILTERS: fc.Arbitrary<RouteFilter[]> = fc
  .record(
    {
      request: HEADERS.map((set): RouteFilter => ({ kind: "request-headers", set, add: [], remove: ["x-gone"] })),
      response: HEADERS.map((add): RouteFilter => ({ kind: "response-headers", set: [], add, remove: ["server"] })),
      rewrite: fc
        .record({ host: DOMAIN, path: REPLACEMENT }, { requiredKeys: [] })
        .map((changes): RouteFilter => ({ kind: "rewrite", ...changes })),
    },
    { requiredKeys: [] },
  )
  .map((filters) => Object.values(filters));

const STATUS = fc.constantFrom<RouteShare["target"]>(
  { kind: "status", status: 500, reason: "no Service" },
  { kind: "status", status: 503, reason: "no endpoint" },
);

const ENDPOINTS = fc.integer({ min: 1, max: 250 }).map((n): RouteShare["target"] => {
  const address = required(parseAddress(`10.1.0.${n}`), "an address");
  return { kind: "endpoints", backend: `ns/svc-${n}:80`, endpoints: [{ address, port: 8080 }] };
});

const SHARE: fc.Arbitrary<RouteShare> = fc
  .tuple(fc.integer({ min: 1, max: 1000 }), fc.oneof(ENDPOINTS, STATUS), FILTERS)
  .map(([weight, target, filters]) => ({ weight, target, ...(filters.length === 0 ? {} : { filters }) }));

const TARGET: fc.Arbitrary<RequestTarget> = fc.oneof(
  { weight: 4, arbitrary: ENDPOINTS },
  { weight: 1, arbitrary: STATUS },
  {
    weight: 2,
    arbitrary: fc
      .array(SHARE, { minLength: 2, maxLength: 4 })
      .map((shares): RequestTarget => ({ kind: "shares", shares })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.record({
          scheme: fc.constantFrom("http" as const, "https" as const),
          status: fc.constantFrom(301 as const, 302 as const, 303 as const, 307 as const, 308 as const),
        }),
        fc.record({ host: DOMAIN, port: fc.constantFrom(8080, 8443), path: REPLACEMENT }, { requiredKeys: [] }),
      )
      .map(([always, others]): RequestTarget => ({ kind: "redirect", ...always, ...others })),
  },
);

const RULE: fc.Arbitrary<RequestRule> = fc
  .tuple(fc.constantFrom("exact" as const, "prefix" as const), PATH, CONDITIONS, TARGET, FILTERS)
  .map(([match, path, conditions, target, filters]) => ({
    match,
    path,
    ...(conditions === undefined ? {} : { conditions }),
    target,
    ...(filters.length === 0 ? {} : { filters }),
  }));

/** As lowering orders them: exact paths, then prefixes, the longest first; those with more conditions first. Each once. */
function ordered(rules: readonly RequestRule[]): RequestRule[] {
  const keyOf = ({ match, path, conditions }: RequestRule): string => JSON.stringify([match, path, conditions]);
  const once = new Map(rules.map((each) => [keyOf(each), each]));
  const rank = ({ match, path, conditions = {} }: RequestRule): number =>
    (match === "exact" ? 1e9 : path.length * 1e4) +
    (conditions.method === undefined ? 0 : 1e3) +
    10 * (conditions.headers?.length ?? 0) +
    (conditions.parameters?.length ?? 0);
  return [...once.values()].sort((a, b) => rank(b) - rank(a));
}

/** As lowering orders them: precise hosts, then wildcards, the longest first, then all others. */
function hostRank({ host }: ListenerHost): number {
  return host === undefined ? 0 : host.startsWith("*.") ? host.length : 1e6;
}

const HOSTS: fc.Arbitrary<ListenerHost[]> = fc
  .uniqueArray(fc.tuple(HOST, fc.array(RULE, { maxLength: 8 })), {
    minLength: 1,
    maxLength: 5,
    selector: ([host]) => host,
  })
  .map((hosts) =>
    hosts
      .map(([host, rules]) => ({ ...(host === undefined ? {} : { host }), paths: ordered(rules) }))
      .sort((a, b) => hostRank(b) - hostRank(a)),
  );

/** Listeners at one or two ports, as lowering orders them. */
export const LISTENERS: fc.Arbitrary<ListeningPort[]> = fc
  .uniqueArray(
    fc.record({
      port: fc.constantFrom(80, 8080),
      protocol: fc.constant("http" as const),
      hosts: HOSTS,
    }),
    { minLength: 1, maxLength: 2, selector: ({ port }) => port },
  )
  .map((ports) => ports.sort((a, b) => a.port - b.port));
