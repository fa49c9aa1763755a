import { expect, test } from "vitest";
import { isEligible } from "../../../runtime/agent/eligible-node.ts";

const DOOMED = { key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" };
const OTHER = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

test.each<[what: string, node: Readonly<Record<string, unknown>>, isWanted: boolean]>([
  ["that is as usual", { metadata: { name: "a" }, spec: {} }, true],
  ["with nothing", {}, true],
  ["with no taints", { spec: { taints: [] } }, true],
  ["with other taints", { spec: { taints: [OTHER] } }, true],
  ["with taints that are none", { spec: { taints: "none" } }, true],
  ["that the cluster autoscaler is about to delete", { spec: { taints: [OTHER, DOOMED] } }, false],
  [
    "that is being deleted",
    { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" }, spec: { taints: [OTHER] } },
    false,
  ],
  ["whose taints stand elsewhere", { taints: [DOOMED], status: { taints: [DOOMED] } }, true],
])("a Node %s", (_, node, isWanted) => {
  expect(isEligible(node)).toBe(isWanted);
});
