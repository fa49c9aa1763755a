/** Hosts that are redirected to https. */
import type { Report } from "../../diagnostics.ts";
import type { HostRoutes, TlsTable } from "../../ir/routes.ts";
import { ANY_HOST } from "./shape.ts";

export const REDIRECT_MAP = "redirects.map";

const IS_NAME = "-m reg ^[a-z0-9._-]+$";

/** To a host that is named as it stands in the map. */
export const REDIRECT_AS_NAMED = [
  "http-request redirect code 308 location https://%[req.fhdr(host)]%[pathq]",
  `if !{ ssl_fc } { base,concat(/),map_beg(${REDIRECT_MAP}) -m found } { req.fhdr(host) ${IS_NAME} }`,
].join(" ");

/** To the host without its port, which is that of http; addresses in brackets are no hosts. */
export const REDIRECT = [
  "http-request redirect code 308 location https://%[var(txn.host)]%[pathq]",
  `if !{ ssl_fc } { var(txn.key),map_beg(${REDIRECT_MAP}) -m found } { var(txn.host) ${IS_NAME} }`,
].join(" ");

/** The key of a host in the map of redirects. */
export function redirectKey(host: string | undefined): string {
  return `${host ?? ANY_HOST}/`;
}

/** A row for each host that is asked to be redirected (all hosts where `isForAll`) and has a certificate. Reports `unsupported-haproxy` for
 *  hosts that ask for it and have none: nobody would get an answer. */
export function redirectRows(
  routes: readonly HostRoutes[],
  tls: TlsTable | undefined,
  isForAll: boolean,
  report: Report,
): ReadonlyMap<string, string> {
  const certificates = new Map(tls?.hosts.map(({ host, certificate }) => [host, certificate]));
  const shownFor = (host: string | undefined): string | undefined => {
    if (host === undefined) return tls?.fallback;
    const entry = certificates.has(host) ? host : host.replace(/^[^.]+/, "*");
    return certificates.get(entry) ?? tls?.fallback;
  };
  const rows = new Map<string, string>();
  for (const { host, httpsRedirect = false } of routes) {
    if (!isForAll && !httpsRedirect) continue;
    if (shownFor(host) !== undefined) rows.set(redirectKey(host), "https");
    else if (httpsRedirect) {
      const message = `host ${host ?? "*"} is not redirected to https: there is no certificate for it`;
      report({ severity: "warning", code: "unsupported-haproxy", message });
    }
  }
  return rows;
}
