/** Which certificate HAProxy shows, read back from the list of certificates that kpc writes. */
import type { Report, Source } from "../../diagnostics.ts";
import type { TlsHost } from "../../ir/routes.ts";
import { CERTIFICATE_LIST } from "./certificates.ts";
import { splitConfig } from "./read-listeners.ts";
import { linesOf } from "./read-maps.ts";

/** Rows of a list: certificates by their Secrets. */
export interface ListedCertificates {
  /** The Secret (`namespace/name`) of each file. */
  readonly files: ReadonlyMap<string, string>;
  readonly hosts: readonly TlsHost[];
  /** Secret of the default certificate. */
  readonly fallback: string | undefined;
}

/** How a configuration serves TLS for Ingresses: by kpc's list, not at all, or in a way that kpc does not write. */
export function tlsOfConfig(config: Source): "list" | "none" | "other" {
  const others = splitConfig([...linesOf(config)]).others.map(({ text }) => text);
  const binds = others.filter((line) => /^bind\s.*\sssl\b/.test(line));
  if (binds.length === 0) return "none";
  return binds.every((line) => line.includes(` crt-list ${CERTIFICATE_LIST}`)) ? "list" : "other";
}

/** The rows of `list`: `FILE HOST… !HOST…`, and `FILE !*` for the default certificate. Reports `haproxy-map`; undefined then. */
export function readCertificateList(list: Source, report: Report): ListedCertificates | undefined {
  const files = new Map<string, string>();
  const shown = new Map<string, string>();
  const excluded = new Set<string>();
  let fallback: string | undefined;
  let isRead = true;
  for (const line of linesOf(list)) {
    if (line.text === "") continue;
    const [file = "", ...hosts] = line.text.split(/\s+/);
    const [, namespace, name] = /^([a-z0-9-]+)\.([a-z0-9.-]+)\.pem$/.exec(file) ?? [];
    if (namespace === undefined || hosts.length === 0 || !hosts.every((host) => IS_HOST.test(host))) {
      const message = `expected NAMESPACE.SECRET.pem and hosts, as kpc writes them, found ${JSON.stringify(line.text.slice(0, 80))}`;
      report({ severity: "error", code: "haproxy-map", message, origin: line });
      isRead = false;
      continue;
    }
    const secret = `${namespace}/${name}`;
    files.set(file, secret);
    for (const host of hosts) {
      if (host === "!*") fallback ??= secret;
      else if (host.startsWith("!")) excluded.add(host.slice(1));
      else if (!shown.has(host)) shown.set(host, secret);
    }
  }
  if (!isRead) return undefined;
  const hosts = [...shown].map(([host, certificate]): TlsHost => ({ host, certificate }));
  // Hosts that a wildcard is not for, and no other row: they get the default certificate, or none.
  const others = [...excluded].filter((host) => !shown.has(host)).map((host): TlsHost => ({ host }));
  return { files, hosts: [...hosts, ...others], fallback };
}

const IS_HOST = /^!?(?:\*|(?:\*\.)?[a-z0-9][a-z0-9.-]*)$/;
