import { describe, expect, test } from "vitest";
import type { Packet } from "../../compiler/evaluate/packet.ts";
import { printAddress } from "../../compiler/net/address.ts";
import { probeOf } from "../../runtime/kernel/judge.ts";
import { observe } from "../../runtime/kernel/observe.ts";
import { type KernelRules, loadRules } from "../../runtime/kernel/rules.ts";
import { chanceOfEqual } from "../support/chi-square.ts";
import { mustCompile } from "../support/compile.ts";
import { JUDGES, openTestNode, rulesFor } from "../support/differential.ts";
import { ipv4 } from "../support/ir.ts";
import { kernelMissing } from "../support/kernel.ts";

/** Services with so many endpoints each. */
const SIZES = [2, 3, 7, 16];
const PACKETS = 6000;

/** 3 judges ask about 4 Services: a false alarm comes once in 10^7 runs. */
const SIGNIFICANCE = 1e-7 / (3 * SIZES.length);

/** A Service of each size at 172.30.0.N. */
const CLUSTER = mustCompile({
  objects: SIZES.flatMap((size) => [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: `s${size}`, namespace: "shop" },
      spec: { clusterIP: `172.30.0.${size}`, ports: [{ port: 80 }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `s${size}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": `s${size}` } },
      addressType: "IPv4",
      endpoints: Array.from({ length: size }, (_, i) => ({ addresses: [`10.180.${size}.${i + 1}`] })),
      ports: [{ name: "", port: 8080 }],
    },
  ]),
  proxy: {
    nodeName: "node-a",
    nodeIPs: ["192.168.0.2"],
    detectLocalMode: "none",
    clusterCIDR: [],
    serviceCIDRs: [],
    nodePortAddresses: "default",
    localhostNodePorts: false,
    masqueradeAll: false,
  },
  mode: "nftables",
});

function packetTo(size: number): Packet {
  const [source, destination] = [ipv4("10.180.0.7"), ipv4(`172.30.0.${size}`)] as Packet["source"][];
  if (source === undefined || destination === undefined) throw new Error("two addresses");
  return { protocol: 6, source, destination, sourcePort: 40000, destinationPort: 80, inInterface: "cni0", mark: 0 };
}

/** How many packets each endpoint gets, by Service. */
async function histograms(rules: KernelRules): Promise<number[][]> {
  const prober = await openTestNode();
  await loadRules(prober, rules);
  const answers = await prober.send(SIZES.map((size) => probeOf(packetTo(size), PACKETS)));
  await prober.close();
  return answers.map((each) => {
    const counts = new Map<string, number>();
    for (const observation of each.map(observe)) {
      const name = observation.kind === "arrived" ? printAddress(observation.address) : observation.kind;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return [...counts.values()];
  });
}

describe.skipIf(kernelMissing !== undefined)("endpoints have equal chances", () => {
  test.concurrent.each(JUDGES)("%s", async (judge) => {
    const found = await histograms(rulesFor(judge, CLUSTER.program));
    expect(found.map(({ length }) => length)).toEqual(SIZES);
    for (const counts of found) expect(chanceOfEqual(counts)).toBeGreaterThan(SIGNIFICANCE);
  });

  test("uneven chances are seen", async () => {
    const rules = rulesFor("kernel-iptables-legacy", CLUSTER.program);
    if (rules.kind !== "iptables") throw new Error("iptables rules are expected");
    const uneven = { ...rules, ip: rules.ip.replaceAll(/--probability 0\.33333\d*/g, "--probability 0.4") };
    const [, three = []] = await histograms(uneven);
    expect(chanceOfEqual(three)).toBeLessThan(SIGNIFICANCE);
  });
});
