/** What texts of one shape have in common: the same words, but for those in holes. */
import { HOLES, type HoleKind, type HoleValue, type KnownName, PROBES } from "./holes.ts";
import { isWordAt } from "./word-at.ts";

/** A text with holes. */
export class Shape {
  /** What stands before each hole, and behind the last one. */
  private readonly literals: readonly string[];
  private readonly kinds: readonly HoleKind[];
  /** The code of the last character of each literal; -1: it is empty. */
  private readonly lasts: readonly number[];
  /** How many values its holes have. */
  readonly width: number;
  /** Equal texts are of equal shapes. */
  readonly key: string;

  constructor(literals: readonly string[], kinds: readonly HoleKind[]) {
    this.literals = literals;
    this.kinds = kinds;
    this.lasts = literals.map((literal) => (literal === "" ? -1 : literal.charCodeAt(literal.length - 1)));
    this.width = kinds.reduce((sum, kind) => sum + HOLES[kind].values, 0);
    this.key = literals.map((literal, i) => (i === 0 ? literal : `\0${kinds[i - 1]}\0${literal}`)).join("");
  }

  /** Where what begins at `at` and is of this shape ends, and the values of its holes into `values`; -1: it is not. */
  match(text: string, at: number, values: HoleValue[], nameOf: KnownName): number {
    const { literals, kinds, lasts } = this;
    let place = at;
    let slot = 0;
    for (let i = 0; ; i++) {
      const literal = literals[i] as string;
      const { length } = literal;
      const last = lasts[i] as number;
      // Literals that are longer than this often begin alike.
      if (last >= 0 && text.charCodeAt(place + length - 1) !== last) return -1;
      if (length > 1 && !isWordAt(text, literal, place)) return -1;
      place += length;
      const kind = kinds[i];
      if (kind === undefined) return place;
      const { scan, values: width } = HOLES[kind];
      place = scan(text, place, values, slot, nameOf);
      if (place < 0) return -1;
      slot += width;
    }
  }

  /** Texts of this shape, with the values of their holes: first two in which no hole has the value of another one. */
  probes(): readonly ProbeText[] {
    return Array.from({ length: PROBES }, (_, round) => {
      const words = this.kinds.map((kind, n) => HOLES[kind].probes(n)[round as 0 | 1 | 2 | 3]);
      const text = this.literals.map((literal, i) => literal + (words[i] ?? "")).join("");
      const values: HoleValue[] = [];
      const end = this.match(text, 0, values, (name) => name);
      // What stands behind a hole may go on with it, where it is no word of its own.
      return { text, values: end === text.length ? values : undefined };
    }).flatMap(({ text, values }) => (values === undefined ? [] : [{ text, values }]));
  }
}

export interface ProbeText {
  readonly text: string;
  readonly values: readonly HoleValue[];
}
