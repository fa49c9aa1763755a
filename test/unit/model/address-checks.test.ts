/** Addresses that two hosts have, and addresses of Services that hosts may get: each with the place and the note that lead to both. */
import { describe, expect, test } from "vitest";
import { cluster, N1, N2, networkFindings, node, pod, service } from "../../support/network-findings.ts";

/** A Node with several addresses. */
const nodeWith = (name: string, podCidrs: string, ...addresses: readonly string[]): string =>
  `${node(name, podCidrs)}status: {addresses: [${addresses.map((each) => `{type: InternalIP, address: "${each}"}`).join()}]}\n`;

describe("duplicate-address", () => {
  const same = "packets to it go to only one of them";

  test.each<[what: string, wanted: string[], objects: string[]]>([
    [
      "two Pods",
      [`17:9 warning duplicate-address Pod a/q has the address 10.244.1.5 of Pod a/p: ${same} (Pod a/p 11:9)`],
      [pod("p", "n1", "10.244.1.5"), pod("q", "n1", "10.244.1.5")],
    ],
    [
      "bridges have the first address of each block of their Node",
      [
        `16:9 warning duplicate-address Pod a/p has the address 10.244.3.1 of the bridge of Node n3: ${same} (the bridge of Node n3 10:18)`,
        `22:9 warning duplicate-address Pod a/q has the address fd00:3::1 of the bridge of Node n3: ${same} (the bridge of Node n3 10:18)`,
      ],
      [
        node("n3", '10.244.3.0/24, "fd00:3::/64"'),
        pod("p", "n3", "10.244.3.1"),
        pod("q", "n3", "fd00:3::1"),
        cluster("pods: {network: kubenet}"),
      ],
    ],
    ["no bridges in other layouts", [], [pod("p", "n1", "10.244.1.1"), cluster("pods: {network: kindnet}")]],
    ["nor where the layout is not said", [], [pod("p", "n1", "10.244.1.1"), cluster("pods: {cidr: 10.244.0.0/16}")]],
    ["a Node that has one twice", [], [nodeWith("n3", "10.244.3.0/24", "192.168.0.3", "192.168.0.3")]],
    [
      "one that others have as well",
      [`17:50 warning duplicate-address Node n4 has the address 192.168.0.3 of Node n3: ${same} (Node n3 11:50)`],
      [
        nodeWith("n3", "10.244.3.0/24", "192.168.0.3", "192.168.0.3"),
        nodeWith("n4", "10.244.4.0/24", "192.168.0.3", "192.168.0.3", "192.168.0.4"),
      ],
    ],
    [
      "the gateway, of itself",
      [],
      [cluster("underlay: {cidr: 192.168.0.0/16}\ngateway: {inside: 192.168.0.9, outside: 192.168.0.9/24}")],
    ],
    [
      "Pods in their node's network have no address of their own",
      [],
      [pod("p", "n1", "192.168.0.9", ", hostNetwork: true"), pod("q", "n2", "192.168.0.9", ", hostNetwork: true")],
    ],
  ])("%s", (_, wanted, objects) => {
    expect(networkFindings([N1, ...objects])).toEqual(wanted);
  });

  test("no bridge where kpc has assumed the Node", () => {
    const unplaced = pod("p", "n1", "10.244.0.1").replace("nodeName: n1", "");
    expect(networkFindings([unplaced, cluster("pods: {network: kubenet, cidr: 10.244.0.0/16}")])).toEqual([]);
  });
});

describe("service-cidr-routed", () => {
  const effect = "a Service and a host can get the same address";
  const SERVICE_CIDR =
    "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: kubernetes}\nspec: {cidrs: [10.240.0.0/12]}\n";

  test.each<[what: string, wanted: string[], objects: string[], settings?: object]>([
    [
      "a block of the settings: its place is the other one's",
      [`9:14 warning service-cidr-routed Service CIDR 10.240.0.0/12 overlaps pod CIDR 10.244.0.0/16: ${effect}`],
      [N1, cluster("pods: {cidr: 10.244.0.0/16}")],
      { serviceCIDRs: ["10.240.0.0/12"] },
    ],
    [
      "a ServiceCIDR",
      [
        `4:16 warning service-cidr-routed Service CIDR 10.240.0.0/12 overlaps pod CIDR 10.244.1.0/24 of Node n1: ${effect} (pod CIDR 10.244.1.0/24 of Node n1 9:18)`,
      ],
      [SERVICE_CIDR, N1, N2],
    ],
    [
      "cluster IPs in it are not told again",
      [
        `4:16 warning service-cidr-routed Service CIDR 10.240.0.0/12 overlaps pod CIDR 10.244.1.0/24 of Node n1: ${effect} (pod CIDR 10.244.1.0/24 of Node n1 9:18)`,
      ],
      [SERVICE_CIDR, N1, service("web", "clusterIP: 10.244.1.77")],
    ],
    [
      "those outside of it are",
      [
        "10:40 warning service-cidr-routed cluster IP 10.244.1.77 of Service a/web is in pod CIDR 10.244.1.0/24 of Node n1: a host can get the same address (pod CIDR 10.244.1.0/24 of Node n1 4:18)",
      ],
      [N1, service("web", "clusterIP: 10.244.1.77"), service("other", "clusterIP: 10.96.0.1")],
      { serviceCIDRs: ["10.96.0.0/16", "10.97.0.0/16"] },
    ],
    [
      "cluster IPs that kpc has assumed are not",
      [],
      [node("n1", "10.128.0.0/9"), service("web", "type: ClusterIP"), cluster("pods: {cidr: 10.0.0.0/8}")],
    ],
    [
      "blocks of a Node that kpc has assumed are not",
      [],
      [pod("p", "n1", "10.244.0.5").replace("nodeName: n1", ""), service("web", "clusterIP: 10.244.0.9")],
    ],
  ])("%s", (_, wanted, objects, settings) => {
    expect(networkFindings(objects, settings)).toEqual(wanted);
  });
});
