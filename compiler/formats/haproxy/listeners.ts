/** Listeners of Gateways: a frontend for each port, with maps of its own. */
import type { Diagnostic, Report } from "../../diagnostics.ts";
import { rulesByPath } from "../../ir/path-rules.ts";
import type { ListenerHost, ListeningPort } from "../../ir/routes.ts";
import type { HaproxySettings } from "../../proxy-settings.ts";
import type { Backends } from "./backends.ts";
import { type CertificateList, certificateList, printCertificates } from "./certificates.ts";
import { asksClientProto, KEEP_CLIENT_PROTO } from "./conditions.ts";
import { deepNameNotes, withDeepNames } from "./deep-names.ts";
import { LIST, NO_RULE, RuleLines } from "./rules.ts";
import { printBinds, REJECT_UNSAFE } from "./settings.ts";
import {
  ANY_HOST,
  IS_HOST,
  isOpen,
  MAP_NAMES,
  mapFile,
  mapText,
  type PathMaps,
  pathKey,
  pathLookups,
  SPARE_LOOKUP,
  whyUnserved,
} from "./shape.ts";

/** The part of a configuration that serves one port. */
export interface PortFiles {
  /** Lines of the frontend. */
  readonly frontend: readonly string[];
  /** By name. */
  readonly files: ReadonlyMap<string, string>;
  readonly list: CertificateList | undefined;
  /** What it does otherwise for some clients. */
  readonly deviations?: readonly Diagnostic[];
}

/** What serves `listener`. Undefined where no certificate can be shown at a port for https. Reports `unsupported-haproxy`. */
export function printListeningPort(
  listener: ListeningPort,
  backends: Backends,
  settings: HaproxySettings,
  report: Report,
): PortFiles | undefined {
  const { port, protocol, hosts, tls } = listener;
  const list = protocol === "https" && tls ? printCertificates(withDeepNames(tls, listener), report) : undefined;
  if (protocol === "https" && list === undefined) {
    const message = `port ${port} is not served: no certificate can be shown there`;
    report({ severity: "warning", code: "unsupported-haproxy", message });
    return undefined;
  }
  const maps: PathMaps = { hosts: new Map(), wildcards: new Map(), exact: new Map(), prefixes: new Map() };
  const rules = new RuleLines(backends, report);
  for (const host of hosts) addHost(maps, host, rules, report);
  const chosen = rules.print();
  const lines = [
    ...printBinds(port, settings, list, certificateList(port)),
    ...listenerLines(port, protocol, {
      asksProto: asksClientProto(chosen),
      rejects: settings.pathSafety === "reject",
      depths: new Set([...maps.wildcards.keys()].map(depthOf)),
      spares: Boolean(settings.spareBackends),
    }),
    chooseLine(chosen.length > 0),
    ...chosen,
    `default_backend ${backends.for(NO_RULE)}`,
  ];
  return {
    frontend: [`frontend port-${port}`, ...lines.map((line) => `  ${line}`), ""],
    files: new Map([
      ...MAP_NAMES.map((name) => [mapFile(name, port), mapText(maps[name])] as const),
      ...(list === undefined ? [] : [[certificateList(port), list.text] as const]),
    ]),
    list,
    deviations: list === undefined || tls === undefined ? [] : deepNameNotes(tls, port),
  };
}

function addHost(maps: PathMaps, { host, paths }: ListenerHost, rules: RuleLines, report: Report): void {
  const id = host ?? ANY_HOST;
  if (host !== undefined && !IS_HOST.test(host)) throw new RangeError(`${JSON.stringify(host)} is no host`);
  if (host?.startsWith("*.") === true) maps.wildcards.set(host.slice(1), host);
  else if (host !== undefined) maps.hosts.set(host, host);
  const kept = paths.filter((rule) => {
    const reason = whyUnserved(rule, pathKey(id, rule));
    if (reason !== undefined) report(reason);
    return reason === undefined;
  });
  for (const list of rulesByPath(kept))
    maps[list.match === "exact" ? "exact" : "prefixes"].set(pathKey(id, list), rules.valueFor(list));
}

/** The lines of the frontend that are the same for all rules, but for those that `settings` and wildcards ask for. */
export function listenerLines(
  port: number,
  protocol: ListeningPort["protocol"],
  {
    asksProto,
    rejects,
    depths,
    spares,
  }: {
    /** A test looks at the header that is set here. */
    readonly asksProto: boolean;
    readonly rejects: boolean;
    /** Numbers of labels of wildcards, with the empty one in front. */
    readonly depths: ReadonlySet<number>;
    readonly spares: boolean;
  },
): string[] {
  return [
    ...(asksProto ? [KEEP_CLIENT_PROTO] : []),
    `http-request set-header X-Forwarded-Proto ${protocol}`,
    ...(rejects ? [REJECT_UNSAFE] : []),
    ...hostLookups(port, depths),
    ...pathLookups(port),
    ...(spares ? [SPARE_LOOKUP] : []),
  ];
}

/** How many labels a wildcard's suffix has, with the empty one in front. */
export function depthOf(suffix: string): number {
  return suffix.split(".").length;
}

/** The line that chooses the backend that a map names; `hasLists`: or else a list of rules does. */
export function chooseLine(hasLists: boolean): string {
  return `use_backend %[var(txn.backend)] if { var(txn.backend) -m found }${hasLists ? ` !{ var(txn.backend) -m beg ${LIST} }` : ""}`;
}

/** The rules that find the host: a precise one, then the wildcard with the most labels, any number of which its `*` stands for. */
function hostLookups(port: number, depths: ReadonlySet<number>): string[] {
  const map = mapFile("wildcards", port);
  // What follows the first label of the last N + 1, where the first one has at least a letter.
  const lookup = (depth: number): string =>
    `http-request set-var(txn.id) var(txn.host),regsub(^.,),field(-1,.,${depth}),regsub(^[^.]+,),map_str(${map}) ${isOpen("id")}`;
  return [
    "http-request set-var(txn.host) req.fhdr(host),field(1,:),lower,regsub([.]$,),regsub(^[[].*,)",
    `http-request set-var(txn.id) var(txn.host),map_str(${mapFile("hosts", port)})`,
    ...[...depths].sort((a, b) => b - a).map(lookup),
    `http-request set-var(txn.id) str(${ANY_HOST}) ${isOpen("id")}`,
  ];
}
