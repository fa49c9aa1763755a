/** What is wrong with a described cluster, without a flow: walks over flows of each kind, and what they meet. */
import { type Diagnostic, printPlace } from "../diagnostics.ts";
import type { Cluster } from "../model/types.ts";
import { printAddressPort } from "../net/address.ts";
import type { WalkFlow } from "../walk/types.ts";
import type { PacketWalker } from "../walk/walk.ts";
import type { KnownNetwork } from "./known-network.ts";
import { representativeFlows } from "./representative-flows.ts";
import { findWalkFaults } from "./walk-findings.ts";

/** The faults that walks meet, each once for its host and its place, with the first flow that meets it and how many do. Notes are left to
 *  walks that are asked for. */
export function findClusterFaults(known: KnownNetwork, walker: PacketWalker, cluster: Cluster): readonly Diagnostic[] {
  const met = new Map<string, { readonly finding: Diagnostic; readonly flow: WalkFlow; count: number }>();
  for (const flow of representativeFlows(known, cluster))
    for (const finding of findWalkFaults(known, walker.walk(flow))) {
      if (finding.severity === "note" || finding.severity === "info") continue;
      const key = keyOf(finding);
      const before = met.get(key);
      if (before === undefined) met.set(key, { finding, flow, count: 1 });
      else before.count++;
    }
  return [...met.values()].map(({ finding, flow, count }) => {
    const to = printAddressPort(flow.destination, flow.destinationPort);
    const more = count === 1 ? "" : ` and ${count - 1} more of the flows that were walked`;
    return { ...finding, notes: [{ message: `met by ${flow.from} > ${to}${more}` }] };
  });
}

function keyOf({ code, host, origin, fix }: Diagnostic): string {
  // A lost answer is the same fault as a lost request, and so is each port of a host without hairpin.
  const kind = code === "reply-lost" ? "no-route" : code;
  return [
    kind,
    host,
    origin === undefined ? "" : printPlace(origin.span()),
    code === "hairpin-off" ? "" : fix?.command,
  ].join("\n");
}
