/** `kpc test`: expectations for a whole cluster. */

import type { Described } from "../described.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import type { Field } from "../documents/field.ts";
import { isObject } from "../documents/show.ts";
import type { ReplayInput, ReplayPart } from "../expectations/cluster/replay.ts";
import { LAB_ENGINE, runClusterCase, skipClusterCase, WALKING_ENGINE } from "../expectations/cluster/run.ts";
import type { ClusterCase, InPlaceOr } from "../expectations/cluster/types.ts";
import type { Engine } from "../expectations/engines/types.ts";
import type { FlowResult } from "../expectations/run.ts";
import type { Config } from "../node/config.ts";
import { readConfigFile } from "../node/read-config.ts";
import type { Mode } from "../node/settings.ts";
import { loadObjects } from "../specs/load.ts";
import type { Specs } from "../specs/types.ts";
import { addressesAsked } from "../trace/asked.ts";
import { attempt, besides, documentsOf } from "./case-files.ts";
import { areWithoutError, describeQuietly } from "./describe.ts";
import { readSource } from "./inputs.ts";
import { testInLab } from "./lab-cases.ts";
import type { CommonFlags } from "./session.ts";

/** What became of a case in one mode; `results` undefined where its network could not be made. */
export interface ClusterRun {
  readonly results: readonly FlowResult[] | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Runs the case in the file at `path` in one mode, on each engine. */
export async function runCluster(
  testCase: ClusterCase,
  mode: Mode,
  path: string,
  { flags, engines }: { readonly flags: CommonFlags; readonly engines: readonly Engine[] },
): Promise<ClusterRun> {
  const { described, diagnostics } = await describeCase(testCase, mode, path, flags);
  if (described === undefined) return { results: undefined, diagnostics };
  const replay = replayInputOf(testCase, path, flags);
  const results: FlowResult[] = [];
  for (const { name } of engines)
    switch (name) {
      case WALKING_ENGINE:
        results.push(...runClusterCase(testCase, mode, described, replay));
        break;
      case LAB_ENGINE:
        results.push(...(await testInLab(testCase, mode, described, replay)));
        break;
      default:
        results.push(...skipClusterCase(testCase, mode, name));
    }
  return { results, diagnostics };
}

/** The network of the case in the file at `path`, in one mode; undefined where it cannot be made. */
export async function describeCase(
  testCase: ClusterCase,
  mode: Mode,
  path: string,
  flags: CommonFlags,
): Promise<{ readonly described: Described | undefined; readonly diagnostics: readonly Diagnostic[] }> {
  const early: Diagnostic[] = [];
  const config = { ...configOf(testCase, path, (finding) => void early.push(finding)), mode };
  const load = (report: Report): Specs => {
    for (const finding of early) report(finding);
    return loadObjects([...manifestsOf(testCase, path, report), ...clusterOf(testCase, path, report)], report);
  };
  const mentioned = testCase.flows.flatMap(({ asked }) => addressesAsked(asked));
  const { described, diagnostics, ofRules } = await describeQuietly({ load, config }, flags, mentioned);
  return { described: areWithoutError(ofRules) ? described : undefined, diagnostics: [...diagnostics, ...ofRules] };
}

function manifestsOf({ files }: ClusterCase, path: string, report: Report): Field[] {
  return files.flatMap((file) => documentsOf(file, path, report));
}

function clusterOf({ cluster }: ClusterCase, path: string, report: Report): Field[] {
  if (cluster.kind === "none") return [];
  if (cluster.kind === "in place") return [cluster.field];
  const fields = documentsOf(cluster.path, path, report);
  const isCluster = ({ value }: Field): boolean => isObject(value) && value["kind"] === "Cluster";
  if (fields.length > 0 && !fields.some(isCluster)) {
    const message = `expected a file with a Cluster (apiVersion: kpc.dev/v1alpha1, kind: Cluster): ${cluster.path.value} has none`;
    report({ severity: "error", code: "invalid-value", message, origin: cluster.path.field });
  }
  return fields;
}

function configOf({ config }: ClusterCase, path: string, report: Report): Config {
  if (config.kind === "none") return {};
  if (config.kind === "in place") return config.value;
  const { value, field } = config.path;
  return attempt(() => readConfigFile(readSource(besides(path, value)), report), field, report) ?? {};
}

/** How the command line names what the network of a case is made of. */
export function replayInputOf({ files, config, cluster }: ClusterCase, path: string, flags: CommonFlags): ReplayInput {
  const partOf = (part: InPlaceOr<unknown>, json: (value: unknown) => unknown): ReplayPart => {
    if (part.kind === "none") return undefined;
    if (part.kind === "file") return { path: besides(path, part.path.value) };
    return { json: JSON.stringify(json(part.field.value)) };
  };
  return {
    files: files.map(({ value }) => besides(path, value)),
    config: partOf(config, (value) => value),
    cluster: partOf(cluster, (value) => withPaths(value, path)),
    flags: [...(flags.strict === true ? ["--strict"] : []), ...(flags.complete === false ? ["--no-complete"] : [])],
  };
}

/** A Cluster whose nodes' files are named as from here: it is read from standard input then. */
function withPaths(cluster: unknown, path: string): unknown {
  if (!isObject(cluster) || !Array.isArray(cluster["nodes"])) return cluster;
  const nodes = cluster["nodes"].map((node: unknown) => {
    if (!isObject(node)) return node;
    const moved = ["files", "rules"].flatMap((key) => {
      const name = node[key];
      return typeof name === "string" ? [[key, besides(path, name)] as const] : [];
    });
    return { ...node, ...Object.fromEntries(moved) };
  });
  return { ...cluster, nodes };
}
