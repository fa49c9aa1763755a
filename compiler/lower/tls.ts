/** One table of hosts and certificates from all Ingresses. */
import { coversHost } from "../certificates/covers.ts";
import type { Report } from "../diagnostics.ts";
import type { Certificate, TlsHost, TlsTable } from "../ir/routes.ts";
import type { Cluster, Ingress, IngressCertificate, IngressTls } from "../model/types.ts";
import { compareBy } from "../order.ts";

type Served = Extract<IngressCertificate, { readonly kind: "served" }>;

/** The certificate of each host is that of the oldest Ingress which names the host under `tls`; the default certificate is that of the
 *  settings, else of the oldest entry without hosts. Undefined where nothing is served over TLS. `ingresses` are in the order in which
 *  they win conflicts. Reports `shadowed-certificate`, `certificate-host` and `no-certificate`. */
export function lowerTls(
  { ingresses, defaultCertificate }: Pick<Cluster, "ingresses" | "defaultCertificate">,
  report: Report,
): TlsTable | undefined {
  const entries = ingresses.flatMap(({ tls }) => tls);
  if (ingresses.length === 0 || (entries.length === 0 && defaultCertificate === undefined)) return undefined;
  const fallback = servedOf(defaultCertificate) ?? entries.flatMap((entry) => fallbackOf(entry) ?? [])[0];
  const named = namedHosts(entries, report);
  const rank = ({ host }: TlsHost): number => (host.startsWith("*.") ? 1 : 0);
  const hosts = [...named.values()].map(({ row }) => row).sort(compareBy(rank, ({ host }) => host));
  const served = [...named.values()].flatMap(({ certificate }) => certificate ?? []);
  const byName = new Map([...served, ...(fallback === undefined ? [] : [fallback])].map((each) => [each.name, each]));
  const certificates = [...byName.values()].sort(compareBy(({ name }) => name)).map(certificateOf);
  reportHostsWithout(ingresses, named, fallback, report);
  return { certificates, hosts, ...(fallback === undefined ? {} : { fallback: fallback.name }) };
}

function servedOf(certificate: IngressCertificate | undefined): Served | undefined {
  return certificate?.kind === "served" ? certificate : undefined;
}

/** An entry without hosts is for all that no other entry names. */
function fallbackOf({ hosts, certificate }: IngressTls): Served | undefined {
  return hosts.length === 0 ? servedOf(certificate) : undefined;
}

/** As the program has it. */
export function certificateOf({ name, leaf: { names, notBefore, notAfter }, origin }: Served): Certificate {
  return { name, names, notBefore, notAfter, origin };
}

/** A host, and what is shown for it. */
interface NamedHost {
  readonly row: TlsHost;
  /** What its entry says, served or not; undefined: the default certificate. */
  readonly asked: IngressCertificate | undefined;
  readonly certificate: Served | undefined;
}

/** The hosts of all entries; the first entry of a host wins. */
function namedHosts(entries: readonly IngressTls[], report: Report): ReadonlyMap<string, NamedHost> {
  const found = new Map<string, NamedHost>();
  for (const { hosts, certificate: asked } of entries) {
    for (const { host, origin } of hosts) {
      const winner = found.get(host);
      if (winner !== undefined) {
        if (winner.asked?.name === asked?.name) continue;
        const message = `host ${host} has ${nameOf(winner.asked)} from an older Ingress, or an earlier entry: ${nameOf(asked)} is not shown for it`;
        const notes = winner.row.origin && [{ message: "named here first", origin: winner.row.origin }];
        report({ severity: "warning", code: "shadowed-certificate", message, origin, ...(notes && { notes }) });
        continue;
      }
      const certificate = servedOf(asked);
      const row = {
        host,
        ...(certificate === undefined ? {} : { certificate: certificate.name }),
        ...(asked?.kind === "broken" ? { reason: `${asked.name}: ${asked.reason}` } : {}),
        origin,
      };
      found.set(host, { row, asked, certificate });
      if (certificate === undefined || coversHost(certificate.leaf, host)) continue;
      const message = `certificate ${certificate.name} is not valid for ${host}: clients refuse it; ${namesIn(certificate)}`;
      report({ severity: "warning", code: "certificate-host", message, origin });
    }
  }
  return found;
}

function nameOf(certificate: IngressCertificate | undefined): string {
  return certificate === undefined ? "the default certificate" : `certificate ${certificate.name}`;
}

function namesIn({ leaf: { names, commonName } }: Served): string {
  if (names.length > 0) return `its DNS names are ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""}`;
  return `it has no DNS names${commonName === undefined ? "" : ` (the common name ${JSON.stringify(commonName)} does not count)`}`;
}

/** Hosts of rules that clients cannot ask for over TLS. */
function reportHostsWithout(
  ingresses: readonly Ingress[],
  named: ReadonlyMap<string, NamedHost>,
  fallback: Served | undefined,
  report: Report,
): void {
  const told = new Set<string>();
  for (const { host, origin } of ingresses.flatMap(({ rules }) => rules)) {
    if (host === undefined || told.has(host)) continue;
    told.add(host);
    const entry = named.get(host) ?? named.get(host.replace(/^[^.]+/, "*"));
    if (entry?.asked !== undefined || (fallback !== undefined && coversHost(fallback.leaf, host))) continue;
    const effect =
      fallback === undefined
        ? "its TLS handshakes are refused"
        : `clients get the default certificate ${fallback.name}, and refuse it`;
    const message = `no certificate is for host ${host}: ${effect}`;
    report({ severity: "info", code: "no-certificate", message, origin });
  }
}
