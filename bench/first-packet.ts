/**
 * What the first packet of a connection costs, through our nft and iptables texts and through kube-proxy's two layouts of
 * the same Services: TCP, pod to cluster IP, forwarded.
 *
 *   npm run bench:first-packet -- [--sizes 10,1000,10000] [--endpoints 10] [--rounds 9] [--patient]
 *
 * Needs root, nftables, iptables, and perl with Time::HiRes. All layouts of a size stand side by side, each in a namespace
 * of its own, and are measured in turn: nanoseconds for handing a packet to the kernel until it has left, which includes
 * some two microseconds of the tool's own. "over conntrack" is what is left when the same is subtracted for a node whose one
 * NAT rule never matches. Medians of the rounds; ratios round by round.
 */
import { parseArgs } from "node:util";
import { compile } from "../compiler/compile.ts";
import type { Program } from "../compiler/ir/types.ts";
import { parseAddress } from "../compiler/net/address.ts";
import { parsePrefix } from "../compiler/net/prefix.ts";
import type { Mode } from "../compiler/node/settings.ts";
import type { FloodPacket, Prober } from "../runtime/kernel/prober.ts";
import { type KernelRules, loadRules } from "../runtime/kernel/rules.ts";
import { openNode } from "../runtime/kernel/world.ts";
import { printIptables, printNft } from "../test/support/compile.ts";
import { CLUSTER_CIDR, makeCluster, NODE_IP, NODE_NAME, SERVICE_CIDR } from "./support/cluster.ts";
import { printIptablesSync } from "./support/kube-proxy-iptables.ts";
import { printFullSync } from "./support/kube-proxy-nft.ts";
import { printJsonList } from "./support/manifests.ts";
import { summarise } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

type Cluster = ReturnType<typeof makeCluster>;

/** Distinct destinations in a flood, and how often each is sent in a round. */
const DESTINATIONS = 200;
const REPEATS = 60;

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "10,1000,10000" },
    endpoints: { type: "string", default: "10" },
    rounds: { type: "string", default: "9" },
    patient: { type: "boolean", default: false },
  },
});

function programOf(cluster: Cluster, mode: Mode): Program {
  const text = [...printJsonList(cluster)].join("");
  const prefix = (block: string) => {
    const parsed = parsePrefix(block);
    if ("kind" in parsed) throw new Error(`${block} is no prefix`);
    return [parsed];
  };
  const { compiled } = compile([{ name: "cluster.json", text }], {
    mode,
    nodeName: NODE_NAME,
    nodeIps: [addressOf(NODE_IP)],
    nodePortAddresses: ["primary"],
    clusterCidr: prefix(CLUSTER_CIDR),
    serviceCidrs: prefix(SERVICE_CIDR),
  });
  if (compiled === undefined) throw new Error("the cluster does not compile");
  return compiled.program;
}

