/** Bytes that sections are put into one after the other. */
import { ALIGNMENT } from "../../../assembly/layout.ts";

export class Sections {
  private readonly parts: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  private end: number;

  /** Sections begin behind `header` bytes. */
  constructor(header: number) {
    this.end = header;
  }

  /** Adds a section; gives its offset. Sections without bytes have one, too. */
  add(bytes: Uint8Array): number {
    const at = Math.ceil(this.end / ALIGNMENT) * ALIGNMENT;
    this.parts.push({ at, bytes });
    this.end = at + bytes.length;
    return at;
  }

  /** All sections, with room for the header in front; a multiple of four bytes. */
  join(): Uint8Array {
    const all = new Uint8Array(Math.ceil(this.end / 4) * 4);
    for (const { at, bytes } of this.parts) all.set(bytes, at);
    return all;
  }
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

/** A sum over words in which each difference in one word shows. */
export function checksumOf(bytes: Uint8Array, from: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let sum = 0;
  for (let at = from; at < bytes.length; at += 4) {
    const mixed = Math.imul(sum ^ view.getUint32(at, true), 0x9e3779b1);
    sum = (mixed << 13) | (mixed >>> 19);
  }
  return sum >>> 0;
}
