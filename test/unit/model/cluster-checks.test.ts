/** What a Cluster says, against the Nodes, Pods and Services of the input: each finding with its place. */
import { describe, expect, test } from "vitest";
import { cluster, N1, N2, networkFindings, node, pod, service } from "../../support/network-findings.ts";

const LISTED = Array.from({ length: 12 }, (_, i) => `n${10 + i}`);
const nodes = (...names: readonly string[]): string[] => names.map((name) => node(name, ""));
const WEB = service("web", "clusterIP: 10.96.0.10");
const PUB = service(
  "pub",
  "type: LoadBalancer, clusterIP: 10.96.0.11",
  "status: {loadBalancer: {ingress: [{ip: 203.0.113.1}]}}\n",
);

/** A pod that the input leaves to the scheduler, so that kpc assumes a Node. */
const UNPLACED = pod("p", "n1", "10.244.0.5").replace("nodeName: n1", "");
/** A Pod of the ingress proxy. */
const PROXY = pod("p", "n1", "10.244.1.5").replace("namespace: a", "namespace: a, labels: {app: proxy}");

describe("names that are not in the input", () => {
  const none = (kind: string, name: string, hint: string): string =>
    `error unknown-cluster-name there is no ${kind} "${name}" in the input${hint}`;

  test.each<[what: string, wanted: string[], objects: string[], rest: string]>([
    [
      "ten names are listed",
      [`3:16 ${none("Node", "x", `: expected one of ${LISTED.slice(0, 10).join(", ")}`)}`],
      nodes(...LISTED.slice(0, 10)),
      "nodes: [{name: x}]",
    ],
    [
      "of more the first ten, with the number of others",
      [`3:16 ${none("Node", "x", `: expected one of ${LISTED.slice(0, 10).join(", ")} and 2 more`)}`],
      nodes(...LISTED),
      "nodes: [{name: x}]",
    ],
    [
      "the target of a forwarded port",
      [
        `3:37 ${none("Node", "x", ": expected one of n1")}`,
        "3:59 warning unknown-cluster-name the gateway forwards a port to 192.168.0.9, which no Node, Pod or load balancer of the input has",
      ],
      [N1],
      "gateway: {forwards: [{port: 80, to: x:80}, {port: 81, to: 192.168.0.9:80}]}",
    ],
    [
      "ports may be forwarded to Pods and to load balancers",
      [],
      [N1, pod("p", "n1", "10.244.1.5"), PUB],
      "gateway: {forwards: [{port: 80, to: 10.244.1.5:80}, {port: 81, to: 203.0.113.1:80}, {port: 82, to: 192.168.0.200:80}]}\nloadBalancers: [{service: a/pub, kind: nat, address: 192.168.0.200}]",
    ],
    [
      "a Node that kpc has assumed says nothing of others",
      [],
      [UNPLACED],
      "nodes: [{name: n1}]\ngateway: {forwards: [{port: 80, to: 192.168.0.9:80}]}",
    ],
    [
      "the Service of a load balancer: the names in their order",
      [`3:27 ${none("Service", "prod/shop", ": expected one of a/pub, a/web")}`],
      [WEB, PUB, N1],
      "loadBalancers: [{service: prod/shop}]",
    ],
    [
      "the Service of the ingress proxy: the names in their order",
      [`3:20 ${none("Service", "prod/shop", ": expected one of a/pub, a/web")}`],
      [WEB, PUB, N1],
      "ingress: {service: prod/shop}",
    ],
    ["nothing to name", [`3:20 ${none("Service", "prod/shop", "")}`], [N1], "ingress: {service: prod/shop}"],
    ["a Service that is there", [], [N1, WEB], "ingress: {service: a/web}"],
  ])("%s", (_, wanted, objects, rest) => {
    expect(networkFindings([cluster(rest), ...objects])).toEqual(wanted);
  });
});

describe("the Pods of the ingress proxy", () => {
  const missing = (namespace: string): string =>
    `3:17 warning cluster-mismatch no Pod of namespace ${namespace} in the input has these labels: there is no ingress proxy`;

  test.each<[wanted: string[], pods: string]>([
    [[], "{namespace: a, labels: {app: proxy}}"],
    [[missing("b")], "{namespace: b, labels: {app: proxy}}"],
    [[missing("a")], "{namespace: a, labels: {app: other}}"],
  ])("%j: %s", (wanted, pods) => {
    expect(networkFindings([cluster(`ingress: {pods: ${pods}}`), N1, PROXY])).toEqual(wanted);
  });
});

