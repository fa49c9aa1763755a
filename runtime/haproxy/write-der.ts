/** ASN.1 as bytes (DER, X.690). */

/** A value of ASN.1, shorter than 64 kB. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

/** An object identifier, from its encoded arcs. */
export function identifier(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}
