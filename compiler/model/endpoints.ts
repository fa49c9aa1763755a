/** Which of the candidates a Service port uses on one node (SEMANTICS sections 2 and 3). */
import type { Candidate } from "./candidates.ts";
import type { NodeContext } from "./options.ts";
import type { ServicePort } from "./types.ts";

export type EndpointLists = Pick<ServicePort, "clusterEndpoints" | "localEndpoints" | "hasAnyEndpoint">;

/** What decides which lists are needed. */
export type Policies = Pick<ServicePort, "internalTrafficPolicy" | "externalTrafficPolicy"> & {
  /** Has a node port, a load balancer address or an external IP. */
  readonly externallyReachable: boolean;
};

/** The two lists, in the order of `candidates`, each with a fallback of its own: when nothing is ready, endpoints that are still serving while they
 *  terminate. A list that no traffic can use is left empty. */
export function chooseEndpoints(
  candidates: readonly Candidate[],
  policies: Policies,
  node: NodeContext,
): EndpointLists {
  const { internalTrafficPolicy, externalTrafficPolicy, externallyReachable } = policies;
  const needsCluster = internalTrafficPolicy !== "Local" || externallyReachable;
  const needsLocal = internalTrafficPolicy === "Local" || (externalTrafficPolicy === "Local" && externallyReachable);
  const local =
    needsLocal && node.name !== undefined ? candidates.filter(({ nodeName }) => nodeName === node.name) : [];
  const ready = candidates.filter((candidate) => candidate.ready);
  const clusterEndpoints = needsCluster ? orElseTerminating(followHints(ready, node), candidates) : [];
  const localEndpoints = needsLocal
    ? orElseTerminating(
        local.filter((candidate) => candidate.ready),
        local,
      )
    : [];
  return {
    clusterEndpoints,
    localEndpoints,
    hasAnyEndpoint:
      clusterEndpoints.length > 0 || (needsLocal && candidates.some((c) => c.ready || servesWhileTerminating(c))),
  };
}

function orElseTerminating(usable: readonly Candidate[], all: readonly Candidate[]): readonly Candidate[] {
  return usable.length > 0 ? usable : all.filter(servesWhileTerminating);
}

function servesWhileTerminating({ serving, terminating }: Candidate): boolean {
  return serving && terminating;
}

/** All or nothing: hints are followed when every ready endpoint has one and at least one names this node, or its zone. */
function followHints(ready: readonly Candidate[], { name, zone }: NodeContext): readonly Candidate[] {
  if (name !== undefined && ready.every(({ nodeHints }) => nodeHints.length > 0)) {
    const here = ready.filter(({ nodeHints }) => nodeHints.includes(name));
    if (here.length > 0) return here;
  }
  if (zone !== undefined && zone !== "" && ready.every(({ zoneHints }) => zoneHints.length > 0)) {
    const here = ready.filter(({ zoneHints }) => zoneHints.includes(zone));
    if (here.length > 0) return here;
  }
  return ready;
}
