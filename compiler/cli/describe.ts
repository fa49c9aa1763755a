/** The network that the inputs of a command describe. */
import { resolveInput } from "../compile.ts";
import { type Described, describeNetwork } from "../described.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import type { Address } from "../net/address.ts";
import { resolveConfigs } from "../node/all-nodes.ts";
import type { Config } from "../node/config.ts";
import type { Specs } from "../specs/types.ts";
import { readNodeFiles } from "./node-files.ts";
import { type CommonFlags, exitCodeOf, optionsOf, showDiagnostics, showFirst } from "./session.ts";

/** What the inputs of a command are made of. */
interface DescribedInput {
  readonly load: (report: Report) => Specs;
  readonly config: Config;
}

/** A network, and whether the rules of its hosts have no error. */
interface ToldNetwork {
  readonly described: Described;
  readonly areRulesRead: boolean;
}

/** The network, or the exit code where the inputs have an error. Findings are shown. `mentioned`: addresses that a question names. An
 *  error in rules that stands in the program as a step that may do anything is no reason to stop. */
export async function describeInputs(
  input: DescribedInput,
  flags: CommonFlags,
  mentioned: readonly Address[] = [],
): Promise<(ToldNetwork & { readonly code?: undefined }) | { readonly described?: undefined; readonly code: number }> {
  const { described, diagnostics, ofRules } = await describeQuietly(input, flags, mentioned);
  showDiagnostics(diagnostics, flags);
  showFirst(ofRules, flags);
  if (described === undefined) return { code: exitCodeOf([...diagnostics, ...ofRules]) };
  return { described, areRulesRead: areWithoutError(ofRules) };
}

/** The network; undefined where the inputs have an error. Findings are given, not shown: those about manifests, and those about nodes'
 *  own files and rules. */
export async function describeQuietly(
  { load, config }: DescribedInput,
  flags: CommonFlags,
  mentioned: readonly Address[],
): Promise<{
  readonly described: Described | undefined;
  readonly diagnostics: readonly Diagnostic[];
  readonly ofRules: readonly Diagnostic[];
}> {
  const { diagnostics, resolved } = resolveInput(
    load,
    config,
    { ...optionsOf(flags), checksNetwork: true },
    resolveConfigs,
  );
  if (resolved === undefined) return { described: undefined, diagnostics, ofRules: [] };
  const ofRules: Diagnostic[] = [];
  const report: Report = (diagnostic) => void ofRules.push(diagnostic);
  const collected = await readNodeFiles(resolved.specs.network, report);
  const described = describeNetwork(resolved, collected, mentioned);
  const isWhole = ofRules.every(({ severity, contained }) => severity !== "error" || contained === true);
  return { described: isWhole ? described : undefined, diagnostics, ofRules };
}

/** Whether no finding is an error. */
export function areWithoutError(findings: readonly Diagnostic[]): boolean {
  return findings.every(({ severity }) => severity !== "error");
}
