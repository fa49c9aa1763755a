/** What a side does with the requests that come to one port. */
import { decideRoute, type HttpRequest, hostName } from "../../evaluate/http-route.ts";
import { decideAtListener, splitTarget } from "../../evaluate/listener-route.ts";
import { isUnsafePath } from "../../evaluate/path-safety.ts";
import type { HostRoutes, ListeningPort, RequestRule, RequestTarget } from "../../ir/routes.ts";
import type { TlsSide } from "./certificates.ts";
import { rulesFor, tableOf } from "./table.ts";
import type { RoutedSide } from "./types.ts";

/** The rules for some hosts. */
export interface RuledHost {
  /** As the rules name it; undefined: all other hosts. */
  readonly host: string | undefined;
  /** In the order in which they are tried. */
  readonly rules: readonly RequestRule[];
  /** The last of them, where it stands for the fallback of an Ingress. */
  readonly fallback?: RequestRule;
}

/** A port of a side. `unknown`: nothing says whether it is served. */
export type PortSide = OpenPort | { readonly kind: "closed" | "unknown" };

export interface OpenPort {
  readonly kind: "gateway" | "ingress";
  readonly protocol: "http" | "https";
  /** Hosts that rules name. */
  readonly named: readonly string[];
  /** The rules for a name in lower case (undefined: the request names none); undefined: no listener takes it. */
  readonly rulesFor: (name: string | undefined) => RuledHost | undefined;
  /** What the evaluator says of a request. */
  readonly decide: (request: HttpRequest) => Decided;
  /** Undefined: nothing says it. */
  readonly tls: TlsSide | undefined;
}

/** Where a request goes, and the rule that takes it; undefined: none does. */
export interface Decided {
  readonly rule: RequestRule | undefined;
  readonly target: RequestTarget;
}

/** The answer of a host that is redirected to https, in place of its rules. */
const TO_HTTPS: RequestRule = {
  match: "prefix",
  path: "/",
  target: { kind: "redirect", scheme: "https", status: 308 },
};

/** Whether a rule stands for the redirect of Ingresses to https. */
export function isToHttps(rule: RequestRule | undefined): boolean {
  return rule === TO_HTTPS;
}

/** What `side` does at `port`. A Gateway's listener comes before Ingresses, which are served at the ports 80 and, with certificates, 443. */
export function portOf(side: RoutedSide, port: number): PortSide {
  const listener = side.listeners?.find((each) => each.port === port);
  if (listener !== undefined) return gatewayPort(listener);
  if (!servesIngresses(side)) return { kind: "closed" };
  if (port === 80) return ingressPort(side, "http");
  if (port !== 443 || side.tls === "none") return { kind: "closed" };
  return side.tls === undefined ? { kind: "unknown" } : ingressPort(side, "https");
}

/** Without any listener, kpc's HAProxy answers at port 80, if only with 404. */
export function servesIngresses({ routes, listeners = [] }: RoutedSide): boolean {
  return routes.length > 0 || listeners.length === 0;
}

function gatewayPort(listener: ListeningPort): OpenPort {
  const byName = new Map<string, RuledHost>();
  let any: RuledHost | undefined;
  for (const { host, paths } of listener.hosts) {
    const ruled: RuledHost = { host, rules: paths };
    if (host === undefined) any ??= ruled;
    else if (!byName.has(host)) byName.set(host, ruled);
  }
  return {
    kind: "gateway",
    protocol: listener.protocol,
    named: [...byName.keys()],
    rulesFor: (name) => (name === undefined ? undefined : mostSpecific(byName, name)) ?? any,
    decide: (request) => {
      const { matching, target } = decideAtListener(listener, request);
      return { rule: matching[0], target };
    },
    tls: listener.protocol === "https" ? listener.tls : "none",
  };
}

/** A precise host, then the longest wildcard that takes the name. */
function mostSpecific(byName: ReadonlyMap<string, RuledHost>, name: string): RuledHost | undefined {
  let found = byName.get(name);
  for (let dot = name.indexOf(".", 1); found === undefined && dot > 0; dot = name.indexOf(".", dot + 1))
    found = byName.get(`*${name.slice(dot)}`);
  return found;
}

function ingressPort({ routes, tls }: RoutedSide, protocol: OpenPort["protocol"]): OpenPort {
  const table = tableOf(routes);
  const known = new Map<HostRoutes, RuledHost>();
  const isRedirected = ({ httpsRedirect }: HostRoutes, name: string | undefined): boolean =>
    httpsRedirect === true && protocol === "http" && name !== undefined && /^[a-z0-9._-]+$/.test(name);
  const redirected = new Map<HostRoutes, RuledHost>();
  const ruled = (host: HostRoutes): RuledHost => {
    const fallback: RequestRule = {
      match: "prefix",
      path: "/",
      target: host.fallback,
      ...(host.fallbackOrigin && { origin: host.fallbackOrigin }),
    };
    return { host: host.host, rules: [...host.paths, fallback], fallback };
  };
  return {
    kind: "ingress",
    protocol,
    named: [...table.named.keys()],
    rulesFor: (name) => {
      const host = name === undefined ? table.any : rulesFor(table, name);
      if (isRedirected(host, name))
        return memo(redirected, host, () => ({ host: host.host, rules: [TO_HTTPS], fallback: TO_HTTPS }));
      return memo(known, host, () => ruled(host));
    },
    decide: (request) => {
      const { rules, matching, target } = decideRoute({ routes }, request);
      if (rules !== undefined && isRedirected(rules, hostName(request.host)))
        return { rule: TO_HTTPS, target: TO_HTTPS.target };
      return { rule: matching[0], target };
    },
    tls,
  };
}

function memo<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}

/** Whether the path of `target` is one that backends may understand as another one. */
export function isUnsafeTarget(target: string): boolean {
  return isUnsafePath(splitTarget(target).path);
}
