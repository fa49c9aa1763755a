import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { Mode } from "../../compiler/node/settings.ts";
import { printIptables, printNft, toConfig } from "../support/compile.ts";
import { exampleManifests, exampleSettings } from "../support/examples.ts";
import { kernelMissing } from "../support/kernel.ts";
import { type Lab, openLab } from "../support/lab.ts";

/** node-1 of the example, its pods, and everything else outside: clients, and the web pod of node-2. */
const WORLD = {
  node: { addresses: ["192.168.50.11", "fd00:50::11"] },
  pods: [
    { name: "web-1", addresses: ["10.244.1.10", "fd00:10:244:1::10"] },
    { name: "api-1", addresses: ["10.244.1.20", "fd00:10:244:1::20"] },
    { name: "api-2", addresses: ["10.244.1.21", "fd00:10:244:1::21"] },
  ],
  outside: {
    addresses: ["203.0.113.9", "192.0.2.66", "198.51.100.7", "10.244.2.10", "fd00:10:244:2::10", "2001:db8::7"],
    routes: ["10.96.0.0/16", "198.51.100.40/32", "10.244.1.0/24", "fd00:10:96::/112", "fd00:10:244:1::/64"],
  },
};

const IPV4_NODE = "192.168.50.11";

async function startServers(lab: Lab): Promise<void> {
  for (const [at, protocol, address, port] of [
    ["web-1", "tcp", "10.244.1.10", 8080],
    ["web-1", "tcp", "fd00:10:244:1::10", 8080],
    ["api-1", "tcp", "10.244.1.20", 8081],
    ["api-2", "tcp", "10.244.1.21", 8081],
    ["api-1", "udp", "10.244.1.20", 5353],
    ["api-2", "udp", "10.244.1.21", 5353],
    ["api-1", "tcp", "fd00:10:244:1::20", 8081],
    ["api-2", "tcp", "fd00:10:244:1::21", 8081],
    ["api-1", "udp", "fd00:10:244:1::20", 5353],
    ["api-2", "udp", "fd00:10:244:1::21", 5353],
  ] as const) {
    expect(await lab.listen(at, at, protocol, address, port)).toBe("listening");
  }
  expect(await lab.listen("outside", "web-2", "tcp", "10.244.2.10", 8080)).toBe("listening");
  expect(await lab.listen("outside", "web-2", "tcp", "fd00:10:244:2::10", 8080)).toBe("listening");
}

/** The different answers to a question that is asked `times` times. */
async function answers(times: number, question: () => Promise<string>): Promise<string[]> {
  const all = await Promise.all(Array.from({ length: times }, question));
  return [...new Set(all)].sort();
}

const LOADERS: readonly {
  readonly name: string;
  readonly mode: Mode;
  readonly load: (lab: Lab, program: Program) => Promise<unknown>;
}[] = [
  { name: "nft", mode: "nftables", load: (lab, program) => lab.load("nft -f /dev/stdin", printNft(program)) },
  {
    name: "nft, iptables mode",
    mode: "iptables",
    load: (lab, program) => lab.load("nft -f /dev/stdin", printNft(program)),
  },
  ...(["nft", "legacy"] as const).map((backend) => ({
    name: `iptables-${backend}`,
    mode: "iptables" as const,
    load: async (lab: Lab, program: Program) => {
      await lab.load(`iptables-${backend}-restore --noflush`, printIptables(program, "ip"));
      await lab.load(`ip6tables-${backend}-restore --noflush`, printIptables(program, "ip6"));
    },
  })),
];

