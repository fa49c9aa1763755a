import { complete } from "./complete/complete.ts";
import { reportAssumptions, reportIncomplete } from "./complete/report.ts";
import type { Diagnostic, Report, Source } from "./diagnostics.ts";
import type { Program } from "./ir/types.ts";
import { API_VERSION } from "./json-output.ts";
import { checkCertificateTimes } from "./lower/certificate-times.ts";
import { lowerListeners } from "./lower/listeners.ts";
import { lower } from "./lower/lower.ts";
import { lowerRoutes } from "./lower/routes.ts";
import { lowerTls } from "./lower/tls.ts";
import { checkNetwork } from "./model/network-checks.ts";
import { resolveCluster } from "./model/resolve.ts";
import type { Cluster, IngressSettings } from "./model/types.ts";
import { resolveConfigs } from "./node/all-nodes.ts";
import type { Config } from "./node/config.ts";
import { withKubeProxy } from "./node/kube-proxy.ts";
import { type Resolved, resolveConfig } from "./node/resolve.ts";
import { locatedServiceCidrsOf } from "./node/service-cidrs.ts";
import type { NodeContext, Settings } from "./node/settings.ts";
import { countServed, type NodeView, reportOwnAddresses, type Served, viewOf } from "./node/view.ts";
import { loadSpecs } from "./specs/load.ts";
import type { Specs } from "./specs/types.ts";

/** What a compilation gives besides its findings. */
export interface Compiled {
  readonly program: Program;
  readonly node: NodeContext;
  readonly settings: Settings;
  readonly specs: Specs;
  /** What the rules were made of. */
  readonly view: NodeView;
  readonly served: Served;
}

/** Everything that was found, and the result unless something found is an error. */
export interface CompileResult {
  readonly diagnostics: readonly Diagnostic[];
  readonly compiled: Compiled | undefined;
}

/** Everything that was found, and the programs of all nodes. A program is made when it is asked for: those of many nodes need not be
 *  kept at once. */
export interface AllNodesResult {
  readonly diagnostics: readonly Diagnostic[];
  /** In the order of the nodes' names. */
  readonly nodes: Iterable<Compiled> | undefined;
}

export interface CompileOptions {
  /** Kinds and fields that kpc does not know are errors; off where it is left out. */
  readonly strict?: boolean;
  /** Assume what a control plane would add to the objects; on where it is left out. */
  readonly complete?: boolean;
  /** Check the addresses of hosts, and what a Cluster says of them: no rule depends on them. Off where it is left out. */
  readonly checksNetwork?: boolean;
  /** The time to check certificates at, in milliseconds since 1970. Where it is left out, their times are not checked. */
  readonly now?: number;
}

export interface CompileNodeOptions extends CompileOptions {
  /** The node that is compiled for where the config names none; one that no given Node has is not taken. */
  readonly nodeFor?: (specs: Specs) => string | undefined;
  /** How pods of the node are recognised where no settings say it. */
  readonly detection?: (specs: Specs) => Pick<Config, "detectLocalMode" | "detectLocalInterface" | "clusterCidr">;
}

/** Gives the objects of the input. */
type Load = (report: Report) => Specs;

/** The whole way from manifests to a program for one node. `sources` are read one at a time. */
export function compile(sources: Iterable<Source>, config: Config, options: CompileNodeOptions = {}): CompileResult {
  return compileSpecs((report) => loadSpecs(sources, report), config, options);
}

/** The whole way from the objects that `load` gives to a program for one node. */
export function compileSpecs(
  load: Load,
  config: Config,
  { nodeFor, detection, ...options }: CompileNodeOptions = {},
): CompileResult {
  const { diagnostics, nodes } = compileEach(load, config, options, (common, specs, report) => {
    const given = withNode(common, specs, nodeFor);
    const isGiven = given.clusterCidr !== undefined || given.detectLocalMode !== undefined;
    return [resolveConfig(isGiven ? given : { ...given, ...detection?.(specs) }, specs, report)];
  });
  return { diagnostics, compiled: nodes === undefined ? undefined : [...nodes][0] };
}

/** From objects that `load` gives to a program for each of their Nodes. The objects are resolved once, and each finding is
 *  told once, however many nodes it concerns. */
export function compileAllNodes(load: Load, config: Config, options: CompileOptions = {}): AllNodesResult {
  return compileEach(load, config, options, resolveConfigs);
}

/** The objects of the input, joined, and the nodes that they are for. */
export interface ResolvedInput {
  readonly specs: Specs;
  readonly cluster: Cluster;
  /** What every node's program is made of. */
  readonly config: Config;
  readonly routes: Program["routes"];
  readonly tls: Program["tls"];
  readonly listeners: Program["listeners"];
  readonly nodes: readonly Resolved[];
}

/** `nodesOf`: the nodes to compile for, with their settings. */
function compileEach(
  load: Load,
  config: Config,
  options: CompileOptions,
  nodesOf: (config: Config, specs: Specs, report: Report) => readonly Resolved[],
): AllNodesResult {
  const { diagnostics, resolved } = resolveInput(load, config, options, nodesOf);
  return { diagnostics, nodes: resolved && programsOf(resolved) };
}

