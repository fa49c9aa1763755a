import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compile, print } from "../../../compiler/index.ts";
import { printAddress } from "../../../compiler/net/address.ts";
import { printPrefix } from "../../../compiler/net/prefix.ts";
import { clusterDocument as cluster, WHOLE_CLUSTER as WHOLE } from "../../support/cluster-document.ts";
import { expectFindings, load } from "./findings.ts";

test("a Cluster with all that it can say", () => {
  const { specs, findings } = load(WHOLE);
  expect(findings).toEqual([]);
  const network = specs.network;
  expect(network?.pods?.cidrs.map(({ value }) => printPrefix(value))).toEqual(["10.244.0.0/16", "fd00:244::/48"]);
  expect(network).toMatchObject({
    proxy: "kpc",
    pods: {
      network: { value: "bridge" },
      tunnel: "vxlan",
      masquerade: { value: "flannel" },
      mtu: { value: 1450 },
      bridge: "cni0",
      hairpin: { value: true },
    },
    underlay: { cidrs: [{ value: { length: 24 } }], interface: "eth0", mtu: { value: 1500 } },
    gateway: {
      inside: [{ value: 0xc0a83201 }, {}],
      outside: [{ value: { address: 0xc6336401, length: 24 } }],
      masquerade: { value: true },
      knowsPods: { value: false },
      forwards: [
        { protocol: "tcp", port: 8080, to: "node-1", toPort: 30123 },
        { protocol: "udp", port: 8080, to: "fd00:50::b", toPort: 53 },
        { protocol: "tcp", port: 22, to: "192.168.50.11", toPort: 22 },
      ],
    },
    outside: [
      { name: "client", addresses: [{ value: 0xc633640a }] },
      { name: "partner", addresses: [] },
    ],
    loadBalancers: [{ service: { value: "shop/partners" }, kind: "nat", keepsClient: true, nodes: "healthy" }],
    ingress: {
      service: { value: "ingress/proxy" },
      pods: undefined,
      nodes: [],
      ports: { http: { value: 8080 }, https: { value: 8443 } },
      addresses: [{ value: 0xc6336432 }, {}],
    },
    nodes: [
      {
        name: { value: "node-2" },
        rules: { value: "host.nft" },
        sysctls: [
          { value: { name: "net.bridge.bridge-nf-call-iptables", value: "0" } },
          { value: { name: "net.ipv4.conf.eth0.7.rp_filter", value: "2" } },
        ],
      },
      { name: { value: "node-3" }, files: { value: "dumps/node-3" } },
    ],
  });
  const routes = (network?.nodes[0]?.routes ?? []).map(({ field: _, to, via, source, ...rest }) => ({
    to: printPrefix(to),
    ...rest,
    addresses: [via, source].map((address) => (address === undefined ? "" : printAddress(address))),
  }));
  expect(routes).toEqual([
    {
      kind: "unicast",
      to: "10.244.9.0/24",
      interface: "eth0",
      metric: 5,
      addresses: ["192.168.50.99", "192.168.50.12"],
    },
    {
      kind: "blackhole",
      to: "10.9.0.1/32",
      interface: undefined,
      metric: undefined,
      addresses: ["", ""],
    },
    {
      kind: "unicast",
      to: "::/0",
      interface: undefined,
      metric: undefined,
      addresses: ["fd00:50::1", ""],
    },
  ]);
});

test("a Cluster need not say anything, and is no object to compile by itself", () => {
  const { specs, findings } = load(cluster(""));
  expect(findings).toEqual([]);
  expect(specs.network).toMatchObject({
    pods: undefined,
    underlay: undefined,
    gateway: undefined,
    outside: [],
    loadBalancers: [],
    ingress: undefined,
    nodes: [],
    proxy: undefined,
  });
  expect(specs.nothing).toBe(true);
});

test("a Cluster among the manifests changes no rule and adds no finding", () => {
  const shop = readFileSync(new URL("../../../examples/shop/manifests/services.yaml", import.meta.url), "utf8");
  const compiled = [[], [{ name: "cluster.yaml", text: WHOLE }]].map((more) => {
    const { diagnostics, rules } = compile([{ name: "shop.yaml", text: shop }, ...more]);
    return { diagnostics, text: rules === undefined ? undefined : print(rules, "nft").text };
  });
  expect(compiled[0]?.text).toContain("table");
  expect(compiled[1]).toEqual(compiled[0]);
});

