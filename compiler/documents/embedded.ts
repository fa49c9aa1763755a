/** Documents inside a text of another document: the settings file in a ConfigMap. */
import type { Diagnostic, Report, Source, Span } from "../diagnostics.ts";
import { readDocuments } from "./document.ts";
import type { Field } from "./field.ts";
import type { Document } from "./types.ts";

/** The documents in the text that is the value of `field`. Places are those in the source itself where the text stands there
 *  line by line (a block scalar); else those in the text, under the name `name`. */
export function* readEmbedded(field: Field, text: string, name: string, report: Report): Generator<Document> {
  const source: Source = { name, text };
  const outer = (span: Span): Span => placeInOuter(span, field) ?? span;
  const reporting: Report = (finding) => report(withOuter(finding, outer));
  for (const document of readDocuments(source, reporting))
    yield { source, value: document.value, locate: (path, what) => outer(document.locate(path, what)) };
}

function withOuter(finding: Diagnostic, outer: (span: Span) => Span): Diagnostic {
  const moved = <T extends { readonly origin?: Diagnostic["origin"] }>(part: T): T => {
    const { origin } = part;
    return origin === undefined ? part : { ...part, origin: { span: () => outer(origin.span()) } };
  };
  const { notes } = finding;
  return { ...moved(finding), ...(notes === undefined ? {} : { notes: notes.map(moved) }) };
}

/** Where `span` of the inner text stands in the source of `field`; undefined where the lines of both are not the same but for
 *  an indentation. */
function placeInOuter({ source: { text: inner }, start, end }: Span, field: Field): Span | undefined {
  const { source, start: from } = field.span();
  const { text } = source;
  const before = inner.slice(0, start).split("\n");
  const innerLines = inner.split("\n");
  let at = text.indexOf("\n", from) + 1; // behind the header of the block scalar
  if (at === 0) return undefined;
  let indent: number | undefined;
  for (const [index, line] of innerLines.entries()) {
    const lineEnd = text.indexOf("\n", at);
    const outerLine = text.slice(at, lineEnd < 0 ? text.length : lineEnd).replace(/\r$/, "");
    if (line.trim() !== "") {
      indent ??= outerLine.length - line.length;
      if (indent < 0 || outerLine.slice(0, indent).trim() !== "" || outerLine.slice(indent) !== line) return undefined;
    }
    if (index === before.length - 1) {
      const place = at + (indent ?? 0) + (before.at(-1) ?? "").length;
      return { source, start: place, end: place + Math.max(1, Math.min(end - start, line.length)) };
    }
    if (lineEnd < 0) return undefined;
    at = lineEnd + 1;
  }
  return undefined;
}
