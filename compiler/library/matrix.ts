/** Who reaches which Service of a cluster, and what of that a change makes different. */
import { checkOptions } from "../arguments.ts";
import { describeNetwork } from "../described.ts";
import type { Source } from "../diagnostics.ts";
import { type DiagnosticData, diagnosticToJson } from "../documents/render.ts";
import { matrixChanges as changesBetween } from "../matrix/changes.ts";
import { changesToCsv, matrixToCsv } from "../matrix/csv.ts";
import { changesToData, type MatrixChangesData, type MatrixData, matrixToData } from "../matrix/json.ts";
import { matrixOf } from "../matrix/matrix.ts";
import { renderChanges, renderMatrix } from "../matrix/text.ts";
import type { Matrix } from "../matrix/types.ts";
import type { CompileManifestsOptions } from "./compile.ts";
import { MANIFEST_OPTIONS, resolveNetwork } from "./resolve-network.ts";

/** The matrix: as data, as `kpc matrix` prints it, and as CSV. Undefined where the manifests have an error. */
export interface MatrixAnswer {
  readonly diagnostics: readonly DiagnosticData[];
  readonly result: MatrixData | undefined;
  readonly text: string | undefined;
  readonly csv: string | undefined;
}

/** What differs, likewise. */
export interface MatrixChangesAnswer {
  readonly diagnostics: readonly DiagnosticData[];
  readonly result: MatrixChangesData | undefined;
  readonly text: string | undefined;
  readonly csv: string | undefined;
}

const ALL_NAMES = { isVerbose: true };

/** Follows the first packet of each pod, node and host outside to each address of each Service of the manifests, among which a
 *  `kind: Cluster` may describe the network, and the answer back. Throws `TypeError` for wrong arguments. */
export function matrix(manifests: Iterable<Source>, options: CompileManifestsOptions = {}): MatrixAnswer {
  checkOptions(options, MANIFEST_OPTIONS);
  const { found, diagnostics } = matrixIn(manifests, options);
  return {
    diagnostics,
    result: found && matrixToData(found),
    text: found && renderMatrix(found, ALL_NAMES),
    csv: found && matrixToCsv(found),
  };
}

/** What of the matrix of `before` is otherwise in that of `after`. Diagnostics are those of both. Throws `TypeError` for wrong
 *  arguments. */
export function matrixChanges(
  before: Iterable<Source>,
  after: Iterable<Source>,
  options: CompileManifestsOptions = {},
): MatrixChangesAnswer {
  checkOptions(options, MANIFEST_OPTIONS);
  const [old, now] = [matrixIn(before, options, "before"), matrixIn(after, options, "after")];
  const changes = old.found && now.found && changesBetween(old.found, now.found);
  return {
    diagnostics: [...old.diagnostics, ...now.diagnostics],
    result: changes && changesToData(changes),
    text: changes && now.found && renderChanges(changes, now.found.sources, ALL_NAMES),
    csv: changes && changesToCsv(changes),
  };
}

function matrixIn(
  manifests: Iterable<Source>,
  options: CompileManifestsOptions,
  what?: string,
): { readonly found: Matrix | undefined; readonly diagnostics: readonly DiagnosticData[] } {
  const { resolved, found: all } = resolveNetwork(manifests, options, what);
  const described = resolved && describeNetwork(resolved);
  const found = described && matrixOf(described);
  return { found, diagnostics: all.map(diagnosticToJson) };
}
