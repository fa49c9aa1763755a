/** A certificate with its key, as a proxy serves it. */
import { pemBlocks } from "./pem.ts";
import { type PrivateKey, type PrivateText, parsePrivateKey, type UnusableKey } from "./private-key.ts";
import { EC, parseX509, RSA, type X509 } from "./x509.ts";

export interface KeyPair {
  readonly kind: "pair";
  /** The first certificate, which is for the host. */
  readonly leaf: X509;
  /** All certificates, the first one first, as PEM. */
  readonly chain: string;
  readonly key: PrivateKey;
}

/** The certificates and their key in one file (PEM), as proxies read it. */
export function printKeyPair({ chain, key }: KeyPair): string {
  return `${chain}${key.pem.reveal()}`;
}

/** The least key that OpenSSL serves at its security level 2, which distributions have by default. */
const MIN_RSA_BITS = 2048;
const MIN_EC_BITS = 224;

/** The pair in two texts (PEM), or why a proxy cannot serve it: a sentence about "it", the Secret. */
export function readKeyPair(
  certificate: string | undefined,
  privateKey: PrivateText | undefined,
): KeyPair | UnusableKey {
  const unusable = (reason: string): UnusableKey => ({ kind: "unusable", reason });
  if (certificate === undefined) return unusable("it has no tls.crt");
  if (privateKey === undefined) return unusable("it has no tls.key");
  const blocks = pemBlocks(certificate).filter(({ label }) => label === "CERTIFICATE");
  if (blocks.length === 0) return unusable("its tls.crt has no certificate (PEM)");
  const chain = blocks.map(({ bytes }) => (bytes === undefined ? undefined : parseX509(bytes)));
  const damaged = chain.indexOf(undefined);
  const [leaf] = chain;
  if (damaged >= 0 || leaf === undefined)
    return unusable(`its tls.crt is damaged: certificate ${damaged + 1} of ${blocks.length} cannot be read`);
  const key = parsePrivateKey(privateKey);
  if (key.kind === "unusable") return key;
  const { publicKey } = key;
  if (
    publicKey !== undefined &&
    (publicKey.algorithm !== leaf.publicKey.algorithm || publicKey.value !== leaf.publicKey.value)
  )
    return unusable("its tls.key does not belong to its tls.crt");
  const weak = chain.flatMap((each) => (each === undefined ? [] : (weaknessOf(each) ?? [])))[0];
  if (weak !== undefined) return unusable(weak);
  return { kind: "pair", leaf, chain: blocks.map(({ text }) => text).join(""), key };
}

function weaknessOf({ publicKey: { algorithm, value }, isWeaklySigned }: X509): string | undefined {
  if (isWeaklySigned) return "a certificate in its tls.crt is signed over MD5 or SHA-1, which OpenSSL does not serve";
  const last = value.split(" ");
  const bits =
    algorithm === RSA ? bitLength(last[0] ?? "") : algorithm === EC ? ((last[1]?.length ?? 0) - 2) * 2 : undefined;
  const least = algorithm === RSA ? MIN_RSA_BITS : MIN_EC_BITS;
  return bits === undefined || bits >= least
    ? undefined
    : `a key of ${bits} bits is in its tls.crt, and OpenSSL serves none of less than ${least}`;
}

/** Bits of a number in hexadecimal digits, two for each byte. */
function bitLength(digits: string): number {
  return digits === "" ? 0 : BigInt(`0x${digits}`).toString(2).length;
}
