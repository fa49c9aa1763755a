/** Lines of a text, found without a look at the others. */

/** From `start` to before `end`, where "\n" stands, or nothing. */
export interface LineBounds {
  readonly start: number;
  readonly end: number;
}

/** The lines of `text` that hold `part`, which is of one line. */
export function* linesWith(text: string, part: string): Generator<LineBounds> {
  for (let at = text.indexOf(part); at >= 0; ) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    yield { start: text.lastIndexOf("\n", at) + 1, end };
    at = text.indexOf(part, end);
  }
}
