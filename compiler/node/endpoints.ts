/** Which of the candidates a Service port uses on one node. */
import { type Candidate, type ServicePort, servesWhileTerminating } from "../model/types.ts";
import type { NodeContext } from "./settings.ts";

export interface EndpointLists {
  /** Endpoints for policy Cluster, in the order of the candidates. */
  readonly clusterEndpoints: readonly Candidate[];
  /** Endpoints for policy Local, likewise. */
  readonly localEndpoints: readonly Candidate[];
}

/** The two lists, each with a fallback of its own: when nothing is ready, endpoints that are still serving while they terminate. A
 *  list that no traffic can use is left empty. */
export function chooseEndpoints(port: ServicePort, node: NodeContext): EndpointLists {
  const { candidates, internalTrafficPolicy, externalTrafficPolicy } = port;
  const isExternal = port.nodePort !== undefined || port.externalIps.length > 0 || port.loadBalancerIps.length > 0;
  const needsCluster = internalTrafficPolicy !== "Local" || isExternal;
  const needsLocal = internalTrafficPolicy === "Local" || (externalTrafficPolicy === "Local" && isExternal);
  const local =
    needsLocal && node.name !== undefined ? candidates.filter(({ nodeName }) => nodeName === node.name) : [];
  return {
    clusterEndpoints: needsCluster ? orElseTerminating(followHints(readyOf(candidates), node), candidates) : [],
    localEndpoints: orElseTerminating(readyOf(local), local),
  };
}

/** The ready ones; where all are, the list itself, so that many nodes share it. */
function readyOf(candidates: readonly Candidate[]): readonly Candidate[] {
  return candidates.every(({ ready }) => ready) ? candidates : candidates.filter(({ ready }) => ready);
}

function orElseTerminating(usable: readonly Candidate[], all: readonly Candidate[]): readonly Candidate[] {
  return usable.length > 0 ? usable : all.filter(servesWhileTerminating);
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
