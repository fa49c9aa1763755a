import { describe, expect, test } from "vitest";
import { type Address, printAddress } from "../../../compiler/net/address.ts";
import { printPrefix } from "../../../compiler/net/prefix.ts";
import type { Config } from "../../../compiler/node/config.ts";
import { resolveConfig } from "../../../compiler/node/resolve.ts";
import type { Detector, NodePortAddresses } from "../../../compiler/node/settings.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import { toConfig } from "../../support/compile.ts";

const NODES = `
apiVersion: v1
kind: Node
metadata: {name: a, labels: {topology.kubernetes.io/zone: east}}
spec: {podCIDRs: [10.244.1.0/24, "fd00:1::/64"], podCIDR: 10.244.1.0/24}
status: {addresses: [{type: ExternalIP, address: 192.0.2.1}, {type: InternalIP, address: 10.0.0.1}, {type: InternalIP, address: "fd00::1"}]}
---
apiVersion: v1
kind: Node
metadata: {name: b}
`;

function resolve(settings: object, nodes = ""): ReturnType<typeof resolveConfig> & { readonly findings: string[] } {
  const findings: string[] = [];
  const report = ({ severity, code }: { severity: string; code: string }): void =>
    void findings.push(`${severity} ${code}`);
  const specs = loadSpecs([{ name: "nodes", text: nodes === "" ? "[]" : nodes }], () => undefined);
  const config: Config = toConfig(settings as never);
  return { ...resolveConfig(config, specs, report), findings };
}

const shown = (addresses: readonly Address[]): string[] => addresses.map(printAddress);

function showNodePorts(nodePorts: NodePortAddresses): string {
  switch (nodePorts.kind) {
    case "every-local":
      return "every local address";
    case "listed":
      return shown(nodePorts.addresses).join();
    case "local-within":
      return `local within ${nodePorts.prefixes.map(printPrefix).join()}`;
  }
}

function showDetector(detector: Detector | undefined): string {
  if (detector === undefined) return "none";
  if (detector.kind === "source") return detector.prefixes.map(printPrefix).join();
  return detector.kind === "interface" ? detector.name : `${detector.prefix}*`;
}

describe("the node", () => {
  test("of the given name gives addresses, internal ones first, and zone", () => {
    const { node, findings } = resolve({ nodeName: "a" }, NODES);
    expect({ ...node, addresses: shown(node.addresses) }).toMatchObject({
      name: "a",
      zone: "east",
      addresses: ["10.0.0.1", "fd00::1", "192.0.2.1"],
    });
    expect(findings).toEqual([]);
  });

  test("is the only one in the input when no name is given", () => {
    expect(resolve({}, NODES.split("---")[0]).node.name).toBe("a");
  });

  test("is none, with a note, when there are several, or none at all", () => {
    for (const nodes of [NODES, ""]) {
      const { node, settings, findings } = resolve({}, nodes);
      expect(node.name).toBeUndefined();
      expect(findings).toEqual(["note no-node"]);
      expect(showNodePorts(settings.families.IPv4.nodePorts)).toBe("every local address");
    }
  });

  test("may be named without being in the input; where Nodes are given, it has to be one of them", () => {
    expect(resolve({ nodeName: "c" }).findings).toEqual([]);
    expect(resolve({ nodeName: "c" }, NODES).findings).toEqual(["error unknown-node"]);
  });

  test("has what the config says, where it says something", () => {
    const { node } = resolve({ nodeName: "a", nodeIP: "192.168.0.9", zone: null }, NODES);
    expect([shown(node.addresses)[0], node.zone]).toEqual(["192.168.0.9", undefined]);
  });
});

describe("detectors, by family", () => {
  test.each([
    ["none", "none", {}],
    ["10.0.0.0/8", "none", { clusterCIDR: ["10.0.0.0/8"] }],
    ["10.0.0.0/8", "fd00::/8", { clusterCIDR: ["10.0.0.0/8", "fd00::/8"] }],
    ["10.244.1.0/24", "fd00:1::/64", { detectLocalMode: "NodeCIDR" }], // from the Node
    ["br0", "br0", { detectLocalMode: "BridgeInterface", detectLocalInterface: "br0" }],
    ["veth*", "veth*", { detectLocalMode: "InterfaceNamePrefix", detectLocalInterface: "veth" }],
    ["none", "none", { detectLocalMode: "none", clusterCIDR: ["10.0.0.0/8"] }],
    ["none", "none", { detectLocalMode: "BridgeInterface" }],
  ])("%s and %s: %j", (v4, v6, settings) => {
    const { families } = resolve({ nodeName: "a", ...settings }, NODES).settings;
    expect([showDetector(families.IPv4.detector), showDetector(families.IPv6.detector)]).toEqual([v4, v6]);
  });
});

