/** Nodes that load balancers are to leave alone. */
import type { ApiObject } from "../api/events.ts";
import { members } from "../api/trouble.ts";

/** The taint of Nodes that the cluster autoscaler is about to delete. */
const TO_BE_DELETED = "ToBeDeletedByClusterAutoscaler";

/** Whether load balancers may send to the Node: it is not about to be deleted. */
export function isEligible(node: ApiObject): boolean {
  const { taints } = members(node["spec"]);
  const isTainted = Array.isArray(taints) && taints.some((taint) => members(taint)["key"] === TO_BE_DELETED);
  return members(node["metadata"])["deletionTimestamp"] === undefined && !isTainted;
}
