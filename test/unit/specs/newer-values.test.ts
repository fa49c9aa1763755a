/** Words that kpc does not know, in objects that a newer API server has written: what kube-proxy makes of them, and a warning. */
import { describe, expect, test } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import type { Specs } from "../../../compiler/specs/types.ts";

interface Loaded {
  readonly specs: Specs;
  readonly findings: readonly string[];
}

function load(text: string): Loaded {
  const findings: string[] = [];
  const specs = loadSpecs(
    [{ name: "a.yaml", text }],
    ({ severity, code, message }) => void findings.push(`${severity} ${code} ${message}`),
  );
  return { specs, findings };
}

/** A Service with `spec` in place of what it says by default; `stored`: an API server has written it. */
const service = (spec: object, stored = true, status: object = {}): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "a", ...(stored ? { uid: "u" } : {}) },
    spec: { type: "NodePort", clusterIP: "10.96.0.10", ports: [{ port: 80, nodePort: 30080 }], ...spec },
    status,
  });

const slice = (fields: object, version = "v1"): string =>
  JSON.stringify({
    apiVersion: `discovery.k8s.io/${version}`,
    kind: "EndpointSlice",
    metadata: { name: "web-1", namespace: "a", uid: "u", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.244.0.5"] }],
    ports: [{ name: "", port: 8080 }],
    ...fields,
  });

const warningOf = (word: string): RegExp => new RegExp(`^warning unknown-value .*Unsupported value: "${word}": .*; k`);

describe("of stored Services are warnings, and read as kube-proxy reads them", () => {
  test.each([
    [
      "type Mesh: what it has counts",
      { type: "Mesh", externalTrafficPolicy: "Local" },
      { type: "ClusterIP", externalTrafficPolicy: "Cluster", ports: [{ nodePort: { value: 30080 } }] },
    ],
    ["internalTrafficPolicy", { internalTrafficPolicy: "Mesh" }, { internalTrafficPolicy: "Cluster" }],
    ["externalTrafficPolicy", { externalTrafficPolicy: "Mesh" }, { externalTrafficPolicy: "Cluster" }],
    ["trafficDistribution", { trafficDistribution: "Mesh" }, { trafficDistribution: undefined }],
    ["sessionAffinity", { sessionAffinity: "Mesh" }, { affinitySeconds: undefined }],
    ["ipFamilyPolicy", { ipFamilyPolicy: "Mesh" }, { ipFamilyPolicy: undefined, clusterIps: [{ value: 0x0a60000a }] }],
    ["ipFamilies", { ipFamilies: ["Mesh", "IPv4"] }, { ipFamilies: ["IPv4"] }],
    [
      "protocol: the port is left out",
      {
        ports: [
          { port: 80, protocol: "Mesh" },
          { name: "b", port: 81 },
        ].map((port, i) => ({ name: `p${i}`, ...port })),
      },
      { ports: [{ port: 81 }] },
    ],
  ])("%s", (_, spec, wanted) => {
    const { specs, findings } = load(service(spec));
    expect(findings).toEqual([expect.stringMatching(warningOf("Mesh"))]);
    expect(specs.services).toMatchObject([wanted]);
  });

  test("ipMode: not an address of the node", () => {
    const status = { loadBalancer: { ingress: [{ ip: "192.0.2.1", ipMode: "Mesh" }] } };
    const { specs, findings } = load(service({ type: "LoadBalancer" }, true, status));
    expect(findings).toEqual([expect.stringMatching(warningOf("Mesh"))]);
    expect(specs.services).toMatchObject([{ loadBalancerIngress: [{ ipMode: "Proxy" }] }]);
  });
});

test("of Services that nobody has stored are warnings where kube-proxy ignores them, else errors", () => {
  const severityOf = (spec: object): string[] => load(service(spec, false)).findings.map((each) => each.slice(0, 21));
  for (const key of ["internalTrafficPolicy", "externalTrafficPolicy", "trafficDistribution", "sessionAffinity"]) {
    expect([key, severityOf({ [key]: "Mesh" })]).toEqual([key, ["warning unknown-value"]]);
  }
  for (const spec of [
    { type: "Mesh" },
    { ipFamilyPolicy: "Mesh" },
    { ipFamilies: ["Mesh"] },
    { ports: [{ port: 80, protocol: "HTTP" }] },
    { internalTrafficPolicy: "Locall" }, // a slip
    { trafficDistribution: "prefersamezone" },
  ])
    expect([spec, severityOf(spec)]).toEqual([spec, ["error invalid-value s"]]);
});

test("of other stored objects leave out what cannot be understood, and nothing else", () => {
  expect(load(slice({ addressType: "Mesh" }))).toMatchObject({
    specs: { endpointSlices: [] },
    findings: [expect.stringMatching(warningOf("Mesh"))],
  });
  expect(
    load(
      slice({
        ports: [
          { name: "q", port: 1, protocol: "Mesh" },
          { name: "", port: 8080 },
        ],
      }),
    ),
  ).toMatchObject({
    specs: { endpointSlices: [{ ports: [{ port: 8080 }] }] },
    findings: [expect.stringMatching(warningOf("Mesh"))],
  });
  const path = (pathType: string, path: string): object => ({
    path,
    pathType,
    backend: { service: { name: "web", port: { number: 80 } } },
  });
  const ingress = JSON.stringify({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "web", uid: "u" },
    spec: { rules: [{ http: { paths: [path("Mesh", "/a"), path("Exact", "/b")] } }] },
  });
  expect(load(ingress)).toMatchObject({
    specs: { ingresses: [{ rules: [{ paths: [{ path: "/b" }] }] }] },
    findings: [expect.stringMatching(warningOf("Mesh"))],
  });
});

