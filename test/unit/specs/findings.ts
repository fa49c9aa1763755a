/** Reading texts in tests: what was found, in lines that are easy to compare. */
import { expect } from "vitest";
import { type Diagnostic, lineAndColumn, type Origin } from "../../../compiler/diagnostics.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import type { Specs } from "../../../compiler/specs/types.ts";

export interface Loaded {
  readonly specs: Specs;
  /** `line:column severity code message`, one for each finding; notes follow in parentheses. */
  readonly findings: readonly string[];
}

/** Reads `texts` as files, the first one called `a.yaml`, the second `b.yaml`. */
export function load(...texts: readonly string[]): Loaded {
  const findings: string[] = [];
  const report = (finding: Diagnostic): void => void findings.push(printFinding(finding));
  const specs = loadSpecs(
    texts.map((text, index) => ({ name: `${"abc"[index]}.yaml`, text })),
    report,
  );
  return { specs, findings };
}

/** The findings of one text. */
export function findingsOf(text: string): readonly string[] {
  return load(text).findings;
}

export function printFinding({ severity, code, message, origin, notes = [] }: Diagnostic): string {
  const shown = notes.map((note) => ` (${note.message} ${printOrigin(note.origin)})`);
  return `${printOrigin(origin)} ${severity} ${code} ${message}${shown.join("")}`;
}

/** `line:column`, behind the file's name when it is not the first. */
function printOrigin(origin: Origin | undefined): string {
  if (origin === undefined) return "-";
  const span = origin.span();
  const { source, start, end } = span;
  if (!(start >= 0 && end >= start && end <= source.text.length + 1)) return `bad span ${start}-${end}`;
  const { line, column } = lineAndColumn(span);
  return `${source.name === "a.yaml" ? "" : `${source.name}:`}${line}:${column}`;
}

/** Compares the findings of `text` with `wanted`; a wanted line that ends in … is only the beginning. */
export function expectFindings(text: string, wanted: readonly string[]): void {
  const found = findingsOf(text);
  const shown = found.map((line, index) => {
    const start = wanted[index]?.endsWith("…") ? wanted[index]?.slice(0, -1) : undefined;
    return start !== undefined && line.startsWith(start) ? `${start}…` : line;
  });
  expect(shown).toEqual(wanted);
}
