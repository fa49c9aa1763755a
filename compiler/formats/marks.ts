/** Which lines of a printed text come from which rule or element. */
import type { Origin } from "../diagnostics.ts";

/** A rule, an element, a route: what a printer writes as lines of their own. */
export interface Subject {
  readonly origin?: Origin;
}

/** Takes the text of a subject, of whole lines or the end of one, and gives what to write. */
export type Mark = (text: string, subject: Subject) => string;

/** Writes texts as they are. */
export const UNMARKED: Mark = (text) => text;

/** A line of a printed text. Without a subject it is part of a frame. */
export interface PrintedLine {
  readonly text: string;
  readonly subject?: Subject;
}

/** The lines of what `print` gives, without the marks that it was given to write. */
export function markedLines(print: (mark: Mark) => string): PrintedLine[] {
  const subjects: Subject[] = [];
  const text = print((own, subject) => {
    const mark = `${SIGN}${subjects.push(subject) - 1}${SIGN}`;
    return `${own.replaceAll("\n", `${mark}\n`)}${mark}`;
  });
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => {
      const parts = line.split(SIGN);
      // The innermost mark stands first.
      const subject = subjects[Number(parts[1])];
      return { text: parts.filter((_, i) => i % 2 === 0).join(""), ...(subject && { subject }) };
    });
}

/** Stands in no text of rules: the kernel takes none with it. */
const SIGN = "\0";
