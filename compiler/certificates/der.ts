/** DER (X.690), as far as certificates and keys need it: a tree of tagged bytes. */

/** A value with its tag. */
export interface Der {
  /** The first byte, such as `TAGS.sequence`. */
  readonly tag: number;
  readonly content: Uint8Array;
}

/** First bytes of values. */
export const TAGS = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The first byte of the value that a structure has at `[number]`; `constructed`: it holds other values. */
export function contextTag(number: number, constructed: boolean): number {
  return 0x80 | (constructed ? 0x20 : 0) | number;
}

/** The values in `bytes`, one after the other; undefined where they are not DER. */
export function readDer(bytes: Uint8Array): readonly Der[] | undefined {
  const values: Der[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    if ((tag & 0x1f) === 0x1f) return undefined; // a tag of several bytes, which certificates do not have
    const length = lengthAt(bytes, at + 1);
    if (length === undefined) return undefined;
    const end = length.start + length.value;
    if (end > bytes.length) return undefined;
    values.push({ tag, content: bytes.subarray(length.start, end) });
    at = end;
  }
  return values;
}

/** The values inside of `der`; none where it is absent, has another tag, or holds something else. */
export function inside(der: Der | undefined, tag: number): readonly Der[] {
  return der?.tag === tag ? (readDer(der.content) ?? []) : [];
}

/** The content of `der` as a number without leading zeros, in hexadecimal digits; undefined where it is no integer. */
export function integerOf(der: Der | undefined): string | undefined {
  return der?.tag === TAGS.integer ? hexOf(der.content).replace(/^(?:00)+(?=.)/, "") : undefined;
}

/** The whole bytes of a bit string; undefined where `der` is none. */
export function bitsOf(der: Der | undefined): Uint8Array | undefined {
  return der?.tag === TAGS.bitString && der.content[0] === 0 ? der.content.subarray(1) : undefined;
}

/** An object identifier with dots, such as `2.5.29.17`. */
export function identifierOf(der: Der | undefined): string | undefined {
  if (der?.tag !== TAGS.objectIdentifier) return undefined;
  const numbers: number[] = [];
  let number = 0;
  for (const byte of der.content) {
    number = number * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...others] = numbers;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - 40 * root, ...others].join(".");
}

/** Two digits for each byte. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function lengthAt(bytes: Uint8Array, at: number): { readonly value: number; readonly start: number } | undefined {
  const first = bytes[at];
  if (first === undefined || first === 0x80) return undefined;
  if (first < 0x80) return { value: first, start: at + 1 };
  const count = first & 0x7f;
  if (count > 4) return undefined;
  let value = 0;
  for (let i = 1; i <= count; i++) value = value * 256 + (bytes[at + i] ?? Number.NaN);
  return Number.isNaN(value) ? undefined : { value, start: at + 1 + count };
}
