import type { OptionKind } from "../arguments.ts";
import { type ResolvedInput, resolveInput } from "../compile.ts";
import type { Diagnostic, Report, Source } from "../diagnostics.ts";
import { resolveConfigs } from "../node/all-nodes.ts";
import { loadSpecs } from "../specs/load.ts";
import { type CompileManifestsOptions, inputOf } from "./compile.ts";

/** The options of each question about manifests. */
export const MANIFEST_OPTIONS = {
  settings: "any",
  strict: "boolean",
  complete: "boolean",
} as const satisfies Readonly<Record<keyof CompileManifestsOptions, OptionKind>>;

/** What manifests say of a whole cluster and its network, and what was found in them. `resolved` is undefined where they or the settings have
 *  an error. `what`: how a wrong argument is called. */
export function resolveNetwork(
  manifests: Iterable<Source>,
  options: CompileManifestsOptions,
  what?: string,
): { readonly resolved: ResolvedInput | undefined; readonly found: Diagnostic[] } {
  const { sources, config, early, strict, complete } = inputOf(manifests, options, what);
  const load = (report: Report) => loadSpecs(sources, report);
  const { diagnostics, resolved } = resolveInput(
    load,
    config,
    { strict, complete, checksNetwork: true },
    resolveConfigs,
  );
  const isRight = early.every(({ severity }) => severity !== "error");
  return { resolved: isRight ? resolved : undefined, found: [...early, ...diagnostics] };
}