describe("blocks that do not hold what the input has", () => {
  const underlay = (place: string, name: string, address: string, blocks: string): string =>
    `${place} warning cluster-mismatch Node ${name} has ${address}, which is not in the underlay ${blocks} (the address 9:50)`;
  const pods = (place: string, block: string, name: string, blocks: string, at = "8:18"): string =>
    `${place} warning cluster-mismatch pod CIDR ${block} of Node ${name} is not in ${blocks}, the blocks of all pods (Node ${name.slice(0, 2)} ${at})`;
  const N3 = node("n3", '10.9.3.0/24, "fd00:3::/64"', "fd00::3");

  test.each<[what: string, wanted: string[], rest: string, objects: string[]]>([
    ["an address in the second of the blocks", [], "underlay: {cidrs: [10.0.0.0/8, 192.168.0.0/24]}", [N1]],
    ["a family that has no block", [], 'underlay: {cidr: "fd01::/64"}', [N1, N2]],
    [
      "blocks of the address's family are shown",
      [underlay("3:20", "n3", "fd00::3", "fd01::/64, fd02::/64")],
      'underlay: {cidrs: ["fd01::/64", 192.168.0.0/24, "fd02::/64"]}',
      [N3, N1],
    ],
    [
      "the first of three",
      [underlay("3:18", "n1 (and 2 more addresses)", "192.168.0.1", "10.0.0.0/8")],
      "underlay: {cidr: 10.0.0.0/8}",
      [N1, N2, node("n4", "10.244.4.0/24", "192.168.0.4")],
    ],
    ["pod CIDRs in the second of the blocks", [], "pods: {cidrs: [10.9.0.0/16, 10.244.0.0/16]}", [N1, N2]],
    ["a family of which no block is named", [], 'pods: {cidr: "fd00::/16"}', [N1, N2]],
    [
      "a pod CIDR of one family",
      [pods("3:16", "fd00:3::/64", "n3", "fd01::/64, fd02::/64")],
      'pods: {cidrs: ["fd01::/64", 10.9.0.0/16, "fd02::/64"]}',
      [N3],
    ],
    [
      "and one more",
      [pods("3:14", "10.244.1.0/24", "n1 (and 1 more block)", "10.0.0.0/16")],
      "pods: {cidr: 10.0.0.0/16}",
      [N1, N2],
    ],
    [
      "and two more",
      [pods("3:14", "10.244.1.0/24", "n1 (and 2 more blocks)", "10.0.0.0/16", "14:18")],
      "pods: {cidr: 10.0.0.0/16}",
      [N3, N1, N2],
    ],
    ["blocks of a Node that kpc has assumed", [], "pods: {cidr: 10.0.0.0/16}", [UNPLACED.replace("10.244", "10.0")]],
  ])("%s", (_, wanted, rest, objects) => {
    expect(networkFindings([cluster(rest), ...objects])).toEqual(wanted);
  });
});

describe("gateways that nodes cannot ask for", () => {
  const refused = (place: string, what: string, subnets: string): string =>
    `${place} warning gateway-not-connected ${what} is in no subnet of the nodes (${subnets}): Linux refuses a route by it`;

  test.each<[what: string, wanted: string[], rest: string]>([
    [
      "subnets of the address's family are shown",
      [refused("4:19", "the gateway's address 10.9.0.1", "192.168.0.0/24, 192.168.1.0/24")],
      'underlay: {cidrs: [192.168.0.0/24, "fd00::/64", 192.168.1.0/24]}\ngateway: {inside: 10.9.0.1}',
    ],
    ["a family in which nodes have no subnet", [], 'gateway: {inside: "fd00::1"}'],
    [
      "a next hop of a route",
      [refused("3:52", "next hop 10.9.0.1", "192.168.0.0/24, inferred from their addresses")],
      "nodes: [{name: n1, routes: [{to: 10.8.0.0/24, via: 10.9.0.1}]}]",
    ],
    [
      "pods of the node itself are connected, those of others are not",
      [refused("3:125", "next hop 10.244.1.9", "192.168.0.0/24, inferred from their addresses")],
      "nodes: [{name: n2, routes: [{to: 10.8.0.0/24, via: 10.244.2.9}, {to: 10.7.0.0/24, via: 192.168.0.9}, {to: 10.6.0.0/24, via: 10.244.1.9}]}]",
    ],
    [
      "a route without one",
      [],
      'underlay: {cidrs: [192.168.0.0/24, "fd00::/64"]}\nnodes: [{name: n1, routes: [{to: 10.8.0.0/24, interface: eth0}]}]',
    ],
    [
      "a node that is not in the input",
      [
        '3:16 error unknown-cluster-name there is no Node "other" in the input: expected one of n1, n2',
        refused("3:55", "next hop 10.9.0.1", "192.168.0.0/24, inferred from their addresses"),
      ],
      "nodes: [{name: other, routes: [{to: 10.8.0.0/24, via: 10.9.0.1}]}]",
    ],
    [
      "a node with files, which say its subnets",
      [],
      "nodes: [{name: n1, files: node-1, routes: [{to: 10.8.0.0/24, via: 10.9.0.1}]}]",
    ],
  ])("%s", (_, wanted, rest) => {
    expect(networkFindings([cluster(rest), N1, N2])).toEqual(wanted);
  });

  test("the subnet that is inferred holds all Nodes", () => {
    const far = node("n4", "10.244.4.0/24", "192.168.3.1");
    expect(networkFindings([cluster("gateway: {inside: 10.9.0.1}"), N1, far, N2])).toEqual([
      refused("3:19", "the gateway's address 10.9.0.1", "192.168.0.0/22, inferred from their addresses"),
    ]);
  });
});
