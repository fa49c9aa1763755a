/**
 * What the first packet of a connection costs, through our nft and iptables texts and through kube-proxy's layouts of
 * the same Services: TCP, pod to cluster IP, forwarded.
 *
 *   npm run bench:first-packet -- [--sizes 10,1000,10000] [--endpoints 10] [--rounds 19] [--backends nftables,iptables-legacy,iptables-nft]
 *                                 [--patient] [--budget 120] [--ablate nftables]
 *
 * Needs root, nftables, iptables, and perl with Time::HiRes. All layouts of a size stand side by side, each in a namespace
 * of its own, and are measured in turn: nanoseconds for handing a packet to the kernel until it has left, which includes
 * some two microseconds of the tool's own. A round sends the same packets again and again; its figure is that of the
 * repetition that one alone was quicker than, so that what else the machine does counts little. "over conntrack" is what
 * is left when the same is subtracted for a node whose one NAT rule never matches. Medians of the rounds; ratios, to
 * kube-proxy's nftables layout and to its layout for the same backend, of what is over conntrack, round by round, with
 * the range in which half of the rounds are.
 *
 * kube-proxy's nftables layout needs quadratic time to load: it is loaded in pieces, at first all frontends, then the rules of the
 * Services that packets go to and of their neighbours, then those of the others as long as the budget of seconds lasts (`--patient`: all of
 * them). What packets meet is whole; how much else is there is told.
 *
 * With `--ablate nftables` or `--ablate iptables-legacy` (or `-nft`) kpc's own rules are measured instead, with one base
 * chain or rule left out at a time: what each costs a packet. A rule without which packets go elsewhere costs what they
 * no longer meet.
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
import { ablationsOf } from "./support/ablation.ts";
import { CLUSTER_CIDR, makeCluster, NODE_IP, NODE_NAME, SERVICE_CIDR } from "./support/cluster.ts";
import { printIptablesSync } from "./support/kube-proxy-iptables.ts";
import { printInPieces } from "./support/kube-proxy-nft.ts";
import { printJsonList } from "./support/manifests.ts";
import { summarise } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

type Cluster = ReturnType<typeof makeCluster>;

/** Distinct destinations in a flood, and how often each is sent in a round. */
const DESTINATIONS = 200;
const REPEATS = 30;

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "10,1000,10000" },
    endpoints: { type: "string", default: "10" },
    rounds: { type: "string", default: "19" },
    backends: { type: "string", default: "nftables,iptables-legacy,iptables-nft" },
    patient: { type: "boolean", default: false },
    budget: { type: "string", default: "120" },
    ablate: { type: "string" },
  },
});

const SERVICES_IN_LIST = 20_000;

