/** Which certificate HAProxy shows: a list of files with the hosts that each is for. */
import type { Report } from "../../diagnostics.ts";
import type { TlsTable } from "../../ir/routes.ts";

/** The list, and the files that it names. */
export interface CertificateList {
  /** Text of the list (crt-list). */
  readonly text: string;
  /** Secret (`namespace/name`) of each file: it holds the certificate and its private key, which programs do not have. */
  readonly files: ReadonlyMap<string, string>;
  /** Handshakes for hosts of no row are refused: there is no default certificate. */
  readonly isStrict: boolean;
}

export const CERTIFICATE_LIST = "certificates.list";

/** The file of the list for listeners at `port`. */
export function certificateList(port: number): string {
  return `certificates-${port}.list`;
}

/** HAProxy reads no longer lines, and no more words in one. */
const MAX_WORDS = 1000;
const MAX_LINE = 60_000;

/** The most bytes that a file name may have (NAME_MAX of Linux). */
const MAX_NAME = 255;

/**
 * The list for `tls`; undefined where no certificate can be shown. HAProxy prefers a precise host to a wildcard, but an elliptic curve to RSA before
 * that: so wildcards except each precise host that has another certificate. The first row is the default one, and for no host (`!*`).
 */
export function printCertificates(tls: TlsTable, unsupported: Report): CertificateList | undefined {
  const files = new Map<string, string>();
  const fileOf = new Map<string, string>();
  for (const { name, origin } of tls.certificates) {
    const file = fileNameOf(name);
    if (file.length <= MAX_NAME) {
      files.set(file, name);
      fileOf.set(name, file);
      continue;
    }
    const message = `certificate ${name} is not served: the name of its file would be longer than ${MAX_NAME} bytes`;
    unsupported({ severity: "warning", code: "unsupported-haproxy", message, ...(origin && { origin }) });
  }
  if (files.size === 0) return undefined;
  const fallback = tls.fallback === undefined ? undefined : fileOf.get(tls.fallback);
  const shown = new Map(tls.hosts.map(({ host, certificate }) => [host, fileOf.get(certificate ?? "") ?? fallback]));
  const isWildcard = (host: string): boolean => host.startsWith("*.");
  const names = tls.hosts.map(({ host }) => checked(host));
  const hostsOf = grouped(names, (host) => shown.get(host) ?? "");
  const below = grouped(
    names.filter((host) => !isWildcard(host)),
    (host) => host.replace(/^[^.]+/, "*"),
  );
  const rows = fallback === undefined ? [] : [`${fallback} !*`];
  for (const file of [...files.keys()].sort()) {
    const hosts = hostsOf.get(file) ?? [];
    rows.push(
      ...inRows(
        file,
        hosts.filter((host) => !isWildcard(host)),
      ),
    );
    for (const wildcard of hosts.filter(isWildcard)) {
      const others = (below.get(wildcard) ?? []).filter((host) => shown.get(host) !== file);
      const row = [file, wildcard, ...others.map((host) => `!${host}`)].join(" ");
      if (others.length < MAX_WORDS && row.length < MAX_LINE) rows.push(row);
      else {
        const message = `wildcard ${wildcard} is not served over TLS: ${others.length} hosts below it have other certificates, and HAProxy reads ${MAX_WORDS} in a line`;
        unsupported({ severity: "warning", code: "unsupported-haproxy", message });
      }
    }
  }
  return { text: rows.map((row) => `${row}\n`).join(""), files, isStrict: fallback === undefined };
}

/** Rows of a file for these hosts, as few as HAProxy takes. */
function inRows(file: string, hosts: readonly string[]): string[] {
  const rows: string[] = [];
  for (let first = 0; first < hosts.length; first += HOSTS_IN_ROW)
    rows.push([file, ...hosts.slice(first, first + HOSTS_IN_ROW)].join(" "));
  return rows;
}

/** A host has at most 253 characters. */
const HOSTS_IN_ROW = 200;

function grouped(hosts: readonly string[], keyOf: (host: string) => string): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const host of hosts) {
    const group = groups.get(keyOf(host)) ?? [];
    if (group.length === 0) groups.set(keyOf(host), group);
    group.push(host);
  }
  return groups;
}

/** `shop.web-tls.pem`: names of namespaces have no dots. */
function fileNameOf(secret: string): string {
  const name = `${secret.replace("/", ".")}.pem`;
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(name)) throw new RangeError(`${JSON.stringify(secret)} is no name of a Secret`);
  return name;
}

/** A host as the list may have it: no blanks, no signs that mean something there. */
function checked(host: string): string {
  if (!/^(?:\*\.)?[a-z0-9][a-z0-9.-]*$/.test(host)) throw new RangeError(`${JSON.stringify(host)} is no host`);
  return host;
}
