/** The shapes of the texts that a reader has met, and what it made of them. */
import { isSame } from "../../ir/same-data.ts";
import type { HoleValue, KnownName } from "./holes.ts";
import type { Shape } from "./shape.ts";
import { learn, type ShapeTemplate } from "./template.ts";

/** How texts of one kind are read. */
export interface ReadingByShape<T> {
  /** The text with holes where others of its kind may have other words; undefined: none has its shape. */
  readonly shapeOf: (text: string) => Shape | undefined;
  /** What the grammar makes of a text; undefined where it has anything to report, or what it makes depends on more than the text.
   *  `isProbe`: it was made of a text, with words in its holes that are taken for known. */
  readonly read: (text: string, isProbe: boolean) => T | undefined;
  /** Whether a text may end at `at`; `end`: where it has to end, or at most. */
  readonly mayEnd: (text: string, at: number, end: number) => boolean;
  readonly nameOf: KnownName;
}

/** What a text came behind. */
export interface ShapePlace<T> {
  /** The shape that came behind it the last time. */
  next: Met<T> | undefined;
  /** The one that came behind it the last time in other texts, which begin there. */
  first: Met<T> | undefined;
}

/** A shape that was met twice. */
interface Met<T> extends ShapePlace<T> {
  readonly shape: Shape;
  /** What it makes is what the grammar makes; undefined: the grammar reads such texts. */
  readonly template: ShapeTemplate<T> | undefined;
}

/** A text whose shapes never come again shall neither fill the memory with them nor keep those out that do. */
const MAX_SHAPES = 4096;

/** Shapes that are tried before a text is cut into its own: few fail later than at their first word. */
const MAX_RECENT = 16;

/**
 * Texts of one shape are read once by the grammar and filled in afterwards. A shape that comes for the second time is learned: the
 * grammar reads probes of it, and this text as well, and the shape is trusted where the same comes out both ways.
 */
export class ShapeBook<T> {
  private readonly reading: ReadingByShape<T>;
  private readonly met = new Map<string, Met<T>>();
  /** The keys of those that were met once. */
  private readonly once = new Set<string>();
  /** What the next text comes behind: mostly the shape of the last one. */
  place: ShapePlace<T> = { next: undefined, first: undefined };
  /** The next text is the first one of some that belong together. */
  private begins = false;
  /** The shapes that came last, the last one first. */
  private readonly recent: Met<T>[] = [];
  /** Those of the last text that was read, and perhaps more behind them. */
  readonly values: HoleValue[] = [];
  /** Where the last text ended that was read. */
  end = 0;

  constructor(reading: ReadingByShape<T>) {
    this.reading = reading;
  }

  /** The next text is the first one of some that belong together. */
  begin(): void {
    this.begins = true;
  }

  /** The next text comes behind `place`, which was that of this book once. */
  resume(place: ShapePlace<T>): void {
    this.place = place;
    this.begins = false;
  }

  /** What makes of `values` what begins at `start`, where its shape is one of those that came last. */
  expect(text: string, start: number, end: number): ShapeTemplate<T> | undefined {
    const next = this.begins ? this.place.first : this.place.next;
    if (next !== undefined && this.fits(next, text, start, end)) return this.follow(next);
    for (const met of this.recent) if (met !== next && this.fits(met, text, start, end)) return this.come(met);
    return undefined;
  }

  /** What makes of `values` what the text from `start` to `end` is, of whatever shape; undefined: the grammar has to read it. */
  read(text: string, start: number, end: number): ShapeTemplate<T> | undefined {
    const own = text.slice(start, end);
    const shape = this.reading.shapeOf(own);
    if (shape === undefined) return undefined;
    const met = this.met.get(shape.key);
    if (met === undefined) return this.meet(shape, own) ? this.read(text, start, end) : undefined;
    if (!this.fits(met, text, start, end)) return undefined;
    return this.come(met);
  }

  /** Whether `shape`, of which `text` is, came once before, so that it was learned now. */
  private meet(shape: Shape, text: string): boolean {
    const { once, met } = this;
    if (!once.delete(shape.key)) {
      if (once.size >= MAX_SHAPES) once.clear();
      once.add(shape.key);
      return false;
    }
    if (met.size >= MAX_SHAPES) return false;
    met.set(shape.key, this.learn(shape, text));
    return true;
  }

  private fits({ template, shape }: Met<T>, text: string, start: number, end: number): boolean {
    if (template === undefined) return false;
    this.end = shape.match(text, start, this.values, this.reading.nameOf);
    return this.end >= 0 && this.reading.mayEnd(text, this.end, end);
  }

  /** A shape that was not expected. */
  private come(met: Met<T>): ShapeTemplate<T> {
    const { recent } = this;
    const at = recent.indexOf(met);
    recent.splice(at < 0 ? MAX_RECENT - 1 : at, 1);
    recent.unshift(met);
    return this.follow(met);
  }

  private follow(met: Met<T>): ShapeTemplate<T> {
    if (this.begins) this.place.first = met;
    else this.place.next = met;
    this.begins = false;
    this.place = met;
    return met.template as ShapeTemplate<T>;
  }

  private learn(shape: Shape, text: string): Met<T> {
    const { read, nameOf } = this.reading;
    const template = learn(shape, (probe) => read(probe, true));
    const isRight =
      template !== undefined &&
      shape.match(text, 0, this.values, nameOf) === text.length &&
      isSame(template.fill(this.values), read(text, false));
    return { shape, template: isRight ? template : undefined, next: undefined, first: undefined };
  }
}
