/** The shapes of the texts that a reader has met, and what it made of them. */
import { isSame } from "../../ir/same-data.ts";
import type { HoleValue, KnownName } from "./holes.ts";
import type { Shape } from "./shape.ts";
import { learn, type ShapeTemplate } from "./template.ts";

/** How texts of one kind are read. */
export interface ReadingByShape<T> {
  /** The text with holes where others of its kind may have other words; undefined: none has its shape. */
  readonly shapeOf: (text: string) => Shape | undefined;
  /** What the grammar makes of a text; undefined where it has anything to report, or what it makes depends on more than the text. */
  readonly read: (text: string) => T | undefined;
  /** Whether a text may end at `at`; `end`: where it has to end, or at most. */
  readonly mayEnd: (text: string, at: number, end: number) => boolean;
  readonly nameOf: KnownName;
}

/** A shape that was met. */
interface Met<T> {
  readonly shape: Shape;
  /** `new`: it was met once; `trusted`: what `template` makes is what the grammar makes; `refused`: the grammar reads such texts. */
  state: "new" | "trusted" | "refused";
  template: ShapeTemplate<T> | undefined;
  /** The shape that came after it the last time. */
  next: Met<T> | undefined;
}

/** A text whose shapes never come again shall not fill the memory with them. */
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
  private last: Met<T> | undefined;
  /** The shapes that came last, the last one first. */
  private readonly recent: Met<T>[] = [];
  /** Those of the last text that was read, and perhaps more behind them. */
  readonly values: HoleValue[] = [];
  /** Where the last text ended that was read. */
  end = 0;

  constructor(reading: ReadingByShape<T>) {
    this.reading = reading;
  }

  /** What begins at `start` is, where its shape is one of those that came last. */
  expect(text: string, start: number, end: number): T | undefined {
    return this.expectTemplate(text, start, end)?.fill(this.values);
  }

  /** What the text from `start` to `end` is, of whatever shape; undefined: the grammar has to read it. */
  read(text: string, start: number, end: number): T | undefined {
    return this.readTemplate(text, start, end)?.fill(this.values);
  }

  /** As `expect`: what makes it of `values`. */
  expectTemplate(text: string, start: number, end: number): ShapeTemplate<T> | undefined {
    const next = this.last?.next;
    if (next !== undefined && this.fits(next, text, start, end)) return this.follow(next);
    const found = this.recent.find((met) => met !== next && this.fits(met, text, start, end));
    return found === undefined ? undefined : this.come(found);
  }

  /** As `read`: what makes it of `values`. */
  readTemplate(text: string, start: number, end: number): ShapeTemplate<T> | undefined {
    const own = text.slice(start, end);
    const shape = this.reading.shapeOf(own);
    if (shape === undefined) return undefined;
    const met = this.met.get(shape.key);
    if (met === undefined) {
      if (this.met.size < MAX_SHAPES)
        this.met.set(shape.key, { shape, state: "new", template: undefined, next: undefined });
      return undefined;
    }
    if (met.state === "new") this.learn(met, own);
    if (met.state === "refused" || !this.fits(met, text, start, end)) return undefined;
    return this.come(met);
  }

  private fits({ state, shape }: Met<T>, text: string, start: number, end: number): boolean {
    if (state !== "trusted") return false;
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
    if (this.last !== undefined) this.last.next = met;
    this.last = met;
    return met.template as ShapeTemplate<T>;
  }

  private learn(met: Met<T>, text: string): void {
    const { read, nameOf } = this.reading;
    met.state = "refused";
    const template = learn(met.shape, read);
    if (template === undefined || met.shape.match(text, 0, this.values, nameOf) !== text.length) return;
    if (!isSame(template.fill(this.values), read(text))) return;
    met.state = "trusted";
    met.template = template;
  }
}
