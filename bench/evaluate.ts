/**
 * How many packets a second the evaluator follows one by one, through the rules of clusters: what traces, expectations and walks
 * through a cluster do.
 *
 *   npm run bench:evaluate -- [--sizes 10x10,1000x10] [--rounds 9] [--milliseconds 100]
 *
 * "steps" are the rules, and runs of rules that are looked up together, that a packet takes. "packets/s" is `Evaluator.evaluate`
 * without routes. The columns behind it are as many times faster or slower: "routed", with a node's routes; "by hooks", the same by
 * `Evaluator.start` and `enter`, hook by hook; "plain", without routes and rule by rule, as `PLAIN` runs them, where a program has
 * few enough rules. All ways take turns in one process and must agree on each packet; figures are medians of the rounds, ratios
 * medians of the ratios of each round.
 */
import { parseArgs } from "node:util";
import { compile } from "../compiler/compile.ts";
import { PLAIN } from "../compiler/evaluate/chain.ts";
import { Evaluator } from "../compiler/evaluate/evaluate.ts";
import { type Environment, environmentOf, type Outcome, type Packet } from "../compiler/evaluate/packet.ts";
import { required } from "../compiler/invariant.ts";
import type { Program } from "../compiler/ir/types.ts";
import { type Address, parseAddress } from "../compiler/net/address.ts";
import { parsePrefix } from "../compiler/net/prefix.ts";
import type { Mode } from "../compiler/node/settings.ts";
import { unfold } from "../test/support/compile.ts";
import { throughHooks } from "../test/support/hooks.ts";
import { nodeWith } from "../test/support/routes.ts";
import { CLUSTER_CIDR, makeCluster, NODE_IP, NODE_NAME, SERVICE_CIDR } from "./support/cluster.ts";
import { printJsonList } from "./support/manifests.ts";
import { summarise } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "10x10,1000x10" },
    rounds: { type: "string", default: "9" },
    milliseconds: { type: "string", default: "100" },
  },
});

/** Packets of each kind. */
const PACKETS = 64;
const FIRST_NODE_PORT = 30_000;
/** Rule by rule, a packet takes too long through a chain of more rules than this. */
const MOST_PLAIN_RULES = 1_000;

type Cluster = ReturnType<typeof makeCluster>;

function addressOf(text: string): Address {
  return required(parseAddress(text), `${text} is an address`);
}

function prefixesOf(text: string) {
  const prefix = parsePrefix(text);
  if ("kind" in prefix) throw new Error(`${text} is not a prefix`);
  return [prefix];
}

/** The cluster's objects, where each Service has a node port. */
function manifestsOf(cluster: Cluster): string {
  const list = JSON.parse([...printJsonList(cluster)].join("")) as {
    readonly items: readonly { readonly kind: string; readonly spec: Record<string, unknown> }[];
  };
  const services = list.items.filter(({ kind }) => kind === "Service");
  for (const [index, { spec }] of services.entries()) {
    const [port] = spec["ports"] as readonly object[];
    spec["type"] = "NodePort";
    spec["ports"] = [{ ...port, nodePort: FIRST_NODE_PORT + index }];
  }
  return JSON.stringify(list);
}

function programOf(text: string, mode: Mode): Program {
  const { compiled, diagnostics } = compile([{ name: "cluster.json", text }], {
    mode,
    nodeName: NODE_NAME,
    nodeIps: [addressOf(NODE_IP)],
    nodePortAddresses: ["primary"],
    clusterCidr: prefixesOf(CLUSTER_CIDR),
    serviceCidrs: prefixesOf(SERVICE_CIDR),
  });
  if (compiled === undefined) throw new Error(diagnostics[0]?.message);
  return compiled.program;
}

/** Everything whose speed is wanted. */
function programsOf(cluster: Cluster): ReadonlyMap<string, Program> {
  const text = manifestsOf(cluster);
  const iptables = programOf(text, "iptables");
  return new Map([
    ["nftables mode", programOf(text, "nftables")],
    ["iptables mode", iptables],
    ["iptables mode, as rules", unfold(iptables)],
  ]);
}

