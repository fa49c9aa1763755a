import type { Node } from "./node.ts";
import type { OracleEndpoint, OracleServicePort } from "./services.ts";

/** Section 2, list 1: the endpoints of traffic with policy Cluster. */
export function clusterList(node: Node, port: OracleServicePort): readonly OracleEndpoint[] {
  const ready = port.endpoints.filter((endpoint) => endpoint.isReady);
  return ready.length > 0 ? nearest(node, ready) : port.endpoints.filter(isServingTerminating);
}

/** Section 2, list 2: the endpoints of traffic with policy Local. Hints play no part. */
export function localList(node: Node, port: OracleServicePort): readonly OracleEndpoint[] {
  const local = port.endpoints.filter(({ nodeName }) => node.name !== undefined && nodeName === node.name);
  const ready = local.filter((endpoint) => endpoint.isReady);
  return ready.length > 0 ? ready : local.filter(isServingTerminating);
}

/** Section 2, the table: the list of traffic to the cluster IP. */
export function internalList(node: Node, port: OracleServicePort): readonly OracleEndpoint[] {
  return port.isInternalLocal ? localList(node, port) : clusterList(node, port);
}

/** Section 2, the table: the list of traffic to external IP, load balancer IP and node port, after the short-circuit. */
export function externalList(node: Node, port: OracleServicePort): readonly OracleEndpoint[] {
  return port.isExternalLocal ? localList(node, port) : clusterList(node, port);
}

/** Section 2, hasAny. The topology filter never leaves nothing, so a non-empty cluster list is the same as any endpoint
 *  anywhere that is ready or serving and terminating. */
export function hasAny(port: OracleServicePort): boolean {
  return port.endpoints.some((endpoint) => endpoint.isReady || isServingTerminating(endpoint));
}

/** Section 6: what happens to traffic that may meet `list` when it is empty. */
export function verdictOfEmpty(
  port: OracleServicePort,
  list: readonly OracleEndpoint[],
): "drop" | "reject" | undefined {
  if (list.length > 0) return undefined;
  return hasAny(port) ? "drop" : "reject";
}

function isServingTerminating(endpoint: OracleEndpoint): boolean {
  return endpoint.isServing && endpoint.isTerminating;
}

/** Section 3: the ready endpoints that hints leave over; node hints first, then zone hints, each all or nothing. */
function nearest(node: Node, ready: readonly OracleEndpoint[]): readonly OracleEndpoint[] {
  const hints = [
    { here: node.name, of: (endpoint: OracleEndpoint) => endpoint.nodeHints },
    { here: node.zone, of: (endpoint: OracleEndpoint) => endpoint.zoneHints },
  ];
  for (const { here, of } of hints) {
    if (here === undefined || ready.some((endpoint) => of(endpoint).length === 0)) continue;
    const named = ready.filter((endpoint) => of(endpoint).includes(here));
    if (named.length > 0) return named;
  }
  return ready;
}
