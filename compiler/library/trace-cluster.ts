/** What happens to a packet on its whole way through a cluster, and to the answer. */
import { checkOptions, checkText, type OptionKind } from "../arguments.ts";
import { describeNetwork } from "../described.ts";
import type { Report, Source } from "../diagnostics.ts";
import { type DiagnosticData, diagnosticToJson } from "../documents/render.ts";
import { findRequestFaults } from "../findings/request-findings.ts";
import { findWalkFaults } from "../findings/walk-findings.ts";
import { findWalkNotes } from "../findings/walk-notes.ts";
import { paint } from "../pictures/paint.ts";
import { layWalk } from "../pictures/walk/picture.ts";
import { tellWalk } from "../pictures/walk/tell.ts";
import { addressesAsked, askedToData, renderAsked, resolveAsked } from "../trace/asked.ts";
import { parseTraceText } from "../trace/parse.ts";
import type { WalkData } from "../trace/walk/json.ts";
import { renderMermaid } from "../trace/walk/mermaid.ts";
import { WalkNames } from "../trace/walk/walk-names.ts";
import type { CompileManifestsOptions } from "./compile.ts";
import { MANIFEST_OPTIONS, resolveNetwork } from "./resolve-network.ts";

export interface TraceClusterOptions extends CompileManifestsOptions {
  /** In `text` and `mermaid`: each branch in full, also those that differ in the endpoint only. Default: false. */
  readonly all?: boolean;
  /** Follow the answer back. Default: true. */
  readonly reply?: boolean;
}

/** What was found, and the walk: as data, as `kpc trace` prints it, as a mermaid sequence diagram, and as an SVG file. Undefined where the
 *  manifests or the packet have an error. */
export interface TracedCluster {
  readonly diagnostics: readonly DiagnosticData[];
  readonly result: WalkData | undefined;
  readonly text: string | undefined;
  readonly mermaid: string | undefined;
  readonly svg: string | undefined;
}

const OPTIONS = {
  ...MANIFEST_OPTIONS,
  all: "boolean",
  reply: "boolean",
} as const satisfies Readonly<Record<keyof TraceClusterOptions, OptionKind>>;

/** Follows the first packet of a connection through the cluster of the manifests, among which a `kind: Cluster` may describe the
 *  network, and the answer back. `packet`, which may be an HTTP request, is written as for `kpc trace`. Throws `TypeError` for wrong arguments. */
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
    svg: undefined,
  });
  const written = parseTraceText({ name: "packet", text: packet }, report);
  if (resolved === undefined || written === undefined) return failed();
  const { layout, input, walker, known } = describeNetwork(resolved, new Map(), addressesAsked(written));
  const asked = resolveAsked(written, { ...input, layout }, report);
  if (asked === undefined) return failed();
  const { flow } = asked;
  const walk = walker.walk(flow, !reply);
  const { network } = layout;
  const names = new WalkNames(input.specs, network);
  const context = { names, protocol: flow.protocol, hosts: network.hosts, isVerbose: false };
  const findings = [...findWalkFaults(known, walk), ...findRequestFaults(known, walk)];
  const notes = findWalkNotes(known, walk).filter(({ severity }) => severity !== "info");
  const story = tellWalk(walk, context, { asked: packet.trim(), findings: [...findings, ...notes] });
  return {
    diagnostics: found.map(diagnosticToJson),
    result: askedToData(walk, asked, context, reply, findings.map(diagnosticToJson)),
    text: renderAsked(walk, asked, context, all),
    mermaid: renderMermaid(walk, context, all),
    svg: story && paint(layWalk(story)),
  };
}
