/** What becomes of a request that a rule has taken: whom it reaches, by which chance, and what that one sees. Equal texts mean equal outcomes. */
import type { HttpRequest } from "../../evaluate/http-route.ts";
import { forwardRequest, locationOf, replacePath } from "../../evaluate/request-changes.ts";
import { unreachable } from "../../invariant.ts";
import type { RequestRule, RequestTarget, RouteFilter, RouteRedirect, RouteShare } from "../../ir/routes.ts";
import { parseAddress } from "../../net/address.ts";

/** How outcomes of requests for some hosts and paths are told. */
export interface OutcomeScope {
  /** The only name that the requests have; undefined: they have several. */
  readonly name: string | undefined;
  /** As of `pathsOf`. */
  readonly paths: readonly string[];
  /** False: backends are known by their names. */
  readonly byEndpoints: boolean;
}

/** What becomes of requests that no rule takes. */
const NO_RULE: RequestTarget = { kind: "status", status: 404, reason: "no rule takes the request" };

/** The outcome of all requests of a scope that `rule` takes. */
export function outcomeOfRule(rule: RequestRule | undefined, { name, paths, byEndpoints }: OutcomeScope): string {
  const { target, path: prefix, filters = [] } = rule ?? { target: NO_RULE, path: "/" };
  const redirected = ({ scheme, host, port, path, status }: RouteRedirect): unknown => [
    status,
    scheme,
    host ?? name ?? null,
    port ?? null,
    paths.map((each) => replacePath(path, prefix, each)),
    headersOf(filters, "response-headers"),
  ];
  const forwarded = (all: readonly RouteFilter[]): unknown => {
    const rewrites = all.flatMap((filter) => (filter.kind === "rewrite" ? [filter] : []));
    const path = rewrites.findLast((each) => each.path !== undefined)?.path;
    return [
      rewrites.findLast((each) => each.host !== undefined)?.host ?? null,
      paths.map((each) => replacePath(path, prefix, each)),
      headersOf(all, "request-headers"),
      headersOf(all, "response-headers"),
    ];
  };
  return outcomeText(target, filters, byEndpoints, { redirected, forwarded });
}

/** The outcome of one request, asked as the evaluator forwards and redirects it. */
export function outcomeOfRequest(
  { rule, target }: { readonly rule: RequestRule | undefined; readonly target: RequestTarget },
  request: HttpRequest,
  byEndpoints: boolean,
): string {
  const { path: prefix, filters = [] } = rule ?? { path: "/" };
  const redirected = (redirect: RouteRedirect): unknown => [
    redirect.status,
    locationOf(redirect, prefix, request),
    headersOf(filters, "response-headers"),
  ];
  const forwarded = (all: readonly RouteFilter[]): unknown => {
    const { host, target: asked, headers } = forwardRequest(all, prefix, request);
    const byName = new Map<string, string[]>();
    for (const { name, value } of headers) byName.set(name, [...(byName.get(name) ?? []), value]);
    return [host ?? null, asked, [...byName].sort(([a], [b]) => (a < b ? -1 : 1)), headersOf(all, "response-headers")];
  };
  return outcomeText(target, filters, byEndpoints, { redirected, forwarded });
}

interface Telling {
  readonly redirected: (redirect: RouteRedirect) => unknown;
  readonly forwarded: (filters: readonly RouteFilter[]) => unknown;
}

/** The ends of a target with the chance of each. */
function outcomeText(
  target: RequestTarget,
  filters: readonly RouteFilter[],
  byEndpoints: boolean,
  { redirected, forwarded }: Telling,
): string {
  if (target.kind === "redirect") return JSON.stringify(redirected(target));
  const shares: readonly RouteShare[] = target.kind === "shares" ? target.shares : [{ weight: 1, target }];
  const total = shares.reduce((sum, { weight }) => sum + BigInt(weight), 0n);
  const chances = new Map<string, Fraction>();
  for (const { weight, target: end, filters: own = [] } of shares) {
    const seen = forwarded([...filters, ...own]);
    const places = placesOf(end, byEndpoints);
    for (const place of places) {
      const key = JSON.stringify(end.kind === "status" || place === 503 ? [place] : [place, seen]);
      chances.set(key, plus(chances.get(key), { part: BigInt(weight), of: total * BigInt(places.length) }));
    }
  }
  return [...chances]
    .map(([key, chance]) => `${key} ${fractionText(chance)}`)
    .sort()
    .join("\n");
}

/** Each of them is as likely. A client that a cookie keeps stays among all of a backend; a name is looked up by the proxy. */
function placesOf(target: RouteShare["target"], byEndpoints: boolean): readonly unknown[] {
  switch (target.kind) {
    case "status":
      return [target.status];
    case "endpoints": {
      const { backend, endpoints, sticky, external } = target;
      if (!byEndpoints) return [backend];
      const address = external && parseAddress(external.host);
      if (external !== undefined && address === undefined) return [["name", external.host, external.port]];
      const all = external === undefined || address === undefined ? endpoints : [{ address, port: external.port }];
      const texts = all.map((end) => `${typeof end.address} ${end.address} ${end.port}`);
      if (texts.length === 0) return [503];
      return sticky === undefined ? texts : [["kept", ...texts.sort()]];
    }
    default:
      return unreachable(target);
  }
}

/** What filters do with the headers of each name: which values they leave behind those that come, or in their place. */
function headersOf(filters: readonly RouteFilter[], kind: "request-headers" | "response-headers"): unknown {
  const changes = new Map<string, { readonly keeps: boolean; readonly values: readonly string[] }>();
  const change = (name: string, keeps: boolean, values: readonly string[]): void => {
    const before = keeps ? (changes.get(name) ?? { keeps, values: [] }) : { keeps, values: [] };
    changes.set(name, { keeps: before.keeps, values: [...before.values, ...values] });
  };
  for (const filter of filters) {
    if (filter.kind !== kind) continue;
    for (const name of filter.remove) change(name, false, []);
    for (const { name } of filter.set) change(name, false, []);
    for (const { name, value } of filter.set) change(name, true, [value]);
    for (const { name, value } of filter.add) change(name, true, [value]);
  }
  return [...changes].map(([name, { keeps, values }]) => [name, keeps, values]).sort();
}

interface Fraction {
  readonly part: bigint;
  readonly of: bigint;
}

function plus(a: Fraction | undefined, b: Fraction): Fraction {
  return a === undefined ? b : { part: a.part * b.of + b.part * a.of, of: a.of * b.of };
}

function fractionText({ part, of }: Fraction): string {
  let [a, b] = [part, of];
  while (b > 0n) [a, b] = [b, a % b];
  return `${part / a}/${of / a}`;
}