describe("a detector that lacks its setting, and a setting that no detector looks at, are told", () => {
  const NODE_B = NODES.split("---")[1] ?? "";
  test.each([
    [[], { clusterCIDR: ["10.0.0.0/8"] }, ""],
    [[], { detectLocalMode: "NodeCIDR" }, NODES],
    [[], { detectLocalMode: "BridgeInterface", detectLocalInterface: "br0" }, ""],
    [[], { detectLocalMode: "none" }, ""],
    [["warning no-detector"], { detectLocalMode: "ClusterCIDR" }, ""],
    [["warning no-detector"], { detectLocalMode: "ClusterCIDR", clusterCIDR: [] }, ""],
    [["warning no-detector"], { detectLocalMode: "NodeCIDR" }, ""],
    [["warning no-detector"], { detectLocalMode: "NodeCIDR", nodeName: "b" }, NODE_B],
    [["warning no-detector"], { detectLocalMode: "BridgeInterface" }, ""],
    [
      ["warning no-detector", "info ignored-field"],
      { detectLocalMode: "InterfaceNamePrefix", clusterCIDR: ["10.0.0.0/8"] },
      "",
    ],
    [["warning ignored-field"], { detectLocalInterface: "br0" }, ""],
    [["warning ignored-field"], { detectLocalMode: "none", detectLocalInterface: "br0" }, ""],
    [["warning ignored-field"], { detectLocalMode: "none", clusterCIDR: ["10.0.0.0/8"] }, ""],
  ])("%j: %j", (wanted, settings, nodes) => {
    expect(resolve({ nodeName: "a", ...settings }, nodes).findings).toEqual(wanted);
  });
});

describe("addresses of node ports, by family", () => {
  test.each([
    ["10.0.0.1", "fd00::1", "nftables", undefined], // primary addresses
    ["every local address", "every local address", "iptables", undefined],
    ["192.0.2.1", "every local address", "nftables", ["192.0.2.0/24"]], // no block of the other family
    ["10.0.0.1,192.0.2.1", "fd00::1", "nftables", ["10.0.0.0/8", "192.0.2.0/24", "fd00::/8"]],
    ["every local address", "every local address", "nftables", ["0.0.0.0/0"]],
    ["", "every local address", "nftables", ["127.0.0.0/8"]], // loopback is not for this mode
    ["127.0.0.1", "every local address", "iptables", ["127.0.0.0/8"]],
    ["10.0.0.1,192.0.2.1", "fd00::1", "iptables", ["primary", "192.0.2.0/24"]],
  ] as const)("%s and %s in %s mode: %j", (v4, v6, mode, nodePortAddresses) => {
    const { families } = resolve(
      { nodeName: "a", mode, ...(nodePortAddresses === undefined ? {} : { nodePortAddresses }) },
      NODES,
    ).settings;
    expect([showNodePorts(families.IPv4.nodePorts), showNodePorts(families.IPv6.nodePorts)]).toEqual([v4, v6]);
  });

  test("blocks of a node whose addresses are not known are asked of the packet", () => {
    const { families } = resolve({ nodeName: "c", nodePortAddresses: ["10.0.0.0/8"] }).settings;
    expect(showNodePorts(families.IPv4.nodePorts)).toBe("local within 10.0.0.0/8");
  });

  test.each([
    [true, "iptables", {}],
    [false, "nftables", {}],
    [false, "iptables", { localhostNodePorts: false }],
    [false, "iptables", { nodePortAddresses: ["10.0.0.0/8"] }], // they leave no loopback address
    [true, "iptables", { nodePortAddresses: ["10.0.0.0/8", "127.0.0.1/32"] }],
    [false, "iptables", { nodePortAddresses: ["primary"] }],
  ] as const)("on loopback: %s in %s mode with %j", (wanted, mode, settings) => {
    const { families } = resolve({ nodeName: "a", mode, ...settings }, NODES).settings;
    expect([families.IPv4.localhostNodePorts, families.IPv6.localhostNodePorts]).toEqual([wanted, false]);
  });
});

describe("Service CIDRs", () => {
  const cidrs = (name: string, ...blocks: readonly string[]): string =>
    `---\napiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: ${name}}\nspec: {cidrs: ${JSON.stringify(blocks)}}\n`;
  const OBJECTS = cidrs("more", "10.97.0.0/16") + cidrs("kubernetes", "10.96.0.0/16", "fd00:96::/112");
  const families = (settings: object, objects: string): string[] => {
    const { settings: resolved } = resolve(settings, objects);
    return [resolved.families.IPv4, resolved.families.IPv6].map(({ serviceCidrs }) =>
      serviceCidrs.map(printPrefix).join(),
    );
  };

  test("are those of all ServiceCIDR objects, in both families, each once", () => {
    expect(families({}, OBJECTS)).toEqual(["10.96.0.0/16,10.97.0.0/16", "fd00:96::/112"]);
    expect(families({}, OBJECTS + cidrs("same", "10.96.0.0/16"))).toEqual([
      "10.96.0.0/16,10.97.0.0/16",
      "fd00:96::/112",
    ]);
    expect(families({}, NODES)).toEqual(["", ""]);
  });

  test("are those of the settings, where they say some", () => {
    expect(families({ serviceCIDRs: ["172.30.0.0/16"] }, OBJECTS)).toEqual(["172.30.0.0/16", ""]);
    expect(families({ serviceCIDRs: [] }, OBJECTS)).toEqual(["", ""]);
  });
});
