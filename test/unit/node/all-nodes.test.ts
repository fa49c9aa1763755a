import { describe, expect, test } from "vitest";
import { type Compiled, compileAllNodes, compileSpecs } from "../../../compiler/compile.ts";
import type { Diagnostic } from "../../../compiler/diagnostics.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import type { EndpointSliceSpec, Specs } from "../../../compiler/specs/types.ts";
import { printNft, toConfig } from "../../support/compile.ts";

const NODES = Array.from({ length: 10 }, (_, i) => `node-${i}`);

function nodeObject(name: string, i: number): string {
  return `apiVersion: v1
kind: Node
metadata: {name: ${name}, labels: {topology.kubernetes.io/zone: ${i % 2 === 0 ? "east" : "west"}}}
spec: {podCIDRs: [10.244.${i}.0/24]}
status: {addresses: [{type: InternalIP, address: 192.0.2.${i + 1}}]}
`;
}

function slice(service: string, port: number): string {
  const endpoints = NODES.map(
    (name, i) =>
      `{addresses: [10.244.${i}.5], nodeName: ${name}, hints: {forZones: [{name: ${i % 2 === 0 ? "east" : "west"}}]}}`,
  );
  return `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${service}-1, labels: {kubernetes.io/service-name: ${service}}}
addressType: IPv4
ports: [{port: ${port}}]
endpoints: [${endpoints.join(", ")}]
`;
}

/** Ten Nodes in two zones; a Service that follows hints, a local one, and findings of every stage: one Service without
 *  endpoints, two that claim one node port, an external IP that is an address of node-3, an Ingress with a shadowed path. */
const CLUSTER = [
  ...NODES.map(nodeObject),
  "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}\n",
  slice("web", 8080),
  "apiVersion: v1\nkind: Service\nmetadata: {name: agent}\nspec: {type: NodePort, clusterIP: 10.96.0.2, externalTrafficPolicy: Local, internalTrafficPolicy: Local, ports: [{port: 81, nodePort: 30081}]}\n",
  slice("agent", 8081),
  "apiVersion: v1\nkind: Service\nmetadata: {name: none}\nspec: {clusterIP: 10.96.0.3, externalIPs: [192.0.2.4], ports: [{port: 82}]}\n",
  "apiVersion: v1\nkind: Service\nmetadata: {name: zulu}\nspec: {type: NodePort, clusterIP: 10.96.0.4, ports: [{port: 83, nodePort: 30081}]}\n",
  "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: shop}\nspec: {rules: [{host: shop.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}, {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}\n",
].join("---\n");

function load(): Specs {
  return loadSpecs([{ name: "cluster.yaml", text: CLUSTER }], () => undefined);
}

function allNodes(specs: Specs, settings: object = {}): { compiled: readonly Compiled[]; found: string[] } {
  const { diagnostics, nodes } = compileAllNodes(() => specs, toConfig(settings as never));
  return { compiled: [...(nodes ?? [])], found: diagnostics.map(print) };
}

const print = ({ severity, code, message }: Diagnostic): string => `${severity} ${code}: ${message}`;

/** The same objects, in which each look at the endpoints of a slice is counted. */
function counting(specs: Specs): { readonly specs: Specs; readonly looks: () => number } {
  let looks = 0;
  const endpointSlices = specs.endpointSlices.map(({ endpoints, ...slice }): EndpointSliceSpec => {
    return Object.defineProperty({ ...slice }, "endpoints", {
      get: () => {
        looks++;
        return endpoints;
      },
    }) as EndpointSliceSpec;
  });
  return { specs: { ...specs, endpointSlices }, looks: () => looks };
}

describe("rules for all nodes", () => {
  test("are those of each node compiled by itself, in the order of the names", () => {
    const { compiled } = allNodes(load());
    expect(compiled.map(({ node }) => node.name)).toEqual(NODES);
    const texts = compiled.map(({ program }) => printNft(program));
    expect(new Set(texts).size).toBeGreaterThan(1);
    const alone = NODES.map((nodeName) => compileSpecs(load, { nodeName }).compiled as Compiled);
    expect(texts).toEqual(alone.map(({ program }) => printNft(program)));
    expect(compiled.map(({ settings }) => settings)).toEqual(alone.map(({ settings }) => settings));
  });

  test("cost one resolution: no slice is looked at again for another node", () => {
    const one = counting(load());
    compileSpecs(() => one.specs, { nodeName: "node-0" });
    const ten = counting(load());
    expect(allNodes(ten.specs).compiled).toHaveLength(10);
    expect(one.looks()).toBeGreaterThan(0);
    expect(ten.looks()).toBe(one.looks());
  });

  test("are made one after the other, when they are asked for", () => {
    const { nodes } = compileAllNodes(load, {});
    const [first] = nodes ?? [];
    expect(first?.node.name).toBe("node-0");
  });

  test("come with each finding once, however many nodes it concerns", () => {
    const { found } = allNodes(load());
    expect(new Set(found).size).toBe(found.length);
    const codes = found.map((line) => line.replace(/:.*/, ""));
    const alone = compileSpecs(load, { nodeName: "node-3" }).diagnostics.map(print);
    expect(found).toEqual(alone);
    expect(codes).toEqual(
      expect.arrayContaining([
        "info no-endpoints",
        "warning address-conflict",
        "warning external-ip-conflict",
        "warning shadowed-path",
      ]),
    );
  });

  test("name the node of a finding that concerns one", () => {
    const { found } = allNodes(load());
    expect(found.filter((line) => line.includes("is an address of"))).toEqual([
      "warning external-ip-conflict: external IP 192.0.2.4 of Service default/none is an address of Node node-3: the port is taken from the node's own programs",
    ]);
  });

  test("take nothing from settings that are about one node, and say so", () => {
    const settings = { nodeName: "node-1", nodeIP: "198.51.100.1", nodeIPs: ["198.51.100.2"], zone: "north" };
    const { compiled, found } = allNodes(load(), settings);
    expect(found.filter((line) => line.includes("ignored-field"))).toEqual(
      ["nodeName", "nodeIP", "nodeIPs", "zone"].map(
        (word) => `warning ignored-field: ${word} is about one node: rules for all nodes take it from each Node object`,
      ),
    );
    expect(compiled.map(({ node }) => node)).toEqual(allNodes(load()).compiled.map(({ node }) => node));
  });

  test("need Nodes", () => {
    const specs = loadSpecs(
      [
        {
          name: "a.yaml",
          text: "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}\n",
        },
      ],
      () => undefined,
    );
    const { diagnostics, nodes } = compileAllNodes(() => specs, {});
    expect(nodes).toBeUndefined();
    expect(diagnostics.map(print)).toContain(
      "error no-node: rules for all nodes need Node objects, and the input has none: expected kind: Node, such as kubectl get nodes -o yaml prints",
    );
  });
});
