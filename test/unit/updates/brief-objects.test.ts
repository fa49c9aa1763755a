/** Which objects are kept in a few words: `property/brief-objects` holds that they mean what their JSON means, also where all are kept as JSON. */
import { expect, test } from "vitest";
import { briefService, briefSlice } from "../../../compiler/updates/brief-objects.ts";

type Json = Readonly<Record<string, unknown>>;

const HEAD = { namespace: "shop", metadata: { name: "web", creationTimestamp: "2026-01-02T03:04:05Z" }, labels: {} };

const SPEC = {
  type: "ClusterIP",
  clusterIP: "172.30.0.1",
  clusterIPs: ["172.30.0.1"],
  internalTrafficPolicy: "Cluster",
  ipFamilies: ["IPv4"],
  ipFamilyPolicy: "SingleStack",
  ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: "web", appProtocol: "http" }],
  publishNotReadyAddresses: true,
  selector: { app: "web" },
  sessionAffinity: "None",
};

const SLICE_HEAD = { ...HEAD, labels: { "kubernetes.io/service-name": "web" } };

const SLICE = {
  addressType: "IPv4",
  endpoints: [{ addresses: ["10.180.0.1"], conditions: { ready: true }, nodeName: "node-a", zone: "zone-a" }],
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
};

test.each<[what: string, spec: Json]>([
  ["as API servers write it", {}],
  ["without a type", { type: undefined }],
  ["of policy Local", { internalTrafficPolicy: "Local" }],
  ["without a policy, and without session affinity", { internalTrafficPolicy: undefined, sessionAffinity: undefined }],
  ["without unready endpoints", { publishNotReadyAddresses: false }],
  [
    "of two families",
    { clusterIPs: ["172.30.0.1", "fd30::1"], ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "PreferDualStack" },
  ],
])("a Service is kept in a few words: %s", (_, spec) => {
  const policy = spec["internalTrafficPolicy"] === "Local" ? "Local" : "Cluster";
  const text = briefService(HEAD, { ...SPEC, ...spec }, { loadBalancer: {} }) ?? "";
  expect(text).toMatch(/^S shop\/web \S+ 172\.30\.0\.1\S* /);
  expect(text).toContain(` ${policy} `);
});

test.each<[what: string, spec: Json, head?: Json, status?: Json]>([
  ["a type", { type: "NodePort" }],
  ["session affinity", { sessionAffinity: "ClientIP" }],
  ["an unknown policy", { internalTrafficPolicy: "Near" }],
  ["a word that is no condition", { publishNotReadyAddresses: "yes" }],
  ["a member that few have", { externalIPs: [] }],
  ["no ports", { ports: [] }],
  ["no address", { clusterIP: undefined, clusterIPs: undefined }],
  ["a name that is a number", {}, { metadata: { ...HEAD.metadata, name: 7 } }],
  ["a name that begins with a digit", {}, { metadata: { ...HEAD.metadata, name: "7up" } }],
  ["a name that is no label", {}, { metadata: { ...HEAD.metadata, name: "a.b" } }],
  ["a namespace that is no label", {}, { namespace: "a.b" }],
  ["a label that is read", {}, { labels: { "service.kubernetes.io/headless": "" } }],
  ["a time that is none", {}, { metadata: { ...HEAD.metadata, creationTimestamp: 7 } }],
  ["an address of a load balancer", {}, {}, { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } }],
])("a Service is kept as JSON: %s", (_, spec, head = {}, status = {}) => {
  expect(briefService({ ...HEAD, ...head }, { ...SPEC, ...spec }, status)).toBeUndefined();
});

test("a slice is kept in a few words, a line for each endpoint", () => {
  const lines = (more: Json): readonly string[] => briefSlice(SLICE_HEAD, { ...SLICE, ...more })?.split("\n") ?? [];
  expect(lines({})[0]).toMatch(/^E IPv4 shop\/web web /);
  expect(lines({})[1]).toContain("10.180.0.1");
  expect(lines({})).toHaveLength(2);
  expect(lines({ addressType: "IPv6", endpoints: [{ addresses: ["fd00::1"] }] })[0]).toMatch(/^E IPv6 /);
  expect(lines({ endpoints: undefined })).toHaveLength(1);
  expect(lines({ endpoints: null })).toHaveLength(1);
});

test.each<[what: string, slice: Json, head?: Json]>([
  ["of host names", { addressType: "FQDN" }],
  ["endpoints that are no list", { endpoints: {} }],
  ["an endpoint without an address", { endpoints: [{ addresses: [] }] }],
  ["a name that is a number", {}, { metadata: { ...HEAD.metadata, name: 7 } }],
  ["no name", {}, { metadata: { ...HEAD.metadata, name: "" } }],
  ["a name that is no subdomain", {}, { metadata: { ...HEAD.metadata, name: "A" } }],
  ["a namespace that is no label", {}, { namespace: "a.b" }],
  ["of no Service", {}, { labels: {} }],
  ["a Service that is no label", {}, { labels: { "kubernetes.io/service-name": "a.b" } }],
  ["a time that is none", {}, { metadata: { ...HEAD.metadata, creationTimestamp: 7 } }],
])("a slice is kept as JSON: %s", (_, slice, head = {}) => {
  expect(briefSlice({ ...SLICE_HEAD, ...head }, { ...SLICE, ...slice })).toBeUndefined();
});
