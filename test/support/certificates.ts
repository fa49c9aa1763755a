/** Certificates that are thrown away: made when a test runs, valid for what it says. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { der, identifier } from "../../runtime/haproxy/write-der.ts";

export interface CertificateWish {
  /** DNS names; IP addresses are not made. */
  readonly names: readonly string[];
  readonly commonName?: string;
  /** Days of 2026-01-01 in RFC 3339, or others. */
  readonly from?: string;
  readonly until?: string;
  readonly keys?: KeyPairForTest;
  /** Common name of who has signed it: itself, unless given. */
  readonly issuer?: string;
  /** RSA signs over SHA-1. */
  readonly isWeak?: boolean;
}

/** A private key, and the public one. */
export interface KeyPairForTest {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface ThrowawayCertificate {
  readonly certificate: string;
  readonly key: string;
}

export type KeyKind = "ec" | "rsa" | "rsa-1024" | "ed25519";

export function makeKeys(kind: KeyKind = "ec"): KeyPairForTest {
  if (kind === "ec") return generateKeyPairSync("ec", { namedCurve: "P-256" });
  if (kind === "ed25519") return generateKeyPairSync("ed25519");
  return generateKeyPairSync("rsa", { modulusLength: kind === "rsa" ? 2048 : 1024 });
}

/** A certificate that has signed itself. */
export function makeCertificate({
  names,
  commonName,
  from = "2026-01-01T00:00:00Z",
  until = "2126-01-01T00:00:00Z",
  keys = makeKeys(),
  issuer = commonName,
  isWeak = false,
}: CertificateWish): ThrowawayCertificate {
  const { privateKey, publicKey } = keys;
  const kind = publicKey.asymmetricKeyType;
  const algorithm = der(
    0x30,
    kind === "rsa"
      ? Buffer.concat([identifier(isWeak ? "2a864886f70d010105" : "2a864886f70d01010b"), der(0x05)])
      : identifier(kind === "ec" ? "2a8648ce3d040302" : "2b6570"),
  );
  const alternative = der(0x30, ...names.map((each) => der(0x82, Buffer.from(each))));
  const extensions =
    names.length === 0 ? [] : [der(0xa3, der(0x30, der(0x30, identifier("551d11"), der(0x04, alternative))))];
  const signed = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    nameOf(issuer),
    der(0x30, time(from), time(until)),
    nameOf(commonName),
    publicKey.export({ type: "spki", format: "der" }),
    ...extensions,
  );
  const signature = sign(kind === "ed25519" ? null : isWeak ? "sha1" : "sha256", signed, privateKey);
  const bytes = der(0x30, signed, algorithm, der(0x03, Buffer.from([0]), signature));
  const lines = bytes.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** A Secret of type kubernetes.io/tls; in the namespace default unless `name` is `namespace/name`. */
export function tlsSecret(name: string, { certificate, key }: ThrowawayCertificate): Record<string, unknown> {
  const [own = "", namespace = "default"] = name.split("/").reverse();
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace, name: own },
    type: "kubernetes.io/tls",
    data: { "tls.crt": encode(certificate), "tls.key": encode(key) },
  };
}

function nameOf(commonName: string | undefined): Buffer {
  if (commonName === undefined) return der(0x30);
  return der(0x30, der(0x31, der(0x30, identifier("550403"), der(0x0c, Buffer.from(commonName)))));
}

/** As RFC 5280 has it: two digits for years before 2050. */
function time(text: string): Buffer {
  const digits = new Date(text).toISOString().replace(/[-:T]|\.\d+/g, "");
  return digits < "2050" ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}
