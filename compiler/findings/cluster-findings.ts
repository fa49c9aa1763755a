/** What is wrong with a described cluster, without a flow: walks over flows of each kind, and what they meet. */
import { type Diagnostic, type DiagnosticCode, printPlace } from "../diagnostics.ts";
import type { Cluster } from "../model/types.ts";
import { printAddressPort } from "../net/address.ts";
import type { WalkFlow } from "../walk/types.ts";
import type { PacketWalker } from "../walk/walk.ts";
import type { KnownNetwork } from "./known-network.ts";
import { representativeFlows } from "./representative-flows.ts";
import { findWalkFaults } from "./walk-findings.ts";

/** A fault: what was found first, by which flow, and what else comes of it. */
interface MetFault {
  readonly finding: Diagnostic;
  readonly flow: WalkFlow;
  /** Flows that meet it. */
  count: number;
  /** The first finding of each other code. */
  readonly others: Map<DiagnosticCode, Diagnostic>;
}

/** The faults that walks meet, each once for its host and what mends it, with the first flow that meets it and how many do. Notes are left
 *  to walks that are asked for. */
export function findClusterFaults(known: KnownNetwork, walker: PacketWalker, cluster: Cluster): readonly Diagnostic[] {
  const met = new Map<string, MetFault>();
  for (const flow of representativeFlows(known, cluster))
    for (const finding of findWalkFaults(known, walker.walk(flow))) {
      if (finding.severity === "note" || finding.severity === "info") continue;
      const key = keyOf(finding);
      const before = met.get(key);
      if (before === undefined) {
        met.set(key, { finding, flow, count: 1, others: new Map() });
        continue;
      }
      before.count++;
      const isOther = kindOf(finding) !== kindOf(before.finding);
      if (isOther && !before.others.has(finding.code)) before.others.set(finding.code, finding);
    }
  return [...met.values()].map(({ finding, flow, count, others }) => {
    const to = printAddressPort(flow.destination, flow.destinationPort);
    const more = count === 1 ? "" : ` and ${count - 1} more of the flows that were walked`;
    const also = [...others.values()].map(({ message, code }) => ({ message: `likewise: ${message} [${code}]` }));
    const notes = [...(finding.notes ?? []), { message: `met by ${flow.from} > ${to}${more}` }, ...also];
    return { ...finding, notes };
  });
}

/** What is mended by one command is one fault. */
function keyOf(finding: Diagnostic): string {
  const { code, severity, host, origin, fix } = finding;
  // All ports of a host without hairpin are one fault.
  if (fix !== undefined && code !== "hairpin-off") return [severity, fix.host, fix.command].join("\n");
  return [kindOf(finding), severity, host, origin === undefined ? "" : printPlace(origin.span())].join("\n");
}

/** A lost answer is the same fault as a lost request. */
function kindOf({ code }: Diagnostic): DiagnosticCode {
  return code === "reply-lost" ? "no-route" : code;
}
