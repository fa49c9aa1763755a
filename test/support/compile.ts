/** Short ways through the compiler. */

import { type Compiled, type CompileResult, compile } from "../../compiler/compile.ts";
import type { Diagnostic } from "../../compiler/diagnostics.ts";
import { readDocuments } from "../../compiler/documents/document.ts";
import { Field } from "../../compiler/documents/field.ts";
import { checkProgram } from "../../compiler/ir/check.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { PrintedText } from "../../compiler/ir/unsupported.ts";
import type { Config } from "../../compiler/node/config.ts";
import { decodeConfig } from "../../compiler/node/decode.ts";
import { unfoldLookups } from "../../compiler/passes/lookups/unfold.ts";
import { printIptables as printIptablesFile, printNft as printNftFile } from "../../compiler/print.ts";
import type { ClusterInput, Manifest } from "./arbitraries.ts";
import type { ProxySettings } from "./oracle/oracle.ts";

/** `settings` as the config that a case file with this `proxy:` block has. */
export function toConfig(settings: ProxySettings | Manifest): Config {
  const [document] = readDocuments({ name: "proxy", text: JSON.stringify(settings) }, fail);
  if (document === undefined) throw new Error("no settings");
  const root = Field.root(document);
  return decodeConfig({ report: fail, root, subject: "proxy" }, root, false);
}

function fail({ message }: Diagnostic): never {
  throw new Error(message);
}

/** Manifests as one JSON text. */
export function toText(objects: readonly Manifest[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
}

export function compileCluster({ objects, proxy, mode }: ClusterInput): CompileResult {
  return compile([{ name: "cluster.json", text: toText(objects) }], { ...toConfig(proxy), mode });
}

/** The compiled cluster; throws the errors when there are any. */
export function mustCompile(cluster: ClusterInput): Compiled {
  const { compiled, diagnostics } = compileCluster(cluster);
  if (compiled !== undefined) return compiled;
  throw new Error(
    diagnostics
      .filter(({ severity }) => severity === "error")
      .map(({ message }) => message)
      .join("\n"),
  );
}

/** `program` without lookups; throws when something has no counterpart. */
export function unfold(program: Program): Program {
  const { program: unfolded, unsupported } = unfoldLookups(program);
  if (unsupported.length > 0) throw new Error(messagesOf(unsupported));
  return unfolded;
}

function messagesOf(findings: readonly Diagnostic[]): string {
  return findings.map(({ message }) => message).join("\n");
}

/** The text for nft; throws when something has no counterpart. */
export function printNft(program: Program): string {
  return whole(printNftFile(program));
}

/** The text for iptables-restore, or ip6tables-restore; throws when something has no counterpart. */
export function printIptables(program: Program, family: "ip" | "ip6"): string {
  return whole(printIptablesFile(program, family));
}

function whole({ text, unsupported }: PrintedText): string {
  if (unsupported.length > 0) throw new Error(messagesOf(unsupported));
  return text;
}

/** What `checkProgram` says, in one line each. */
export function violationsOf(program: Program): string[] {
  return checkProgram(program).map(({ where, message }) => `${where}: ${message}`);
}
