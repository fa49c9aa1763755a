/** Routes as a configuration of HAProxy: maps that hold what is asked, and rules that only ask them. */
import type { Diagnostic, Report } from "../../diagnostics.ts";
import type { HostRoutes, ListeningPort, TlsTable } from "../../ir/routes.ts";
import type { HaproxySettings } from "../../proxy-settings.ts";
import { Backends, printSpares } from "./backends.ts";
import { CERTIFICATE_LIST, printCertificates } from "./certificates.ts";
import { type PortFiles, printListeningPort } from "./listeners.ts";
import { lookups } from "./lookups.ts";
import { REDIRECT_MAP, redirectRows } from "./redirects.ts";
import { printListeners, printMetrics, printSettings, REJECT_UNSAFE } from "./settings.ts";
import {
  ANY_HOST,
  IS_HOST,
  mapText,
  RESOLVERS,
  ROUTES_MAP,
  routeKey,
  SPARES_MAP,
  STATUSES,
  statusBackend,
  whyUnserved,
} from "./shape.ts";

/** A configuration. Its files lie in one folder; those that are not `haproxy.cfg` are named in that. */
export interface HaproxyConfig {
  /** By name. */
  readonly files: ReadonlyMap<string, string>;
  /** More files, which hold a certificate and its private key: the Secret (`namespace/name`) of each, by the name of the file. */
  readonly certificates: ReadonlyMap<string, string>;
  /** Routes that no request can reach, and certificates that cannot be served: `unsupported-haproxy`. */
  readonly unsupported: readonly Diagnostic[];
  /** What is served, and otherwise for a few clients: `unsupported-haproxy`. */
  readonly deviations: readonly Diagnostic[];
}

/** What a configuration has besides routes. */
export interface HaproxyOptions {
  /** Comments at its beginning. */
  readonly header?: readonly string[];
  readonly tls?: TlsTable | undefined;
  /** Ports at which Gateways listen. */
  readonly listeners?: readonly ListeningPort[] | undefined;
  readonly settings?: HaproxySettings | undefined;
}

/**
 * The configuration that does what `routes` and listeners say (HAProxy 2.4 and later).
 *
 * The routes of Ingresses are one map of host and path: precise hosts, wildcards with `*` in the place of the first label, and `*` for other
 * hosts. A request takes the row of the most specific host, and of its rows the longest (`routeKey`). Each port of listeners has a frontend and
 * maps of its own: hosts, wildcards, exact paths and prefixes.
 */
export function printHaproxy(
  routes: readonly HostRoutes[],
  { header = [], tls, listeners = [], settings = {} }: HaproxyOptions = {},
): HaproxyConfig {
  const unsupported: Diagnostic[] = [];
  const report: Report = (diagnostic) => void unsupported.push(diagnostic);
  const { spareBackends = 0 } = settings;
  const backends = new Backends();
  for (const status of STATUSES) backends.for({ kind: "status", status, reason: "always there" });
  const taken = new Set(listeners.map(({ port }) => port));
  const ingresses =
    routes.length === 0 && listeners.length > 0
      ? undefined
      : printIngresses(routes, tls, { backends, settings, taken, report });
  const ports = listeners.flatMap((listener) => printListeningPort(listener, backends, settings, report) ?? []);
  const parts = [...(ingresses === undefined ? [] : [ingresses]), ...ports];
  return {
    files: new Map([
      [
        "haproxy.cfg",
        [
          ...header.map((line) => `# ${line}`.trimEnd()),
          ...printSettings(
            settings,
            parts.some(({ list }) => list !== undefined),
          ),
          ...parts.flatMap(({ frontend }) => frontend),
          ...printMetrics(settings),
          ...(backends.isLookedUp ? [...RESOLVERS, ""] : []),
          ...backends.print(),
          ...printSpares(spareBackends),
        ].join("\n"),
      ],
      ...(spareBackends === 0 ? [] : [[SPARES_MAP, ""] as const]),
      ...parts.flatMap(({ files }) => [...files]),
    ]),
    certificates: new Map(parts.flatMap(({ list }) => [...(list?.files ?? [])])),
    unsupported,
    deviations: parts.flatMap(({ deviations = [] }) => deviations),
  };
}

interface IngressSettings {
  readonly backends: Backends;
  readonly settings: HaproxySettings;
  /** Ports at which Gateways listen. */
  readonly taken: ReadonlySet<number>;
  readonly report: Report;
}

/** The part that serves Ingresses, at the ports 80 and 443. */
function printIngresses(
  routes: readonly HostRoutes[],
  tls: TlsTable | undefined,
  { backends, settings, taken, report }: IngressSettings,
): PortFiles | undefined {
  const list = tls && printCertificates(tls, report);
  for (const port of [80, ...(list === undefined ? [] : [443])])
    if (taken.has(port)) {
      const message = `Ingresses are not served at port ${port}: a Gateway listens there`;
      report({ severity: "warning", code: "unsupported-haproxy", message });
    }
  const binds = printListeners(settings, list, taken);
  if (binds.length === 0) return undefined;
  const redirects = redirectRows(routes, list && tls, settings.httpsRedirect ?? false, report);
  const rows = new Map<string, string>();
  for (const { host, paths, fallback } of routes) {
    const id = host ?? ANY_HOST;
    if (host !== undefined && !IS_HOST.test(host)) throw new RangeError(`${JSON.stringify(host)} is no host`);
    for (const route of paths) {
      const key = routeKey(id, route);
      const reason = whyUnserved(route, key);
      if (reason !== undefined) report(reason);
      // Of twins with and without a slash at the end, the first one wins.
      else if (!rows.has(key)) rows.set(key, backends.for(route.target));
    }
    // What no path of the host takes. A host without this row would leave the rest to less specific ones.
    if (!rows.has(`${id}/`)) rows.set(`${id}/`, backends.for(fallback));
  }
  const { spareBackends = 0 } = settings;
  // Where backends may come while HAProxy runs, redirects may, too.
  const hasRedirects = redirects.size > 0 || spareBackends > 0;
  const lines = [
    ...binds,
    ...(list === undefined
      ? []
      : [
          "http-request set-header X-Forwarded-Proto https if { ssl_fc }",
          "http-request set-header X-Forwarded-Proto http if !{ ssl_fc }",
        ]),
    ...(settings.pathSafety === "reject" ? [REJECT_UNSAFE] : []),
    ...lookups({ redirects: hasRedirects, spares: spareBackends > 0 }),
    // Each host has a row for all its paths, and so has the one for other hosts where a rule is for them.
    `default_backend ${statusBackend(404)}`,
  ];
  return {
    frontend: ["frontend http", ...lines.map((line) => `  ${line}`), ""],
    files: new Map([
      [ROUTES_MAP, mapText(rows)],
      ...(!hasRedirects ? [] : ([[REDIRECT_MAP, mapText(redirects)]] as const)),
      ...(list === undefined ? [] : ([[CERTIFICATE_LIST, list.text]] as const)),
    ]),
    list,
  };
}
