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

  set(at: number, word: number): void {
    this.words[at] = word;
  }

  /** Sets one of the units from word `at` on, which is 0. */
  setUnit(at: number, unit: number, value: number): void {
    const word = at + (unit >> 1);
    this.words[word] = (this.words[word] as number) | (value << ((unit & 1) << 4));
  }

  /** The words; good until more are added. */
  view(): Uint32Array {
    return this.words.subarray(0, this.length);
  }
}

/** Texts by numbers, and the units of all of them. */
export class TextList {
  readonly records = new WordList();
  private readonly texts: string[] = [];
  private readonly numbers = new Map<string, number>();
  private unitCount = 0;

  constructor() {
    this.number("");
  }

  /** The number of `text`, the same one each time. */
  number(text: string): number {
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    const number = this.add(text);
    this.numbers.set(text, number);
    return number;
  }

  /** The number of a text that is not looked for again: that would take longer than to have it twice. */
  add(text: string): number {
    const at = this.records.reserve(TEXT_WORDS);
    this.records.set(at + TEXT_AT, this.unitCount);
    this.records.set(at + TEXT_LENGTH, text.length);
    this.unitCount += text.length;
    return this.texts.push(text) - 1;
  }

  /** The units of all texts. Their room is a whole number of words. */
  units(): { readonly words: Uint32Array; readonly count: number } {
    const words = new WordList();
    words.reserve((this.unitCount + 1) >> 1);
    let unit = 0;
    for (const text of this.texts)
      for (let i = 0; i < text.length; i++, unit++) words.setUnit(0, unit, text.charCodeAt(i));
    return { words: words.view(), count: this.unitCount };
  }
}
