/** What the proxy does with an HTTP request. */
import type { HostRoutes, NamedText, PathRoute, RouteTarget } from "../ir/routes.ts";
import type { Program } from "../ir/types.ts";

export interface HttpRequest {
  /** The Host header as it came; undefined when there is none. */
  readonly host: string | undefined;
  /** The request target as it came, query included. */
  readonly target: string;
  /** Absent: GET. */
  readonly method?: string;
  /** Those besides Host, as they came. */
  readonly headers?: readonly NamedText[];
}

/** What a request met in the table. */
export interface RouteDecision {
  /** The rules that its host leads to; undefined: there are no Ingresses. */
  readonly rules: HostRoutes | undefined;
  /** Of those the paths that take the request, the first of which does. None: it goes to the fallback. */
  readonly matching: readonly PathRoute[];
  readonly target: RouteTarget;
}

/** Where `request` goes; 404 where no Ingress says anything. Hosts are compared first, then paths, both as they came:
 *  nothing is decoded and no dots are resolved. */
export function evaluateRoute(program: Pick<Program, "routes">, request: HttpRequest): RouteTarget {
  return decideRoute(program, request).target;
}

/** Likewise, with the rules that decided. */
export function decideRoute({ routes }: Pick<Program, "routes">, request: HttpRequest): RouteDecision {
  const rules = routesFor(routes, hostName(request.host));
  const path = request.target.replace(/[?#].*$/s, "");
  const matching = rules?.paths.filter((candidate) => takesPath(candidate, path)) ?? [];
  const none: RouteTarget = { kind: "status", status: 404, reason: "no Ingress" };
  return { rules, matching, target: matching[0]?.target ?? rules?.fallback ?? none };
}

/** Whether a rule for `path` takes the path `asked`: prefixes are compared element by element. */
export function takesPath({ match, path }: Pick<PathRoute, "match" | "path">, asked: string): boolean {
  if (match === "exact") return path === asked;
  return path === "/" || asked === path || asked.startsWith(`${path}/`);
}

/** A name, then a wildcard for its first label, then everything else: never the next less specific one. */
function routesFor(routes: readonly HostRoutes[], host: string | undefined): HostRoutes | undefined {
  const wildcard = host?.replace(/^[^.]+(?=\.)/, "*");
  const rulesOf = (name: string | undefined): HostRoutes | undefined => routes.find((each) => each.host === name);
  return rulesOf(host) ?? rulesOf(wildcard) ?? rulesOf(undefined);
}

/** The header without port and trailing dot, ASCII letters in lower case; undefined for addresses in brackets and for nothing. */
export function hostName(header: string | undefined): string | undefined {
  if (header === undefined || header.startsWith("[")) return undefined;
  const name = header
    .replace(/:.*$/s, "")
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    .replace(/\.$/, "");
  return name === "" ? undefined : name;
}
