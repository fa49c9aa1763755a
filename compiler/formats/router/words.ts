/** Words and texts that a table of routes is made of. */
import { TEXT_AT, TEXT_LENGTH, TEXT_WORDS } from "./layout.ts";

/** A list of words that grows. */
export class WordList {
  private words = new Uint32Array(1024);
  length = 0;

  /** Room for `count` more words, all 0; gives where it begins. */
  reserve(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.words.length) {
      const larger = new Uint32Array(2 ** Math.ceil(Math.log2(this.length)));
      larger.set(this.words);
      this.words = larger;
    }
    return at;
  }

  get(at: number): number {
    return this.words[at] as number;
  }

  set(at: number, word: number): void {
    this.words[at] = word;
  }

  /** The words; good until more are added. */
  view(): Uint32Array {
    return this.words.subarray(0, this.length);
  }
}

/** Texts, each once, and the units of all of them. */
export class TextList {
  readonly records = new WordList();
  private readonly numbers = new Map<string, number>();
  private unitCount = 0;

  constructor() {
    this.number("");
  }

  /** The number of `text`. */
  number(text: string): number {
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    const number = this.numbers.size;
    this.numbers.set(text, number);
    const at = this.records.reserve(TEXT_WORDS);
    this.records.set(at + TEXT_AT, this.unitCount);
    this.records.set(at + TEXT_LENGTH, text.length);
    this.unitCount += text.length;
    return number;
  }

  /** Where the units of a text begin. */
  unitsOf(number: number): number {
    return this.records.get(number * TEXT_WORDS + TEXT_AT);
  }

  /** The units of all texts. Their room is a whole number of words. */
  units(): { readonly words: Uint32Array; readonly count: number } {
    const words = new Uint32Array(Math.ceil(this.unitCount / 2));
    let at = 0;
    for (const text of this.numbers.keys())
      for (let i = 0; i < text.length; i++, at++)
        words[at >>> 1] = (words[at >>> 1] as number) | (text.charCodeAt(i) << ((at & 1) << 4));
    return { words, count: this.unitCount };
  }
}
