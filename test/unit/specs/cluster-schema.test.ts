/** The JSON Schema of kind Cluster, which the package has for editors, says what the decoder says. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { CLUSTER_MEMBERS } from "../../../compiler/specs/network.ts";
import { BALANCER_MEMBERS, OUTSIDE_MEMBERS, UNDERLAY_MEMBERS } from "../../../compiler/specs/network-edge.ts";
import { FORWARD_MEMBERS, GATEWAY_MEMBERS } from "../../../compiler/specs/network-gateway.ts";
import {
  INGRESS_POD_MEMBERS,
  INGRESS_PORT_MEMBERS,
  INGRESS_PROXY_MEMBERS,
} from "../../../compiler/specs/network-ingress.ts";
import { NODE_NETWORK_MEMBERS, ROUTE_MEMBERS } from "../../../compiler/specs/network-node.ts";
import { POD_NETWORK_MEMBERS } from "../../../compiler/specs/network-pods.ts";
import {
  BALANCER_KINDS,
  BALANCER_NODES,
  NODE_PROXIES,
  POD_MASQUERADES,
  POD_NETWORKS,
  ROUTE_KINDS,
  TUNNELS,
} from "../../../compiler/specs/network-types.ts";
import { clusterDocument, WHOLE_CLUSTER } from "../../support/cluster-document.ts";
import { accepts, type JsonSchema } from "../../support/json-schema.ts";
import { load } from "./findings.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

const SCHEMA = JSON.parse(read("schemas/cluster.schema.json")) as JsonSchema;

const PAGE = read("docs/cluster.md");

const definition = (name: string): JsonSchema => SCHEMA.definitions?.[name] ?? {};

const OBJECTS: readonly (readonly [name: string, schema: JsonSchema, members: ReadonlySet<string>])[] = [
  ["Cluster", SCHEMA, CLUSTER_MEMBERS],
  ["pods", definition("pods"), POD_NETWORK_MEMBERS],
  ["underlay", definition("underlay"), UNDERLAY_MEMBERS],
  ["gateway", definition("gateway"), GATEWAY_MEMBERS],
  ["forward", definition("forward"), FORWARD_MEMBERS],
  ["outside", definition("outside"), OUTSIDE_MEMBERS],
  ["loadBalancer", definition("loadBalancer"), BALANCER_MEMBERS],
  ["ingress", definition("ingress"), INGRESS_PROXY_MEMBERS],
  ["ingressPods", definition("ingressPods"), INGRESS_POD_MEMBERS],
  ["ingressPorts", definition("ingressPorts"), INGRESS_PORT_MEMBERS],
  ["node", definition("node"), NODE_NETWORK_MEMBERS],
  ["route", definition("route"), ROUTE_MEMBERS],
];

test.each(OBJECTS)("%s has the members that the decoder knows, each with a description", (name, schema, members) => {
  const properties = Object.entries(schema.properties ?? {});
  expect(properties.map(([key]) => key).sort()).toEqual([...members].sort());
  for (const [key, property] of properties)
    expect([name, key, property.description ?? property.$ref ?? property.const ?? property.type]).not.toContain(
      undefined,
    );
});

test.each(OBJECTS)("docs/cluster.md names each member of %s", (_, __, members) => {
  const names = [...members].filter((name) => !["apiVersion", "kind", "metadata"].includes(name));
  expect(names.filter((name) => !new RegExp(`[\`.]${name}[\`:]|^## .*\\b${name}\\b`, "m").test(PAGE))).toEqual([]);
});

test.each([
  ["layout", POD_NETWORKS],
  ["masquerade", POD_MASQUERADES],
])("docs/cluster.md names each %s", (_, words) => {
  expect(words.filter((word) => !PAGE.includes(`\`${word}\``))).toEqual([]);
});

test("every object of the schema is compared", () => {
  const objects = Object.entries(SCHEMA.definitions ?? {}).filter(([, { type }]) => type === "object");
  expect(objects.map(([name]) => name).sort()).toEqual(
    OBJECTS.map(([name]) => name)
      .slice(1)
      .sort(),
  );
  for (const [, { additionalProperties }] of [...objects, ["Cluster", SCHEMA] as const])
    expect(additionalProperties).toBe(false);
});

test.each<[object: string, member: string, words: readonly string[]]>([
  ["pods", "network", POD_NETWORKS],
  ["pods", "tunnel", TUNNELS],
  ["pods", "masquerade", POD_MASQUERADES],
  ["loadBalancer", "kind", BALANCER_KINDS],
  ["loadBalancer", "nodes", BALANCER_NODES],
  ["route", "kind", ROUTE_KINDS],
])("%s.%s has the words that the decoder knows", (object, member, words) => {
  expect(definition(object).properties?.[member]?.enum).toEqual(words);
});

test("proxy has the words that the decoder knows", () => {
  expect(SCHEMA.properties?.["proxy"]?.enum).toEqual(NODE_PROXIES);
});

describe("schema and decoder agree", () => {
  test.each([
    ["all members", WHOLE_CLUSTER],
    ["the example", read("examples/shop/cluster.yaml")],
    ["the example of docs/cluster.md", /```yaml cluster.yaml\n(.*?)```/s.exec(PAGE)?.[1] ?? ""],
    ["nothing", clusterDocument("")],
    [
      "an ingress proxy by labels",
      clusterDocument("ingress: {pods: {namespace: a, labels: {app.kubernetes.io/name: b}}}"),
    ],
    ["an ingress proxy on nodes", clusterDocument("ingress: {nodes: [node-1, node-2], address: 192.0.2.1}")],
    ["one value for a list", clusterDocument("pods: {cidr: 10.0.0.0/8}\noutside: [{name: a, address: [10.0.0.1]}]")],
  ])("on what is right: %s", (_, text) => {
    expect(load(text).findings).toEqual([]);
    expect(accepts(SCHEMA, parse(text))).toBe(true);
  });

  test.each([
    "pod: {}",
    "pods: []",
    "pods: {network: cilium}",
    "pods: {mtu: 60}",
    "pods: {hairpin: maybe}",
    "pods: {bridge: a b}",
    "pods: {cidr: 10.0.0.0}",
    "pods: {cidr: 10.0.0.0/8, cidrs: [10.0.0.0/8]}",
    "underlay: {cidrs: [10.0.0.0/8, 10.0.0.0/8]}",
    "gateway: {inside: node-1}",
    "gateway: {outside: 10.0.0.1}",
    "gateway: {forwards: [{port: 80}]}",
    "gateway: {forwards: [{port: 70000, to: a:80}]}",
    "gateway: {forwards: [{port: 80, to: a}]}",
    "gateway: {forwards: [{port: 80, to: a:80, protocol: icmp}]}",
    "outside: [{address: 10.0.0.1}]",
    "outside: [{name: A}]",
    "loadBalancers: [{service: web}]",
    "loadBalancers: [{service: a/b, nodes: some}]",
    "ingress: {}",
    "ingress: {address: 192.0.2.1}",
    "ingress: {service: web}",
    "ingress: {service: a/b, nodes: [n1]}",
    "ingress: {pods: {labels: {app: a}}}",
    "ingress: {pods: {namespace: a}}",
    "ingress: {pods: {namespace: a, labels: {}}}",
    "ingress: {pods: {namespace: A, labels: {app: a}}}",
    "ingress: {nodes: [N1]}",
    "ingress: {nodes: n1, ports: {http: 0}}",
    "ingress: {nodes: n1, ports: {http2: 80}}",
    "ingress: {nodes: n1, address: shop.example.com}",
    "nodes: [{name: n1, sysctls: {net.ipv4.ip_forward: maybe}}]",
    'nodes: [{name: n1, files: ""}]',
    "nodes: [{name: n1, routes: [{via: 10.0.0.1}]}]",
    "proxy: some",
  ])("on what is wrong: %s", (members) => {
    const text = clusterDocument(members);
    expect(load(text).findings.join("\n")).toContain(" error ");
    expect(accepts(SCHEMA, parse(text))).toBe(false);
  });
});
