/** Private keys, as far as it takes to tell whether they belong to a certificate. */
import { bitsOf, contextTag, type Der, hexOf, identifierOf, inside, integerOf, readDer, TAGS } from "./der.ts";
import { type PemBlock, pemBlocks } from "./pem.ts";
import { EC, ecPublicKey, type PublicKey, RSA, rsaPublicKey } from "./x509.ts";

/** A text that nothing prints: not JSON, not a message, not a template. Only who asks for it by name gets it. */
export class PrivateText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself: for files that only their owner may read. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return "(private)";
  }

  toJSON(): string {
    return "(private)";
  }
}

/** A key that was read. */
export interface PrivateKey {
  readonly kind: "key";
  /** The block that has it, alone. */
  readonly pem: PrivateText;
  /** The public half, where the key has it with it; undefined: kpc does not compute it. */
  readonly publicKey: PublicKey | undefined;
}

/** Why a text is no key that a proxy can use. */
export interface UnusableKey {
  readonly kind: "unusable";
  readonly reason: string;
}

/** The key in `text` (PEM: PKCS #8, PKCS #1 or SEC 1). */
export function parsePrivateKey(text: PrivateText): PrivateKey | UnusableKey {
  const block = pemBlocks(text.reveal()).find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block === undefined) return unusable("it has no private key (PEM)");
  if (block.label === "ENCRYPTED PRIVATE KEY" || block.headers.some((line) => line.includes("ENCRYPTED")))
    return unusable("its private key is encrypted");
  const [der, more] = (block.bytes && readDer(block.bytes)) ?? [];
  if (der?.tag !== TAGS.sequence || more !== undefined) return unusable("its private key is damaged");
  return { kind: "key", pem: new PrivateText(block.text), publicKey: publicHalf(block, der) };
}

function unusable(reason: string): UnusableKey {
  return { kind: "unusable", reason };
}

function publicHalf({ label }: PemBlock, der: Der): PublicKey | undefined {
  const parts = inside(der, TAGS.sequence);
  if (label === "RSA PRIVATE KEY") return rsaPublicKey(parts.slice(1));
  if (label === "EC PRIVATE KEY") return ecPublicHalf(parts, undefined);
  const [, kind, octets] = parts;
  const [algorithm, curve] = inside(kind, TAGS.sequence);
  const key = octets?.tag === TAGS.octetString ? readDer(octets.content)?.[0] : undefined;
  const name = identifierOf(algorithm);
  if (name === RSA) return rsaPublicKey(inside(key, TAGS.sequence).slice(1));
  if (name === EC) return ecPublicHalf(inside(key, TAGS.sequence), identifierOf(curve));
  // Version 2 has the public key at [1].
  const bits = parts.find(({ tag }) => tag === contextTag(1, false))?.content;
  return name === undefined || bits === undefined ? undefined : { algorithm: name, value: hexOf(bits.subarray(1)) };
}

/** ECPrivateKey: version, key, [0] curve, [1] public key. */
function ecPublicHalf(parts: readonly Der[], curve: string | undefined): PublicKey | undefined {
  if (integerOf(parts[0]) !== "01") return undefined;
  const at = (number: number): Der | undefined =>
    inside(
      parts.find(({ tag }) => tag === contextTag(number, true)),
      contextTag(number, true),
    )[0];
  const name = curve ?? identifierOf(at(0));
  const point = bitsOf(at(1));
  return name === undefined || point === undefined ? undefined : ecPublicKey(name, point);
}
