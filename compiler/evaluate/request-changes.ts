/** What filters of a rule make of a request. */
import type { NamedText, PathReplacement, RouteFilter, RouteRedirect } from "../ir/routes.ts";
import { type HttpRequest, hostName } from "./http-route.ts";
import { splitTarget } from "./listener-route.ts";

/** The URL that a redirect names for `request`; `prefix`: the path of the rule. */
export function locationOf({ scheme, host, port, path }: RouteRedirect, prefix: string, request: HttpRequest): string {
  const name = host ?? hostName(request.host) ?? request.host ?? "";
  return `${scheme}://${name}${port === undefined ? "" : `:${port}`}${replacePath(path, prefix, request.target)}`;
}

/** `target` of a request with its path replaced; the query stays. `prefix`: what the rule matched. */
export function replacePath(replacement: PathReplacement | undefined, prefix: string, target: string): string {
  if (replacement === undefined) return target;
  const { path, query } = splitTarget(target);
  const rest = prefix === "/" ? path : path.slice(prefix.length);
  const replaced = replacement.part === "all" ? replacement.path : `${replacement.path}${rest}` || "/";
  return query === undefined ? replaced : `${replaced}?${query}`;
}

/** A request as the backend gets it. */
export interface ForwardedRequest {
  readonly host: string | undefined;
  readonly target: string;
  /** Names in lower case. */
  readonly headers: readonly NamedText[];
}

/** What the filters of a rule make of a request, one after the other; `prefix`: the path of the rule. */
export function forwardRequest(
  filters: readonly RouteFilter[],
  prefix: string,
  { host, target, headers = [] }: HttpRequest,
): ForwardedRequest {
  let seen: ForwardedRequest = {
    host,
    target,
    headers: headers.map(({ name, value }) => ({ name: name.toLowerCase(), value })),
  };
  for (const filter of filters) {
    if (filter.kind === "rewrite") {
      const rewritten = replacePath(filter.path, prefix, target);
      seen = { ...seen, host: filter.host ?? seen.host, target: filter.path === undefined ? seen.target : rewritten };
    } else if (filter.kind === "request-headers") seen = { ...seen, headers: changeHeaders(filter, seen.headers) };
  }
  return seen;
}

/** Headers after `set` (in the place of all of that name), `add` (one more), and `remove`. Names are in lower case. */
export function changeHeaders(
  { set, add, remove }: Extract<RouteFilter, { readonly set: unknown }>,
  headers: readonly NamedText[],
): NamedText[] {
  const replaced = new Set([...set.map(({ name }) => name), ...remove]);
  return [...headers.filter(({ name }) => !replaced.has(name)), ...set, ...add];
}
