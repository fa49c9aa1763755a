/** X.509 certificates (RFC 5280): whom they name, from when until when, and with which public key. */
import { parseAddress, printAddress } from "../net/address.ts";
import { bitsOf, contextTag, type Der, hexOf, identifierOf, inside, integerOf, readDer, TAGS } from "./der.ts";

/** What of a certificate decides who may trust it for what. */
export interface X509 {
  /** The common name of the subject; clients do not look at it. */
  readonly commonName: string | undefined;
  /** DNS names (subjectAltName) in lower case, as they stand; a wildcard begins with `*.`. */
  readonly names: readonly string[];
  /** IP addresses (subjectAltName). */
  readonly addresses: readonly string[];
  /** Milliseconds since 1970: valid from the one to the other, both included. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: PublicKey;
  /** Another one has signed it, over a digest that can be forged (MD5, SHA-1). */
  readonly isWeaklySigned: boolean;
}

/** As much of a public key as tells it from others. */
export interface PublicKey {
  /** Object identifier of the kind of key. */
  readonly algorithm: string;
  /** Equal for equal keys of the same kind. */
  readonly value: string;
}

export const RSA = "1.2.840.113549.1.1.1";
export const EC = "1.2.840.10045.2.1";

/** Signatures over MD5 or SHA-1: RSA, DSA, ECDSA. */
const WEAK_SIGNATURES: ReadonlySet<string> = new Set([
  "1.2.840.113549.1.1.4",
  "1.2.840.113549.1.1.5",
  "1.2.840.10040.4.3",
  "1.2.840.10045.4.1",
]);

const COMMON_NAME = "2.5.4.3";
const ALTERNATIVE_NAMES = "2.5.29.17";

/** The certificate in `bytes` (DER); undefined where they are none. No signature is checked. */
export function parseX509(bytes: Uint8Array): X509 | undefined {
  const [certificate, more] = readDer(bytes) ?? [];
  if (more !== undefined) return undefined;
  const [signed, signature] = inside(certificate, TAGS.sequence);
  const parts = inside(signed, TAGS.sequence);
  const version = parts[0]?.tag === contextTag(0, true) ? 1 : 0;
  const [issuer, validity, subject, keyInfo, ...optional] = parts.slice(version + 2);
  const [from, until] = inside(validity, TAGS.sequence).map(timeOf);
  const publicKey = parsePublicKey(keyInfo);
  if (from === undefined || until === undefined || publicKey === undefined || subject?.tag !== TAGS.sequence)
    return undefined;
  const extensions = inside(
    inside(
      optional.find(({ tag }) => tag === contextTag(3, true)),
      contextTag(3, true),
    )[0],
    TAGS.sequence,
  );
  return {
    commonName: commonNameOf(subject),
    ...alternativeNames(extensions),
    notBefore: from,
    notAfter: until,
    publicKey,
    isWeaklySigned:
      WEAK_SIGNATURES.has(identifierOf(inside(signature, TAGS.sequence)[0]) ?? "") &&
      hexOf(issuer?.content ?? subject.content) !== hexOf(subject.content),
  };
}

/** SubjectPublicKeyInfo. */
function parsePublicKey(der: Der | undefined): PublicKey | undefined {
  const [kind, key] = inside(der, TAGS.sequence);
  const [algorithm, curve] = inside(kind, TAGS.sequence);
  const name = identifierOf(algorithm);
  const bits = bitsOf(key);
  if (name === undefined || bits === undefined) return undefined;
  if (name === RSA) return rsaPublicKey(inside(readDer(bits)?.[0], TAGS.sequence));
  if (name === EC) return ecPublicKey(identifierOf(curve) ?? "", bits);
  return { algorithm: name, value: hexOf(bits) };
}

/** From a modulus and an exponent. */
export function rsaPublicKey([modulus, exponent]: readonly Der[]): PublicKey | undefined {
  const [m, e] = [integerOf(modulus), integerOf(exponent)];
  return m === undefined || e === undefined ? undefined : { algorithm: RSA, value: `${m} ${e}` };
}

/** From a curve's identifier and a point. */
export function ecPublicKey(curve: string, point: Uint8Array): PublicKey {
  return { algorithm: EC, value: `${curve} ${hexOf(point)}` };
}

function commonNameOf(subject: Der): string | undefined {
  for (const set of inside(subject, TAGS.sequence)) {
    for (const pair of inside(set, TAGS.set)) {
      const [type, value] = inside(pair, TAGS.sequence);
      if (identifierOf(type) === COMMON_NAME && value !== undefined) return new TextDecoder().decode(value.content);
    }
  }
  return undefined;
}

function alternativeNames(extensions: readonly Der[]): Pick<X509, "names" | "addresses"> {
  const found = extensions
    .map((each) => inside(each, TAGS.sequence))
    .find(([id]) => identifierOf(id) === ALTERNATIVE_NAMES);
  const value = found?.find(({ tag }) => tag === TAGS.octetString);
  const entries = inside(value && readDer(value.content)?.[0], TAGS.sequence);
  const having = (number: number): Uint8Array[] =>
    entries.filter(({ tag }) => tag === contextTag(number, false)).map(({ content }) => content);
  return {
    names: having(2).map((bytes) => new TextDecoder().decode(bytes).toLowerCase()),
    addresses: having(7).flatMap((bytes) => addressText(bytes) ?? []),
  };
}

function addressText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) return undefined;
  const address = parseAddress(hexOf(bytes).replace(/(.{4})(?=.)/g, "$1:"));
  return address === undefined ? undefined : printAddress(address);
}

/** Milliseconds since 1970; undefined where `der` is no time. Years of two digits are those from 1950 to 2049. */
function timeOf({ tag, content }: Der): number | undefined {
  const text = new TextDecoder().decode(content);
  const [, year = "", rest = ""] = (tag === TAGS.utcTime ? /^(\d\d)(\d{10})Z$/ : /^(\d{4})(\d{10})Z$/).exec(text) ?? [];
  if (year === "" || (tag !== TAGS.utcTime && tag !== TAGS.generalizedTime)) return undefined;
  const whole = year.length === 4 ? year : `${year < "50" ? 20 : 19}${year}`;
  const time = Date.parse(`${whole}-${rest.replace(/^(..)(..)(..)(..)(..)$/, "$1-$2T$3:$4:$5Z")}`);
  return Number.isNaN(time) ? undefined : time;
}
