/** What is wrong with a described cluster, without a flow: walks over flows of each kind, and what they meet. */
import { type Diagnostic, type DiagnosticCode, printPlace } from "../diagnostics.ts";
import type { AlikeHosts } from "../matrix/alike-hosts.ts";
import { printAddressPort } from "../net/address.ts";
import type { AlikeDestinations, Walk, WalkFlow } from "../walk/types.ts";
import type { CheckedNetwork } from "./checked-network.ts";
import { representativeFlows } from "./representative-flows.ts";
import { findWalkFaults } from "./walk-findings.ts";
import { findWalkNotes } from "./walk-notes.ts";

/** A fault: what was found first, by which flow, and what else comes of it. */
interface MetFault {
  readonly finding: Diagnostic;
  readonly flow: WalkFlow;
  /** Flows that meet it. */
  count: number;
  /** The first finding of each other code. */
  readonly others: Map<DiagnosticCode, Diagnostic>;
}

/** What was found without a flow. */
export interface ClusterFindings {
  readonly findings: readonly Diagnostic[];
  /** Of each code about each host the first. */
  readonly notes: readonly Diagnostic[];
  /** How many flows were walked. */
  readonly walked: number;
  /** False: not from each end to each other one, but from each to some of each kind. */
  readonly areAllPairs: boolean;
}

/** The faults that walks meet, each once for its host and what mends it, with the first flow that meets it and how many do. `mostEnds`: see `representativeFlows`. */
export function findClusterFaults(checked: CheckedNetwork, mostEnds?: number): ClusterFindings {
  const { known } = checked;
  const met = new Map<string, MetFault>();
  const { flows, areAllPairs, classes } = representativeFlows(checked, mostEnds);
  const notes = new Map<string, Diagnostic>();
  for (const flow of flows) {
    const walks = walksOf(flow, checked, areAllPairs ? undefined : alikeEndpoints(classes, flow));
    for (const note of walks.flatMap((walk) => findWalkNotes(known, walk))) {
      const key = `${note.code} ${note.host}`;
      if (note.severity === "note" && !notes.has(key)) notes.set(key, note);
    }
    for (const finding of walks.flatMap((walk) => findWalkFaults(known, walk))) {
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
  }
  const findings = [...met.values()].map(({ finding, flow, count, others }) => {
    const to = printAddressPort(flow.destination, flow.destinationPort);
    const more = count === 1 ? "" : ` and ${count - 1} more of the flows that were walked`;
    const also = [...others.values()].map(({ message, code }) => ({ message: `likewise: ${message} [${code}]` }));
    const notes = [...(finding.notes ?? []), { message: `met by ${flow.from} > ${to}${more}` }, ...also];
    return { ...finding, notes };
  });
  return { findings, notes: [...notes.values()], walked: flows.length, areAllPairs };
}

/** Where a large packet does not fit through, a small one is walked, too: it may meet something else behind that. */
function walksOf(flow: WalkFlow, { walker }: CheckedNetwork, alike: AlikeDestinations | undefined): readonly Walk[] {
  const walk = walker.walk(flow, false, undefined, alike);
  const isTooLarge = walk.branches.some(({ there, back }) =>
    [there, back].some((leg) => leg?.end.kind === "too-large"),
  );
  return isTooLarge ? [walk, walker.walk({ ...flow, bytes: 0 }, false, undefined, alike)] : [walk];
}

/** Endpoints of one node that nothing tells apart, the sender aside, stand for each other. */
function alikeEndpoints(classes: AlikeHosts, { from }: WalkFlow): AlikeDestinations {
  return {
    groupOf: (destination, hosts) => {
      const pod = classes.ownerOf(destination);
      const kind = pod === undefined ? undefined : classes.classOf(pod);
      if (pod === undefined || kind === undefined || pod === from || hosts.has(pod))
        return `${typeof destination} ${destination}`;
      return `${classes.nodeOf(pod)} ${kind} ${classes.indexOf(destination, pod)}`;
    },
  };
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
  return code === "reply-lost" || code === "node-without-route" ? "no-route" : code;
}
