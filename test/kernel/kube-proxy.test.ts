import { describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import type { Mode } from "../../compiler/lower/settings.ts";
import { parseAddress, printAddress } from "../../compiler/net/address.ts";
import { describeObservation, observe } from "../../runtime/kernel/observe.ts";
import { type Probe, probe } from "../../runtime/kernel/prober.ts";
import type { World } from "../../runtime/kernel/world.ts";
import { printIptables, printNft, toConfig } from "../support/compile.ts";
import { kernelMissing, withFiles } from "../support/kernel.ts";
import { readFolder } from "../support/shared.ts";

/** The settings of the tests that kube-proxy's own output comes from. */
const SETTINGS = {
  nodeName: "test-node",
  nodeIP: "192.168.0.2",
  nodeIPs: ["192.168.0.2", "192.168.1.2"],
  detectLocalMode: "ClusterCIDR",
  clusterCIDR: ["10.0.0.0/8"],
  serviceCIDRs: ["172.30.0.0/16"],
};

const WORLD: World = { interfaces: ["eth0", "cni0"], addresses: SETTINGS.nodeIPs.map(address) };

function address(text: string): ReturnType<typeof parseAddress> & (number | bigint) {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

const SENDERS = [
  ["10.0.0.2", "cni0"],
  ["10.180.0.3", "cni0"], // an endpoint
  ["10.180.0.5", "cni0"],
  ["203.0.113.2", "eth0"],
  ["203.0.113.130", "eth0"], // outside the source range
  ["5.6.7.8", "eth0"],
  ["192.168.1.2", undefined], // not the address that masquerading takes: it shows
] as const;

const DESTINATIONS = [
  ...[41, 42, 43, 44, 45, 46, 47].map((last) => `172.30.0.${last}`),
  ...["1.2.3.4", "5.6.7.8", "192.168.99.22", "192.168.99.33", "192.168.0.2", "192.168.1.2", "10.180.0.3", "8.8.8.8"],
];

const PORTS = [80, 81, 443, 3001, 3002, 3003, 30000];

/** How often each packet is sent: two endpoints are both seen, but for one time in 2^23 per packet. */
const REPEATS = 24;

/** Every sender to every address and port, TCP and UDP. */
function* probes(): Generator<Probe> {
  let sourcePort = 1024;
  for (const [from, inInterface] of [...SENDERS, ["127.0.0.1", undefined] as const]) {
    for (const to of from === "127.0.0.1" ? ["127.0.0.1"] : DESTINATIONS) {
      for (const destinationPort of PORTS) {
        for (const protocol of [6, 17]) {
          for (let i = 0; i < REPEATS; i++) {
            sourcePort = sourcePort >= 60000 ? 1024 : sourcePort + 1;
            yield {
              inInterface,
              flow: { protocol, source: address(from), destination: address(to), sourcePort, destinationPort },
            };
          }
        }
      }
    }
  }
}

/** What can happen to each packet, after `load` has put rules into the node. */
function fates(load: readonly string[]): Map<string, string> {
  const asked = [...probes()];
  const found = new Map<string, Set<string>>();
  for (const [i, events] of probe(WORLD, load, asked).entries()) {
    const { inInterface, flow } = asked[i] as Probe;
    const name = `${flow.protocol === 6 ? "tcp" : "udp"} ${printAddress(flow.source)} (${inInterface ?? "here"}) > ${printAddress(flow.destination)}:${flow.destinationPort}`;
    const seen = found.get(name) ?? new Set();
    found.set(name, seen.add(describeObservation(observe(asked[i] as Probe, events))));
  }
  return new Map([...found].map(([name, seen]) => [name, [...seen].sort().join(", or ")]));
}

/** kube-proxy's nft transaction with objects before what refers to them: its test prints them sorted by Service. */
function sortNft(text: string): string {
  const lines = text.split("\n").filter((line) => line.startsWith("add "));
  const rank = (line: string): number =>
    ["table", "set", "map", "chain", "rule", "element"].indexOf(line.split(" ")[1] ?? "");
  return lines
    .map((line, i) => ({ line, i }))
    .sort((a, b) => rank(a.line) - rank(b.line) || a.i - b.i)
    .map(({ line }) => line)
    .join("\n");
}

/** kube-proxy's restore text for a host without kubelet: jumps as kube-proxy makes them, no accounting objects. */
function completeIptables(text: string): string {
  const jumps = {
    filter: [
      "INPUT -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES",
      "FORWARD -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES",
      "INPUT -j KUBE-NODEPORTS",
      "FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES",
      "OUTPUT -m conntrack --ctstate NEW -j KUBE-SERVICES",
      "FORWARD -j KUBE-FORWARD",
      "INPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL",
      "OUTPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL",
      "FORWARD -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL",
      "INPUT -j KUBE-FIREWALL",
      "OUTPUT -j KUBE-FIREWALL",
    ],
    nat: ["PREROUTING -j KUBE-SERVICES", "OUTPUT -j KUBE-SERVICES", "POSTROUTING -j KUBE-POSTROUTING"],
  };
  const plain = text.replace(/-m nfacct --nfacct-name \S+ /g, "");
  // Each is put first in its chain, in this order.
  return plain.replace(/\*(filter|nat)\n([\s\S]*?)COMMIT/g, (_, table: "filter" | "nat", body: string) => {
    return `*${table}\n${body}${jumps[table].map((jump) => `-I ${jump}\n`).join("")}COMMIT`;
  });
}

const [spec] = readFolder("corpus/k8s", "kube-proxy-overall.yaml");
const [nft] = readFolder("corpus/nft", "kube-proxy-overall.nft");
const [iptables] = readFolder("corpus/iptables", "kube-proxy-overall.rules");
const missing = spec === undefined || nft === undefined || iptables === undefined;
if (missing) process.stderr.write("tests are left out: kube-proxy's own output (../shared/corpus) is not there\n");

describe.skipIf(kernelMissing !== undefined || missing)(
  "packets meet the fate that kube-proxy's own rules give them",
  () => {
    function ours(mode: Mode): NonNullable<ReturnType<typeof compile>["compiled"]>["program"] {
      const { compiled } = compile([spec as { name: string; text: string }], { ...toConfig(SETTINGS), mode });
      if (compiled === undefined) throw new Error("the specification does not compile");
      return compiled.program;
    }

    test("nftables mode", async () => {
      const texts = [sortNft(nft?.text ?? ""), printNft(ours("nftables"))];
      await withFiles(texts, async ([theirs, mine]) => {
        expect(fates([`nft -f ${mine}`])).toEqual(fates([`nft -f ${theirs}`]));
      });
    });

    test("iptables mode, by our iptables text and our nft text", async () => {
      const texts = [
        completeIptables(iptables?.text ?? ""),
        printIptables(ours("iptables"), "ip"),
        printNft(ours("iptables")),
      ];
      await withFiles(texts, async ([theirs, mine, mineNft]) => {
        const wanted = fates([`iptables-legacy-restore ${theirs}`]);
        expect(fates([`iptables-legacy-restore --noflush ${mine}`])).toEqual(wanted);
        expect(fates([`iptables-nft-restore --noflush ${mine}`])).toEqual(wanted);
        expect(fates([`nft -f ${mineNft}`])).toEqual(wanted);
      });
    });
  },
);