test("there may be one Cluster in the input", () => {
  expect(load(cluster("proxy: none"), cluster("proxy: kpc")).findings).toEqual([
    "b.yaml:1:1 error duplicate-object expected one Cluster in the input: what several say is not put together (the first one 1:1)",
  ]);
});

test("a Cluster with an error says nothing", () => {
  expect(load(cluster("proxy: some")).specs.network).toBeUndefined();
});

describe("kinds and versions", () => {
  test.each<[wanted: string[], apiVersion: string, kind: string, skipped: string[]]>([
    [[], "cluster.x-k8s.io/v1beta1", "Cluster", ["cluster.x-k8s.io/v1beta1/Cluster"]],
    [[], "postgresql.cnpg.io/v1", "Cluster", ["postgresql.cnpg.io/v1/Cluster"]],
    [[], "kpc.dev/v1alpha1", "Expectations", ["kpc.dev/v1alpha1/Expectations"]],
    [['2:7 error unknown-kind unknown kind "Clutser", did you mean "Cluster"?'], "kpc.dev/v1alpha1", "Clutser", []],
    [
      ['1:13 error unknown-version no matches for kind "Cluster" in version "kpc.dev/v1": expected "kpc.dev/v1alpha1"'],
      "kpc.dev/v1",
      "Cluster",
      [],
    ],
  ])("%j: %s %s", (wanted, apiVersion, kind, skipped) => {
    const { specs, findings } = load(`apiVersion: ${apiVersion}\nkind: ${kind}\nspec: {}\n`);
    expect(findings).toEqual(wanted);
    expect([...specs.skipped.keys()]).toEqual(skipped);
  });
});

const FORWARD = "must be the name of a Node or an address, and a port, such as node-1:30123 or 192.168.0.2:80";

