/** Certificates for tests: made when they are needed, trusted by nobody. */

import { der, identifier } from "./write-der.ts";

/** A Secret of type kubernetes.io/tls with a certificate of its own for `hosts`. `name`: `namespace/name`. */
export function throwawaySecret(name: string, hosts: readonly string[]): object {
  const [namespace = "", own = ""] = name.split("/");
  const { certificate, key } = makePair(hosts);
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/tls",
    metadata: { namespace, name: own },
    data: { "tls.crt": encode(certificate), "tls.key": encode(key) },
  };
}

/** A certificate on the curve P-256 that has signed itself (RFC 5280), and its key: PEM. */
function makePair(hosts: readonly string[]): { readonly certificate: string; readonly key: string } {
  // Node.js loads its cryptography only here: other commands start sooner.
  const { generateKeyPairSync, sign } = process.getBuiltinModule("node:crypto");
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(SEQUENCE, identifier("2a8648ce3d040302")); // ecdsa-with-SHA256
  const commonName = der(UTF8, Buffer.from("kpc test"));
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, identifier("550403"), commonName)));
  const alternative = der(SEQUENCE, ...hosts.map((host) => der(DNS_NAME, Buffer.from(host))));
  const extension = der(SEQUENCE, identifier("551d11"), der(OCTETS, alternative));
  const validity = der(
    SEQUENCE,
    der(UTC_TIME, Buffer.from("200101000000Z")),
    der(TIME, Buffer.from("21200101000000Z")),
  );
  const content = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1])),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: "spki", format: "der" }),
    ...(hosts.length === 0 ? [] : [der(EXTENSIONS, der(SEQUENCE, extension))]),
  );
  const signature = sign("sha256", content, privateKey);
  const lines = der(SEQUENCE, content, algorithm, der(BITS, Buffer.from([0]), signature)).toString("base64");
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.replace(/.{64}(?=.)/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

// Tags of ASN.1.
const INTEGER = 0x02;
const BITS = 0x03;
const OCTETS = 0x04;
const UTF8 = 0x0c;
const UTC_TIME = 0x17;
const TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const DNS_NAME = 0x82;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
