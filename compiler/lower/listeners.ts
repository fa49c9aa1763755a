/** Tables of hosts and rules for the ports of Gateways. A request that no rule of its host takes is answered with 404, not by a less
 *  specific host. */
import type { Report } from "../diagnostics.ts";
import { unreachable } from "../invariant.ts";
import type {
  ListenerHost,
  ListeningPort,
  RequestConditions,
  RequestRule,
  RequestTarget,
  RouteFilter,
  RouteRedirect,
  RouteShare,
  ShadowedRule,
} from "../ir/routes.ts";
import type {
  GatewayAction,
  GatewayRule,
  HttpFilterSpec,
  HttpMatchSpec,
  HttpRedirectSpec,
  ServedListener,
  WeightedBackend,
} from "../model/gateway-types.ts";
import { coversHostname, type Hostname, hostnameRank } from "../model/hostnames.ts";
import { compareBy } from "../order.ts";
import { lowerListenerTls } from "./listener-tls.ts";
import { targetOf } from "./routes.ts";

/** What the proxy does at each port, the lowest first. `listeners`: those of older Gateways first, each with older routes first. Reports
 *  `shadowed-path` and what `lowerListenerTls` does. */
export function lowerListeners(listeners: readonly ServedListener[], report: Report): ListeningPort[] {
  const ports = [...new Set(listeners.map(({ port }) => port))].sort((a, b) => a - b);
  const once = reportOnce(report);
  return ports.map((port) => {
    const here = listeners.filter((listener) => listener.port === port);
    const protocol = here[0]?.protocol ?? "http";
    const hosts = lowerHosts(here, once);
    return { port, protocol, hosts, ...(protocol === "https" ? { tls: lowerListenerTls(here, report) } : {}) };
  });
}

/** A route that several listeners take has its findings once. */
function reportOnce(report: Report): Report {
  const told = new Set<string>();
  return (finding) => {
    const place = finding.origin?.span();
    const key = `${finding.message} ${place?.source.name} ${place?.start}`;
    if (!told.has(key)) report(finding);
    told.add(key);
  };
}

/** One match of a rule, with what decides among matches of several routes. */
interface RankedMatch {
  readonly match: HttpMatchSpec;
  readonly rule: GatewayRule;
}

/** The hosts of one port. A host goes to the most specific listener that takes it: hosts of routes at other listeners are left out. */
function lowerHosts(listeners: readonly ServedListener[], report: Report): ListenerHost[] {
  const found = new Map<Hostname, { readonly listener: ServedListener; readonly matches: RankedMatch[] }>();
  for (const listener of listeners) found.set(listener.hostname, { listener, matches: [] });
  for (const listener of listeners)
    for (const { route, hosts } of listener.routes)
      for (const host of hosts) {
        if (mostSpecific(listeners, host) !== listener) continue;
        const place = found.get(host) ?? { listener, matches: [] };
        found.set(host, place);
        for (const rule of route.rules)
          place.matches.push(...rule.matches.map((match): RankedMatch => ({ match, rule })));
      }
  const order = compareBy<[Hostname, unknown]>(
    ([host]) => hostnameRank(host),
    ([host]) => host ?? "",
  );
  return [...found].sort(order).map(([host, { listener, matches }]) => ({
    ...(host === undefined ? {} : { host }),
    paths: orderRules(matches, listener, report),
    origin: listener.origin,
  }));
}

/** Of listeners that take all of `host`, the one with the most specific hostname. */
function mostSpecific(listeners: readonly ServedListener[], host: Hostname): ServedListener | undefined {
  return listeners
    .filter(({ hostname }) => coversHostname(hostname, host))
    .reduce<ServedListener | undefined>(
      (best, each) => (best === undefined || hostnameRank(each.hostname) < hostnameRank(best.hostname) ? each : best),
      undefined,
    );
}

/** Exact paths, then the longest prefixes, then matches of the method, of more headers, of more parameters; then those of the oldest
 *  route, and the first in it. Of equal ones the first stays. `matches` are in the order of routes. */
