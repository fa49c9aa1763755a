/** What the proxy does with an HTTP request. */
import type { HostRoutes, Program, RouteTarget } from "../ir/types.ts";

export interface HttpRequest {
  /** The Host header as it came; undefined when there is none. */
  readonly host: string | undefined;
  /** The request target as it came, query included. */
  readonly target: string;
}

/** Where `request` goes; 404 where no Ingress says anything. Hosts are compared first, then paths, both as they came:
 *  nothing is decoded and no dots are resolved. */
export function evaluateRoute({ routes }: Program, request: HttpRequest): RouteTarget {
  const host = routesFor(routes, hostName(request.host));
  if (host === undefined) return { kind: "status", status: 404, reason: "no Ingress" };
  const path = request.target.split(/[?#]/, 1)[0] ?? "";
  const route = host.paths.find((candidate) => {
    if (candidate.match === "exact") return candidate.path === path;
    return candidate.path === "/" || path === candidate.path || path.startsWith(`${candidate.path}/`);
  });
  return route?.target ?? host.fallback;
}

/** A name, then a wildcard for its first label, then everything else: never the next less specific one. */
function routesFor(routes: readonly HostRoutes[], host: string | undefined): HostRoutes | undefined {
  const wildcard = host === undefined || !/^[^.]+\./.test(host) ? undefined : host.replace(/^[^.]+/, "*");
  return (
    (host === undefined ? undefined : routes.find((candidate) => candidate.host === host)) ??
    (wildcard === undefined ? undefined : routes.find((candidate) => candidate.host === wildcard)) ??
    routes.find((candidate) => candidate.host === undefined)
  );
}

/** The header without port and trailing dot, in lower case; undefined for addresses in brackets and for nothing. */
function hostName(header: string | undefined): string | undefined {
  if (header === undefined || header.startsWith("[")) return undefined;
  const name = (header.split(":", 1)[0] ?? "").toLowerCase().replace(/\.$/, "");
  return name === "" ? undefined : name;
}
