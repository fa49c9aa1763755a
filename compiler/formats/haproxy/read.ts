/** What HAProxy does with requests, read back from kpc's own configuration or from the maps of one that runs. */
import type { Diagnostic, Origin, Report, Source } from "../../diagnostics.ts";
import type { ExternalHost, HostRoutes, ListeningPort, RouteEndpoint, RouteTarget } from "../../ir/routes.ts";
import { parseAddress } from "../../net/address.ts";
import { type LookupParts, lookups } from "./lookups.ts";
import { readListener, splitConfig } from "./read-listeners.ts";
import { linesOf, type MapRow, mapError, readMapFile, readShownMaps, type TextLine } from "./read-maps.ts";
import { answer, backendNamed, readNamedListeners, targetNamed } from "./read-named.ts";
import { REDIRECT, REDIRECT_AS_NAMED, REDIRECT_MAP } from "./redirects.ts";
import { routesOfMaps } from "./routes.ts";
import { REJECT_UNSAFE } from "./settings.ts";
import {
  LOOKED_UP,
  MAP_NAMES,
  type MapName,
  mapFile,
  NO_NEW_CLIENTS,
  RESOLVERS,
  ROUTES_MAP,
  SPARE_LOOKUP,
  SPARES_MAP,
  STICKY,
} from "./shape.ts";

/** Routes of a proxy. */
export interface ProxyRoutes {
  readonly routes: readonly HostRoutes[];
  /** Ports at which Gateways listen. */
  readonly listeners?: readonly ListeningPort[];
  /** False: backends are names only, and nothing says which endpoints they have. */
  readonly knowsEndpoints: boolean;
  /** Whether paths that backends may understand as others are answered with 400; undefined: nothing says it. */
  readonly rejectsUnsafe: boolean | undefined;
}

