/** What turns the configuration that a HAProxy runs with into another one: commands for its runtime API, or a reload. */
import { compareBy } from "../../order.ts";
import { CERTIFICATE_LIST } from "./certificates.ts";
import { CONFIG, printConfig, readConfig, rowsOf } from "./config-text.ts";
import { REDIRECT_MAP } from "./redirects.ts";
import { ANY_HOST, type MapName, mapFile, ROUTES_MAP, SPARES_MAP } from "./shape.ts";
import { placeInSpares } from "./spares.ts";

/** One step, for HAProxy 2.6 and later. */
export type ProxyChange =
  | { readonly kind: "add-row"; readonly map: string; readonly key: string; readonly value: string }
  | { readonly kind: "set-row"; readonly map: string; readonly key: string; readonly value: string }
  | { readonly kind: "delete-row"; readonly map: string; readonly key: string }
  /** `settings`: words behind the address, with those of `default-server`, which such a server does not get by itself. */
  | {
      readonly kind: "add-server";
      readonly backend: string;
      readonly server: string;
      readonly address: string;
      readonly settings: string;
    }
  | { readonly kind: "set-weight"; readonly backend: string; readonly server: string; readonly weight: number }
  /** It gets no new requests, and goes when the last one has ended. */
  | { readonly kind: "remove-server"; readonly backend: string; readonly server: string }
  | { readonly kind: "set-certificate"; readonly file: string; readonly pem: string }
  | { readonly kind: "add-certificate"; readonly file: string; readonly pem: string }
  /** `row`: a certificate's file, and hosts that it is for. */
  | { readonly kind: "add-certificate-row"; readonly row: string }
  /** With all its rows. */
  | { readonly kind: "remove-certificate"; readonly file: string };

/** How a running HAProxy gets to the files that are wanted. */
export type ProxyUpdate =
  /** `files`: what HAProxy then runs with. Backends that are no longer wanted stay, without servers: HAProxy cannot remove them. */
  | {
      readonly kind: "at-run-time";
      readonly changes: readonly ProxyChange[];
      readonly files: ReadonlyMap<string, string>;
    }
  /** `because`: the first line that no command changes. */
  | { readonly kind: "reload"; readonly because: string; readonly files: ReadonlyMap<string, string> };

/**
 * The update from `running` to `asked`, both files by their names, as `printHaproxy` makes them. At each moment of it a request is
 * served as before or as after: no row of a map names a backend without its servers, no host is known without its paths. Backends that are
 * new get spare ones; those of `busy` still have servers that are to go.
 */
export function proxyUpdate(
  running: ReadonlyMap<string, string>,
  asked: ReadonlyMap<string, string>,
  busy: ReadonlySet<string> = new Set(),
): ProxyUpdate {
  const reload = (because: string): ProxyUpdate => ({ kind: "reload", because, files: asked });
  const { files: wanted, unplaced } = placeInSpares(running, asked, busy);
  const before = readConfig(running.get(CONFIG) ?? "");
  const after = readConfig(wanted.get(CONFIG) ?? "");
  for (const [name, section] of before.backends)
    if (!after.backends.has(name)) after.backends.set(name, { ...section, servers: new Map() });
  for (const name of after.backends.keys())
    if (!before.backends.has(name))
      return reload([`backend ${name} is new`, unplaced.get(name)].filter(Boolean).join(": "));
  const other = firstDifference(before.lines, after.lines);
  if (other !== undefined) return reload(other);

  const added: ProxyChange[] = [];
  const removed: ProxyChange[] = [];
  for (const [backend, { lines, servers, defaults }] of after.backends) {
    const old = before.backends.get(backend);
    if (old === undefined) continue;
    const difference = firstDifference(old.lines, lines);
    if (difference !== undefined) return reload(`backend ${backend}: ${difference}`);
    for (const [server, words] of servers) {
      const had = old.servers.get(server);
      if (had === words) continue;
      const [address = "", ...settings] = words.split(" ");
      if (had === undefined) {
        const all = [after.defaults, defaults, ...settings].filter((each) => each !== "").join(" ");
        if (!isDynamic(all)) return reload(`server ${backend}/${server}: ${all}`);
        // A server that is added has no cookie.
        if (lines.some((line) => line.startsWith("  cookie ")))
          return reload(`server ${backend}/${server} gets a cookie`);
        added.push({ kind: "add-server", backend, server, address, settings: all });
        continue;
      }
      if (weightless(had) !== weightless(words)) return reload(`server ${backend}/${server}: ${words}`);
      added.push({ kind: "set-weight", backend, server, weight: weightOf(words) });
    }
    for (const server of old.servers.keys())
      if (!servers.has(server)) removed.push({ kind: "remove-server", backend, server });
  }
  const ofListeners = listenerCertificateChange(running, wanted);
  if (ofListeners !== undefined) return reload(ofListeners);
  const certificates = certificateChanges(running, wanted);
  if (typeof certificates === "string") return reload(certificates);
  const backends = rowChanges(SPARES_MAP, running, wanted);
  const rows = [
    ...routeChanges(running, wanted),
    ...portsOf(running, wanted).flatMap((port) => mapChanges(port, running, wanted)),
  ];
  return {
    kind: "at-run-time",
    changes: [
      ...certificates.added,
      ...added,
      ...backends.put,
      ...rows,
      ...backends.gone,
      ...removed,
      ...certificates.removed,
    ],
    files: new Map([...wanted, [CONFIG, printConfig(wanted.get(CONFIG) ?? "", before, after)]]),
  };
}

