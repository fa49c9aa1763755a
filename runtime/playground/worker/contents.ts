/** What the files of a workspace say. */
import { resolveInput } from "../../../compiler/compile.ts";
import type { Diagnostic } from "../../../compiler/diagnostics.ts";
import { diagnosticToJson } from "../../../compiler/documents/render.ts";
import { resolveConfigs } from "../../../compiler/node/all-nodes.ts";
import type { Config } from "../../../compiler/node/config.ts";
import { readConfigFile } from "../../../compiler/node/read-config.ts";
import { loadSpecs, SpecsMemory } from "../../../compiler/specs/load.ts";
import type { InputFile, RuleMode } from "../protocol.ts";
import { sortFiles } from "./sorted-files.ts";

/** What was read of a workspace before it was changed: answers are the same without it. */
export class WorkspaceMemory {
  readonly files = new SpecsMemory();
  /** Of the state that `diff` compares with. */
  readonly before = new SpecsMemory();
}

/** Reads the objects of the files, for those who ask about them later. */
export function readFiles(files: readonly InputFile[], memory: WorkspaceMemory): void {
  loadSpecs(sortFiles(files).manifests, () => undefined, memory.files);
}

/** The objects, settings and rules of the files, and the names of their nodes. `memory`: of earlier states of these files. */
export function contentsOf(files: readonly InputFile[], mode: RuleMode, memory?: SpecsMemory) {
  const { manifests, settings, rules } = sortFiles(files);
  const early: Diagnostic[] = [];
  const config: Config = {
    ...(settings === undefined ? {} : readConfigFile(settings, (diagnostic) => void early.push(diagnostic))),
    mode,
  };
  const { diagnostics, resolved } = resolveInput(
    (report) => loadSpecs(manifests, report, memory),
    config,
    { complete: true, checksNetwork: true },
    resolveConfigs,
  );
  const isRight = early.every(({ severity }) => severity !== "error");
  return {
    manifests,
    settings,
    rules,
    config,
    early,
    memory,
    resolved: isRight ? resolved : undefined,
    base: {
      diagnostics: [...early, ...diagnostics].map(diagnosticToJson),
      nodes: resolved?.cluster.nodes.map(({ name }) => name) ?? [],
    },
  };
}

export type Contents = ReturnType<typeof contentsOf>;
