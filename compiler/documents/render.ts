/** Findings as people and programs read them. */
import {
  type Diagnostic,
  type DiagnosticCode,
  lineAndColumn,
  type Origin,
  type Severity,
  type Span,
} from "../diagnostics.ts";
import { maskSecrets } from "./masked.ts";

/** Words in colour, or as they are. */
export interface Style {
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly note: (text: string) => string;
  readonly strong: (text: string) => string;
}

export const PLAIN: Style = { error: same, warning: same, note: same, strong: same };

export const COLOURED: Style = { error: sgr(31), warning: sgr(33), note: sgr(36), strong: sgr(1) };

function same(text: string): string {
  return text;
}

function sgr(code: number): (text: string) => string {
  return (text) => `\u001b[${code}m${text}\u001b[0m`;
}

/** A finding with the line that it is about, and its notes:
 *
 *      web.yaml:2:11: error: expected a port from 1 to 65535 [port-out-of-range]
 *        - port: 70000
 *                ^^^^^
 */
export function renderDiagnostic(diagnostic: Diagnostic, style: Style): string {
  const { severity, code, message, origin, notes = [], fix } = diagnostic;
  const colour = severity === "error" ? style.error : severity === "warning" ? style.warning : style.note;
  const lines = renderPart(`${colour(severity)}: ${printable(message)} [${code}]`, origin, style);
  for (const note of notes)
    lines.push(
      ...renderPart(`${style.note("note")}: ${printable(note.message)}`, note.origin, style).map((line) => `  ${line}`),
    );
  if (fix !== undefined) {
    const where = fix.host === undefined ? "fix" : `fix on ${fix.host}`;
    lines.push(`  ${style.note(printable(where))}: ${printable(fix.command)}`);
  }
  return lines.join("\n");
}

function renderPart(text: string, origin: Origin | undefined, style: Style): string[] {
  if (origin === undefined) return [text];
  const span = origin.span();
  const { line, column } = lineAndColumn(span);
  return [`${style.strong(`${printable(span.source.name)}:${line}:${column}`)}: ${text}`, ...renderFrame(span, column)];
}

/** Characters of a line that are shown; more is cut, around the place. */
const MAX_WIDTH = 120;

/** The line of `span` and carets below it; tabs become blanks, so that the carets fit. */
function renderFrame({ source, start, end }: Span, column: number): string[] {
  const lineStart = start - (column - 1);
  const lineEnd = source.text.indexOf("\n", start);
  const line = maskSecrets(
    source,
    source.text.slice(lineStart, lineEnd < 0 ? source.text.length : lineEnd).replace(/\r$/, ""),
  );
  if (line.trim() === "") return [];
  const cut = column > MAX_WIDTH ? column - 40 : 0;
  const shown = printable(line.slice(cut, cut + MAX_WIDTH));
  const carets = Math.max(1, Math.min(end - start, line.length - (column - 1), cut + MAX_WIDTH - (column - 1)));
  return [`  ${shown}`, `  ${" ".repeat(column - 1 - cut)}${"^".repeat(carets)}`];
}

/** `text` without what a terminal would obey. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  return text.replace(/\t/g, " ").replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "?");
}

/** A place in the input: the name of the text, line and column from 1. All three or none. */
export interface PlaceData {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** A finding as plain data. */
export interface DiagnosticData extends PlaceData {
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  /** One sentence. */
  readonly message: string;
  /** Other places that take part, such as the first of two equal names. */
  readonly notes: readonly DiagnosticNote[];
  /** The host of the described network that it is about, such as `node/n1`. */
  readonly host?: string;
  readonly fix?: DiagnosticFix;
}

/** What makes a finding go away. */
export interface DiagnosticFix {
  /** As a shell takes it. */
  readonly command: string;
  /** Where to run it; undefined: where kubectl runs. */
  readonly host?: string;
}

export interface DiagnosticNote extends PlaceData {
  readonly message: string;
}

/** A finding as plain data; finds its place in the text. */
export function diagnosticToJson(diagnostic: Diagnostic): DiagnosticData {
  const { severity, code, message, origin, notes = [], host, fix } = diagnostic;
  return {
    code,
    severity,
    message,
    ...place(origin),
    notes: notes.map((note) => ({ message: note.message, ...place(note.origin) })),
    ...(host === undefined ? {} : { host }),
    ...(fix === undefined ? {} : { fix }),
  };
}

function place(origin: Origin | undefined): PlaceData {
  if (origin === undefined) return {};
  const span = origin.span();
  return { file: span.source.name, ...lineAndColumn(span) };
}
