/** What an agent follows at the API server. */
import { unreachable } from "../../compiler/invariant.ts";
import type { RuleKind } from "../../compiler/updates/watched-object.ts";
import type { ApiClient } from "../api/client.ts";
import type { Clock } from "../api/clock.ts";
import { ENDPOINT_SLICES, oneNode, SERVICE_CIDRS, SERVICES, type WatchedKind } from "../api/kinds.ts";
import { watchKind } from "../api/watch-kind.ts";
import type { AgentParts } from "./agent-parts.ts";

/** Follows kinds as the agent of the Node `nodeName` does. */
export function watchNode(client: ApiClient, nodeName: string, clock: Clock): AgentParts["watch"] {
  return (kind, sink) => watchKind({ client, watched: watchedKind(kind, nodeName) }, sink, clock);
}

function watchedKind(kind: RuleKind, nodeName: string): WatchedKind {
  switch (kind) {
    case "Service":
      return SERVICES;
    case "EndpointSlice":
      return ENDPOINT_SLICES;
    case "ServiceCIDR":
      return SERVICE_CIDRS;
    case "Node":
      return oneNode(nodeName);
    default:
      return unreachable(kind);
  }
}
