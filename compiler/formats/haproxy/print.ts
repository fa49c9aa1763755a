/** Routes of Ingresses as a configuration of HAProxy: maps that hold what is asked, and rules that only ask them. */
import type { Diagnostic, Report } from "../../diagnostics.ts";
import type { ExternalHost, HostRoutes, RouteEndpoint, RouteTarget, TlsTable } from "../../ir/types.ts";
import { parseAddress, printAddress } from "../../net/address.ts";
import type { HaproxySettings } from "../../proxy-settings.ts";
import { CERTIFICATE_LIST, type CertificateList, printCertificates } from "./certificates.ts";
import { REDIRECT, REDIRECT_MAP, redirectRows } from "./redirects.ts";
import { printListeners, printMetrics, printSettings, REJECT_UNSAFE } from "./settings.ts";
import {
  ANY_HOST,
  LOOKED_UP,
  LOOKUPS,
  type MapName,
  NO_NEW_CLIENTS,
  RESOLVERS,
  STICKY,
  statusBackend,
} from "./shape.ts";

/** A configuration. Its files lie in one folder; those that are not `haproxy.cfg` are named in that. */
export interface HaproxyConfig {
  /** By name. */
  readonly files: ReadonlyMap<string, string>;
  /** More files, which hold a certificate and its private key: the Secret (`namespace/name`) of each, by the name of the file. */
  readonly certificates: ReadonlyMap<string, string>;
  /** Routes that no request can reach, and certificates that cannot be served: `unsupported-haproxy`. */
  readonly unsupported: readonly Diagnostic[];
}

/** What a configuration has besides routes. */
export interface HaproxyOptions {
  /** Comments at its beginning. */
  readonly header?: readonly string[];
  readonly tls?: TlsTable | undefined;
  readonly settings?: HaproxySettings | undefined;
}

/**
 * The configuration that does what `routes` say (HAProxy 2.4 and later).
 *
 * A request's host is looked for among the precise ones, then among wildcards, with `*` in the place of its first label. The host that is
 * found stands before the path in the other maps: exact paths, then prefixes, of which HAProxy takes the longest. Prefixes and
 * the path asked for end in a slash there, so that whole elements are compared.
 */
export function printHaproxy(
  routes: readonly HostRoutes[],
  { header = [], tls, settings = {} }: HaproxyOptions = {},
): HaproxyConfig {
  const unsupported: Diagnostic[] = [];
  const report: Report = (diagnostic) => void unsupported.push(diagnostic);
  const list = tls && printCertificates(tls, report);
  const redirects = redirectRows(routes, list && tls, settings.httpsRedirect ?? false, report);
  const maps = { hosts: new Map(), wildcards: new Map(), exact: new Map(), prefixes: new Map() } satisfies Maps;
  const backends = new Map<string, RouteTarget>();
  const backendOf = (target: RouteTarget): string => {
    const name = backendName(target);
    if (!backends.has(name)) backends.set(name, target);
    return name;
  };
  for (const { host, paths, fallback } of routes) {
    const id = host ?? ANY_HOST;
    if (host !== undefined && !IS_HOST.test(host)) throw new RangeError(`${JSON.stringify(host)} is no host`);
    if (host !== undefined) (host.startsWith("*.") ? maps.wildcards : maps.hosts).set(host, host);
    for (const { match, path, target, origin } of paths) {
      if (!/^[!-~]+$/.test(path)) {
        const message = `no request has the path ${JSON.stringify(path)}: HAProxy refuses blanks, control characters and others than ASCII`;
        unsupported.push({ severity: "warning", code: "unsupported-haproxy", message, ...(origin && { origin }) });
        continue;
      }
      const [map, key] =
        match === "exact" ? [maps.exact, `${id}${path}`] : [maps.prefixes, `${id}${path === "/" ? "" : path}/`];
      // Of twins with and without a slash at the end, the first one wins.
      if (!map.has(key)) map.set(key, backendOf(target));
    }
    // What no path of the host takes.
    if (!maps.prefixes.has(`${id}/`)) maps.prefixes.set(`${id}/`, backendOf(fallback));
  }
  const none: RouteTarget = { kind: "status", status: 404, reason: "no Ingress" };
  const last = backendOf(routes.find(({ host }) => host === undefined)?.fallback ?? none);
  const named = [...backends].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    files: new Map([
      [
        "haproxy.cfg",
        [
          ...header.map((line) => `# ${line}`.trimEnd()),
          ...printSettings(settings, list),
          ...frontend(last, settings, list, redirects),
          ...printMetrics(settings),
          ...(isLookedUp(backends.values()) ? [...RESOLVERS, ""] : []),
          ...named.flatMap(backend),
        ].join("\n"),
      ],
      ["hosts.map", mapText(maps.hosts)],
      ["wildcards.map", mapText(maps.wildcards)],
      ["exact.map", mapText(maps.exact)],
      ["prefixes.map", mapText(maps.prefixes)],
      ...(redirects.size === 0 ? [] : ([[REDIRECT_MAP, mapText(redirects)]] as const)),
      ...(list === undefined ? [] : ([[CERTIFICATE_LIST, list.text]] as const)),
    ]),
    certificates: list?.files ?? new Map(),
    unsupported,
  };
}