describe.skipIf(kernelMissing !== undefined).each(LOADERS)("real traffic through $name", ({ mode, load }) => {
  let lab: Lab;

  beforeAll(async () => {
    const { compiled } = compile(exampleManifests(), { ...toConfig(exampleSettings()), nodeName: "node-1", mode });
    if (compiled === undefined) throw new Error("the example does not compile");
    lab = await openLab(WORLD);
    await startServers(lab);
    await load(lab, compiled.program);
  });

  afterAll(() => lab.close());

  test("pods talk to each other directly, as without rules", async () => {
    expect(await lab.ask("web-1", "tcp", "10.244.1.20", 8081)).toBe("api-1 saw 10.244.1.10");
  });

  test("a pod reaches a cluster IP and keeps its address", async () => {
    expect(await answers(24, () => lab.ask("web-1", "tcp", "10.96.0.20", 80))).toEqual([
      "api-1 saw 10.244.1.10",
      "api-2 saw 10.244.1.10",
    ]);
    expect(await answers(24, () => lab.ask("web-1", "udp", "10.96.0.20", 53))).toEqual([
      "api-1 saw 10.244.1.10",
      "api-2 saw 10.244.1.10",
    ]);
  });

  test("also by IPv6", async () => {
    const both = ["api-1 saw fd00:10:244:1::10", "api-2 saw fd00:10:244:1::10"];
    expect(await answers(24, () => lab.ask("web-1", "tcp", "fd00:10:96::20", 80))).toEqual(both);
    expect(await answers(24, () => lab.ask("web-1", "udp", "fd00:10:96::20", 53))).toEqual(both);
  });

  test("a pod that reaches itself sees the node (hairpin)", async () => {
    const seen = await answers(24, () => lab.ask("api-1", "tcp", "10.96.0.20", 80));
    expect(seen).toEqual(["api-1 saw 192.168.50.11", "api-2 saw 10.244.1.20"]);
  });

  test("the node itself reaches a cluster IP, masqueraded: it is no pod", async () => {
    const seen = await answers(12, () => lab.ask("node", "tcp", "10.96.0.20", 80));
    expect(seen).toEqual(["api-1 saw 192.168.50.11", "api-2 saw 192.168.50.11"]);
  });

  test("outsiders reach a node port on both nodes' pods, which see this node", async () => {
    const seen = await answers(24, () => lab.ask("outside", "tcp", IPV4_NODE, 30123, "198.51.100.7"));
    expect(seen).toEqual(["web-1 saw 192.168.50.11", "web-2 saw 192.168.50.11"]);
    const seen6 = await answers(24, () => lab.ask("outside", "tcp", "fd00:50::11", 30123, "2001:db8::7"));
    expect(seen6).toEqual(["web-1 saw fd00:50::11", "web-2 saw fd00:50::11"]);
  });

  test("partners reach this node's pod by the load balancer address and keep theirs; others hear nothing", async () => {
    expect(await answers(8, () => lab.ask("outside", "tcp", "198.51.100.40", 80, "203.0.113.9"))).toEqual([
      "web-1 saw 203.0.113.9",
    ]);
    expect(await lab.ask("outside", "tcp", "198.51.100.40", 80, "192.0.2.66")).toBe("silence");
  });

  test("a client of a Service with affinity stays where it is", async () => {
    const seen: string[] = [];
    for (let i = 0; i < 12; i++) seen.push(await lab.ask("api-1", "tcp", "10.96.0.40", 80));
    expect(new Set(seen).size).toBe(1);
  });

  test("unknown ports of cluster IPs and unallocated addresses", async () => {
    const [unknownPort, unallocated] = mode === "nftables" ? ["refused", "silence"] : ["silence", "silence"];
    expect(await lab.ask("web-1", "tcp", "10.96.0.20", 81)).toBe(unknownPort);
    expect(await lab.ask("web-1", "udp", "10.96.0.20", 54)).toBe(unknownPort);
    expect(await lab.ask("web-1", "tcp", "10.96.9.9", 80)).toBe(unallocated);
  });

  test("node ports on 127.0.0.1 are for iptables mode", async () => {
    const answer = await lab.ask("node", "tcp", "127.0.0.1", 30123);
    if (mode === "nftables") expect(answer).toBe("refused");
    else expect(answer).toMatch(/^web-[12] saw 192\.168\.50\.11$/);
  });
});
