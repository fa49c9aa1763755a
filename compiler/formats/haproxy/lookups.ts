/** The rules of the frontend of Ingresses that choose a backend. */
import { REDIRECT, REDIRECT_AS_NAMED } from "./redirects.ts";
import { ANY_HOST, isOpen, ROUTES_MAP, SPARE_LOOKUP } from "./shape.ts";

/** What a configuration can have besides routes. */
export interface LookupParts {
  /** Hosts that are redirected to https. */
  readonly redirects: boolean;
  /** Backends that come while HAProxy runs. */
  readonly spares: boolean;
}

const LOOKUP = `http-request set-var(txn.backend) var(txn.key),map_beg(${ROUTES_MAP})`;

/**
 * The rules, in order; `default_backend` comes after them.
 *
 * Most requests name a host as it stands in the map: those are found by the first lookup, of host and path as they came, and meet no other rule.
 * A Host header with a slash or a comma is left out there: HAProxy would take what follows for the path, or cut it.
 */
export function lookups({ redirects, spares }: LookupParts): readonly string[] {
  const spare = spares ? [SPARE_LOOKUP] : [];
  return [
    ...(redirects ? [REDIRECT_AS_NAMED] : []),
    `http-request set-var(txn.backend) base,concat(/?),map_beg(${ROUTES_MAP}) if !{ "req.fhdr(host),field(2,'/,')" -m found }`,
    ...spare,
    "http-request allow if { var(txn.backend) -m found }",
    // Without port and trailing dot. An address in brackets is no listed host, and neither is a name with a slash: none has a colon.
    "http-request set-var(txn.host) req.fhdr(host),field(1,:),lower,regsub([.]$,),regsub(^[[].*,),regsub(/,:,g)",
    "http-request set-var(txn.path) path",
    "http-request set-var(txn.key) var(txn.host),concat(,txn.path,/?)",
    LOOKUP,
    `http-request set-var(txn.key) var(txn.host),regsub(^[^.]+,*),concat(,txn.path,/?) ${isOpen("backend")}`,
    `${LOOKUP} ${isOpen("backend")}`,
    `http-request set-var(txn.key) str(${ANY_HOST}),concat(,txn.path,/?) ${isOpen("backend")}`,
    `${LOOKUP} ${isOpen("backend")}`,
    ...(redirects ? [REDIRECT] : []),
    ...spare,
    "use_backend %[var(txn.backend)] if { var(txn.backend) -m found }",
  ];
}
