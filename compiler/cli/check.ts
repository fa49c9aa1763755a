import { compileSpecs, resolveInput } from "../compile.ts";
import type { ControllerName } from "../controllers/controllers.ts";
import { describeNetwork } from "../described.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { diagnosticToJson, renderDiagnostic } from "../documents/render.ts";
import { type ClusterFindings, findClusterFaults } from "../findings/cluster-findings.ts";
import { jsonText } from "../json-output.ts";
import { resolveConfigs } from "../node/all-nodes.ts";
import type { Config } from "../node/config.ts";
import type { Specs } from "../specs/types.ts";
import { aboutIngresses } from "./ingress-input.ts";
import { findLike, servingLike } from "./like.ts";
import { readNodeFiles } from "./node-files.ts";
import {
  type CommonFlags,
  checkedTime,
  exitCodeOf,
  inputsOf,
  loadOnce,
  optionsOf,
  print,
  styleFor,
} from "./session.ts";

export interface CheckFlags extends CommonFlags {
  readonly output: "text" | "json";
  readonly now?: string;
  readonly like?: ControllerName;
}

/** `kpc check`: everything that was found, and nothing else. `--quiet`: errors only; `--verbose`: also each object of a kind
 *  that is not read. */
export async function checkCommand(names: readonly string[], flags: CheckFlags): Promise<number> {
  const { load, config: given } = inputsOf(names, flags);
  const { like } = flags;
  const loaded = loadOnce(load);
  const config = like === undefined ? given : servingLike(like, given, loaded);
  const result = compileSpecs(loaded, config, {
    ...optionsOf(flags),
    checksNetwork: true,
    now: checkedTime(flags),
  });
  const isWhole = result.compiled !== undefined && result.compiled.specs.nodes.length > 0;
  // Where the whole cluster is walked, nobody has to say which node is meant.
  const met = isWhole ? await findingsOfNetwork(loaded, config, flags) : undefined;
  const own =
    met === undefined
      ? result.diagnostics
      : [
          ...result.diagnostics.filter(({ code }) => code !== "no-node"),
          ...met.findings,
          ...(flags.verbose === true ? met.notes : []),
        ];
  const diagnostics = like === undefined ? own : [...aboutIngresses(own), ...findLike(like, loaded, config, flags)];
  const shown = diagnostics.filter(
    ({ severity, code }) =>
      severity === "error" || (!flags.quiet && (flags.verbose === true || code !== "skipped-object")),
  );
  if (flags.output === "json") {
    await print(jsonText("Diagnostics", { diagnostics: shown.map(diagnosticToJson) }));
  } else {
    const style = styleFor(flags, process.stdout.isTTY);
    await print(shown.map((diagnostic) => `${renderDiagnostic(diagnostic, style)}\n`).join(""));
    const count = (severity: string): string => {
      const { length } = diagnostics.filter((diagnostic) => diagnostic.severity === severity);
      return `${length} ${severity}${length === 1 ? "" : "s"}`;
    };
    process.stderr.write(`${count("error")}, ${count("warning")}${met === undefined ? "" : walkedText(met, flags)}\n`);
  }
  return exitCodeOf(diagnostics);
}

/** What walks through the described network meet. What the inputs say of themselves has been told before. */
async function findingsOfNetwork(
  load: (report: Report) => Specs,
  config: Config,
  flags: CommonFlags,
): Promise<ClusterFindings | undefined> {
  const { resolved } = resolveInput(load, config, optionsOf(flags), resolveConfigs);
  if (resolved === undefined) return undefined;
  const findings: Diagnostic[] = [];
  const report: Report = (diagnostic) => void findings.push(diagnostic);
  const collected = await readNodeFiles(resolved.specs.network, report);
  const met = findClusterFaults(describeNetwork(resolved, collected));
  return { ...met, findings: [...findings, ...met.findings] };
}

/** What stands for what, in clusters where not all is walked. */
function walkedText({ walked, areAllPairs, notes }: ClusterFindings, { quiet, verbose }: CommonFlags): string {
  const { length } = notes;
  const isTold = quiet === true || verbose === true || length === 0;
  const told = isTold ? "" : `; ${length} note${length === 1 ? "" : "s"} about walks (-v)`;
  if (areAllPairs) return told;
  return `${told}; walked ${walked} flows: from pods of each kind and the node itself, on each node, to some of each kind (kpc matrix follows all to Services)`;
}