type Maps = Readonly<Record<MapName, Map<string, string>>>;

/** A row each, sorted, so that one change is one line. */
function mapText(rows: ReadonlyMap<string, string>): string {
  const lines = [...rows].map(([key, value]) => `${key} ${value}\n`);
  return lines.sort().join("");
}

function frontend(
  last: string,
  settings: HaproxySettings,
  list: CertificateList | undefined,
  redirects: ReadonlyMap<string, string>,
): string[] {
  const lines = [
    ...printListeners(settings, list),
    ...(list === undefined
      ? []
      : [
          "http-request set-header X-Forwarded-Proto https if { ssl_fc }",
          "http-request set-header X-Forwarded-Proto http if !{ ssl_fc }",
        ]),
    ...(settings.pathSafety === "reject" ? [REJECT_UNSAFE] : []),
    ...LOOKUPS.slice(0, -1),
    ...(redirects.size === 0 ? [] : [REDIRECT]),
    ...LOOKUPS.slice(-1),
    `default_backend ${last}`,
  ];
  return ["frontend http", ...lines.map((line) => `  ${line}`), ""];
}

function isLookedUp(targets: Iterable<RouteTarget>): boolean {
  return [...targets].some(
    (target) =>
      target.kind === "endpoints" && target.external !== undefined && parseAddress(target.external.host) === undefined,
  );
}

/** What stands in a row of a map as one word, and in front of a path. */
const IS_HOST = /^(?:\*\.)?[a-z0-9_][a-z0-9_.-]*$/;

/** `NAMESPACE.SERVICE.PORT`: names of namespaces, Services and ports have no dots. */
function backendName(target: RouteTarget): string {
  if (target.kind === "status") return statusBackend(target.status);
  const name = target.backend.replace(/[/:]/g, ".");
  if (!/^[A-Za-z0-9._-]+$/.test(name))
    throw new RangeError(`${JSON.stringify(target.backend)} is no name of a backend`);
  return name;
}

function backend([name, target]: readonly [string, RouteTarget]): string[] {
  if (target.kind === "status") return [`backend ${name}`, `  http-request return status ${target.status}`, ""];
  const { endpoints, draining = [], sticky, external } = target;
  const servers = [
    ...endpoints.map((endpoint) => server(endpoint)),
    ...draining.map((endpoint) => `${server(endpoint)} ${NO_NEW_CLIENTS}`),
    ...(external === undefined ? [] : [externalServer(external)]),
  ];
  return [
    `backend ${name}`,
    "  balance roundrobin",
    ...(sticky === undefined ? [] : STICKY.map((line) => `  ${line}`)),
    ...servers.sort(),
    "",
  ];
}

/** The name of a server is its address and port: a Pod that comes back has the one it had. */
function server({ address, port }: RouteEndpoint): string {
  const text = printAddress(address);
  return `  server ${text.replace(/[.:]/g, "-")}-${port} ${text.includes(":") ? `[${text}]` : text}:${port}`;
}

/** A name is looked up again and again; the proxy starts without its addresses, too. */
function externalServer({ host, port }: ExternalHost): string {
  if (!/^[a-z0-9][a-z0-9.:-]*$/.test(host)) throw new RangeError(`${JSON.stringify(host)} is no host`);
  const address = parseAddress(host);
  const written = address !== undefined && host.includes(":") ? `[${host}]` : host;
  const lookup = address === undefined ? ` ${LOOKED_UP}` : "";
  return `  server ${host.replace(/[.:]/g, "-")}-${port} ${written}:${port}${lookup}`;
}
