/** A table that is changed word by word, with its checksum. */
import { H_CHECKSUM } from "../../../assembly/layout.ts";
import { mixed } from "./bytes.ts";

export class WordWriter {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  /** Words that were changed since `take`, by their offsets, and what they were before. */
  private readonly before = new Map<number, number>();

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  word(at: number): number {
    return this.view.getUint32(at, true);
  }

  half(at: number): number {
    return this.view.getUint16(at, true);
  }

  setWord(at: number, value: number): void {
    if (!this.before.has(at)) this.before.set(at, this.word(at));
    this.view.setUint32(at, value, true);
  }

  setHalf(at: number, value: number): void {
    const shift = (at & 2) * 8;
    this.setWord(at & ~3, (this.word(at & ~3) & ~(0xffff << shift)) | (value << shift));
  }

  setByte(at: number, value: number): void {
    const shift = (at & 3) * 8;
    this.setWord(at & ~3, (this.word(at & ~3) & ~(0xff << shift)) | (value << shift));
  }

  /** Makes the checksum right; gives the offsets of all words that have changed, sorted, the checksum's own among them. */
  take(): Uint32Array {
    let sum = this.word(H_CHECKSUM);
    const changed = [H_CHECKSUM];
    for (const [at, old] of this.before) {
      const now = this.word(at);
      if (now === old) continue;
      sum = (sum - mixed(old, at) + mixed(now, at)) | 0;
      changed.push(at);
    }
    this.before.clear();
    this.view.setUint32(H_CHECKSUM, sum >>> 0, true);
    return Uint32Array.from(changed).sort();
  }
}
