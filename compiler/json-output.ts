/** JSON that kpc prints: each output says which it is. */

/** The version of everything that kpc reads and prints as data. */
export const API_VERSION = "kpc.dev/v1alpha1";

/** What `kind` of output: one for each command, and the IR. */
export type OutputKind =
  | "Compilation"
  | "Diagnostics"
  | "Trace"
  | "Walk"
  | "LiveTrace"
  | "Route"
  | "Frontends"
  | "Matrix"
  | "MatrixChanges"
  | "TestResults"
  | "LabRun"
  | "Comparison"
  | "UrlComparison"
  | "Verification";

/** `members` as JSON text, two blanks deep, behind `apiVersion` and `kind`. */
export function jsonText(kind: OutputKind, members: object): string {
  return `${JSON.stringify({ apiVersion: API_VERSION, kind, ...members }, null, 2)}\n`;
}
