/** What is wrong with a text of rules, in any of their languages. */
import type { Diagnostic, DiagnosticCode, Origin, Report, Span } from "../diagnostics.ts";
import type { Rule } from "../ir/types.ts";

/** Where that is what stands from `start` to `end`, also in a text that was made of another one. */
export type PlaceOf = (start: number, end: number) => Span;

/** A place that is worked out when it is asked for: a dump may have a million of them. */
class TextPlace implements Origin {
  private readonly placeOf: PlaceOf;
  private readonly start: number;
  private readonly end: number;

  constructor(placeOf: PlaceOf, start: number, end: number) {
    this.placeOf = placeOf;
    this.start = start;
    this.end = Math.max(end, start + 1);
  }

  span(): Span {
    return this.placeOf(this.start, this.end);
  }
}

export class TextFindings {
  private readonly report: Report;
  private readonly placeOf: PlaceOf;
  private isContained = false;
  /** Whether an error was reported. */
  wrong = false;

  constructor(report: Report, placeOf: PlaceOf) {
    this.report = report;
    this.placeOf = placeOf;
  }

  originOf(start: number, end: number): Origin {
    return new TextPlace(this.placeOf, start, end);
  }

  error(code: DiagnosticCode, message: string, start: number, end: number): void {
    this.errorAt(code, message, this.originOf(start, end));
  }

  errorAt(code: DiagnosticCode, message: string, origin: Origin): void {
    this.wrong = true;
    const contained = this.isContained ? { contained: true as const } : {};
    this.report({ severity: "error", code, message, origin, ...contained });
  }

  /** Calls `read`; what it finds wrong is kept as what may do anything. */
  contained<T>(read: () => T): T {
    this.isContained = true;
    const found = read();
    this.isContained = false;
    return found;
  }

  /** Reports what is wrong with a rule, in whose place stands what may do anything. */
  readonly tellOfRule = (code: DiagnosticCode, message: string, { origin }: Pick<Rule, "origin">): void =>
    this.contained(() => this.errorAt(code, message, origin ?? this.originOf(0, 1)));

  warn(code: DiagnosticCode, message: string, start: number, end: number): void {
    this.report({ severity: "warning", code, message, origin: this.originOf(start, end) });
  }

  /** Says what answers rest on. */
  note(finding: Pick<Diagnostic, "code" | "message" | "origin" | "restsOn">): void {
    this.report({ severity: "note", ...finding });
  }

  /** Whether `text` is none, which is reported: `expected` says what it should be. */
  isBinary(text: string, expected: string): boolean {
    const found = /[\0\uFFFD]/.test(text.slice(0, 65536));
    if (found) this.error("not-text", `binary file: expected ${expected}`, 0, 1);
    return found;
  }
}

/** Lines in a row that are none of the language, such as prompts and headings: they are told once. */
export class ForeignLines<Place> {
  private readonly tell: (lines: string, first: Place) => void;
  private first: Place | undefined;
  private count = 0;

  /** `tell` gets how many lines they are, with their verb, and where the first one is. */
  constructor(tell: (lines: string, first: Place) => void) {
    this.tell = tell;
  }

  add(place: Place): void {
    this.first ??= place;
    this.count++;
  }

  /** Tells of those that were added, if any. */
  close(): void {
    const { first, count } = this;
    this.first = undefined;
    this.count = 0;
    if (first !== undefined) this.tell(count === 1 ? "this line is" : `${count} lines from here on are`, first);
  }
}
