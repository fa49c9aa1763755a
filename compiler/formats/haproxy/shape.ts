/** What the writer and the reader of HAProxy's configuration have in common: the maps, and the lines that ask them. */
import type { Diagnostic, Origin } from "../../diagnostics.ts";

/** The map of the routes of Ingresses, beside `haproxy.cfg`. */
export const ROUTES_MAP = "routes.map";

/** The key of a path in the map of routes. A request asks for its host, its path and `/?` with the longest row that its key begins with: a
 *  prefix takes whole elements, and `?`, which no path has, ends the row of an exact path. */
export function routeKey(
  id: string,
  { match, path }: { readonly match: "exact" | "prefix"; readonly path: string },
): string {
  return match === "exact" ? `${id}${path}/?` : `${id}${path === "/" ? "" : path}/`;
}

/** The maps of the listeners at a port. */
export const MAP_NAMES = ["hosts", "wildcards", "exact", "prefixes"] as const;

export type MapName = (typeof MAP_NAMES)[number];

/** The rows of maps. */
export type PathMaps = Readonly<Record<MapName, Map<string, string>>>;

/** The file of a map of the listeners at `port`. */
export function mapFile(name: MapName, port: number): string {
  return `${name}-${port}.map`;
}

/** A row each, sorted, so that one change is one line. */
export function mapText(rows: ReadonlyMap<string, string>): string {
  const lines = [...rows].map(([key, value]) => `${key} ${value}\n`);
  return lines.sort().join("");
}

/** What stands in a row of a map as one word, and in front of a path. */
export const IS_HOST = /^(?:\*\.)?[a-z0-9_][a-z0-9_.-]*$/;

/** The key of a path in the map of listeners for its type. */
export function pathKey(
  id: string,
  { match, path }: { readonly match: "exact" | "prefix"; readonly path: string },
): string {
  return match === "exact" ? `${id}${path}` : `${id}${path === "/" ? "" : path}/`;
}

/** Bytes of the longest keys that HAProxy 2.6 tells apart: `map_beg` mistakes longer ones for each other. */
export const LONGEST_KEY = 2047;

/** Why HAProxy does not serve a path whose key in a map is `key`; undefined: it does. */
export function whyUnserved(
  { path, origin }: { readonly path: string; readonly origin?: Origin },
  key: string,
): Diagnostic | undefined {
  const message = !/^\/[!-~]*$/.test(path)
    ? `no request has the path ${JSON.stringify(path)}: HAProxy refuses blanks, control characters and others than ASCII`
    : key.length > LONGEST_KEY
      ? `the path ${path.slice(0, 40)}… is not served: HAProxy's maps tell keys of up to ${LONGEST_KEY} characters apart, and with its host it has ${key.length}`
      : undefined;
  return message === undefined
    ? undefined
    : { severity: "warning", code: "unsupported-haproxy", message, ...(origin && { origin }) };
}

/** Stands for requests of no listed host. No host has this name. */
export const ANY_HOST = "*";

/** Where nothing was found before. */
export const isOpen = (name: string): string => `if !{ var(txn.${name}) -m found }`;

/** The rules of the frontend of listeners that look for the path, once the host is known. */
export function pathLookups(port: number): readonly string[] {
  return [
    "http-request set-var(txn.path) path",
    "http-request set-var(txn.key) var(txn.id),concat(,txn.path)",
    `http-request set-var(txn.backend) var(txn.key),map_str(${mapFile("exact", port)})`,
    `http-request set-var(txn.backend) var(txn.key),concat(/),map_beg(${mapFile("prefixes", port)}) ${isOpen("backend")}`,
  ];
}

/** Backends that came while HAProxy ran: the name that the other maps have, and the spare backend that has its servers. */
export const SPARES_MAP = "backends.map";

/** In a configuration with spare backends, behind the lines that look for a backend. What is no key of the map stays as it is. */
export const SPARE_LOOKUP = `http-request set-var(txn.backend) var(txn.backend),map_str(${SPARES_MAP})`;

/** The name of a backend without servers, of which HAProxy has a few for Services that come while it runs. Counted from 1. */
export function spareBackend(number: number): string {
  return `spare-${number}`;
}

/** Whether a backend is one of the spare ones. */
export function isSpare(name: string): boolean {
  return /^spare-\d+$/.test(name);
}

/** The backends with which HAProxy answers itself. */
export const STATUSES = [404, 503] as const;

/** The name of the backend with which HAProxy answers itself. */
export function statusBackend(status: number): string {
  return `status-${status}`;
}

/** Behind a server that only keeps the clients that it has. */
export const NO_NEW_CLIENTS = "weight 0";

/** A client's cookie names its server by a hash of address and port. */
export const STICKY: readonly string[] = [
  "cookie kpc-server insert indirect nocache httponly dynamic",
  "dynamic-cookie-key kpc",
];

/** Behind a server with a name, and the section that it needs. */
export const LOOKED_UP = "resolvers system init-addr last,libc,none";

export const RESOLVERS: readonly string[] = ["resolvers system", "  parse-resolv-conf", "  hold valid 10s"];
