/** The network that the inputs of a command describe. */
import { resolveInput } from "../compile.ts";
import { type Described, describeNetwork } from "../described.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { readNft } from "../formats/nft/read.ts";
import type { Address } from "../net/address.ts";
import { resolveConfigs } from "../node/all-nodes.ts";
import type { Config } from "../node/config.ts";
import type { Specs } from "../specs/types.ts";
import { readNodeFiles } from "./node-files.ts";
import { type CommonFlags, exitCodeOf, optionsOf, showDiagnostics, showFirst } from "./session.ts";

/** The network, or the exit code where the inputs have an error. Findings are shown. `mentioned`: addresses that a question names. */
export async function describeInputs(
  { load, config }: { readonly load: (report: Report) => Specs; readonly config: Config },
  flags: CommonFlags,
  mentioned: readonly Address[] = [],
): Promise<
  | { readonly described: Described; readonly code?: undefined }
  | { readonly described?: undefined; readonly code: number }
> {
  const { diagnostics, resolved } = resolveInput(
    load,
    config,
    { ...optionsOf(flags), checksNetwork: true },
    resolveConfigs,
  );
  showDiagnostics(diagnostics, flags);
  if (resolved === undefined) return { code: exitCodeOf(diagnostics) };
  const findings: Diagnostic[] = [];
  const report: Report = (diagnostic) => void findings.push(diagnostic);
  const collected = await readNodeFiles(resolved.specs.network, report);
  const described = describeNetwork(resolved, readNft, report, collected, mentioned);
  showFirst(findings, flags);
  const isWhole = findings.every(({ severity }) => severity !== "error");
  return isWhole ? { described } : { code: exitCodeOf(findings) };
}