function programOf(cluster: Cluster, mode: Mode): Program {
  // All in one are more than a string can hold.
  const sources = Array.from({ length: Math.ceil(cluster.length / SERVICES_IN_LIST) }, (_, i) => {
    const part = cluster.slice(i * SERVICES_IN_LIST, (i + 1) * SERVICES_IN_LIST);
    return { name: `cluster-${i}.json`, text: [...printJsonList(part)].join("") };
  });
  const prefix = (block: string) => {
    const parsed = parsePrefix(block);
    if ("kind" in parsed) throw new Error(`${block} is no prefix`);
    return [parsed];
  };
  const { compiled } = compile(sources, {
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

const BACKENDS = ["nftables", "iptables-legacy", "iptables-nft"] as const;
type Backend = (typeof BACKENDS)[number];

/** What the others are over. */
const BASE = "conntrack alone";
const BASE_RULES: KernelRules = {
  kind: "nft",
  text: "table ip base {\n\tchain nat {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\tip daddr 192.0.2.1 dnat to 192.0.2.2\n\t}\n}\n",
};

const ours = (backend: Backend): string => `kpc, ${backend}`;
const theirs = (backend: Backend): string => `kube-proxy, ${backend}`;

/** The rules of `program` as `backend` takes them. */
function rulesOf(program: Program, backend: Backend): KernelRules {
  return backend === "nftables"
    ? { kind: "nft", text: printNft(program) }
    : iptablesRules(printIptables(program, "ip"), backend);
}

function iptablesRules(ip: string, backend: Exclude<Backend, "nftables">): KernelRules {
  return { kind: "iptables", backend: backend === "iptables-nft" ? "nft" : "legacy", ip, ip6: "" };
}

const modeOf = (backend: Backend): Mode => (backend === "nftables" ? "nftables" : "iptables");

/** Everything whose cost is wanted. kube-proxy's nftables layout is always there, since all are compared with it. */
function* layoutsOf(cluster: Cluster): Generator<Layout> {
  yield [BASE, BASE_RULES];
  yield [theirs("nftables"), "in pieces"];
  for (const backend of BACKENDS) {
    if (!flags.backends.split(",").includes(backend)) continue;
    yield [ours(backend), rulesOf(programOf(cluster, modeOf(backend)), backend)];
    if (backend !== "nftables") yield [theirs(backend), iptablesRules(printIptablesSync(cluster), backend)];
  }
}

/** kpc's rules without one of their parts. */
function* ablatedOf(cluster: Cluster, backend: Backend): Generator<Layout> {
  const program = programOf(cluster, modeOf(backend));
  yield [BASE, BASE_RULES];
  yield [ours(backend), rulesOf(program, backend)];
  for (const { without, program: rest } of ablationsOf(program)) yield [without, rulesOf(rest, backend)];
}

/** Packets to Services all over the cluster, and to addresses outside the Service block. */
function floods(cluster: Cluster): { readonly hits: FloodPacket[]; readonly misses: FloodPacket[] } {
  const source = addressOf("10.176.0.1");
  const packet = (destination: string): FloodPacket => ({
    inInterface: "cni0",
    flow: { protocol: 6, source, destination: addressOf(destination), destinationPort: 80 },
  });
  const indices = indicesOf(cluster);
  return {
    hits: indices.map((i) => packet(cluster[i]?.clusterIp ?? "10.96.0.1")),
    misses: indices.map((_, i) => packet(`198.51.${i >> 8}.${i & 255}`)),
  };
}

const indicesOf = (cluster: Cluster): number[] =>
  Array.from({ length: DESTINATIONS }, (_, i) => Math.floor((i * 7919) % cluster.length));

const nanoseconds = async (prober: Prober, packets: readonly FloodPacket[]): Promise<number> => {
  await prober.forget();
  const { quickPass } = await prober.flood(REPEATS, packets);
  if (quickPass === 0) throw new Error("perl has no Time::HiRes here (apt-get install perl)");
  return (quickPass / packets.length) * 1e9;
};

/** iptables-nft-restore needs quadratic time for kube-proxy's chains: 12 s for 1,000 Services, more than an hour for 10,000. */
const SLOW = theirs("iptables-nft");
const SLOW_ABOVE = 2000;

interface Costs {
  readonly hits: number[];
  readonly misses: number[];
}

/** Nanoseconds of each round, by layout. */
async function measure(
  size: number,
  layouts: (cluster: Cluster) => Iterable<Layout>,
): Promise<ReadonlyMap<string, Costs>> {
  const cluster = makeCluster({ services: size, endpoints: Number(flags.endpoints) });
  const probers = new Map<string, Prober>();
  for (const [name, rules] of layouts(cluster)) {
    if (name === SLOW && size > SLOW_ABOVE && !flags.patient) {
      process.stderr.write(`${size} Services: ${name} left out: loading it takes over an hour (--patient waits)\n`);
      continue;
    }
    process.stderr.write(`${size} Services: loading ${name}\n`);
    const prober = await openNode({ interfaces: ["eth0", "cni0"], addresses: [addressOf(NODE_IP)] });
    await (rules === "in pieces" ? loadPieces(prober, cluster) : loadRules(prober, rules));
    probers.set(name, prober);
  }
  const asked = floods(cluster);
  const found = new Map([...probers.keys()].map((name): [string, Costs] => [name, { hits: [], misses: [] }]));
  for (let round = 0; round <= Number(flags.rounds); round++) {
    for (const [name, prober] of probers) {
      for (const kind of ["hits", "misses"] as const) {
        const cost = await nanoseconds(prober, asked[kind]);
        if (round > 0) found.get(name)?.[kind].push(cost); // the first round warms up
      }
    }
  }
  for (const prober of probers.values()) await prober.close();
  return found;
}

/** "in pieces": kube-proxy's nftables layout. */
type Layout = readonly [name: string, rules: KernelRules | "in pieces"];

/** Loaded with each Service that packets go to: side by side in memory these would be found faster than in a whole table. */
const NEIGHBOURS = 49;

/** Loads kube-proxy's nftables layout, as far as the budget lasts. */
async function loadPieces(prober: Prober, cluster: Cluster): Promise<void> {
  const start = performance.now();
  const asked = new Set(indicesOf(cluster).flatMap((index) => cluster.slice(index, index + NEIGHBOURS + 1)));
  let services = 0;
  for (const piece of printInPieces(cluster, asked)) {
    const seconds = (performance.now() - start) / 1000;
    if (services >= asked.size && seconds > Number(flags.budget) && !flags.patient) break;
    await prober.run("nft -f /dev/stdin", piece.text);
    services += piece.services;
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  process.stderr.write(
    `  all ${cluster.length} frontends, and the rules of ${services} Services, were loaded in ${seconds} s\n`,
  );
}

const medianOf = (values: readonly number[]): number => summarise(values).median;

/** What `name` costs more than `less`, round by round. */
function over(found: ReadonlyMap<string, Costs>, name: string, less: string, kind: keyof Costs): number[] {
  const base = found.get(less)?.[kind] ?? [];
  return (found.get(name)?.[kind] ?? []).map((cost, round) => cost - (base[round] ?? NaN));
}

function report(size: number, found: ReadonlyMap<string, Costs>): void {
  const ratio = (name: string, rival: string | undefined, kind: keyof Costs): string => {
    if (rival === undefined || rival === name || name === BASE || !found.has(rival)) return "-";
    const theirCosts = over(found, rival, BASE, kind);
    const ratios = over(found, name, BASE, kind).map((cost, round) => cost / (theirCosts[round] ?? NaN));
    const { median, low, high } = summarise(ratios);
    return `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;
  };
  const rows = [...found.keys()].map((name) => [
    name,
    ...(["hits", "misses"] as const).flatMap((kind) => [
      medianOf(found.get(name)?.[kind] ?? []).toFixed(0),
      name === BASE ? "-" : medianOf(over(found, name, BASE, kind)).toFixed(0),
      ratio(name, theirs("nftables"), kind),
      ratio(name, RIVALS.get(name), kind),
    ]),
  ]);
  const columns = (what: string): string[] => [`${what}, ns`, "over conntrack", "/ k-p nftables", "/ k-p same"];
  const head = ["", ...columns("hit"), ...columns("miss")];
  process.stdout.write(`\n${size} Services x ${flags.endpoints} endpoints\n\n${printTable([head, ...rows])}`);
}

/** Of all rounds: what else the machine does only adds to it. */
const leastOf = (found: ReadonlyMap<string, Costs>, name: string, kind: keyof Costs): number =>
  summarise(found.get(name)?.[kind] ?? []).min;

const RIVALS = new Map(BACKENDS.map((backend) => [ours(backend), theirs(backend)]));

function reportAblation(size: number, backend: Backend, found: ReadonlyMap<string, Costs>): void {
  const whole = ours(backend);
  const rows = [...found.keys()]
    .filter((name) => name !== BASE)
    .map((name) => {
      const costs = (["hits", "misses"] as const).map((kind) =>
        (leastOf(found, whole, kind) - leastOf(found, name === whole ? BASE : name, kind)).toFixed(0),
      );
      return [name === whole ? `${whole}: all of it, over conntrack` : name, ...costs];
    });
  const head = ["without it, ns less", "hit", "miss"];
  process.stdout.write(`\n${size} Services x ${flags.endpoints} endpoints\n\n${printTable([head, ...rows])}`);
}

const ablated = BACKENDS.find((backend) => backend === flags.ablate);
if (flags.ablate !== undefined && ablated === undefined) throw new Error(`--ablate: one of ${BACKENDS.join(", ")}`);
for (const size of flags.sizes.split(",").map(Number)) {
  if (ablated === undefined) report(size, await measure(size, layoutsOf));
  else reportAblation(size, ablated, await measure(size, (cluster) => ablatedOf(cluster, ablated)));
}
