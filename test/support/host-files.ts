/** Hosts of test worlds, as the product reads them from what their commands print. */
import type { Diagnostic, Source } from "../../compiler/diagnostics.ts";
import { readHostFiles } from "../../compiler/hostfiles/host.ts";
import type { Host } from "../../compiler/network/network.ts";

/** The host that `texts` describe, and what kpc finds about them. */
export function readHostTexts(texts: readonly string[]): {
  readonly host: Host | undefined;
  readonly findings: readonly Diagnostic[];
} {
  const findings: Diagnostic[] = [];
  const sources = texts.map((text, i): Source => ({ name: `file-${i + 1}`, text }));
  const { host } = readHostFiles("n1", sources, (finding) => void findings.push(finding));
  return { host, findings };
}

/** The same of texts that have no error. */
export function readHost(texts: readonly string[]): Host {
  const { host, findings } = readHostTexts(texts);
  if (host === undefined) throw new Error(`no host: ${findings.map(({ message }) => message).join("; ")}`);
  return host;
}
