/** What an agent keeps of objects. */
import { describe, expect, test } from "vitest";
import { compareKeys, type RuleKind, watchedObject } from "../../../compiler/updates/watched-object.ts";

const AT = { name: "web", namespace: "shop" };

/** What is kept of an object without what all have. */
function keptOf(kind: RuleKind, value: object): unknown {
  const { apiVersion: _, kind: __, metadata: ___, ...kept } = JSON.parse(watchedObject(kind, value)?.text ?? "null");
  return kept;
}

test.each<[what: string, value: unknown]>([
  ["nothing", undefined],
  ["null", null],
  ["a text", "web"],
  ["a list", [AT]],
  ["no metadata", {}],
  ["metadata that are a text", { metadata: "web" }],
  ["no name", { metadata: { namespace: "shop" } }],
  ["an empty name", { metadata: { name: "", namespace: "shop" } }],
  ["a name that is a number", { metadata: { name: 1, namespace: "shop" } }],
])("%s is no object", (_, value) => {
  expect(watchedObject("Service", value)).toBeUndefined();
});

test.each<[kind: RuleKind, namespace: unknown, key: string]>([
  ["Service", "shop", "shop/web"],
  ["EndpointSlice", "shop", "shop/web"],
  ["Service", undefined, "default/web"],
  ["Service", "", "default/web"],
  ["EndpointSlice", 7, "default/web"],
  ["Node", undefined, "web"],
  ["Node", "shop", "web"],
  ["ServiceCIDR", undefined, "web"],
])("the key of a %s in namespace %s is %s", (kind, namespace, key) => {
  expect(watchedObject(kind, { metadata: { name: "web", namespace } })).toMatchObject({ kind, key });
});

test.each<[what: string, kind: RuleKind, labels: unknown, service: string | undefined]>([
  ["the one that its label names", "EndpointSlice", { "kubernetes.io/service-name": "api" }, "shop/api"],
  ["none without labels", "EndpointSlice", undefined, undefined],
  ["none where labels are a text", "EndpointSlice", "api", undefined],
  ["none without the label", "EndpointSlice", { app: "api" }, undefined],
  ["none by an empty name", "EndpointSlice", { "kubernetes.io/service-name": "" }, undefined],
  ["none by a number", "EndpointSlice", { "kubernetes.io/service-name": 7 }, undefined],
  ["none where it is a Service", "Service", { "kubernetes.io/service-name": "api" }, undefined],
])("the Service of an object: %s", (_, kind, labels, service) => {
  expect(watchedObject(kind, { metadata: { ...AT, labels } })?.service).toBe(service);
});

test("of metadata, what decides which objects count and which is older is kept", () => {
  const labels = {
    "service.kubernetes.io/service-proxy-name": "other",
    "service.kubernetes.io/headless": "",
    "kubernetes.io/service-name": "web",
    "topology.kubernetes.io/zone": "a",
  };
  const metadata = { ...AT, creationTimestamp: "2026-01-01T00:00:00Z", labels };
  const all = { ...metadata, labels: { ...labels, app: "web" }, uid: "1", annotations: { a: "b" }, managedFields: [] };
  expect(JSON.parse(watchedObject("Service", { metadata: all })?.text ?? "")).toEqual({
    apiVersion: "v1",
    kind: "Service",
    metadata,
  });
  const odd = { ...AT, labels: "none" };
  expect(JSON.parse(watchedObject("Service", { metadata: odd })?.text ?? "").metadata).toEqual(odd);
});

describe("of the rest, what rules are made of is kept", () => {
  const more = { other: 1 };
  test.each<[what: string, kind: RuleKind, value: object, kept: object]>([
    [
      "a Service's spec without its selector, and its load balancer",
      "Service",
      { spec: { clusterIP: "10.96.0.1", selector: { app: "web" } }, status: { loadBalancer: {}, conditions: [] } },
      { spec: { clusterIP: "10.96.0.1" }, status: { loadBalancer: {} } },
    ],
    ["what is no object", "Service", { spec: "none", status: [1] }, { spec: "none", status: [1] }],
    [
      "a Node's ranges and addresses",
      "Node",
      { spec: { podCIDR: "10.0.0.0/24", podCIDRs: ["10.0.0.0/24"], ...more }, status: { addresses: [1], ...more } },
      { spec: { podCIDR: "10.0.0.0/24", podCIDRs: ["10.0.0.0/24"] }, status: { addresses: [1] } },
    ],
    [
      "a ServiceCIDR's spec",
      "ServiceCIDR",
      { spec: { cidrs: ["10.96.0.0/12"], ...more }, ...more },
      { spec: { cidrs: ["10.96.0.0/12"], ...more } },
    ],
    [
      "a slice's type, ports and endpoints",
      "EndpointSlice",
      { addressType: "IPv4", ports: [{ port: 80 }], endpoints: [], ...more },
      { addressType: "IPv4", ports: [{ port: 80 }], endpoints: [] },
    ],
    ["endpoints that are no list", "EndpointSlice", { endpoints: "none" }, { endpoints: "none" }],
    ["endpoints that are no objects", "EndpointSlice", { endpoints: [1, null] }, { endpoints: [1, null] }],
  ])("%s", (_, kind, value, kept) => {
    expect(keptOf(kind, { metadata: AT, ...value })).toEqual(kept);
  });

  const known = { addresses: ["10.180.0.1"], nodeName: "node-a", hints: { forZones: [] } };
  const usual = { ready: true, serving: true, terminating: false };
  test.each<[what: string, conditions: unknown, kept: unknown]>([
    ["all as they are without conditions", usual, undefined],
    ["one of them", { serving: true }, undefined],
    ["none of them", {}, undefined],
    ["not ready", { ...usual, ready: false }, { ...usual, ready: false }],
    ["not serving", { ...usual, serving: false }, { ...usual, serving: false }],
    ["terminating", { ...usual, terminating: true }, { ...usual, terminating: true }],
    ["nobody knows", { ...usual, ready: null }, { ...usual, ready: null }],
    ["of a kind to come", { ...usual, other: true }, { ...usual, other: true }],
    ["a text", "ready", "ready"],
  ])("the conditions of an endpoint: %s", (_, conditions, kept) => {
    const endpoints = [{ ...known, conditions, zone: "a", targetRef: {}, deprecatedTopology: {} }];
    const want = { ...known, ...(kept === undefined ? {} : { conditions: kept }) };
    expect(keptOf("EndpointSlice", { metadata: AT, endpoints })).toEqual({ endpoints: [want] });
  });
});

test.each(["Node", "ServiceCIDR"] as const)("a %s is kept as JSON, whatever its members are", (kind) => {
  const metadata = { ...AT, labels: { "kubernetes.io/service-name": "web" } };
  const value = { metadata, addressType: "IPv4", endpoints: [], ports: [], spec: {} };
  expect(JSON.parse(watchedObject(kind, value)?.text ?? "")).toMatchObject({ kind, spec: {} });
});

test("keys are ordered by their namespaces, then by their names", () => {
  const sorted = ["a/b", "a/c", "a-b/a", "b/a"];
  expect([...sorted].reverse().sort(compareKeys)).toEqual(sorted);
  expect([compareKeys("a/b", "a/b"), compareKeys("a/b", "a/c"), compareKeys("a/c", "a/b")]).toEqual([0, -1, 1]);
});