function orderRules(matches: readonly RankedMatch[], listener: ServedListener, report: Report): RequestRule[] {
  const ordered = [...matches].sort(
    compareBy(
      ({ match }) => (match.match === "exact" ? 0 : 1),
      ({ match }) => (match.match === "exact" ? 0 : -match.path.length),
      ({ match }) => (match.method === undefined ? 1 : 0),
      ({ match }) => -match.headers.length,
      ({ match }) => -match.parameters.length,
    ),
  );
  const kept = new Map<string, { readonly ranked: RankedMatch; readonly shadowed: ShadowedRule[] }>();
  for (const ranked of ordered) {
    const { match, rule } = ranked;
    const key = JSON.stringify([match.match, pathOf(match), conditionsOf(match)]);
    const winner = kept.get(key);
    if (winner === undefined) {
      kept.set(key, { ranked, shadowed: [] });
      continue;
    }
    winner.shadowed.push({ target: actionTarget(rule.action, listener), origin: match.field });
    const message = `an older route, or an earlier rule, takes the same requests at port ${listener.port}: this match of ${match.path} is never used`;
    const notes = [{ message: "taken here", origin: winner.ranked.match.field }];
    report({ severity: "warning", code: "shadowed-path", message, origin: match.field, notes });
  }
  return [...kept.values()].map(({ ranked: { match, rule }, shadowed }) => {
    const conditions = conditionsOf(match);
    const filters = rule.filters.map(filterOf);
    return {
      match: match.match,
      path: pathOf(match),
      ...(conditions && { conditions }),
      target: actionTarget(rule.action, listener),
      ...(filters.length === 0 || rule.action.kind !== "backends" ? {} : { filters }),
      ...(shadowed.length === 0 ? {} : { shadowed }),
      origin: match.field,
    };
  });
}

/** A prefix without the trailing slash, which does not count. */
function pathOf({ match, path }: HttpMatchSpec): string {
  return match === "exact" || path === "/" ? path : path.replace(/\/$/, "");
}

function conditionsOf({ method, headers, parameters }: HttpMatchSpec): RequestConditions | undefined {
  if (method === undefined && headers.length === 0 && parameters.length === 0) return undefined;
  const byName = compareBy<{ readonly name: string }>(({ name }) => name);
  return {
    ...(method === undefined ? {} : { method }),
    ...(headers.length === 0 ? {} : { headers: [...headers].sort(byName) }),
    ...(parameters.length === 0 ? {} : { parameters: [...parameters].sort(byName) }),
  };
}

// --- targets ---------------------------------------------------------------------------------------------------------

function actionTarget(action: GatewayAction, listener: ServedListener): RequestTarget {
  switch (action.kind) {
    case "redirect":
      return redirectOf(action.redirect, listener);
    case "failure":
      return { kind: "status", status: 500, reason: action.reason };
    case "backends":
      return backendsTarget(action.backends);
    default:
      return unreachable(action);
  }
}

function backendsTarget(backends: readonly WeightedBackend[]): RequestTarget {
  const shares = backends.filter(({ weight }) => weight > 0).map(shareOf);
  const [only] = shares;
  if (only === undefined) {
    const reason = backends.length === 0 ? "the rule has no backend" : "all backends have weight 0";
    return { kind: "status", status: 500, reason };
  }
  return shares.length === 1 && only.filters === undefined ? only.target : { kind: "shares", shares };
}

function shareOf({ weight, backend, filters }: WeightedBackend): RouteShare {
  const target: RouteShare["target"] =
    backend.kind === "broken" && backend.isUnready !== true
      ? { kind: "status", status: 500, reason: `${backend.name}: ${backend.reason}` }
      : targetOf(backend);
  return { weight, target, ...(filters.length === 0 ? {} : { filters: filters.map(filterOf) }) };
}

/** Without a port, that of the scheme is meant where a scheme is given, else that of the listener. The port of the scheme is not
 *  written. */
function redirectOf({ scheme, host, port, path, status }: HttpRedirectSpec, listener: ServedListener): RouteRedirect {
  const resulting = scheme ?? listener.protocol;
  const standard = resulting === "http" ? 80 : 443;
  const number = port ?? (scheme === undefined ? listener.port : standard);
  return {
    kind: "redirect",
    scheme: resulting,
    ...(host === undefined ? {} : { host }),
    ...(number === standard ? {} : { port: number }),
    ...(path === undefined ? {} : { path }),
    status,
  };
}

function filterOf(filter: Exclude<HttpFilterSpec, HttpRedirectSpec>): RouteFilter {
  if (filter.kind === "rewrite") {
    const { kind, host, path } = filter;
    return { kind, ...(host === undefined ? {} : { host }), ...(path === undefined ? {} : { path }) };
  }
  const { kind, set, add, remove } = filter;
  return { kind, set, add, remove };
}