/** Packets to Services all over the cluster, and to addresses that no Service has. */
function packetsOf(cluster: Cluster): ReadonlyMap<string, readonly Packet[]> {
  const indices = Array.from({ length: PACKETS }, (_, i) => (i * 7919) % cluster.length);
  const packets = (
    inInterface: string | undefined,
    source: string,
    to: (index: number, i: number) => readonly [string, number],
  ): Packet[] =>
    indices.map((index, i) => {
      const [destination, destinationPort] = to(index, i);
      const [from, towards] = [addressOf(source), addressOf(destination)];
      const ports = { sourcePort: 40_000 + i, destinationPort };
      return { protocol: 6, source: from, destination: towards, ...ports, inInterface, mark: 0 };
    });
  const clusterIp = (index: number): readonly [string, number] => [cluster[index]?.clusterIp ?? "", 80];
  return new Map([
    ["pod to cluster IP", packets("cni0", "10.176.0.1", clusterIp)],
    ["node to cluster IP", packets(undefined, NODE_IP, clusterIp)],
    ["outside to node port", packets("eth0", "192.0.2.1", (index) => [NODE_IP, FIRST_NODE_PORT + index])],
    ["pod to outside", packets("cni0", "10.176.0.1", (_, i) => [`198.51.100.${i}`, 80])],
  ]);
}

/** One of the ways in which packets are followed. */
interface Way {
  readonly name: string;
  readonly follow: (packet: Packet) => readonly Outcome[];
}

const node = environmentOf([addressOf(NODE_IP)]);
const routedNode = nodeWith([addressOf(NODE_IP)]);

function waysThrough(program: Program): Way[] {
  const evaluator = new Evaluator(program);
  const whole = (each: Evaluator, environment: Environment) => (packet: Packet) =>
    each.evaluateWhole(packet, environment);
  const byHooks = (packet: Packet) => evaluator.outcomesOf(throughHooks(evaluator, packet, routedNode));
  const ways: Way[] = [
    { name: "packets/s", follow: whole(evaluator, node) },
    { name: "routed", follow: whole(evaluator, routedNode) },
    { name: "by hooks", follow: byHooks },
  ];
  const longest = Math.max(...program.ruleset.tables.flatMap(({ chains }) => chains.map(({ rules }) => rules.length)));
  if (longest > MOST_PLAIN_RULES) return ways;
  return [...ways, { name: "plain", follow: whole(new Evaluator(program, PLAIN), node) }];
}

/** Steps for a packet. */
function countSteps(program: Program, packets: readonly Packet[]): number {
  let steps = 0;
  const evaluator = new Evaluator(program);
  const spend = (more: number): void => {
    steps += more;
  };
  for (const packet of packets) evaluator.evaluateWhole(packet, { ...node, spend });
  return steps / packets.length;
}

/** What all ways must agree on. */
function summaryOf(outcomes: readonly Outcome[]): string {
  return JSON.stringify(
    outcomes.map(({ verdict, endpoints }) => [
      verdict,
      endpoints.map(({ address, port, probability }) => [String(address), port, probability.toFixed(6)]),
    ]),
  );
}

function checkWays(ways: readonly Way[], packets: readonly Packet[]): void {
  for (const packet of packets) {
    const [first, ...others] = ways.map(({ follow }) => summaryOf(follow(packet)));
    if (others.some((each) => each !== first)) throw new Error(`${ways.map(({ name }) => name).join(", ")} disagree`);
  }
}

/** Packets a second. */
function rateOf({ follow }: Way, packets: readonly Packet[], milliseconds: number): number {
  const start = performance.now();
  let count = 0;
  let now = start;
  while (now - start < milliseconds) {
    for (const packet of packets) follow(packet);
    count += packets.length;
    now = performance.now();
  }
  return (count / (now - start)) * 1000;
}

function measure(name: string, program: Program, kinds: ReadonlyMap<string, readonly Packet[]>): string[][] {
  const ways = waysThrough(program);
  return [...kinds].map(([kind, packets]) => {
    checkWays(ways, packets);
    const rates = ways.map((): number[] => []);
    for (let round = 0; round <= Number(flags.rounds); round++)
      for (const [at, way] of ways.entries()) {
        const rate = rateOf(way, packets, Number(flags.milliseconds));
        if (round > 0) rates[at]?.push(rate); // the first round warms up
      }
    const [base = [], ...others] = rates;
    const ratios = others.map((own) => summarise(own.map((rate, round) => rate / (base[round] ?? 1))).median);
    return [
      `${name}, ${kind}`,
      countSteps(program, packets).toFixed(1),
      summarise(base).median.toFixed(0),
      ...ratios.map((ratio) => `${ratio.toFixed(2)} x`),
    ];
  });
}

for (const size of flags.sizes.split(",")) {
  const [services = 0, endpoints = 0] = size.split("x").map(Number);
  const cluster = makeCluster({ services, endpoints });
  const kinds = packetsOf(cluster);
  const rows = [...programsOf(cluster)].flatMap(([name, program]) => measure(name, program, kinds));
  const head = ["", "steps", "packets/s", "routed", "by hooks", "plain"];
  process.stdout.write(`\n${services} Services x ${endpoints} endpoints\n\n${printTable([head, ...rows])}`);
}
