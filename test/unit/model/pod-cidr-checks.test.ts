/** Pod CIDRs of Nodes against each other and against addresses of Pods: each finding with its place. */
import { describe, expect, test } from "vitest";
import { cluster, N1, N2, networkFindings, node, pod } from "../../support/network-findings.ts";

describe("overlapping-pod-cidrs", () => {
  const overlap = (place: string, block: string, name: string, other: string, holder: string, at: string): string =>
    `${place} warning overlapping-pod-cidrs pod CIDR ${block} of Node ${name} overlaps ${other} of Node ${holder}: packets to these addresses go to only one of the two (Node ${holder} ${at})`;

  test.each<[what: string, wanted: string[], blocks: string[]]>([
    [
      "blocks that begin at one address: with the largest",
      [
        overlap("4:18", "10.244.0.0/24", "n0", "10.244.0.0/16", "n1", "9:18"),
        overlap("14:18", "10.244.1.0/24", "n2", "10.244.0.0/16", "n1", "9:18"),
      ],
      ["10.244.0.0/24", "10.244.0.0/16", "10.244.1.0/24"],
    ],
    [
      "equal blocks: with the first Node's",
      [
        overlap("9:18", "10.244.0.0/16", "n1", "10.244.0.0/16", "n0", "4:18"),
        overlap("14:18", "10.244.0.0/16", "n2", "10.244.0.0/16", "n0", "4:18"),
      ],
      ["10.244.0.0/16", "10.244.0.0/16", "10.244.0.0/16"],
    ],
    [
      "each family by itself, whatever its numbers are",
      [overlap("14:18", "10.1.0.0/16", "n2", "10.0.0.0/8", "n0", "4:18")],
      ["10.0.0.0/8", '"::a00:0/112"', "10.1.0.0/16"],
    ],
    ["blocks of one Node", [], ["10.0.0.0/8, 10.1.0.0/16"]],
  ])("%s", (_, wanted, blocks) => {
    expect(networkFindings(blocks.map((block, i) => node(`n${i}`, block)))).toEqual(wanted);
  });
});

describe("pod-outside-cidr", () => {
  const INSIDE = pod("ok", "n1", "10.244.1.5");
  const DUAL = node("n3", '10.244.3.0/24, "fd00:3::/64"');
  const stray = (place: string, name: string, of: string, more: string, note: string): string =>
    `${place} warning pod-outside-cidr Pod a/${name} has no address of the pod CIDR of its Node ${of} but ${more} (${note})`;

  test.each<[what: string, wanted: string[], objects: string[]]>([
    [
      "the only Pod",
      [stray("17:9", "p", "n1 (10.244.1.0/24)", "10.9.0.1: other nodes have no route to it", "Node n1 4:18")],
      [N1, N2, pod("p", "n1", "10.9.0.1")],
    ],
    [
      "an address of a Node with blocks of both families",
      [stray("22:9", "p", "n1 (10.244.1.0/24)", "10.244.3.9: packets to it go to Node n3", "Node n1 4:18")],
      [N1, DUAL, INSIDE, pod("p", "n1", "10.244.3.9")],
    ],
    [
      "no address of a Node with blocks of both families",
      [
        stray(
          "22:9",
          "p",
          "n3 (10.244.3.0/24, fd00:3::/64)",
          "fd00::9: other nodes have no route to it",
          "Node n3 10:18",
        ),
      ],
      [N1, DUAL, INSIDE, pod("p", "n3", "fd00::9")],
    ],
    ["the second of its Node's blocks", [], [node("n3", "10.244.3.0/24, 10.244.4.0/24"), pod("p", "n3", "10.244.4.9")]],
    [
      "the first of each Node",
      [
        stray(
          "23:9",
          "p",
          "n1 (10.244.1.0/24)",
          "10.9.0.1, nor has 1 more Pod: other nodes have no route to it",
          "Node n1 4:18",
        ),
        stray("29:9", "q", "n2 (10.244.2.0/24)", "10.9.0.2: other nodes have no route to it", "Node n2 10:18"),
      ],
      [N1, N2, INSIDE, pod("p", "n1", "10.9.0.1"), pod("q", "n2", "10.9.0.2"), pod("r", "n1", "10.9.0.3")],
    ],
    [
      "beside one in none of the Cluster's blocks, whose Node is not in the input",
      [
        stray("23:9", "p", "n1 (10.244.1.0/24)", "10.9.0.1: other nodes have no route to it", "Node n1 4:18"),
        "29:9 warning pod-outside-cidr Pod a/q has no address of the blocks of all pods (10.244.0.0/16) but 10.9.0.2 (the blocks 33:14)",
      ],
      [N1, N2, INSIDE, pod("p", "n1", "10.9.0.1"), pod("q", "n9", "10.9.0.2"), cluster("pods: {cidr: 10.244.0.0/16}")],
    ],
    [
      "Calico's Nodes have other blocks, but of the Cluster's",
      [
        "11:9 warning pod-outside-cidr Pod a/p has no address of the blocks of all pods (10.244.0.0/16) but 10.9.0.1 (the blocks 21:31)",
      ],
      [
        N1,
        pod("p", "n1", "10.9.0.1"),
        pod("q", "n1", "10.244.9.1"),
        cluster("pods: {network: calico, cidr: 10.244.0.0/16}"),
      ],
    ],
    ["Calico with a tunnel", [], [N1, INSIDE, pod("p", "n1", "10.9.0.1"), cluster("pods: {network: calico-vxlan}")]],
    [
      "other plugins",
      [stray("17:9", "p", "n1 (10.244.1.0/24)", "10.9.0.1: other nodes have no route to it", "Node n1 4:18")],
      [N1, INSIDE, pod("p", "n1", "10.9.0.1"), cluster("pods: {network: kindnet}")],
    ],
    [
      "a Pod that kpc has placed, but has an address",
      [stray("11:9", "p", "n1 (10.244.1.0/24)", "10.9.0.1: other nodes have no route to it", "Node n1 4:18")],
      [N1, pod("p", "n1", "10.9.0.1").replace("nodeName: n1", "")],
    ],
    [
      "a Pod that kpc has placed on a Node of its own",
      [],
      [pod("p", "n1", "10.9.0.1").replace("nodeName: n1", ""), cluster("pods: {network: kindnet}")],
    ],
  ])("%s", (_, wanted, objects) => {
    expect(networkFindings(objects)).toEqual(wanted);
  });
});
