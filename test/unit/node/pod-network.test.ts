/** From which input the blocks are taken whose packets `masquerade: kpc` translates. */
import { describe, expect, test } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../../compiler/evaluate/packet.ts";
import { printPrefix } from "../../../compiler/net/prefix.ts";
import { PROTOCOL_NUMBERS } from "../../../compiler/net/protocol.ts";
import { MODES } from "../../../compiler/node/settings.ts";
import type { Manifest } from "../../support/arbitraries.ts";
import { toConfig, toText } from "../../support/compile.ts";
import { addressOf } from "../../support/walks.ts";

const node = (name: string, address: string, podCIDRs: readonly string[]): Manifest => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name },
  spec: { podCIDRs },
  status: { addresses: [{ type: "InternalIP", address }] },
});
const NODES = [
  node("n1", "192.168.0.1", ["10.1.1.0/24", "fd00:1:1::/64"]),
  node("n2", "192.168.0.2", ["10.1.2.0/24", "fd00:1:2::/64"]),
];
const cluster = (pods: Manifest): Manifest => ({ apiVersion: "kpc.dev/v1alpha1", kind: "Cluster", pods });

function compiled(objects: readonly Manifest[], settings: Manifest) {
  const result = compile([{ name: "a.json", text: toText(objects) }], toConfig({ nodeName: "n1", ...settings }));
  return { ...result, codes: result.diagnostics.map(({ code }) => code) };
}

function blocksIn(objects: readonly Manifest[], settings: Manifest): string[] | undefined {
  const { families } = compiled(objects, settings).compiled?.settings ?? {};
  const all = Object.values(families ?? {}).flatMap(({ podNetwork }) => podNetwork?.cidrs ?? []);
  return all.length === 0 ? undefined : all.map(printPrefix);
}

describe("blocks of pods", () => {
  const OF_NODES = ["10.1.1.0/24", "10.1.2.0/24", "fd00:1:1::/64", "fd00:1:2::/64"];

  test("none unless kpc is to masquerade", () => {
    expect(blocksIn(NODES, {})).toBeUndefined();
    expect(blocksIn(NODES, { masquerade: "none" })).toBeUndefined();
    expect(blocksIn([...NODES, cluster({ masquerade: "cluster" })], {})).toBeUndefined();
  });
  test("of the Nodes", () => expect(blocksIn(NODES, { masquerade: "kpc" })).toEqual(OF_NODES));
  test("asked for by the Cluster", () =>
    expect(blocksIn([...NODES, cluster({ masquerade: "kpc" })], {})).toEqual(OF_NODES));
  test("settings come before the Cluster", () =>
    expect(blocksIn([...NODES, cluster({ masquerade: "kpc" })], { masquerade: "none" })).toBeUndefined());
  test("clusterCIDR, each family by itself", () =>
    expect(blocksIn(NODES, { masquerade: "kpc", clusterCIDR: ["10.1.0.0/16"] })).toEqual([
      "10.1.0.0/16",
      "fd00:1:1::/64",
      "fd00:1:2::/64",
    ]));
  test("the Cluster's come first", () =>
    expect(
      blocksIn([...NODES, cluster({ cidrs: ["10.0.0.0/8"] })], { masquerade: "kpc", clusterCIDR: ["10.1.0.0/16"] }),
    ).toEqual(["10.0.0.0/8", "fd00:1:1::/64", "fd00:1:2::/64"]));
  test("none known is a warning", () => {
    const bare = [node("n1", "192.168.0.1", [])];
    expect(compiled(bare, { masquerade: "kpc" }).codes).toContain("no-pod-network");
    expect(compiled(NODES, { masquerade: "kpc" }).codes).not.toContain("no-pod-network");
  });
});

describe.each(MODES)("what the rules of %s mode do without any Service", (mode) => {
  const { compiled: result } = compiled(NODES, { masquerade: "kpc", mode });
  if (result === undefined) throw new Error("it does not compile");
  const evaluator = new Evaluator(result.program);
  const environment = environmentOf([...result.node.addresses, addressOf("10.1.1.1"), addressOf("fd00:1:1::1")]);

  const isMasqueraded = (protocol: number, from: string, to: string, inInterface: string | undefined): boolean => {
    const [outcome] = evaluator.evaluateWhole(
      {
        protocol,
        source: addressOf(from),
        destination: addressOf(to),
        sourcePort: 40000,
        destinationPort: 80,
        inInterface,
        mark: 0,
      },
      environment,
    );
    return (
      outcome?.results.every(({ disposition }) => "source" in disposition && disposition.source.kind !== "kept") ??
      false
    );
  };

  test.each([
    ["the world", "10.1.1.7", "198.51.100.1", "cni0", true],
    ["a pod of another node", "10.1.1.7", "10.1.2.7", "cni0", false],
    ["another node", "10.1.1.7", "192.168.0.2", "cni0", false],
    ["a multicast group", "10.1.1.7", "224.0.0.251", "cni0", false],
    ["the world, from the node by the address of its bridge", "10.1.1.1", "198.51.100.1", undefined, false],
    ["the world, from the node", "192.168.0.1", "198.51.100.1", undefined, false],
    ["the world, from somebody outside", "192.168.0.77", "198.51.100.1", "eth0", false],
    ["the world by IPv6", "fd00:1:1::7", "2001:db8::1", "cni0", true],
    ["a pod of another node by IPv6", "fd00:1:1::7", "fd00:1:2::7", "cni0", false],
    ["a multicast group by IPv6", "fd00:1:1::7", "ff05::2", "cni0", false],
    ["the world by IPv6, from the node by the address of its bridge", "fd00:1:1::1", "2001:db8::1", undefined, false],
  ])("to %s", (_, from, to, inInterface, wanted) => {
    for (const protocol of [PROTOCOL_NUMBERS.tcp, PROTOCOL_NUMBERS.udp, from.includes(":") ? 58 : 1, 47])
      expect([protocol, isMasqueraded(protocol, from, to, inInterface)]).toEqual([protocol, wanted]);
  });
});
