/** Random listeners of Gateways with texts that mean something in configurations. */
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
import { PATH } from "./http-routes.ts";

const LABEL = fc.constantFrom("a", "b", "shop", "x-1", "_u");
const DOMAIN = fc.array(LABEL, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const HOST = fc.oneof(
  DOMAIN,
  DOMAIN.map((domain) => `*.${domain}`),
  fc.constant(undefined),
);

/** A word of a header: visible ASCII inside, blanks only in the middle. */
const VALUE = fc.oneof(
  fc.constantFrom(
    "}",
    "{",
    "-i",
    "--",
    "-m",
    "%[src]",
    "%%",
    "%",
    "$HOME",
    "$" + "{HOME}",
    "#",
    "a # b",
    "'",
    "''",
    '"',
    "\\",
    "\\n",
    "\\1",
    "a\\",
    "a 'b' \"c\"",
    "a, b",
    "if TRUE",
    "or",
    "!",
    "[",
    "x".repeat(300),
  ),
  fc.stringMatching(/^[!-~](?:[ -~]{0,10}[!-~])?$/),
);
/** As names of headers and parameters may be, in lower case. */
const NAME = fc.oneof(
  fc.constantFrom(
    "x-a",
    "x-b",
    "host",
    "x-forwarded-proto",
    "'",
    "x'",
    "$x",
    "%x",
    "#x",
    "x#y",
    "a&b",
    "`",
    "|",
    "~",
    "^",
    "!",
    "-m",
    ".",
  ),
  fc.stringMatching(/^x[!#$%&'*+.^_`|~0-9a-z-]{0,5}$/),
);
/** What stands behind the equals sign of a parameter. */
const PARAMETER_VALUE = fc.oneof(
  fc.constantFrom("1", "", "a=b", "a;b", "a?b", "%20", "$", "'", '"', "\\", ".*", "(", "[a", "{1}"),
  fc.stringMatching(/^[!-~]{1,8}$/),
);
const named = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>, most = 2): fc.Arbitrary<NamedText[]> =>
  fc.uniqueArray(fc.record({ name, value }), { minLength: 1, maxLength: most, selector: (each) => each.name });

const CONDITIONS: fc.Arbitrary<RequestConditions | undefined> = fc
  .record(
    {
      method: fc.constantFrom("GET", "HEAD", "POST", "PATCH", "PROPFIND"),
      headers: named(NAME, VALUE, 3),
      parameters: named(NAME, PARAMETER_VALUE, 3),
    },
    { requiredKeys: [] },
  )
  .map((conditions) => (Object.keys(conditions).length === 0 ? undefined : conditions));

/** A path as rules have it: no slash at the end, except that of the root. */
const PREFIX = PATH.map((path) => (path === "/" ? path : path.replace(/\/$/, "")));
const NEW_PATH = PATH.map((path) => path.replace(/[?#]/g, "~"));
const REPLACEMENT: fc.Arbitrary<PathReplacement> = fc.oneof(
  NEW_PATH.map((path): PathReplacement => ({ part: "all", path })),
  NEW_PATH.map((path): PathReplacement => ({ part: "prefix", path: path.replace(/\/+$/, "") })),
);

/** Names that no proxy and no server gives a meaning. */
const OWN_NAME = NAME.map((name) => `y${name}`);

const FILTERS: fc.Arbitrary<RouteFilter[]> = fc
  .record(
    {
      request: fc
        .tuple(named(OWN_NAME, VALUE), fc.constantFrom("x-a", "x'", "%x"))
        .map(([set, gone]): RouteFilter => ({ kind: "request-headers", set, add: [], remove: [gone] })),
      response: fc.tuple(named(OWN_NAME, VALUE), named(OWN_NAME, VALUE)).map(([set, add]): RouteFilter => {
        const names = new Set(set.map(({ name }) => name));
        return { kind: "response-headers", set, add: add.filter(({ name }) => !names.has(name)), remove: ["server"] };
      }),
      rewrite: fc
        .record({ host: DOMAIN, path: REPLACEMENT }, { requiredKeys: [] })
        .map((changes): RouteFilter => ({ kind: "rewrite", ...changes })),
    },
    { requiredKeys: [] },
  )
  .map((filters) => Object.values(filters));

const ENDPOINTS = fc.integer({ min: 1, max: 250 }).map((n): RouteShare["target"] => {
  const address = required(parseAddress(`10.1.0.${n}`), "an address");
  return { kind: "endpoints", backend: `ns/svc-${n}:80`, endpoints: [{ address, port: 8080 }] };
});

const SHARE: fc.Arbitrary<RouteShare> = fc
  .tuple(fc.integer({ min: 1, max: 1_000_000 }), ENDPOINTS, FILTERS)
  .map(([weight, target, filters]) => ({ weight, target, ...(filters.length === 0 ? {} : { filters }) }));

const TARGET: fc.Arbitrary<RequestTarget> = fc.oneof(
  { weight: 4, arbitrary: ENDPOINTS },
  { weight: 1, arbitrary: fc.constant<RequestTarget>({ kind: "status", status: 500, reason: "no Service" }) },
  {
    weight: 1,
    arbitrary: fc
      .array(SHARE, { minLength: 2, maxLength: 4 })
      .map((shares): RequestTarget => ({ kind: "shares", shares })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom("http" as const, "https" as const),
        fc.record({ host: DOMAIN, port: fc.constantFrom(8080, 8443), path: REPLACEMENT }, { requiredKeys: [] }),
      )
      .map(([scheme, others]): RequestTarget => ({ kind: "redirect", scheme, status: 302, ...others })),
  },
);

const RULE: fc.Arbitrary<RequestRule> = fc
  .tuple(fc.constantFrom("exact" as const, "prefix" as const), PATH, PREFIX, CONDITIONS, TARGET, FILTERS)
  .map(([match, exact, prefix, conditions, target, filters]) => ({
    match,
    path: match === "exact" ? exact : prefix,
    ...(conditions === undefined ? {} : { conditions }),
    target,
    ...(filters.length === 0 ? {} : { filters }),
  }));

function hostRank({ host }: ListenerHost): number {
  return host === undefined ? 0 : host.startsWith("*.") ? host.length : 1e6;
}

/** Listeners at a port, with rules in any order. */
export const HOSTILE_LISTENERS: fc.Arbitrary<ListeningPort[]> = fc
  .uniqueArray(fc.tuple(HOST, fc.array(RULE, { minLength: 1, maxLength: 8 })), {
    minLength: 1,
    maxLength: 5,
    selector: ([host]) => host,
  })
  .map((hosts) => [
    {
      port: 8080,
      protocol: "http",
      hosts: hosts
        .map(([host, paths]) => ({ ...(host === undefined ? {} : { host }), paths }))
        .sort((a, b) => hostRank(b) - hostRank(a)),
    },
  ]);
