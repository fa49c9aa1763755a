/** Digests of sets of elements, to which elements are added and from which they are taken. */

/** The XOR of a hash of each member: the order does not matter, and who adds a member twice has taken it away. It finds what went wrong; it
 *  does not resist who means to deceive. */
export class Digest {
  private low = 0;
  private high = 0;
  private members = 0;
  /** Of the member that is being read. */
  private lowState = 0;
  private highState = 0;

  /** A member of these parts, each of which counts with its length. Gives its mark: an integer above 0, equal for equal members. */
  add(a: Uint8Array, b?: Uint8Array, c?: Uint8Array, d?: Uint8Array): number {
    this.members++;
    return this.toggle(a, b, c, d);
  }

  remove(a: Uint8Array, b?: Uint8Array, c?: Uint8Array, d?: Uint8Array): number {
    this.members--;
    return this.toggle(a, b, c, d);
  }

  /** 16 hexadecimal digits, and how many members. */
  toString(): string {
    return `${hex(this.high)}${hex(this.low)}/${this.members}`;
  }

  /** Two MurmurHash3 of 32 bits, side by side, with the length of each part before its words. */
  private toggle(a: Uint8Array, b?: Uint8Array, c?: Uint8Array, d?: Uint8Array): number {
    this.lowState = 0x9747b28c | 0;
    this.highState = 0x3c6ef372;
    this.mix(a);
    if (b !== undefined) this.mix(b);
    if (c !== undefined) this.mix(c);
    if (d !== undefined) this.mix(d);
    const low = finished(this.lowState);
    const high = finished(this.highState);
    this.low ^= low;
    this.high ^= high;
    return (high >>> 11) * 2 ** 32 + (low >>> 0) + 1;
  }

  private mix(part: Uint8Array): void {
    const { length } = part;
    const head = scrambled(length);
    let low = mixed(this.lowState, head);
    let high = mixed(this.highState, head);
    for (let at = 0; at < length; at += 4) {
      const word = scrambled(
        (part[at] ?? 0) | ((part[at + 1] ?? 0) << 8) | ((part[at + 2] ?? 0) << 16) | ((part[at + 3] ?? 0) << 24),
      );
      low = mixed(low, word);
      high = mixed(high, word);
    }
    this.lowState = low;
    this.highState = high;
  }
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

function scrambled(word: number): number {
  const k = Math.imul(word, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

function mixed(state: number, word: number): number {
  const next = state ^ word;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

function finished(state: number): number {
  let end = state ^ (state >>> 16);
  end = Math.imul(end, 0x85ebca6b);
  end ^= end >>> 13;
  end = Math.imul(end, 0xc2b2ae35);
  return end ^ (end >>> 16);
}
