/** Certificates that two sides show to clients, by the host that these name in the TLS handshake. */
import type { Origin } from "../../diagnostics.ts";
import type { Certificate, TlsHost, TlsTable } from "../../ir/routes.ts";
import { deepName, hostClasses } from "./host-classes.ts";

/** `none`: the side does not serve TLS. */
export type TlsSide = TlsTable | "none";

/** What a side shows for a host. */
export interface ShownCertificate {
  /** `certificate shop/web`. */
  readonly text: string;
  /** Why it is this one: a clause. */
  readonly because: string;
  readonly origin: Origin | undefined;
  /** Undefined: the handshake fails. */
  readonly certificate: Certificate | undefined;
}

/** Hosts for which the two sides show other certificates. */
export interface CertificateDifference {
  /** A name, `*.` and a suffix, or undefined: hosts that no side names under `tls`. */
  readonly host: string | undefined;
  /** One of them. */
  readonly name: string;
  /** Only hosts with two labels or more in the place of the `*`. */
  readonly isDeep?: true;
  readonly left: ShownCertificate;
  readonly right: ShownCertificate;
}

/** Where two sides differ, of so many classes of hosts. Certificates count as equal that have the same Secret, names and times. `by`: what names
 *  hosts. */
export function compareCertificates(
  left: TlsSide,
  right: TlsSide,
  by = "tls",
): { readonly differences: readonly CertificateDifference[]; readonly classes: number } {
  const sides = [left, right].map(lookupOf);
  const rows = [left, right].flatMap((side) => (side === "none" ? [] : side.hosts));
  const named = new Set(rows.map(({ host }) => host));
  if (left === "none" && right === "none") return { differences: [], classes: 0 };
  // Where a wildcard stands for any number of labels, names with more of them are a class of their own.
  const deep = rows.some(({ labels }) => labels === "any") ? [...named].filter((host) => host.startsWith("*.")) : [];
  const differences: CertificateDifference[] = [];
  const compare = (host: string | undefined, name: string, isDeep: boolean): void => {
    const [mine, yours] = sides.map((find) => find(name)) as [FoundCertificate, FoundCertificate];
    if (isSame(mine.certificate, yours.certificate)) return;
    const isDetailed = mine.certificate?.name === yours.certificate?.name;
    const [a, b] = [shown(mine, left, isDetailed, by), shown(yours, right, isDetailed, by)];
    differences.push({ host, name, ...(isDeep ? { isDeep } : {}), left: a, right: b });
  };
  for (const [host, name] of hostClasses(named)) compare(host, name, false);
  for (const host of deep) compare(host, deepName(host, named), true);
  return { differences, classes: named.size + deep.length + 1 };
}

interface FoundCertificate {
  readonly row: TlsHost | undefined;
  readonly certificate: Certificate | undefined;
}

function lookupOf(side: TlsSide): (name: string) => FoundCertificate {
  if (side === "none") return () => ({ row: undefined, certificate: undefined });
  const rows = new Map(side.hosts.map((row) => [row.host, row]));
  const certificates = new Map(side.certificates.map((each) => [each.name, each]));
  const wildcardOf = (name: string): TlsHost | undefined => {
    for (let dot = name.indexOf(".", 1); dot > 0; dot = name.indexOf(".", dot + 1)) {
      const row = rows.get(`*${name.slice(dot)}`);
      if (row?.labels === "any") return row;
    }
    return undefined;
  };
  return (name) => {
    const row = rows.get(name) ?? rows.get(name.replace(/^[^.]+/, "*")) ?? wildcardOf(name);
    return { row, certificate: certificates.get(row?.certificate ?? side.fallback ?? "") };
  };
}

function isSame(a: Certificate | undefined, b: Certificate | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.name === b.name &&
    a.notBefore === b.notBefore &&
    a.notAfter === b.notAfter &&
    [...a.names].sort().join() === [...b.names].sort().join()
  );
}

function shown(
  { row, certificate }: FoundCertificate,
  side: TlsSide,
  isDetailed: boolean,
  by: string,
): ShownCertificate {
  const because =
    row === undefined
      ? certificate === undefined
        ? "no default certificate"
        : "the default certificate"
      : `${by} ${row.certificate === undefined ? "names no certificate that can be served" : "names it"} for ${row.host}`;
  const text =
    side === "none"
      ? "no TLS"
      : certificate === undefined
        ? "no certificate: handshake refused"
        : `certificate ${certificate.name}${isDetailed ? detailsOf(certificate) : ""}`;
  return {
    text,
    because: side === "none" ? "no Ingress has tls" : because,
    origin: row?.origin ?? certificate?.origin,
    certificate,
  };
}

function detailsOf({ names, notBefore, notAfter }: Certificate): string {
  const day = (time: number): string => new Date(time).toISOString().slice(0, 19);
  return ` for ${names.join(", ") || "no host"}, valid ${day(notBefore)} to ${day(notAfter)}`;
}
