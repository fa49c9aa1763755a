/** What an output cannot hold: a finding about the manifest, or the rule, that needs it. */
import type { Diagnostic, DiagnosticCode, Origin } from "../diagnostics.ts";

/** Thrown where something has no counterpart in an output; the stage that makes the output catches it, adds the place where it is
 *  lacking, and gives it as a finding. */
export class Unsupported extends Error {
  readonly origin: Origin | undefined;

  /** `reason`: what has no counterpart, in the words of the output or of nft. */
  constructor(reason: string, origin?: Origin) {
    super(reason);
    this.origin = origin;
  }
}

/** The finding; with it there is no output. */
export function unsupported(
  code: Extract<DiagnosticCode, `unsupported-${string}`>,
  message: string,
  origin: Origin | undefined,
  notes?: Diagnostic["notes"],
): Diagnostic {
  const place = origin === undefined ? {} : { origin };
  return { severity: "error", code, message, ...place, ...(notes === undefined ? {} : { notes }) };
}

/** A text in a language of rules. */
export interface PrintedText {
  readonly text: string;
  /** What the language has no words for; empty, or the text is not to be used. */
  readonly unsupported: readonly Diagnostic[];
}