/** Whether a text is a configuration of HAProxy, by its sections. */
export function isHaproxyConfig(text: string): boolean {
  return /^\s*(?:global|defaults)\s*(?:#.*)?$/m.test(text) && /^\s*(?:frontend|listen|backend)\s+\S+/m.test(text);
}

/** The files of maps that kpc's `haproxy.cfg` may name. */
export const MAP_FILES: readonly string[] = [ROUTES_MAP, REDIRECT_MAP, SPARES_MAP];

/**
 * The routes of a configuration as kpc writes it, with its maps by their file names. Undefined where a line is none that kpc writes, since nothing is
 * known then of what HAProxy does: `haproxy-line`; or where a row of a map is not understood: `haproxy-map`.
 */
export function readHaproxy(
  config: Source,
  maps: ReadonlyMap<string, Source>,
  report: Report,
): ProxyRoutes | undefined {
  const findings: Diagnostic[] = [];
  const tell: Report = (finding) => void findings.push(finding);
  const { ports, changes, others } = splitConfig([...linesOf(config)]);
  const isAlone = ports.size > 0 && !others.some(({ text }) => text === "frontend http");
  const { backends, last, parts, rejectsUnsafe } = readConfigLines(config, others, isAlone, tell);
  const hasSpares = parts.spares || [...ports.values()].flat().some(({ text }) => text === SPARE_LOOKUP);
  const needed = [
    ...(isAlone ? [] : [ROUTES_MAP]),
    ...[...ports.keys()].flatMap(listenerMaps),
    ...(parts.redirects ? [REDIRECT_MAP] : []),
    ...(hasSpares ? [SPARES_MAP] : []),
  ];
  const missing = needed.filter((file) => !maps.has(file));
  for (const file of missing) tell(lineError(`${file} is missing: expected it beside this file`, start(config)));
  const rowsOf = (file: string): ReturnType<typeof readMapFile> => {
    const source = maps.get(file);
    return source === undefined || !needed.includes(file) ? [] : readMapFile(source, tell);
  };
  const rows = { routes: rowsOf(ROUTES_MAP), redirects: rowsOf(REDIRECT_MAP) };
  const spares = namesOfSpares(rowsOf(SPARES_MAP), backends, tell);
  const targetOf = (name: string, isSpared = true): RouteTarget | undefined => {
    const target = backends.get((isSpared ? spares.get(name) : undefined) ?? name);
    const plain = changes.has(name) ? name.replace(/\.[0-9a-f]+$/, "") : name;
    return target?.kind === "endpoints" ? { ...target, backend: backendNamed(plain) } : target;
  };
  for (const row of rows.routes)
    if (changes.has(row.value)) tell(mapError(`backend ${row.value} changes requests, for a rule of a Gateway`, row));
  const none = isAlone ? [] : undefined;
  const routes =
    last === undefined || isAlone ? none : routesOfMaps(rows, { targetOf, last: backends.get(last) }, tell);
  const input = {
    rowsOf: (name: MapName, port: number) => rowsOf(mapFile(name, port)),
    targetOf,
    changes,
  };
  const read = [...ports].map(([port, lines]) => readListener(port, lines, input, tell));
  const safety = new Set([...(isAlone ? [] : [rejectsUnsafe]), ...read.map(({ rejectsUnsafe }) => rejectsUnsafe)]);
  if (safety.size > 1) tell(lineError("some frontends reject unsafe paths, others do not", start(config)));
  for (const finding of findings) report(finding);
  if (routes === undefined || findings.length > 0) return undefined;
  const listeners = read.map(({ listener }) => listener).sort((a, b) => a.port - b.port);
  return { routes, listeners, knowsEndpoints: true, rejectsUnsafe: safety.has(true) };
}

/** The files of the maps of listeners at `port`. */
export function listenerMaps(port: number): string[] {
  return MAP_NAMES.map((name) => mapFile(name, port));
}

/** Which backend has the servers of another name. */
function namesOfSpares(
  rows: readonly MapRow[],
  backends: ReadonlyMap<string, RouteTarget>,
  report: Report,
): ReadonlyMap<string, string> {
  const spares = new Map<string, string>();
  for (const row of rows) {
    if (!backends.has(row.value)) report(mapError(`haproxy.cfg has no backend ${row.value}`, row));
    else if (spares.has(row.key)) report(mapError(`the key ${row.key} is here twice`, row));
    spares.set(row.key, row.value);
  }
  return spares;
}

/** The routes of maps that the runtime API has printed; backends are known by their names only. Reports `haproxy-map`. */
export function readHaproxyMaps(source: Source, report: Report): ProxyRoutes | undefined {
  const rows = readShownMaps(source, report);
  if (rows === undefined) return undefined;
  const routes = rows.hasRoutes ? routesOfMaps(rows, { targetOf: targetNamed, last: undefined }, report) : [];
  const listeners = readNamedListeners(rows.ports, report);
  if (routes === undefined || listeners === undefined) return undefined;
  return { routes, listeners, knowsEndpoints: false, rejectsUnsafe: undefined };
}

type Section = "global" | "defaults" | "frontend" | "backend" | "metrics" | "resolvers";

const SECTIONS: ReadonlySet<string> = new Set<Section>(["global", "defaults", "frontend", "backend"]);

/** Sections in which kpc puts nothing. */
const OTHER_SECTIONS =
  /^(?:listen|peers|resolvers|userlist|mailers|cache|program|http-errors|ring|fcgi-app|log-forward)\b/;

/** Lines that choose no backend and no server, by section. */
const NEUTRAL: Readonly<Record<Section, RegExp>> = {
  global:
    /^(?:default-path|ssl-default-bind-options|stats (?:socket|timeout)|log|maxconn|nbthread|user|group|daemon|master-worker|pidfile|hard-stop-after)\b/,
  defaults:
    /^(?:mode http$|option (?:forwardfor|httplog|dontlognull)$|timeout \S+ \S+$|log\b|maxconn \d+$|default-server check inter \d+s? fall \d+ rise \d+$)/,
  frontend:
    /^(?:bind|http-request set-header X-Forwarded-Proto https? if !?\{ ssl_fc \}$|mode http$|timeout \S+ \S+$|log\b|maxconn \d+$|option (?:forwardfor|httplog|dontlognull)$)/,
  backend: /^balance roundrobin$/,
  resolvers: /^(?:parse-resolv-conf|hold valid 10s)$/,
  metrics:
    /^(?:bind \S+$|http-request use-service prometheus-exporter if \{ path \/metrics \}$|http-request return status 404$)/,
};

/** A backend whose lines are being read. */
interface DraftBackend {
  readonly name: string;
  readonly endpoints: RouteEndpoint[];
  readonly draining: RouteEndpoint[];
  external?: ExternalHost;
  /** Lines of stickiness so far. */
  sticky: number;
  status?: 404 | 503;
}

interface ConfigLines {
  readonly backends: ReadonlyMap<string, RouteTarget>;
  /** The name of the default backend; undefined where the frontend is none of kpc's. */
  readonly last: string | undefined;
  readonly parts: LookupParts;
  readonly rejectsUnsafe: boolean;
}

/** What `lines` of `config` say, those for listeners left out; `isAlone`: there are no Ingresses. Reports `haproxy-line` for each line that kpc does not
 *  write. */
function readConfigLines(config: Source, lines: readonly TextLine[], isAlone: boolean, report: Report): ConfigLines {
  const backends = new Map<string, RouteTarget>();
  let section: Section | "other" | undefined;
  let asked = 0;
  let frontends = 0;
  const parts = partsOf(lines);
  const wanted = lookups(parts);
  let rejectsUnsafe = false;
  let last: string | undefined;
  let backend: DraftBackend | undefined;
  const unexpected = (line: TextLine, expected: string): void =>
    report(lineError(`kpc does not write this line, so it is not known what becomes of requests: ${expected}`, line));
  const close = (): void => {
    if (backend === undefined) return;
    const { name, endpoints, draining, external, sticky, status } = backend;
    if (sticky > 0 && sticky < STICKY.length)
      report(lineError(`backend ${name} lacks a line that kpc writes: expected ${STICKY[sticky]}`, start(config)));
    const target: RouteTarget =
      status !== undefined
        ? answer(status)
        : endpoints.length === 0 && external === undefined
          ? { kind: "status", status: 503, reason: "the backend has no server" }
          : {
              kind: "endpoints",
              backend: backendNamed(name),
              endpoints,
              ...(draining.length === 0 ? {} : { draining }),
              ...(sticky === STICKY.length ? { sticky: "cookie" } : {}),
              ...(external && { external }),
            };
    backends.set(name, target);
    backend = undefined;
  };
  for (const line of lines) {
    const { text } = line;
    if (text === "" || text.startsWith("#")) continue;
    const [word = "", name, more] = text.split(/\s+/);
    if (SECTIONS.has(word)) {
      close();
      section = word as Section;
      const isNamed = section === "frontend" || section === "backend";
      if (more !== undefined || (name !== undefined) !== isNamed)
        unexpected(line, `expected ${isNamed ? `${word} NAME` : word}`);
      if (section === "frontend" && name === "metrics") section = "metrics";
      if (section === "frontend" && ++frontends > 1) unexpected(line, "expected one frontend");
      if (section === "backend" && name !== undefined) {
        if (backends.has(name)) unexpected(line, `backend ${name} is here twice`);
        backend = { name, endpoints: [], draining: [], sticky: 0 };
      }
    } else if (text === RESOLVERS[0]) {
      close();
      section = "resolvers";
    } else if (OTHER_SECTIONS.test(text)) {
      close();
      section = "other";
      unexpected(line, "expected the sections global, defaults, frontend and backend");
    } else if (section === "other") {
      // The section has been told.
    } else if (section === undefined) {
      unexpected(line, "expected a section");
    } else if (section === "frontend" && text === REJECT_UNSAFE && asked === 0) {
      rejectsUnsafe = true;
    } else if (NEUTRAL[section].test(text)) {
      // Chooses nothing.
    } else if (section === "frontend" && asked < wanted.length) {
      if (text === wanted[asked]) asked++;
      else unexpected(line, `expected ${wanted[asked]}`);
    } else if (section === "frontend" && last === undefined && word === "default_backend" && more === undefined) {
      last = name;
    } else if (backend !== undefined && word === "server") {
      const isDraining = text.endsWith(` ${NO_NEW_CLIENTS}`);
      const endpoint = readServer(isDraining ? text.slice(0, -NO_NEW_CLIENTS.length - 1) : text);
      const external = endpoint === undefined && backend.external === undefined ? readExternal(text) : undefined;
      if (external !== undefined) backend.external = external;
      else if (endpoint === undefined) unexpected(line, "expected server NAME ADDRESS:PORT");
      else (isDraining ? backend.draining : backend.endpoints).push(endpoint);
    } else if (backend !== undefined && text === STICKY[backend.sticky]) {
      backend.sticky++;
    } else if (backend !== undefined && /^http-request return status (?:404|503)$/.test(text)) {
      backend.status = text.endsWith("404") ? 404 : 503;
    } else {
      unexpected(
        line,
        `expected ${section === "backend" ? "balance roundrobin, or server NAME ADDRESS:PORT" : `what kpc writes into the section ${section}`}`,
      );
    }
  }
  close();
  if (isAlone) return { backends, last: undefined, parts, rejectsUnsafe: false };
  if (asked < wanted.length)
    report(
      lineError(
        `no frontend asks the maps of hosts and paths as kpc writes it: expected ${wanted[asked]}`,
        start(config),
      ),
    );
  else if (last === undefined || !backends.has(last))
    report(
      lineError(
        `${last === undefined ? "the frontend has no default_backend" : `there is no backend ${last}`}`,
        start(config),
      ),
    );
  return { backends, last: asked < wanted.length ? undefined : last, parts, rejectsUnsafe };
}

/** What the frontend has by one of its lines. */
function partsOf(lines: readonly TextLine[]): LookupParts {
  const texts = new Set(lines.map(({ text }) => text));
  return {
    redirects: texts.has(REDIRECT) || texts.has(REDIRECT_AS_NAMED),
    spares: texts.has(SPARE_LOOKUP),
  };
}

function readServer(text: string): RouteEndpoint | undefined {
  const [, v6, v4, digits] = /^server \S+ (?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = parseAddress(v6 ?? v4 ?? "");
  const port = Number(digits);
  return address === undefined || port < 1 || port > 65535 ? undefined : { address, port };
}

/** A server that is looked up by its name. */
function readExternal(text: string): ExternalHost | undefined {
  const [, host, digits] = new RegExp(`^server \\S+ ([a-z0-9][a-z0-9.-]*):(\\d{1,5}) ${LOOKED_UP}$`).exec(text) ?? [];
  return host === undefined ? undefined : { host, port: Number(digits) };
}

function lineError(message: string, { span }: Origin): Diagnostic {
  return { severity: "error", code: "haproxy-line", message, origin: { span } };
}

function start(source: Source): Origin {
  const end = source.text.indexOf("\n");
  return { span: () => ({ source, start: 0, end: end < 1 ? 1 : end }) };
}