// --- haproxy.cfg ---------------------------------------------------------------------------------------------------------

function firstDifference(before: readonly string[], after: readonly string[]): string | undefined {
  const at = Array.from({ length: Math.max(before.length, after.length) }, (_, i) => i).find(
    (i) => before[i] !== after[i],
  );
  if (at === undefined) return undefined;
  const line = after[at] ?? before[at] ?? "";
  return `${after[at] === undefined ? "without" : "with"} ${line.trim()}`;
}

/** Settings that HAProxy 2.6 takes for a server that is added while it runs. */
const DYNAMIC: ReadonlySet<string> = new Set(["check", "inter", "fall", "rise", "weight", "maxconn", "send-proxy"]);

function isDynamic(settings: string): boolean {
  return settings.split(" ").every((word) => word === "" || DYNAMIC.has(word) || /^\d+(?:ms|s|m)?$/.test(word));
}

const WEIGHT = / weight (\d+)/;

function weightless(words: string): string {
  return words.replace(WEIGHT, "");
}

function weightOf(words: string): number {
  return Number(WEIGHT.exec(words)?.[1] ?? 1);
}

// --- maps ----------------------------------------------------------------------------------------------------------------

/** A request meets one of the rows that fit it: that of the most specific host, and of its rows the longest. Rows that come or change do so in
 *  this order, and the others go in the reverse one: then the row that a request met before gives way to the one that it meets after,
 *  with no other between them. Redirects rank before the rows of their host: what they hide changes unseen. */
function routeChanges(running: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): RowChange[] {
  const all = [REDIRECT_MAP, ROUTES_MAP].map((map) => rowChanges(map, running, wanted));
  const isRoute = ({ map }: RowChange): number => Number(map === ROUTES_MAP);
  const byRank = compareBy<RowChange>(
    ({ key }) => generality(key),
    isRoute,
    ({ key }) => -key.length,
  );
  const put = all.flatMap((each) => each.put).sort(byRank);
  const gone = all.flatMap((each) => each.gone).sort(byRank);
  return [...put, ...gone.reverse()];
}

/** Of the host in a key: precise ones, wildcards, other hosts. */
function generality(key: string): number {
  return key.startsWith(`${ANY_HOST}/`) ? 2 : key.startsWith("*.") ? 1 : 0;
}

/** In maps of listeners, rows of hosts that are new come before these hosts; a host that goes has its rows to the end, and others have changed
 *  before: a request that then falls to a less specific host finds it as it will be. Likewise of paths: exact ones come first and go last, and
 *  longer prefixes come before shorter ones and go after them. */
