/** Which certificate a client gets. */
import type { Certificate, TlsHost } from "../ir/routes.ts";
import type { Program } from "../ir/types.ts";
import { takesHost } from "./listener-route.ts";

/** What a TLS handshake met in the table. */
export interface CertificateDecision {
  /** The host of the table that the client's name leads to; undefined: none. */
  readonly host: TlsHost | undefined;
  /** Undefined: the handshake is refused. */
  readonly certificate: Certificate | undefined;
}

/** What is shown to a client that asks for `serverName` (SNI; undefined: it names no host): the certificate of the host, then that of the
 *  wildcard for its first label, then the longest wildcard for more of them, then the default one. */
export function decideCertificate({ tls }: Pick<Program, "tls">, serverName: string | undefined): CertificateDecision {
  if (tls === undefined) return { host: undefined, certificate: undefined };
  const name = serverName?.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  const wildcard = name !== undefined && /^[^.]+\./.test(name) ? name.replace(/^[^.]+/, "*") : undefined;
  const host =
    tls.hosts.find((each) => each.host === name) ??
    tls.hosts.find((each) => each.host === wildcard) ??
    tls.hosts
      .filter((each) => each.labels === "any" && each.host.startsWith("*.") && takesHost(each.host, name))
      .reduce<TlsHost | undefined>(
        (best, each) => (best !== undefined && best.host.length >= each.host.length ? best : each),
        undefined,
      );
  const wanted = host?.certificate ?? tls.fallback;
  return { host, certificate: tls.certificates.find((each) => each.name === wanted) };
}
