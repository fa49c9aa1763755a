/** Did you mean …? Hosts and paths of rules that are near to those of a request which no rule takes. */
import { nearest } from "../../documents/nearest.ts";
import { type HttpRequest, hostName } from "../../evaluate/http-route.ts";
import type { RequestDecision } from "../../evaluate/listener-route.ts";
import type { HostRoutes, ListenerHost } from "../../ir/routes.ts";
import { parseAddress } from "../../net/address.ts";

/** What a request met in the table, and what it may have been meant for. */
export type ToldDecision = RequestDecision & {
  /** A host of rules, where no rule names that of the request; a path of its rules, where none takes that. */
  readonly near?: { readonly host: string } | { readonly path: string };
};

/** `decision` for `request`, with what is near in the rules of its listener, or in `routes`. */
export function withNearRule(
  decision: RequestDecision,
  routes: readonly HostRoutes[],
  { host, target }: HttpRequest,
): ToldDecision {
  const { rules, matching, listener } = decision;
  const name = hostName(host);
  if (rules?.host === undefined) {
    const near =
      name === undefined || parseAddress(name) !== undefined ? undefined : nearHost(name, listener?.hosts ?? routes);
    if (near !== undefined) return { ...decision, near: { host: near } };
  }
  const near = matching.length > 0 || rules === undefined ? undefined : nearPath(target.split("?", 1)[0] ?? "", rules);
  return near === undefined ? decision : { ...decision, near: { path: near } };
}

function nearHost(name: string, routes: readonly (HostRoutes | ListenerHost)[]): string | undefined {
  const hosts = routes.flatMap(({ host }) => host ?? []);
  const isWildcard = (host: string): boolean => host.startsWith("*.");
  const precise = nearest(
    name,
    hosts.filter((host) => !isWildcard(host)),
  );
  return precise ?? nearest(name.replace(/^[^.]+/, "*"), hosts.filter(isWildcard));
}

/** A prefix is compared with as many elements as it has. */
function nearPath(path: string, { paths }: Pick<ListenerHost, "paths">): string | undefined {
  const elements = path.split("/");
  return paths.find(({ match, path: own }) => {
    const compared = match === "exact" ? path : elements.slice(0, own.split("/").length).join("/");
    return own !== "/" && nearest(compared, [own]) !== undefined;
  })?.path;
}
