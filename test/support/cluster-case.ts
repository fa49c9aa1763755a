/** Expectations for a cluster, from their text to results. */

import type { Described } from "../../compiler/described.ts";
import { type Diagnostic, lineAndColumn } from "../../compiler/diagnostics.ts";
import { readDocuments } from "../../compiler/documents/document.ts";
import { Field } from "../../compiler/documents/field.ts";
import { decodeClusterCase } from "../../compiler/expectations/cluster/decode.ts";
import { runClusterCase } from "../../compiler/expectations/cluster/run.ts";
import type { ClusterCase } from "../../compiler/expectations/cluster/types.ts";
import type { FlowResult } from "../../compiler/expectations/run.ts";

/** A document with these members, whose first line is 3. */
export function expectationsDocument(members: string): string {
  return `apiVersion: kpc.dev/v1alpha1\nkind: Expectations\n${members}\n`;
}

/** The case in `text`, and `line:column: severity: message` of what is wrong with it. */
export function decodeText(text: string): { readonly testCase: ClusterCase; readonly findings: readonly string[] } {
  const findings: string[] = [];
  const report = ({ severity, message, origin }: Diagnostic): void => {
    const place = origin === undefined ? { line: 0, column: 0 } : lineAndColumn(origin.span());
    findings.push(`${place.line}:${place.column}: ${severity}: ${message}`);
  };
  const [document] = readDocuments({ name: "case.yaml", text }, report);
  if (document === undefined) throw new Error("no document");
  const root = Field.root(document);
  return { testCase: decodeClusterCase({ report, root, subject: "case.yaml" }, root), findings };
}

/** What comes of one flow in a network. */
export function resultOf(described: Described, flow: string): FlowResult {
  const { testCase, findings } = decodeText(expectationsDocument(`files: [shop]\nflows: [${flow}]`));
  if (findings.length > 0) throw new Error(findings.join("\n"));
  const replay = { files: ["shop"], config: undefined, cluster: undefined, flags: [] };
  const [result] = runClusterCase(testCase, "nftables", described, replay);
  if (result === undefined) throw new Error("no result");
  return result;
}
