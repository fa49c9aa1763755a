import { describe, expect, test } from "vitest";
import { readFlowCases } from "../../support/oracle/flow-cases.ts";
import { type OraclePrediction, type ProxySettings, predict } from "../../support/oracle/oracle.ts";

describe("the flow cases", () => {
  const flows = readFlowCases().flatMap(({ name, modes, proxy, objects, flows }) =>
    modes.flatMap((mode) =>
      flows.map((flow) => ({ title: `${name}, ${mode}: ${flow.name}`, proxy, objects, mode, flow })),
    ),
  );
  test("there are some", () => expect(flows.length).toBeGreaterThan(0));
  test.each(flows)("$title", ({ proxy, objects, mode, flow }) => {
    expect(predict(objects, proxy, mode, flow.packet)).toEqual(flow.want);
  });
});

const POD = "10.0.0.2";
const NODE = "192.168.0.2";
const CLIENT = "203.0.113.2";
const VIP = "1.2.3.4";

const PROXY: ProxySettings = {
  nodeName: "here",
  nodeIP: NODE,
  nodeIPs: [NODE, "192.168.1.2"],
  detectLocalMode: "ClusterCIDR",
  clusterCIDR: ["10.0.0.0/8"],
  serviceCIDRs: ["172.30.0.0/16"],
  nodePortAddresses: "default",
  localhostNodePorts: true,
  masqueradeAll: false,
};

type Ports = readonly { readonly port: number; readonly nodePort?: number }[];

/** A Service with cluster IP 172.30.0.`octet` and one unnamed port, 80. */
function service(octet: number, spec: object = {}, extra: { ports?: Ports; vip?: string; created?: string } = {}) {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "ns", name: `s${octet}`, ...(extra.created && { creationTimestamp: extra.created }) },
    spec: { clusterIP: `172.30.0.${octet}`, ports: extra.ports ?? [{ port: 80 }], ...spec },
    ...(extra.vip && { status: { loadBalancer: { ingress: [{ ip: extra.vip }] } } }),
  };
}

/** Ready endpoints of the Service with `octet`, by address, on port 8080; the first is on node `here`. */
function slice(octet: number, addresses: readonly string[], port = 8080) {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "ns", name: `s${octet}-1`, labels: { "kubernetes.io/service-name": `s${octet}` } },
    addressType: "IPv4",
    endpoints: addresses.map((address, index) => ({ addresses: [address], nodeName: index === 0 ? "here" : "there" })),
    ports: [{ name: "", port }],
  };
}

type Sent = readonly [from: string, to: string, port: number];

/** `endpoints`, of which those written with a `*` are masqueraded; or a verdict. */
function fate({ verdict, endpoints, masquerade }: OraclePrediction): string {
  if (verdict !== "dnat") return verdict;
  return endpoints.map((endpoint) => (masquerade.includes(endpoint) ? `${endpoint}*` : endpoint)).join(" ");
}

function fates(objects: readonly unknown[], [from, to, port]: Sent, proxy: ProxySettings = PROXY): string[] {
  const inInterface = from === NODE || from.startsWith("127.") ? undefined : "eth0";
  const packet = { protocol: "tcp", from, to, sourcePort: 40000, port, inInterface } as const;
  return [fate(predict(objects, proxy, "nftables", packet)), fate(predict(objects, proxy, "iptables", packet))];
}

const LOCAL = { type: "LoadBalancer", externalTrafficPolicy: "Local" };
const ANYWHERE = [{ addresses: ["10.0.0.9"] }]; // no nodeName
const RANGED = { type: "LoadBalancer", loadBalancerSourceRanges: ["198.51.100.0/24"] };

