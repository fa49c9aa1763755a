/** Certificates of wildcards that stand for more than one label: HAProxy takes one. */
import type { Diagnostic } from "../../diagnostics.ts";
import type { ListeningPort, TlsHost, TlsTable } from "../../ir/routes.ts";

/** `tls` with a row for each host that is known by its name and is further below a wildcard: HAProxy would show it no certificate of the wildcard. */
export function withDeepNames(tls: TlsTable, { hosts }: Pick<ListeningPort, "hosts">): TlsTable {
  const known = new Set(tls.hosts.map(({ host }) => host));
  const wildcards = tls.hosts
    .filter(({ host, labels }) => labels === "any" && host.startsWith("*."))
    .sort((a, b) => b.host.length - a.host.length);
  const rows = hosts.flatMap(({ host }): TlsHost[] => {
    if (host === undefined || known.has(host) || known.has(host.replace(/^[^.]+/, "*"))) return [];
    const wildcard = wildcards.find((each) => host.endsWith(each.host.slice(1)) && host.length >= each.host.length);
    return wildcard === undefined ? [] : [{ ...wildcard, host }];
  });
  return rows.length === 0 ? tls : { ...tls, hosts: [...tls.hosts, ...rows] };
}

/** What clients of other names further below a wildcard see instead. */
export function deepNameNotes({ hosts, fallback }: TlsTable, port: number): Diagnostic[] {
  const instead =
    fallback === undefined ? "are refused in the TLS handshake" : `are shown the default certificate, ${fallback}`;
  return hosts.flatMap(({ host, labels, certificate, origin }): Diagnostic[] => {
    if (labels !== "any" || !host.startsWith("*.") || (certificate ?? fallback) === fallback) return [];
    const message = `port ${port}: HAProxy shows the certificate of ${host} to hosts with one label in the place of the asterisk; hosts with more labels that no HTTPRoute names ${instead}`;
    return [{ severity: "warning", code: "unsupported-haproxy", message, ...(origin && { origin }) }];
  });
}
