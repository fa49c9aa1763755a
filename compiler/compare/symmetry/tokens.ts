/** Small numbers for texts, values and lists of them. Two lists have the same number only where they are equal, part for part. */
import { PairTable } from "./columns.ts";

/** The number of a text, a value, or a pair of numbers. All come from one counter, so that a pair is never taken for a text. */
export type Token = number;

/** More than this are not worth their memory. */
const MOST_TOKENS = 2 ** 26;

export class Tokens {
  private readonly texts = new Map<string, Token>();
  private readonly numbers = new Map<number | bigint, Token>();
  private readonly pairs = new PairTable();
  private count = 0;

  ofText(text: string): Token {
    let token = this.texts.get(text);
    if (token === undefined) {
      token = this.next();
      this.texts.set(text, token);
    }
    return token;
  }

  /** Of a number, or of a bigint, which is another value. */
  ofNumber(value: number | bigint): Token {
    let token = this.numbers.get(value);
    if (token === undefined) {
      token = this.next();
      this.numbers.set(value, token);
    }
    return token;
  }

  ofValue(value: number | bigint | string): Token {
    return typeof value === "string" ? this.ofText(`"${value}`) : this.ofNumber(value);
  }

  /** `first` and then `second`: both are tokens. */
  pair(first: Token, second: Token): Token {
    const known = this.pairs.get(first, second);
    if (known >= 0) return known;
    const token = this.next();
    this.pairs.set(first, second, token);
    return token;
  }

  private next(): Token {
    if (this.count >= MOST_TOKENS - 1) throw new NoSymmetry("the programs have too many different parts");
    return this.count++;
  }
}

/** Thrown where the argument for a reduction does not hold: the message says why, for `compared whole: …`. */
export class NoSymmetry extends Error {}