function addressOf(text: string): FloodPacket["flow"]["source"] {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

/** Everything whose cost is wanted. The first is what the others are over. */
function layoutsOf(cluster: Cluster): ReadonlyMap<string, KernelRules> {
  const program = programOf(cluster, "iptables");
  const text = printIptables(program, "ip");
  const kubeProxy = printIptablesSync(cluster);
  const iptables = (ip: string, backend: "nft" | "legacy"): KernelRules => ({ kind: "iptables", backend, ip, ip6: "" });
  return new Map<string, KernelRules>([
    [
      BASE,
      {
        kind: "nft",
        text: "table ip base {\n\tchain nat {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\tip daddr 192.0.2.1 dnat to 192.0.2.2\n\t}\n}\n",
      },
    ],
    ["kpc, nft", { kind: "nft", text: printNft(programOf(cluster, "nftables")) }],
    ["kube-proxy, nftables", { kind: "nft", text: [...printFullSync(cluster)].join("") }],
    ["kpc, iptables-legacy", iptables(text, "legacy")],
    ["kube-proxy, iptables-legacy", iptables(kubeProxy, "legacy")],
    ["kpc, iptables-nft", iptables(text, "nft")],
    ["kube-proxy, iptables-nft", iptables(kubeProxy, "nft")],
  ]);
}

const BASE = "conntrack alone";

/** Packets to Services all over the cluster, and to addresses outside the Service block. */
function floods(cluster: Cluster): { readonly hits: FloodPacket[]; readonly misses: FloodPacket[] } {
  const source = addressOf("10.176.0.1");
  const packet = (destination: string): FloodPacket => ({
    inInterface: "cni0",
    flow: { protocol: 6, source, destination: addressOf(destination), destinationPort: 80 },
  });
  const indices = Array.from({ length: DESTINATIONS }, (_, i) => Math.floor((i * 7919) % cluster.length));
  return {
    hits: indices.map((i) => packet(cluster[i]?.clusterIp ?? "10.96.0.1")),
    misses: indices.map((_, i) => packet(`198.51.${i >> 8}.${i & 255}`)),
  };
}

const nanoseconds = async (prober: Prober, packets: readonly FloodPacket[]): Promise<number> => {
  await prober.forget();
  const { sent, seconds } = await prober.flood(REPEATS, packets);
  if (seconds === 0) throw new Error("perl has no Time::HiRes here (apt-get install perl)");
  return (seconds / sent) * 1e9;
};

/** iptables-nft-restore needs quadratic time for kube-proxy's chains: 12 s for 1,000 Services, more than an hour for 10,000. */
const SLOW = "kube-proxy, iptables-nft";
const SLOW_ABOVE = 2000;

async function measure(size: number): Promise<void> {
  const cluster = makeCluster({ services: size, endpoints: Number(flags.endpoints) });
  const probers = new Map<string, Prober>();
  for (const [name, rules] of layoutsOf(cluster)) {
    if (name === SLOW && size > SLOW_ABOVE && !flags.patient) {
      process.stderr.write(`${size} Services: ${name} left out: loading it takes over an hour (--patient waits)\n`);
      continue;
    }
    process.stderr.write(`${size} Services: loading ${name}\n`);
    const prober = await openNode({ interfaces: ["eth0", "cni0"], addresses: [addressOf(NODE_IP)] });
    await loadRules(prober, rules);
    probers.set(name, prober);
  }
  const asked = floods(cluster);
  const found = new Map([...probers.keys()].map((name) => [name, { hits: [] as number[], misses: [] as number[] }]));
  for (let round = 0; round <= Number(flags.rounds); round++) {
    for (const [name, prober] of probers) {
      for (const kind of ["hits", "misses"] as const) {
        const cost = await nanoseconds(prober, asked[kind]);
        if (round > 0) found.get(name)?.[kind].push(cost); // the first round warms up
      }
    }
  }
  for (const prober of probers.values()) await prober.close();
  report(size, found);
}

function report(size: number, found: ReadonlyMap<string, { hits: number[]; misses: number[] }>): void {
  const base = found.get(BASE) ?? { hits: [], misses: [] };
  const over = (name: string, kind: "hits" | "misses"): number[] =>
    (found.get(name)?.[kind] ?? []).map((cost, round) => cost - (base[kind][round] ?? 0));
  const rows = [...found.keys()].map((name) => {
    const rival = name.startsWith("kpc") ? RIVALS[name] : undefined;
    const cells = (["hits", "misses"] as const).flatMap((kind) => {
      const own = over(name, kind);
      const ratio =
        rival === undefined || !found.has(rival)
          ? "-"
          : summarise(over(rival, kind).map((cost, round) => cost / (own[round] ?? 1))).median.toFixed(2);
      return [
        summarise(found.get(name)?.[kind] ?? []).median.toFixed(0),
        name === BASE ? "-" : summarise(own).median.toFixed(0),
        ratio,
      ];
    });
    return [name, ...cells];
  });
  const head = ["", "hit, ns", "over conntrack", "kube-proxy / kpc", "miss, ns", "over conntrack", "kube-proxy / kpc"];
  process.stdout.write(`\n${size} Services x ${flags.endpoints} endpoints\n\n${printTable([head, ...rows])}`);
}

const RIVALS: Readonly<Record<string, string>> = {
  "kpc, nft": "kube-proxy, nftables",
  "kpc, iptables-legacy": "kube-proxy, iptables-legacy",
  "kpc, iptables-nft": "kube-proxy, iptables-nft",
};

for (const size of flags.sizes.split(",")) await measure(Number(size));
