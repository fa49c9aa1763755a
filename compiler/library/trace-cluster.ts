/** What happens to a packet on its whole way through a cluster, and to the answer. */
import { checkOptions, checkText, type OptionKind } from "../arguments.ts";
import { describeNetwork } from "../described.ts";
import type { Report, Source } from "../diagnostics.ts";
import { type DiagnosticData, diagnosticToJson } from "../documents/render.ts";
import { findWalkFaults } from "../findings/walk-findings.ts";
import { parsePacket } from "../trace/parse.ts";
import { mentionedIn, resolveFlow } from "../trace/walk/flow.ts";
import { type WalkData, walkToData } from "../trace/walk/json.ts";
import { renderMermaid } from "../trace/walk/mermaid.ts";
import { renderWalk } from "../trace/walk/text.ts";
import { WalkNames } from "../trace/walk/walk-names.ts";
import type { CompileManifestsOptions } from "./compile.ts";
import { MANIFEST_OPTIONS, resolveNetwork } from "./resolve-network.ts";

export interface TraceClusterOptions extends CompileManifestsOptions {
  /** In `text` and `mermaid`: each branch in full, also those that differ in the endpoint only. Default: false. */
  readonly all?: boolean;
  /** Follow the answer back. Default: true. */
  readonly reply?: boolean;
}

/** What was found, and the walk: as data, as `kpc trace` prints it, and as a mermaid sequence diagram. Undefined where the manifests
 *  or the packet have an error. */
export interface TracedCluster {
  readonly diagnostics: readonly DiagnosticData[];
  readonly result: WalkData | undefined;
  readonly text: string | undefined;
  readonly mermaid: string | undefined;
}

const OPTIONS = {
  ...MANIFEST_OPTIONS,
  all: "boolean",
  reply: "boolean",
} as const satisfies Readonly<Record<keyof TraceClusterOptions, OptionKind>>;

/** Follows the first packet of a connection through the cluster of the manifests, among which a `kind: Cluster` may describe the
 *  network, and the answer back. `packet` is written as for `kpc trace`. Throws `TypeError` for wrong arguments. */
export function traceCluster(
  manifests: Iterable<Source>,
  packet: string,
  options: TraceClusterOptions = {},
): TracedCluster {
  checkOptions(options, OPTIONS);
  checkText(packet, "packet");
  const { all = false, reply = true, ...compiling } = options;
  const { resolved, found } = resolveNetwork(manifests, compiling);
  const report: Report = (diagnostic) => void found.push(diagnostic);
  const failed = (): TracedCluster => ({
    diagnostics: found.map(diagnosticToJson),
    result: undefined,
    text: undefined,
    mermaid: undefined,
  });
  const written = parsePacket({ name: "packet", text: packet }, report);
  if (resolved === undefined || written === undefined) return failed();
  const { layout, input, walker, known } = describeNetwork(resolved, new Map(), mentionedIn(written));
  const flow = resolveFlow(written, input.specs, layout, report);
  if (flow === undefined) return failed();
  const walk = walker.walk(flow, !reply);
  const { network } = layout;
  const names = new WalkNames(input.specs, network);
  const context = { names, protocol: flow.protocol, hosts: network.hosts, isVerbose: false };
  return {
    diagnostics: found.map(diagnosticToJson),
    result: walkToData(walk, context, reply, findWalkFaults(known, walk).map(diagnosticToJson)),
    text: renderWalk(walk, context, all),
    mermaid: renderMermaid(walk, context, all),
  };
}
