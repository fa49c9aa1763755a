/** Secrets that Ingresses name for TLS, found and read. */
import { type KeyPair, readKeyPair } from "../certificates/key-pair.ts";
import type { Origin, Report } from "../diagnostics.ts";
import { TLS_TYPE } from "../specs/secret.ts";
import type { IngressSpec, SecretSpec } from "../specs/types.ts";
import type { IngressCertificate, IngressSettings, IngressTls } from "./types.ts";

/** The Secrets of the input, each read once, when it is asked for. */
export class CertificateIndex {
  private readonly secrets: ReadonlyMap<string, SecretSpec>;
  private readonly read = new Map<string, IngressCertificate>();

  constructor(secrets: readonly SecretSpec[]) {
    this.secrets = new Map(secrets.map((secret) => [`${secret.meta.namespace}/${secret.meta.name}`, secret]));
  }

  /** The certificate in the Secret `namespace/name`. */
  get(name: string): IngressCertificate {
    const known = this.read.get(name);
    if (known !== undefined) return known;
    const found = this.resolve(name);
    this.read.set(name, found);
    return found;
  }

  private resolve(name: string): IngressCertificate {
    const secret = this.secrets.get(name);
    if (secret === undefined) return { kind: "broken", name, reason: "the Secret is not in the input" };
    const pair = keyPairOf(secret);
    if (pair.kind === "unusable") return { kind: "broken", name, reason: pair.reason };
    return { kind: "served", name, leaf: pair.leaf, origin: secret.meta.field };
  }
}

/** What a proxy serves from `secret`, or why it does not. */
export function keyPairOf({
  type,
  certificate,
  privateKey,
}: SecretSpec): KeyPair | { readonly kind: "unusable"; readonly reason: string } {
  if (type !== TLS_TYPE) return { kind: "unusable", reason: `its type is ${type}, not ${TLS_TYPE}` };
  return readKeyPair(certificate, privateKey);
}

/** The `tls` entries of an Ingress with their certificates. Reports `unusable-certificate`. */
export function resolveTls({ meta, tls }: IngressSpec, certificates: CertificateIndex, report: Report): IngressTls[] {
  return tls.map(({ hosts, secretName, field }) => {
    const certificate = secretName === undefined ? undefined : certificates.get(`${meta.namespace}/${secretName}`);
    if (certificate?.kind === "broken") {
      const instead = hosts.length === 0 ? "" : `; the default certificate is served for ${hosts.join(", ")}`;
      const origin = field.member("secretName");
      reportBroken(
        certificate,
        `certificate ${certificate.name} of Ingress ${meta.namespace}/${meta.name}`,
        instead,
        origin,
        report,
      );
    }
    const list = field.member("hosts");
    return {
      hosts: hosts.map((host, index) => ({ host, origin: list.item(index) })),
      certificate,
      origin: field,
    };
  });
}

/** The certificate that the settings name for hosts of no other. Reports `unusable-certificate`. */
export function resolveDefaultCertificate(
  { defaultCertificate }: IngressSettings,
  certificates: CertificateIndex,
  report: Report,
): IngressCertificate | undefined {
  if (defaultCertificate === undefined) return undefined;
  const { name, origin } = defaultCertificate;
  const certificate = certificates.get(name);
  if (certificate.kind === "broken") reportBroken(certificate, `the default certificate ${name}`, "", origin, report);
  return certificate;
}

/** Says why a certificate is not served. */
function reportBroken(
  { reason }: Extract<IngressCertificate, { readonly kind: "broken" }>,
  subject: string,
  instead: string,
  origin: Origin | undefined,
  report: Report,
): void {
  const message = `${subject} is not served: ${reason}${instead}`;
  report({ severity: "warning", code: "unusable-certificate", message, ...(origin && { origin }) });
}
