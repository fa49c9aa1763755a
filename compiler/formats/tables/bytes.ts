/** Bytes that sections are put into one after the other. */
import { ALIGNMENT, HASH_A, HASH_B, SUM_SHIFT } from "../../../assembly/layout.ts";

/** Whether numbers of this machine have the byte order of tables. */
export const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

export class Sections {
  private readonly parts: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  private end: number;

  /** Sections begin behind `header` bytes. */
  constructor(header: number) {
    this.end = header;
  }

  /** Adds a section; gives its offset. Sections without bytes have one, too. */
  add(bytes: Uint8Array): number {
    const at = this.reserve(bytes.length);
    this.parts.push({ at, bytes });
    return at;
  }

  /** Makes the last section longer, by `length` zeros. */
  extend(length: number): void {
    this.end += length;
  }

  /** Adds a section of `length` zeros; gives its offset. */
  reserve(length: number): number {
    const at = Math.ceil(this.end / ALIGNMENT) * ALIGNMENT;
    this.end = at + length;
    return at;
  }

  /** All sections, with room for the header in front; a multiple of four bytes. */
  join(): Uint8Array {
    const all = new Uint8Array(Math.ceil(this.end / 4) * 4);
    for (const { at, bytes } of this.parts) all.set(bytes, at);
    return all;
  }
}

/** The array's bytes in the order of tables. The array is not to be used any more. */
export function littleEndian(array: Uint16Array | Uint32Array): Uint8Array {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  if (IS_LITTLE_ENDIAN) return bytes;
  const size = array.BYTES_PER_ELEMENT;
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
  return bytes;
}

/** Records of `size` bytes, written one by one. */
export function records<T>(
  items: readonly T[],
  size: number,
  write: (view: DataView, at: number, item: T, index: number) => void,
): Uint8Array {
  const bytes = new Uint8Array(items.length * size);
  const view = new DataView(bytes.buffer);
  for (const [i, item] of items.entries()) write(view, i * size, item, i);
  return bytes;
}

/** The bytes of a number in the other order. */
export function swap32(word: number): number {
  return ((word << 24) | ((word << 8) & 0xff0000) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

export function swap16(half: number): number {
  return ((half << 8) | (half >>> 8)) & 0xffff;
}

/** The sum of all words from `from` on, each mixed with its place: a difference in one word always shows. Both numbers of bytes are
 *  multiples of four. */
export function checksumOf(bytes: Uint8Array, from: number): number {
  const isPlain = IS_LITTLE_ENDIAN && bytes.byteOffset % 4 === 0;
  const words = isPlain
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    : new Uint32Array(littleEndian(new Uint32Array(new Uint8Array(bytes).buffer)).buffer);
  let sum = 0;
  for (let i = from / 4; i < words.length; i++) sum = (sum + mixed(words[i] as number, i * 4)) | 0;
  return sum >>> 0;
}

/** What a word adds to the checksum of its table; `at`: its offset. */
export function mixed(word: number, at: number): number {
  const placed = word ^ Math.imul(at, HASH_B);
  const product = Math.imul(placed ^ (placed >>> SUM_SHIFT), HASH_A);
  return product ^ (product >>> SUM_SHIFT);
}
