/**
 * Files that are collected inside a lab read back to the network that the lab was built of: of each host interfaces, addresses, bridge
 * ports, tunnels, sysctls, policy rules and routes; with the files of all nodes in place of what manifests say of them, the whole
 * network, its wires, and the rules of nodes.
 *
 * Not compared, as no file tells:
 * - places; who a host is, what listens there and what proxies do (from manifests in both cases);
 * - rules of hosts that are no nodes: the script collects what nodes have;
 * - routes of anycast, which Linux adds where it forwards, and link-local addresses that the lab gives interfaces without one.
 */
import { describe, expect, test } from "vitest";
import { type CollectedNode, describeNetwork } from "../../compiler/described.ts";
import { readRules } from "../../compiler/formats/read-rules.ts";
import { type HostFiles, readHostFiles } from "../../compiler/hostfiles/host.ts";
import { required } from "../../compiler/invariant.ts";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import type { Host } from "../../compiler/network/network.ts";
import { POD_NETWORKS } from "../../compiler/specs/network-types.ts";
import { PacketLab } from "../../runtime/lab/lab.ts";
import { collectFrom } from "../../runtime/lab/read-back.ts";
import { expectedOfNft } from "../support/arrange.ts";
import { kernelMissing } from "../support/kernel.ts";
import { factsOfHost, shapeOf, withoutLabAddresses } from "../support/network-facts.ts";
import { randomCluster } from "../support/random-clusters.ts";
import { EVERYTHING } from "../support/runs.ts";

/** Those that every kernel can make. */
const PRESETS = POD_NETWORKS.filter((each) => each !== "calico-ipip");

/** The kernel brings ports up, and adds routes of IPv6 addresses, a little later. */
const MOST_READS = 20;

async function readUntilEqual(lab: PacketLab, described: Host): Promise<{ read: HostFiles; facts: unknown }> {
  for (let i = 1; ; i++) {
    const name = described.role.kind === "node" ? described.role.node : described.name;
    const read = readHostFiles(name, await collectFrom(lab, described.name), ({ severity, message }) => {
      if (severity === "error") throw new Error(`${described.name}: ${message}`);
    });
    const facts = read.host && factsOfHost(withoutLabAddresses(read.host, described));
    if (i === MOST_READS || JSON.stringify(facts) === JSON.stringify(factsOfHost(described))) return { read, facts };
    await lab.pause(50);
  }
}

async function holds(seed: number, preset: (typeof PRESETS)[number]): Promise<void> {
  const { subject, input, mutated } = randomCluster(seed, 0, preset);
  const { network, programOf } = subject;
  const lab = await PacketLab.up(network, programOf);
  try {
    const hosts = [...network.hosts.values()];
    const found = await Promise.all(hosts.map((host) => readUntilEqual(lab, host)));
    const collected = new Map<string, CollectedNode>();
    for (const [i, host] of hosts.entries()) {
      const { read, facts } = required(found[i], "each host was read");
      expect([mutated, host.name, facts]).toEqual([mutated, host.name, factsOfHost(host)]);
      if (host.role.kind !== "node") continue;
      const program = await readRules(read.rules, ({ message }) => {
        throw new Error(`${host.name}: ${message}`);
      });
      expect([host.name, normaliseProgram(program)]).toEqual([
        host.name,
        expectedOfNft(required(programOf(host), "a node has rules")),
      ]);
      collected.set(host.role.node, {
        host: { host: required(read.host, "the node was read"), behind: read.behind },
        program,
      });
    }
    const again = describeNetwork(input, collected).layout.network;
    expect([mutated, shapeOf(again)]).toEqual([mutated, shapeOf(network)]);
    for (const host of hosts.filter(({ role }) => role.kind === "node")) {
      const read = required(again.hosts.get(host.name), "the node is there");
      expect(factsOfHost(withoutLabAddresses(read, host))).toEqual(factsOfHost(host));
    }
  } finally {
    lab.close();
  }
}

describe.skipIf(kernelMissing !== undefined)("files collected in a lab are the network that it was built of", () => {
  const presets = EVERYTHING ? PRESETS : PRESETS.filter((each) => each === "flannel-vxlan");
  test.each(presets)("%s", (preset) => holds(PRESETS.indexOf(preset), preset));
});
