/** What the writer and the reader of HAProxy's configuration have in common: the maps, and the lines that ask them. */

/** The files that hold hosts and paths, beside `haproxy.cfg`. */
export const MAP_NAMES = ["hosts", "wildcards", "exact", "prefixes"] as const;

export type MapName = (typeof MAP_NAMES)[number];

/** Stands for requests of no listed host. No host has this name. */
export const ANY_HOST = "*";

const isOpen = (name: string): string => `if !{ var(txn.${name}) -m found }`;

/** The rules of the frontend that choose a backend, in order; `default_backend` comes after them. */
export const LOOKUPS: readonly string[] = [
  // Without port and trailing dot; an address in brackets is no listed host.
  "http-request set-var(txn.host) req.hdr(host),field(1,:),lower,regsub([.]$,)",
  "http-request set-var(txn.id) var(txn.host),map_str(hosts.map)",
  `http-request set-var(txn.id) var(txn.host),regsub(^[^.]+,*),map_str(wildcards.map) ${isOpen("id")}`,
  `http-request set-var(txn.id) str(${ANY_HOST}) ${isOpen("id")}`,
  "http-request set-var(txn.path) path",
  "http-request set-var(txn.key) var(txn.id),concat(,txn.path)",
  "http-request set-var(txn.backend) var(txn.key),map_str(exact.map)",
  `http-request set-var(txn.backend) var(txn.key),concat(/),map_beg(prefixes.map) ${isOpen("backend")}`,
  "use_backend %[var(txn.backend)] if { var(txn.backend) -m found }",
];

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