function mapChanges(
  port: number,
  running: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): ProxyChange[] {
  const changesOf = (name: MapName): MapChanges => rowChanges(mapFile(name, port), running, wanted);
  const [hosts, wildcards] = [changesOf("hosts"), changesOf("wildcards")];
  const paths = [changesOf("exact"), changesOf("prefixes")];
  // In maps of listeners the key of a wildcard has no asterisk.
  const idOf = ({ key }: RowChange): string => (key.startsWith(".") ? `*${key}` : key);
  const coming = new Set([...hosts.put, ...wildcards.put].map(idOf));
  const going = new Set([...hosts.gone, ...wildcards.gone].map(idOf));
  const put = paths.flatMap((each) => each.put);
  const gone = [...paths].reverse().flatMap((each) => each.gone);
  const isOf = (ids: ReadonlySet<string>, { key }: RowChange): boolean => ids.has(key.split("/")[0] ?? "");
  return [
    ...put.filter((each) => isOf(coming, each)),
    ...hosts.put,
    ...wildcards.put,
    ...put.filter((each) => !isOf(coming, each)),
    ...gone.filter((each) => !isOf(going, each)),
    ...wildcards.gone,
    ...hosts.gone,
    ...gone.filter((each) => isOf(going, each)),
  ];
}

/** Ports of listeners. */
function portsOf(...sides: readonly ReadonlyMap<string, string>[]): number[] {
  const ports = sides.flatMap((files) =>
    [...files.keys()].flatMap((file) => /^hosts-(\d+)\.map$/.exec(file)?.[1] ?? []),
  );
  return [...new Set(ports.map(Number))];
}

type RowChange = Extract<ProxyChange, { readonly key: string }>;

/** Rows that come or change, and those that go. */
interface MapChanges {
  readonly put: readonly RowChange[];
  readonly gone: readonly RowChange[];
}

function rowChanges(
  map: string,
  running: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): MapChanges {
  const [before, after] = [rowsOf(running.get(map) ?? ""), rowsOf(wanted.get(map) ?? "")];
  const put = [...after].flatMap(([key, value]): RowChange[] => {
    const had = before.get(key);
    return had === value ? [] : [{ kind: had === undefined ? "add-row" : "set-row", map, key, value }];
  });
  const gone = [...before.keys()].filter((key) => !after.has(key));
  return {
    put: put.sort((a, b) => b.key.length - a.key.length),
    gone: gone.sort((a, b) => a.length - b.length).map((key) => ({ kind: "delete-row", map, key })),
  };
}

// --- certificates --------------------------------------------------------------------------------------------------------

interface CertificateChanges {
  readonly added: readonly ProxyChange[];
  readonly removed: readonly ProxyChange[];
}

/** A text: why there has to be a reload. */
function certificateChanges(
  running: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): CertificateChanges | string {
  const [before, after] = [listRows(running), listRows(wanted)];
  const added: ProxyChange[] = [];
  // The first row is the default certificate, and rows that are added stand at the end.
  if ([...before.values()][0]?.[0] !== [...after.values()][0]?.[0])
    return "the first row of certificates is another one";
  for (const [file, rows] of after) {
    const had = before.get(file);
    const pem = wanted.get(file) ?? "";
    if (had === undefined) added.push({ kind: "add-certificate", file, pem });
    else if (running.get(file) !== pem) added.push({ kind: "set-certificate", file, pem });
    if (had?.some((row) => !rows.includes(row))) return `certificate ${file} is for other hosts`;
    for (const row of rows) if (had?.includes(row) !== true) added.push({ kind: "add-certificate-row", row });
  }
  const gone = [...before.keys()].filter((file) => !after.has(file));
  return { added, removed: gone.map((file) => ({ kind: "remove-certificate", file })) };
}

/** Why certificates at ports of listeners need a reload; undefined: they stay as they are. */
function listenerCertificateChange(
  running: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): string | undefined {
  const ofIngresses = [listRows(running), listRows(wanted)] as const;
  for (const list of new Set([...running.keys(), ...wanted.keys()])) {
    if (!/^certificates-\d+\.list$/.test(list)) continue;
    if (running.get(list) !== wanted.get(list)) return `${list} has other rows`;
    for (const file of listRows(wanted, list).keys()) {
      if (running.get(file) !== wanted.get(file)) return `certificate ${file} is another one`;
      if (ofIngresses[0].has(file) !== ofIngresses[1].has(file)) return `certificate ${file} is for other hosts`;
    }
  }
  return undefined;
}

/** Rows of a list of certificates, by the file that they begin with. */
function listRows(files: ReadonlyMap<string, string>, list = CERTIFICATE_LIST): ReadonlyMap<string, readonly string[]> {
  const rows = new Map<string, string[]>();
  for (const row of (files.get(list) ?? "").split("\n")) {
    const [file = ""] = row.split(" ");
    if (file === "") continue;
    const known = rows.get(file) ?? [];
    rows.set(file, known);
    known.push(row);
  }
  return rows;
}
