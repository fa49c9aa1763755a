/** From manifests, or from the rules of a host, to `Rules`. */

import { checkOptions, type OptionKind, sourcesIn } from "../arguments.ts";
import { type Compiled, compileAllNodes, compile as compileForNode } from "../compile.ts";
import type { Diagnostic, Source } from "../diagnostics.ts";
import { type DiagnosticData, diagnosticToJson } from "../documents/render.ts";
import { readRules as readProgram } from "../formats/read-rules.ts";
import { withKubeProxy } from "../node/kube-proxy.ts";
import { resolveConfig } from "../node/resolve.ts";
import { loadSpecs } from "../specs/load.ts";
import { contentOf, type Rules, rulesOf } from "./rules.ts";
import { type NodeSettings, settingsIn } from "./settings.ts";

export interface CompileManifestsOptions {
  /** Settings of the node: an object, or the text of a settings file or of kube-proxy's ConfigMap. */
  readonly settings?: NodeSettings | Source;
  /** Kinds and fields that kpc does not know are errors. Default: false. */
  readonly strict?: boolean;
  /** Assume what a control plane would add: cluster IPs, node ports, Pods. Default: true. */
  readonly complete?: boolean;
}

/** What was found, and the rules unless something found is an error. */
export interface CompiledRules {
  readonly diagnostics: readonly DiagnosticData[];
  readonly rules: Rules | undefined;
}

/** What was found, and the rules of each Node of the manifests. */
export interface CompiledNodes {
  readonly diagnostics: readonly DiagnosticData[];
  /** In the order of the nodes' names; each is compiled when it is asked for. */
  readonly nodes: Iterable<Rules> | undefined;
}

const COMPILE_OPTIONS = { settings: "any", strict: "boolean", complete: "boolean" } as const satisfies Readonly<
  Record<keyof CompileManifestsOptions, OptionKind>
>;

/** Compiles Kubernetes manifests (YAML or JSON texts) to the rules of one node. Throws `TypeError` for wrong arguments; what is
 *  wrong with the manifests or settings is in `diagnostics`. */
export function compile(manifests: Iterable<Source>, options: CompileManifestsOptions = {}): CompiledRules {
  const { sources, config, early, ...more } = inputOf(manifests, options);
  const { diagnostics, compiled } = compileForNode(sources, config, more);
  const all = [...early, ...diagnostics];
  const isSound = compiled !== undefined && !early.some(isError);
  return { diagnostics: all.map(diagnosticToJson), rules: isSound ? rulesOfCompiled(compiled) : undefined };
}

/** Compiles manifests for each Node in them. The objects are resolved once. Throws `TypeError` for wrong arguments. */
export function compileAll(manifests: Iterable<Source>, options: CompileManifestsOptions = {}): CompiledNodes {
  const { sources, config, early, ...more } = inputOf(manifests, options);
  const { diagnostics, nodes } = compileAllNodes((report) => loadSpecs(sources, report), config, more);
  const all = [...early, ...diagnostics];
  const isSound = nodes !== undefined && !early.some(isError);
  return { diagnostics: all.map(diagnosticToJson), nodes: isSound ? each(nodes) : undefined };
}

function* each(nodes: Iterable<Compiled>): Generator<Rules> {
  for (const compiled of nodes) yield rulesOfCompiled(compiled);
}

/** What the arguments say. Throws `TypeError` for wrong ones. */
export function inputOf(manifests: Iterable<Source>, options: CompileManifestsOptions, what = "manifests") {
  const sources = sourcesIn(manifests, what);
  checkOptions(options, COMPILE_OPTIONS);
  const { settings, strict = false, complete = true } = options;
  const early: Diagnostic[] = [];
  const config = settingsIn(settings, (diagnostic) => early.push(diagnostic));
  return { sources, config, early, strict, complete };
}

function isError({ severity }: Diagnostic): boolean {
  return severity === "error";
}

/** A handle for what was compiled. */
export function rulesOfCompiled({ program, specs, node, settings, view }: Compiled): Rules {
  return rulesOf({ program, known: { specs, node, settings }, view, sources: undefined, findings: [] });
}

export interface ReadRulesOptions {
  /** Settings of the host: `nodeIP` and `nodeIPs`, its addresses, decide which packets are for the host itself. */
  readonly settings?: NodeSettings | Source;
  /** Compiled rules, whose manifests give the names and the host's addresses. */
  readonly names?: Rules;
}

/** What was found, and the rules; undefined where the texts have none. */
export interface FoundRules {
  readonly diagnostics: readonly DiagnosticData[];
  readonly rules: Rules | undefined;
}

const READ_OPTIONS = { settings: "any", names: "any" } as const satisfies Readonly<
  Record<keyof ReadRulesOptions, OptionKind>
>;

/** Reads the rules of a host: `nft list ruleset`, `nft -j list ruleset`, `iptables-save`, `ip6tables-save`, `ipset save`, or kpc's
 *  IR. kpc recognises the dialect of each text. A rule that kpc cannot read may do anything: `diagnostics` name it, and what is
 *  said of such rules says that it rests on it. Throws `TypeError` for wrong arguments. */
export async function readRules(texts: Iterable<Source>, options: ReadRulesOptions = {}): Promise<FoundRules> {
  const sources = [...sourcesIn(texts, "texts")];
  checkOptions(options, READ_OPTIONS);
  const { settings, names } = options;
  const known = names === undefined ? undefined : contentOf(names, "options.names").known;
  const early: Diagnostic[] = [];
  const config = settingsIn(settings, (diagnostic) => early.push(diagnostic));
  const findings: Diagnostic[] = [];
  const program = await readProgram(sources, (diagnostic) => findings.push(diagnostic));
  const diagnostics = [...early, ...findings].map(diagnosticToJson);
  if (program.ruleset.tables.length === 0 || early.some(isError)) return { diagnostics, rules: undefined };
  const ignore = (): void => undefined; // about manifests, of which there are none
  const specs = loadSpecs([], ignore);
  const host = known ?? { specs, ...resolveConfig(withKubeProxy(config, specs, ignore), specs, ignore) };
  return { diagnostics, rules: rulesOf({ program, known: host, sources, findings }) };
}
