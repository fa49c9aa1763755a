/** Declared differences in tests: read, and held against what a comparison of two programs finds. */
import { type CompareOptions, type Comparison, compare } from "../../compiler/compare/compare.ts";
import { type AppliedExceptions, applyExceptions } from "../../compiler/compare/exceptions/apply.ts";
import { decodeDeclarations } from "../../compiler/compare/exceptions/decode.ts";
import { printDeclarations } from "../../compiler/compare/exceptions/print.ts";
import type { Declaration } from "../../compiler/compare/exceptions/types.ts";
import { type Diagnostic, lineAndColumn } from "../../compiler/diagnostics.ts";
import { readDocuments } from "../../compiler/documents/document.ts";
import { Field } from "../../compiler/documents/field.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { Address } from "../../compiler/net/address.ts";

/** The declarations in a text, and `line:column code message` of each finding. */
export function readDeclarations(text: string): { declarations: readonly Declaration[]; findings: readonly string[] } {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void diagnostics.push(diagnostic);
  const declarations = [...readDocuments({ name: "meant.yaml", text }, report)].flatMap((document) => {
    const root = Field.root(document);
    return decodeDeclarations({ report, root, subject: "meant.yaml" }, root);
  });
  const findings = diagnostics.map(({ code, message, origin }) => {
    const place = origin === undefined ? undefined : lineAndColumn(origin.span());
    return `${place?.line}:${place?.column} ${code} ${message}`;
  });
  return { declarations, findings };
}

/** The declarations in a text without a head; throws at a finding. */
export function mustReadDeclarations(text: string): readonly Declaration[] {
  const { declarations, findings } = readDeclarations(/^\W*(?:apiVersion|#)/.test(text) ? text : `${HEAD}${text}`);
  if (findings.length > 0) throw new Error(findings.join("\n"));
  return declarations;
}

export const HEAD = "apiVersion: kpc.dev/v1alpha1\nkind: Differences\ndifferences:\n";

/** Of a host that has no other addresses: where none are given, it is assumed both ways which ones it has. */
const LOOPBACK: readonly Address[] = [0x7f000001 as Address];

export interface Held {
  readonly comparison: Comparison;
  readonly applied: AppliedExceptions;
  /** All that is not declared, as a file that would declare it. */
  readonly printed: string;
}

/** What two programs differ in, held against the declarations in `text`. */
export function hold(
  programs: readonly [Program, Program],
  text: string,
  options: CompareOptions = { addresses: LOOPBACK },
): Held {
  const comparison = compare(...programs, options);
  const applied = applyExceptions(comparison, mustReadDeclarations(text), { programs });
  const sides = { left: "left", right: "right" };
  return {
    comparison,
    applied,
    printed: printDeclarations(applied.undeclared, [comparison.space], sides),
  };
}