describe("what the flow cases leave open: nftables, iptables", () => {
  const hostNetwork = [service(1, { externalIPs: [VIP] }), slice(1, [NODE])];
  const chained = [service(1), slice(1, ["172.30.0.2"], 80), service(2)];
  const unassigned = [service(1, { externalIPs: [VIP] }), slice(1, ["172.30.0.9"], 80)];
  const partly = [service(1), slice(1, ["10.0.0.9", "172.30.0.9"], 80)];
  const blockedAtNode = [service(1, RANGED, { vip: "192.168.1.2" }), slice(1, ["10.0.0.9"])];
  const nodePort80 = [service(2, { ports: [{ port: 1, nodePort: 80 }] }), slice(2, ["10.0.0.8"])];
  const unserved = [service(1, LOCAL, { vip: NODE })];
  const elsewhere = [service(1, LOCAL, { vip: NODE }), { ...slice(1, []), endpoints: ANYWHERE }];
  const listedTwice = [service(1, LOCAL, { vip: VIP }), slice(1, ["10.0.0.9", "10.0.0.9"])];
  const younger = [service(1, { externalIPs: [VIP] }, { created: "2024-02-01T00:00:00Z" }), slice(1, ["10.0.0.8"])];
  const older = [service(2, { externalIPs: [VIP] }, { created: "2024-01-01T00:00:00Z" }), slice(2, ["10.0.0.9"])];
  const ageless = [service(0, { externalIPs: [VIP] }), slice(0, ["10.0.0.7"])];
  const twice = [service(1, { externalIPs: [VIP, VIP] }, { vip: VIP }), slice(1, ["10.0.0.9"])];
  const served = [service(1, LOCAL, { vip: VIP }), slice(1, ["10.0.0.9", "10.0.0.8"])];
  const ownVip = [service(1, RANGED, { vip: "192.168.1.2" }), slice(1, ["192.168.1.2"], 80)];

  test.each<[string, string, string, readonly unknown[], Sent]>([
    ["client to an endpoint of this node", "192.168.0.2:8080", "192.168.0.2:8080", hostNetwork, [CLIENT, VIP, 80]],
    ["node to an endpoint of this node", "192.168.0.2:8080*", "192.168.0.2:8080*", hostNetwork, [NODE, VIP, 80]],
    ["endpoint is a cluster IP that nobody serves", "reject", "reject", chained, [POD, "172.30.0.1", 80]],
    ["the same, marked: iptables has accepted it", "reject", "172.30.0.2:80*", chained, [CLIENT, "172.30.0.1", 80]],
    ["the same, sent by the node", "reject", "reject", chained, [NODE, "172.30.0.1", 80]],
    ["endpoint is an unassigned address", "drop", "172.30.0.9:80*", unassigned, [CLIENT, VIP, 80]],
    ["one endpoint of two is", "10.0.0.9:80", "10.0.0.9:80 172.30.0.9:80", partly, [POD, "172.30.0.1", 80]],
    ["blocked at a node address", "drop", "drop", blockedAtNode, [CLIENT, "192.168.1.2", 80]],
    ["blocked, node port", "drop", "10.0.0.8:8080*", [...blockedAtNode, ...nodePort80], [CLIENT, "192.168.1.2", 80]],
    [
      "VIP without endpoints, node port",
      "10.0.0.8:8080*",
      "10.0.0.8:8080*",
      [...unserved, ...nodePort80],
      [CLIENT, NODE, 80],
    ],
    ["none local, node port", "drop", "10.0.0.8:8080*", [...elsewhere, ...nodePort80], [CLIENT, NODE, 80]],
    ["listed twice, last as elsewhere", "drop", "drop", listedTwice, [CLIENT, VIP, 80]],
    ["the older Service wins", "10.0.0.9:8080*", "10.0.0.9:8080*", [...younger, ...older], [CLIENT, VIP, 80]],
    ["whatever the order", "10.0.0.9:8080*", "10.0.0.9:8080*", [...older, ...younger], [CLIENT, VIP, 80]],
    ["one without a date loses", "10.0.0.8:8080*", "10.0.0.8:8080*", [...ageless, ...younger], [CLIENT, VIP, 80]],
    [
      "the loser keeps its cluster IP",
      "10.0.0.7:8080",
      "10.0.0.7:8080",
      [...ageless, ...older],
      [POD, "172.30.0.0", 80],
    ],
    ["an address listed three times", "10.0.0.9:8080*", "10.0.0.9:8080*", twice, [CLIENT, VIP, 80]],
    ["endpoint is its own protected address", "drop", "drop", ownVip, [NODE, "172.30.0.1", 80]],
    ["the same from outside: nftables has looked before", "192.168.1.2:80", "drop", ownVip, [CLIENT, "172.30.0.1", 80]],
    ["martian", "pass", "drop", [], [NODE, "127.0.0.1", 22]],
  ])("%s: %s, %s", (_, nftables, iptables, objects, sent) => {
    expect(fates(objects, sent)).toEqual([nftables, iptables]);
  });

  test("one endpoint of two is lost", () => {
    const packet = {
      protocol: "tcp",
      from: POD,
      to: "172.30.0.1",
      sourcePort: 1,
      port: 80,
      inInterface: "eth0",
    } as const;
    expect(predict(partly, PROXY, "nftables", packet).lost).toEqual([{ endpoint: "172.30.0.9:80", verdict: "drop" }]);
  });

  test("without nodeName no endpoint is local", () => {
    expect(fates(served, [CLIENT, VIP, 80])).toEqual(["10.0.0.9:8080", "10.0.0.9:8080"]);
    expect(fates(served, [CLIENT, VIP, 80], { ...PROXY, nodeName: undefined })).toEqual(["drop", "drop"]);
    const elsewhere = [service(1, LOCAL, { vip: VIP }), { ...slice(1, []), endpoints: ANYWHERE }];
    expect(fates(elsewhere, [CLIENT, VIP, 80], { ...PROXY, nodeName: undefined })).toEqual(["drop", "drop"]);
  });

  test("of 127.0.0.0/8, a list of node-port addresses means 127.0.0.1, no list means all", () => {
    const loopback = { ...PROXY, nodePortAddresses: ["127.0.0.0/8"] };
    expect(fates(nodePort80, ["127.0.0.1", "127.0.0.1", 80], loopback)).toEqual(["pass", "10.0.0.8:8080*"]);
    expect(fates(nodePort80, ["127.0.0.1", "127.0.0.2", 80], loopback)).toEqual(["pass", "pass"]);
    expect(fates(nodePort80, ["127.0.0.1", "127.0.0.2", 80])).toEqual(["pass", "10.0.0.8:8080*"]);
  });
});
