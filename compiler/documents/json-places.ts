/** Where the values of a JSON text stand that JSON.parse has accepted. */
import { findMember, skipSpace, skipValue, type TextRange } from "./json-text.ts";
import type { Path } from "./types.ts";

/** A value on the way to the one that was looked for last. */
interface Level {
  readonly start: number;
  /** The key in front of it; undefined for the root and for elements of arrays. */
  readonly key: TextRange | undefined;
  /** Behind it, where that is known. */
  readonly end?: number | undefined;
  /** Of an array: its elements as far as they were looked for. */
  elements?: Elements;
}

interface Elements {
  readonly starts: number[];
  readonly ends: number[];
  /** Where the next one starts. */
  next: number;
}

/** Places in the value at `start` of a text. One place is looked for from the last one: many are asked for in the order of the text, and each by
 *  itself would read an object from its beginning again. */
export class JsonPlaces {
  private readonly text: string;
  /** The way to the last value, and the values on it: the root, then one for each step. What stands behind `depth` steps is from before. */
  private readonly steps: (string | number)[] = [];
  private readonly levels: Level[];
  private depth = 0;

  constructor(text: string, start: number) {
    this.text = text;
    this.levels = [{ start: skipSpace(text, start), key: undefined }];
  }

  /** The range of the value (or key) at `path`, or of the deepest one above it that exists. */
  locate(path: Path, what: "key" | "value"): TextRange {
    const { text, steps, levels } = this;
    const known = Math.min(this.depth, path.length);
    let depth = 0;
    while (depth < known && steps[depth] === path[depth]) depth++;
    let level = levels[depth] as Level;
    for (; depth < path.length; depth++) {
      const step = path[depth] as string | number;
      const below = typeof step === "number" ? this.element(level, step) : this.member(level, step);
      if (below === undefined) break;
      level = below;
      steps[depth] = step;
      levels[depth + 1] = level;
    }
    this.depth = depth;
    const { start, key, end = skipValue(text, start) } = level;
    return what === "key" && key !== undefined ? key : { start, end };
  }

  private member({ start }: Level, name: string): Level | undefined {
    const found = this.text.charCodeAt(start) === OPEN_BRACE ? findMember(this.text, start, name) : undefined;
    return found && { start: found.value, key: found.key };
  }

  private element(array: Level, index: number): Level | undefined {
    const { text } = this;
    if (text.charCodeAt(array.start) !== OPEN_BRACKET) return undefined;
    array.elements ??= { starts: [], ends: [], next: skipSpace(text, array.start + 1) };
    const { starts, ends } = array.elements;
    for (let at = array.elements.next; starts.length <= index; array.elements.next = at) {
      if (at >= text.length || text.charCodeAt(at) === CLOSE_BRACKET) return undefined;
      const end = skipValue(text, at);
      starts.push(at);
      ends.push(end);
      at = skipSpace(text, end);
      if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
    }
    return { start: starts[index] as number, key: undefined, end: ends[index] };
  }
}

const COMMA = 44;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
