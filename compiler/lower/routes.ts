/** One table of hosts and paths from all Ingresses. A request that no path of its host takes goes to the fallback of this host,
 *  not to a less specific host. */
import type { Report } from "../diagnostics.ts";
import type { HostRoutes, PathRoute, RouteEndpoint, RouteTarget, ShadowedPath } from "../ir/routes.ts";
import type { Ingress, IngressBackend, IngressPath, IngressRule, ServiceEndpoint } from "../model/types.ts";
import { compareBy } from "../order.ts";

/** What the proxy does, host by host: precise hosts, then wildcards, then requests of no listed host; within each sorted
 *  by name. `ingresses` are in the order in which they win conflicts. Reports `shadowed-path`. */
export function lowerRoutes(ingresses: readonly Ingress[], report: Report): HostRoutes[] {
  if (ingresses.length === 0) return [];
  const byHost = rulesByHost(ingresses);
  const overall = overallDefault(ingresses);
  const targets = new Targets();
  const rank = (host: string): number => (host.startsWith("*.") ? 1 : 0);
  const named = [...byHost.keys()].filter((host) => host !== undefined).sort(compareBy(rank, (host) => host));
  return [...named, undefined].map((host): HostRoutes => {
    const rules = byHost.get(host) ?? [];
    // That of the oldest Ingress which has a rule for the host and a default backend.
    const own = rules.find(({ ingress }) => ingress.defaultBackend !== undefined)?.ingress.defaultBackend;
    const fallback = own ?? overall;
    return {
      ...(host === undefined ? {} : { host }),
      paths: orderPaths(
        rules.flatMap(({ rule }) => rule.paths),
        targets,
        report,
      ),
      fallback: targets.of(fallback),
      ...(fallback?.origin && { fallbackOrigin: fallback.origin }),
      // The oldest Ingress that has a rule for the host decides.
      ...(rules[0]?.ingress.httpsRedirect === true ? { httpsRedirect: true } : {}),
    };
  });
}

interface RuleOfIngress {
  readonly ingress: Ingress;
  readonly rule: IngressRule;
}

/** The rules of each host, in the order of `ingresses`. */
function rulesByHost(ingresses: readonly Ingress[]): Map<string | undefined, RuleOfIngress[]> {
  const byHost = new Map<string | undefined, RuleOfIngress[]>();
  for (const ingress of ingresses)
    for (const rule of ingress.rules) {
      const known = byHost.get(rule.host);
      if (known === undefined) byHost.set(rule.host, [{ ingress, rule }]);
      else known.push({ ingress, rule });
    }
  return byHost;
}

/** The backend for hosts of no rule: the default of the oldest Ingress without rules, else of the oldest one that has any. */
function overallDefault(ingresses: readonly Ingress[]): IngressBackend | undefined {
  const having = ingresses.filter(({ defaultBackend }) => defaultBackend !== undefined);
  return (having.find(({ rules }) => rules.length === 0) ?? having[0])?.defaultBackend;
}

/** Exact paths first, as in Gateway API, then prefixes, the longest first; a prefix with a trailing slash before its twin
 *  without, ImplementationSpecific last of equals. Of equal paths the first given stays. */
function orderPaths(paths: readonly IngressPath[], targets: Targets, report: Report): PathRoute[] {
  const kept = new Map<string, IngressPath>();
  const shadowed = new Map<IngressPath, ShadowedPath[]>();
  for (const path of paths) {
    const key = `${path.pathType} ${path.path}`;
    const winner = kept.get(key);
    if (winner === undefined) {
      kept.set(key, path);
    } else {
      const lost = { target: targets.of(path.backend), origin: path.origin };
      shadowed.set(winner, [...(shadowed.get(winner) ?? []), lost]);
      const message = `path ${path.path} (${path.pathType}) is already taken for this host by an older Ingress, or an earlier rule: it is never used`;
      report({
        severity: "warning",
        code: "shadowed-path",
        message,
        origin: path.origin,
        notes: [{ message: "taken here", origin: winner.origin }],
      });
    }
  }
  const ordered = [...kept.values()].sort(
    compareBy(
      ({ pathType }) => (pathType === "Exact" ? 0 : 1),
      ({ path }) => -trimSlash(path).length,
      ({ path }) => trimSlash(path),
      ({ pathType }) => (pathType === "Prefix" ? 0 : 1),
      ({ path }) => -path.length,
    ),
  );
  return ordered.map((each) => {
    const { path, pathType, backend, origin } = each;
    const lost = shadowed.get(each);
    return {
      match: pathType === "Exact" ? "exact" : "prefix",
      path: pathType === "Exact" ? path : trimSlash(path),
      target: targets.of(backend),
      ...(lost === undefined ? {} : { shadowed: lost }),
      origin,
    };
  });
}

/** A prefix without the trailing slash, which does not count; the root stays a slash. */
function trimSlash(path: string): string {
  return path === "/" ? path : path.replace(/\/$/, "");
}

/** Targets of backends: one for all paths that lead to the same endpoints of one backend, so that who compares them has less to do. */
class Targets {
  private readonly known = new Map<readonly ServiceEndpoint[], RouteTarget & { readonly kind: "endpoints" }>();

  of(backend: IngressBackend | undefined): RouteTarget {
    if (backend?.kind !== "endpoints") return targetOf(backend);
    const known = this.known.get(backend.endpoints);
    if (known?.backend === backend.name) return known;
    const target = targetOf(backend);
    if (target.kind === "endpoints") this.known.set(backend.endpoints, target);
    return target;
  }
}

/** Where requests for `backend` go; undefined: there is none, so that they are answered with 404. */
export function targetOf(backend: IngressBackend | undefined): RouteTarget {
  if (backend === undefined) return { kind: "status", status: 404, reason: "no default backend" };
  if (backend.kind === "broken") return { kind: "status", status: 503, reason: `${backend.name}: ${backend.reason}` };
  const { name } = backend;
  if (backend.kind === "external") {
    const { host, port } = backend;
    return { kind: "endpoints", backend: name, endpoints: [], external: { host, port } };
  }
  const plain = ({ address, port }: ServiceEndpoint): RouteEndpoint => ({ address, port });
  return {
    kind: "endpoints",
    backend: name,
    endpoints: backend.endpoints.map(plain),
    ...(backend.draining.length === 0 ? {} : { draining: backend.draining.map(plain) }),
    ...(backend.isSticky ? { sticky: "cookie" } : {}),
  };
}