describe("what is wrong with a Cluster", () => {
  test.each<[wanted: string[], rest: string]>([
    // members and types
    [['3:1 error unknown-field unknown field "pod", did you mean "pods"?'], "pod: {}"],
    [['3:1 error unknown-field unknown field "spec"'], "spec: {}"],
    [["3:7 error wrong-type pods: Invalid value: expected object, found array"], "pods: []"],
    [["3:10 error wrong-type outside: Invalid value: expected array, found object"], "outside: {}"],
    [['3:10 error wrong-type nodes[0]: Invalid value: expected object, found string "n1"'], "nodes: [ n1 ]"],
    [["3:11 error wrong-type metadata: Invalid value: expected object, found number 5"], "metadata: 5"],
    [['3:8 error invalid-value proxy: Unsupported value: "kube": supported values: "kpc", "none"'], "proxy: kube"],
    // pods
    [
      [
        '3:17 error invalid-value pods.network: Unsupported value: "cilium": supported values: "bridge", "calico", "calico-ipip", "calico-vxlan", "flannel-host-gw", "flannel-vxlan", "kindnet", "kubenet", "routed"',
      ],
      "pods: {network: cilium}",
    ],
    [
      ['3:16 error invalid-value pods.tunnel: Unsupported value: "gre": supported values: "ipip", "none", "vxlan"'],
      "pods: {tunnel: gre}",
    ],
    [['3:20 error invalid-value pods.masquerade: Unsupported value: "on"…'], 'pods: {masquerade: "on"}'],
    [
      ["3:13 error invalid-value pods.mtu: Invalid value: 60: must be between 68 and 65536, inclusive"],
      "pods: {mtu: 60}",
    ],
    [['3:13 error wrong-type pods.mtu: Invalid value: expected integer, found string "big"'], "pods: {mtu: big}"],
    [['3:16 error invalid-value pods.bridge: Invalid value: "a b": must be an interface name…'], "pods: {bridge: a b}"],
    [
      ['3:17 error wrong-type pods.hairpin: Invalid value: expected boolean, found string "maybe"'],
      "pods: {hairpin: maybe}",
    ],
    [
      ["3:34 error forbidden-field pods.hairpin: Forbidden: network calico has no bridge"],
      "pods: {network: calico, hairpin: true}",
    ],
    [
      [
        "3:42 error forbidden-field pods.tunnel: Forbidden: network flannel-host-gw has tunnel none; network bridge takes any",
      ],
      "pods: {network: flannel-host-gw, tunnel: vxlan}",
    ],
    [[], "pods: {network: calico-vxlan, tunnel: vxlan}"],
    [[], "pods: {network: routed, tunnel: ipip}"],
    // blocks and addresses
    [
      [
        '3:14 error invalid-value pods.cidr: Invalid value: "10.244.1.0/16": must not have bits set beyond the prefix length, such as 10.244.0.0/16',
      ],
      "pods: {cidr: 10.244.1.0/16}",
    ],
    [
      ['3:16 error invalid-value pods.cidrs[0]: Invalid value: "10.244.0.0": must be a CIDR, such as 10.244.0.0/16'],
      "pods: {cidrs: [10.244.0.0]}",
    ],
    [
      [
        '3:31 error duplicate-value pods.cidrs[1]: Duplicate value: "10.244.0.0/16" (first used here 3:16)'.replace(
          "3:29",
          "3:31",
        ),
      ],
      "pods: {cidrs: [10.244.0.0/16, 10.244.0.0/16]}",
    ],
    [
      ["3:37 error forbidden-field underlay.cidrs: Forbidden: expected cidr or cidrs, found both"],
      "underlay: {cidr: 10.0.0.0/8, cidrs: [10.1.0.0/16]}",
    ],
    [
      [
        '3:19 error invalid-value gateway.inside: Invalid value: "10.0.0.1/24": must be an IP address, such as 192.168.0.2 or fd00::2, without a prefix length',
      ],
      "gateway: {inside: 10.0.0.1/24}",
    ],
    [
      [
        '3:19 error leading-zeros gateway.inside: Invalid value: "10.0.0.01": must be an IP address without leading zeros',
      ],
      "gateway: {inside: 10.0.0.01}",
    ],
    [
      [
        '3:19 error invalid-value gateway.inside: Invalid value: "::ffff:10.0.0.1": must be an IPv4 or an IPv6 address, not an IPv4-mapped one',
      ],
      'gateway: {inside: "::ffff:10.0.0.1"}',
    ],
    [
      [
        '3:20 error invalid-value gateway.outside: Invalid value: "198.51.100.1": must be an IP address with its prefix length, such as 198.51.100.1/24',
      ],
      "gateway: {outside: 198.51.100.1}",
    ],
    [['3:20 error invalid-value gateway.outside: Invalid value: "10.0.0.1/33"…'], "gateway: {outside: 10.0.0.1/33}"],
    // port forwards
    [["3:22 error missing-field gateway.forwards[0].port: Required value"], "gateway: {forwards: [{to: a:80}]}"],
    [["3:22 error missing-field gateway.forwards[0].to: Required value…"], "gateway: {forwards: [{port: 80}]}"],
    [
      [
        "3:29 error invalid-value gateway.forwards[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
      ],
      "gateway: {forwards: [{port: 70000, to: a:80}]}",
    ],
    [
      [`3:39 error invalid-value gateway.forwards[0].to: Invalid value: "a": ${FORWARD}`],
      "gateway: {forwards: [{port: 80,   to: a}]}",
    ],
    [
      [`3:39 error invalid-value gateway.forwards[0].to: Invalid value: "A:1": ${FORWARD}`],
      'gateway: {forwards: [{port: 80,   to: "A:1"}]}',
    ],
    [
      [
        '3:39 error invalid-value gateway.forwards[0].to: Invalid value: "a:0": the port must be between 1 and 65535, inclusive',
      ],
      'gateway: {forwards: [{port: 80,   to: "a:0"}]}',
    ],
    [
      [
        '3:43 error invalid-value gateway.forwards[0].protocol: Unsupported value: "icmp": supported values: "TCP", "UDP", "SCTP"',
      ],
      "gateway: {forwards: [{port: 80, protocol: icmp, to: a:80}]}",
    ],
    [
      ['3:50 error duplicate-value gateway.forwards[1].port: Duplicate value: "80/tcp" (first used here 3:29)'],
      "gateway: {forwards: [{port: 80, to: a:1}, {port: 80, to: a:2}]}",
    ],
    [[], "gateway: {forwards: [{port: 80, to: a:1}, {port: 80, protocol: UDP, to: a:2}]}"],
    // outside
    [["3:11 error missing-field outside[0].name: Required value"], "outside: [{address: 10.0.0.1}]"],
    [['3:18 error invalid-value outside[0].name: Invalid value: "A": a lowercase…'], "outside: [{name: A}]"],
    [
      ['3:29 error duplicate-value outside[1].name: Duplicate value: "a" (first used here 3:18)'],
      "outside: [{name: a}, {name: a}]",
    ],
    // load balancers
    [
      [
        '3:27 error invalid-value loadBalancers[0].service: Invalid value: "web": must be the namespace and the name of a Service, such as shop/web',
      ],
      "loadBalancers: [{service: web}]",
    ],
    [
      [
        '3:38 error invalid-value loadBalancers[0].kind: Unsupported value: "l7": supported values: "nat", "proxy", "routed"',
      ],
      "loadBalancers: [{service: a/b, kind: l7}]",
    ],
    [
      [
        "3:58 error forbidden-field loadBalancers[0].keepsClient: Forbidden: a load balancer of kind proxy never keeps the client's address",
      ],
      "loadBalancers: [{service: a/b, kind: proxy, keepsClient: true}]",
    ],
    // nodes
    [['3:16 error invalid-value nodes[0].name: Invalid value: "N1": a lowercase…'], "nodes: [{name: N1}]"],
    [
      ['3:28 error duplicate-value nodes[1].name: Duplicate value: "n1" (first used here 3:16)'],
      "nodes: [{name: n1}, {name: n1}]",
    ],
    [['3:27 error invalid-value nodes[0].rules: Invalid value: "": must be a path'], 'nodes: [{name: n1, rules: ""}]'],
    // sysctls
    [
      [
        '3:30 error unknown-field unknown field "nodes[0].sysctls[net.ipv4.ip_forwad]", did you mean "net.ipv4.ip_forward"?',
      ],
      "nodes: [{name: n1, sysctls: {net.ipv4.ip_forwad: 1}}]",
    ],
    [
      [
        '3:30 error unknown-field unknown field "nodes[0].sysctls[net.ipv4.conf.eth0.rpfilter]", did you mean "net.ipv4.conf.eth0.rp_filter"?',
      ],
      "nodes: [{name: n1, sysctls: {net.ipv4.conf.eth0.rpfilter: 1}}]",
    ],
    [
      [
        "3:30 warning ignored-field nodes[0].sysctls[net.core.somaxconn]: kpc does not follow this sysctl, and leaves it out",
      ],
      "nodes: [{name: n1, sysctls: {net.core.somaxconn: 4096}}]",
    ],
    [
      [
        "3:51 error invalid-value nodes[0].sysctls[net.ipv4.ip_forward]: Invalid value: 2: must be between 0 and 1, inclusive",
      ],
      "nodes: [{name: n1, sysctls: {net.ipv4.ip_forward: 2}}]",
    ],
    [
      [
        '3:75 error duplicate-value nodes[0].sysctls[net/ipv4/ip_forward]: Duplicate value: "net.ipv4.ip_forward" (first used here 3:30)',
      ],
      "nodes: [{name: n1, sysctls: {net.ipv4.ip_forward: 1, net/ipv4/ip_forward: 1}}]",
    ],
    // routes
    [
      ["3:29 error missing-field nodes[0].routes[0].to: Required value…"],
      "nodes: [{name: n1, routes: [{via: 10.0.0.1}]}]",
    ],
    [
      [
        "3:29 error missing-field nodes[0].routes[0].via: Required value: expected the next hop's address in via, an interface, or both",
      ],
      "nodes: [{name: n1, routes: [{to: 10.0.0.0/8}]}]",
    ],
    [
      ["3:68 error forbidden-field nodes[0].routes[0].via: Forbidden: a route of kind blackhole leads nowhere"],
      "nodes: [{name: n1, routes: [{kind: blackhole, to: 10.0.0.0/8, via: 10.0.0.1}]}]",
    ],
    [
      [
        '3:51 error invalid-value nodes[0].routes[0].via: Invalid value: "fd00::1": must be of the family of the destination, IPv4',
      ],
      'nodes: [{name: n1, routes: [{to: 10.0.0.0/8, via: "fd00::1"}]}]',
    ],
    [
      [
        '3:46 error unknown-field unknown field "nodes[0].routes[0].interfaces", did you mean "interface"?'.replace(
          "3:40",
          "3:46",
        ),
      ],
      "nodes: [{name: n1, routes: [{to: 10.0.0.0/8, interfaces: eth0, via: 10.0.0.1}]}]",
    ],
  ])("%j: %s", (wanted, rest) => {
    expectFindings(cluster(rest), wanted);
  });
});
