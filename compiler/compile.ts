import { complete } from "./complete/complete.ts";
import { reportAssumptions, reportIncomplete } from "./complete/report.ts";
import type { Diagnostic, Report, Source } from "./diagnostics.ts";
import type { Program } from "./ir/types.ts";
import { lower } from "./lower/lower.ts";
import type { NodeContext } from "./model/options.ts";
import { resolveModel } from "./model/resolve.ts";
import type { Config } from "./node/config.ts";
import { withKubeProxy } from "./node/kube-proxy.ts";
import { resolveConfig } from "./node/resolve.ts";
import type { Settings } from "./node/settings.ts";
import { loadSpecs } from "./specs/load.ts";
import type { Specs } from "./specs/types.ts";

/** What a compilation gives besides its findings. */
export interface Compiled {
  readonly program: Program;
  readonly node: NodeContext;
  readonly settings: Settings;
  readonly specs: Specs;
}

/** Everything that was found, and the result unless something found is an error. */
export interface CompileResult {
  readonly diagnostics: readonly Diagnostic[];
  readonly compiled: Compiled | undefined;
}

/** The whole way from manifests to a program for one node. `sources` are read one at a time. */
export function compile(sources: Iterable<Source>, config: Config, options: CompileOptions = {}): CompileResult {
  return compileSpecs((report) => loadSpecs(sources, report), config, options);
}

export interface CompileOptions {
  /** Kinds and fields that kpc does not know are errors; off where it is left out. */
  readonly strict?: boolean;
  /** Assume what a control plane would add to the objects; on where it is left out. */
  readonly complete?: boolean;
  /** The node that is compiled for where the config names none; one that no given Node has is not taken. */
  readonly nodeFor?: (specs: Specs) => string | undefined;
  /** How pods of the node are recognised where no settings say it. */
  readonly detection?: (specs: Specs) => Pick<Config, "detectLocalMode" | "detectLocalInterface" | "clusterCidr">;
}

/** The same from objects that `load` gives. */
export function compileSpecs(
  load: (report: Report) => Specs,
  config: Config,
  { strict = false, complete: isCompleted = true, nodeFor, detection }: CompileOptions = {},
): CompileResult {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void =>
    void diagnostics.push(
      strict && diagnostic.code === "unknown-field" ? { ...diagnostic, severity: "error" } : diagnostic,
    );
  const loaded = load(report);
  reportSkipped(loaded, strict, report);
  if (loaded.nothing) reportNothing(loaded, report);
  const asked = withKubeProxy(config, loaded, report);
  const specs = loaded.nothing ? loaded : completeSpecs(loaded, asked, isCompleted, report);
  const given = withNode(asked, specs, nodeFor);
  const isGiven = given.clusterCidr !== undefined || given.detectLocalMode !== undefined;
  const effective = isGiven ? given : { ...given, ...detection?.(specs) };
  const { node, settings } = resolveConfig(effective, specs, report);
  const model = resolveModel(specs, node, report);
  if (diagnostics.some(({ severity }) => severity === "error")) return { diagnostics, compiled: undefined };
  return { diagnostics, compiled: { program: lower(model, settings, report), node, settings, specs } };
}

function withNode(config: Config, specs: Specs, nodeFor: CompileOptions["nodeFor"]): Config {
  const nodeName = config.nodeName === undefined ? nodeFor?.(specs) : undefined;
  const isThere = specs.nodes.length === 0 || specs.nodes.some(({ meta }) => meta.name === nodeName);
  return nodeName === undefined || !isThere ? config : { ...config, nodeName };
}

/** The completed objects, or, where nothing is to be assumed, the objects as they are. */
function completeSpecs(loaded: Specs, config: Config, isOn: boolean, report: Report): Specs {
  const { specs, assumptions } = complete(loaded, config, isOn ? report : () => undefined);
  if (isOn) reportAssumptions(assumptions, report);
  else reportIncomplete(assumptions, report);
  return isOn ? specs : loaded;
}

/** One line about kinds that are not read. */
function reportSkipped({ skipped }: Specs, strict: boolean, report: Report): void {
  if (skipped.size === 0) return;
  const kinds = [...skipped].map(([kind, { count }]) => `${kind} (${count})`).sort();
  const message = `left out objects of kinds that kpc does not read: ${kinds.join(", ")}`;
  const notes = strict ? firstOfEachKind(skipped) : [];
  report({ severity: strict ? "error" : "note", code: "skipped-kinds", message, notes });
  for (const [kind, { objects }] of skipped)
    for (const { value, node } of objects) {
      const left = `${kind} ${value} is left out: kpc does not read this kind`;
      report({ severity: "info", code: "skipped-object", message: left, origin: node });
    }
}

/** A wrong path must not give the rules of a cluster without Services. */
function reportNothing({ skipped, workloads }: Specs, report: Report): void {
  const [workload] = workloads;
  const found =
    workload === undefined
      ? "no object of a kind that kpc reads"
      : "only workloads, which are not reached without a Service";
  const message = `nothing to compile: expected Services and EndpointSlices, found ${found}`;
  const first = workload === undefined ? [] : [{ message: `the first ${workload.kind}`, origin: workload.meta.node }];
  report({ severity: "error", code: "no-objects", message, notes: [...first, ...firstOfEachKind(skipped)] });
}

function firstOfEachKind(skipped: Specs["skipped"]): NonNullable<Diagnostic["notes"]> {
  return [...skipped].map(([kind, { first }]) => ({ message: `the first ${kind}`, origin: first }));
}