/** Joins the objects that `load` gives, up to where nodes are compiled; `resolved` is undefined where something found is an error. */
export function resolveInput(
  load: Load,
  config: Config,
  { strict = false, complete: isCompleted = true, checksNetwork = false, now }: CompileOptions,
  nodesOf: (config: Config, specs: Specs, report: Report) => readonly Resolved[],
): { readonly diagnostics: readonly Diagnostic[]; readonly resolved: ResolvedInput | undefined } {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void =>
    void diagnostics.push(
      strict && (diagnostic.code === "unknown-field" || diagnostic.code === "unknown-value")
        ? { ...diagnostic, severity: "error" }
        : diagnostic,
    );
  const loaded = load(report);
  reportSkipped(loaded, strict, report);
  if (loaded.nothing) reportNothing(loaded, report);
  const common = withKubeProxy(config, loaded, report);
  const specs = loaded.nothing ? loaded : completeSpecs(loaded, common, isCompleted, report);
  const nodes = nodesOf(common, specs, report);
  const cluster = resolveCluster(specs, ingressSettingsOf(common), report);
  for (const { node } of nodes) reportOwnAddresses(cluster, node, report);
  if (checksNetwork && !specs.nothing) {
    // A name may be missing because its object has an error.
    const isWhole = !diagnostics.some(({ severity }) => severity === "error");
    const serviceCidrs = locatedServiceCidrsOf(common, specs);
    checkNetwork({ cluster, specs, serviceCidrs }, (finding) => {
      if (isWhole || finding.code !== "unknown-cluster-name") report(finding);
    });
  }
  // After an error there is nothing to load, and the Services that are missed may be those with the errors.
  if (diagnostics.some(({ severity }) => severity === "error"))
    return { diagnostics: diagnostics.filter(({ code }) => code !== "no-services"), resolved: undefined };
  const routes = lowerRoutes(cluster.ingresses, report);
  const tls = lowerTls(cluster, report);
  const listeners = cluster.listeners.length === 0 ? undefined : lowerListeners(cluster.listeners, report);
  if (tls !== undefined && now !== undefined) checkCertificateTimes(tls, now, report);
  return { diagnostics, resolved: { specs, cluster, config: common, routes, tls, listeners, nodes } };
}

/** The controller that IngressClasses name when their Ingresses are ours. */
const INGRESS_CONTROLLER = "kpc.dev/ingress";

function ingressSettingsOf(config: Config): IngressSettings {
  const { ingressController, defaultCertificate: name, allowExternalNames = false, origins } = config;
  const controller = ingressController ?? INGRESS_CONTROLLER;
  return {
    controller,
    allowsExternalNames: allowExternalNames,
    ...(name && { defaultCertificate: { name, origin: origins?.defaultCertificate } }),
  };
}

function* programsOf(input: ResolvedInput): Generator<Compiled> {
  for (const node of input.nodes) yield compileNode(input, node);
}

/** The program of one of the input's nodes. */
export function compileNode(
  { cluster, routes, tls, listeners, specs }: ResolvedInput,
  { node, settings }: Resolved,
): Compiled {
  const view = viewOf(cluster, node);
  return {
    program: { ruleset: lower(view, settings), routes, ...(tls && { tls }), ...(listeners && { listeners }) },
    node,
    settings,
    specs,
    view,
    served: countServed(view),
  };
}

function withNode(config: Config, specs: Specs, nodeFor: CompileNodeOptions["nodeFor"]): Config {
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

/** Files of kpc's own among manifests, as `skipped` names them, and what reads them instead. */
const READ_ELSEWHERE = [
  [`${API_VERSION}/Config`, "; -c reads settings"],
  [`${API_VERSION}/Expectations`, "; kpc test runs expectations"],
] as const;

/** One line about kinds that are not read. */
function reportSkipped({ skipped }: Specs, strict: boolean, report: Report): void {
  if (skipped.size === 0) return;
  const kinds = [...skipped].map(([kind, { count }]) => `${kind} (${count})`).sort();
  const elsewhere = READ_ELSEWHERE.map(([kind, hint]) => (skipped.has(kind) ? hint : "")).join("");
  const message = `left out objects of kinds that kpc does not read: ${kinds.join(", ")}${elsewhere}`;
  const notes = strict ? firstOfEachKind(skipped) : [];
  report({ severity: strict ? "error" : "note", code: "skipped-kinds", message, notes });
  for (const [kind, { objects }] of skipped)
    for (const { value, field: node } of objects) {
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
  const first = workload === undefined ? [] : [{ message: `the first ${workload.kind}`, origin: workload.meta.field }];
  report({ severity: "error", code: "no-objects", message, notes: [...first, ...firstOfEachKind(skipped)] });
}

function firstOfEachKind(skipped: Specs["skipped"]): NonNullable<Diagnostic["notes"]> {
  return [...skipped].map(([kind, { first }]) => ({ message: `the first ${kind}`, origin: first }));
}