test("are errors with --strict", () => {
  const texts = [service({ trafficDistribution: "Mesh" }), slice({})].map((text, i) => ({ name: `${i}.json`, text }));
  const codesOf = (strict: boolean): unknown =>
    compile(texts, {}, { strict }).diagnostics.find(({ code }) => code === "unknown-value")?.severity;
  expect([codesOf(false), codesOf(true)]).toEqual(["warning", "error"]);
});

describe("EndpointSlices of discovery.k8s.io/v1beta1", () => {
  test("are read: nodes from topology, conditions as in v1, one warning for all", () => {
    const endpoints = [
      {
        addresses: ["10.244.0.5"],
        topology: { "kubernetes.io/hostname": "node-a", "topology.kubernetes.io/zone": "z" },
      },
      { addresses: ["10.244.0.6"], nodeName: "node-b", topology: { "kubernetes.io/hostname": "other" } },
      { addresses: ["10.244.0.7"], conditions: { ready: false, serving: true, terminating: true } },
    ];
    const second = slice({ endpoints: [] }, "v1beta1").replace("web-1", "web-2");
    const { specs, findings } = load(`${slice({ endpoints }, "v1beta1")}\n${second}`);
    expect(findings).toEqual([
      expect.stringMatching(/^warning deprecated discovery\.k8s\.io\/v1beta1 EndpointSlice is/),
    ]);
    expect(specs.endpointSlices[0]?.endpoints).toMatchObject([
      { nodeName: "node-a", ready: true, serving: true, terminating: false },
      { nodeName: "node-b" },
      { nodeName: undefined, ready: false, serving: true, terminating: true },
    ]);
    expect(specs.endpointSlices.length).toBe(2);
  });

  test("in a list that says what they are", () => {
    const { kind: _, apiVersion: __, ...item } = JSON.parse(slice({}, "v1beta1"));
    const list = { apiVersion: "discovery.k8s.io/v1beta1", kind: "EndpointSliceList", items: [item] };
    expect(load(JSON.stringify(list)).specs.endpointSlices.length).toBe(1);
  });
});
