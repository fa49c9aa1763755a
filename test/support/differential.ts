/** The reference held against the kernel: the same cluster, the same packets, every text. */
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { verdictOf } from "../../compiler/evaluate/outcome.ts";
import { environmentOf, type Outcome, type Packet } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, parseAddress, printAddress, printAddressPort } from "../../compiler/net/address.ts";
import { type JudgedOutcome, type JudgedRules, judge, judgedProgram } from "../../runtime/kernel/judge.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import type { KernelRules } from "../../runtime/kernel/rules.ts";
import { openNode } from "../../runtime/kernel/world.ts";
import { type ClusterInput, NODE_IPS } from "./arbitraries.ts";
import { mustCompile, printIptables, printNft } from "./compile.ts";

/** The kernel's judges, by the name of the engine that each is. */
export const JUDGES = ["kernel-nft", "kernel-iptables-nft", "kernel-iptables-legacy"] as const;

export type Judge = (typeof JUDGES)[number];

/** `program` as it is loaded to be judged. */
export function judgedFor(name: Judge, program: Program): JudgedRules {
  return judgedProgram(program, (changed) => rulesFor(name, changed));
}

/** What `judge` loads of a program. */
export function rulesFor(name: Judge, program: Program): KernelRules {
  if (name === "kernel-nft") return { kind: "nft", text: printNft(program) };
  const backend = name === "kernel-iptables-nft" ? "nft" : "legacy";
  return { kind: "iptables", backend, ip: printIptables(program, "ip"), ip6: printIptables(program, "ip6") };
}

/** A node as all generated clusters have it. */
export function openTestNode(): Promise<Prober> {
  const addresses = NODE_IPS.map((text) => {
    const address = parseAddress(text);
    if (address === undefined) throw new Error(`${text} is no address`);
    return address;
  });
  return openNode({ interfaces: ["eth0", "cni0", "cni1"], addresses });
}

/** A packet about whose fate a judge and the reference disagree. */
export interface Disagreement {
  readonly judge: Judge;
  readonly packet: string;
  readonly predicted: string;
  readonly observed: string;
}

/** A packet and what the reference says of it. */
export interface PredictedPacket {
  readonly packet: Packet;
  readonly outcome: Outcome;
}

/** What the reference says of `packets`. */
export function predictAll(cluster: ClusterInput, packets: Iterable<Packet>): PredictedPacket[] {
  const { program, node } = mustCompile(cluster);
  const evaluator = new Evaluator(program);
  const environment = environmentOf(node.addresses);
  return Array.from(packets, (packet) => {
    const [outcome, ...others] = evaluator.evaluateWhole(packet, environment);
    if (outcome === undefined || others.length > 0) throw new Error("one outcome is expected");
    return { packet, outcome };
  });
}

/** What `rules` do in the kernel that `predictions` do not say. */
export async function findDisagreements(
  prober: Prober,
  name: Judge,
  rules: JudgedRules,
  predictions: readonly PredictedPacket[],
): Promise<Disagreement[]> {
  const questions = predictions.map(({ packet, outcome }) => ({ packet, choices: turnsOf(outcome) }));
  const endpointTreatments = await judge(prober, rules, questions);
  return predictions.flatMap((prediction, i): Disagreement[] => {
    const predicted = describePrediction(prediction);
    const observed = describeFate(endpointTreatments[i] as JudgedOutcome, prediction);
    return predicted === observed
      ? []
      : [{ judge: name, packet: describePacket(prediction.packet), predicted, observed }];
  });
}

/** After how many packets each endpoint has had its turn. Where one is met less often than others, rules before it take some of its turns. */
function turnsOf({ results, endpoints }: PredictedPacket["outcome"]): number {
  if (endpoints.length < 2 || areEven(results)) return endpoints.length;
  return Math.ceil(2 / Math.max(Math.min(...results.map(({ probability }) => probability)), LEAST_CHANCE));
}

const LEAST_CHANCE = 1 / 16;

function areEven(results: PredictedPacket["outcome"]["results"]): boolean {
  return results.every(({ probability }) => Math.abs(probability * results.length - 1) < 1e-6);
}

/** Everything that can happen, sorted, without the chances: rules that are judged take turns. */
function describePrediction({ packet, outcome }: PredictedPacket): string {
  const texts = outcome.results.map((result) => {
    const { disposition } = result;
    if (disposition.kind === "reject") return `reject with ${disposition.with}`;
    if (disposition.kind === "drop") return "drop";
    const source = disposition.source.kind === "kept" ? "" : " masqueraded";
    if (disposition.kind === "pass") return `${verdictOf(result)}${source}`;
    const { to } = disposition;
    return isUnseen(packet, to) ? `pass${source}` : `dnat to ${printAddressPort(to.address, to.port)}${source}`;
  });
  return `${[...new Set(texts)].sort().join(", or ")}${outcome.sticky === undefined ? "" : "; sticks"}`;
}

/** A translation to where the packet goes anyway cannot be seen. */
function isUnseen({ destination, destinationPort }: Packet, endpoint: { address: Address; port: number }): boolean {
  return endpoint.address === destination && endpoint.port === destinationPort;
}

/** The same of what was seen. Whether clients stick cannot be seen where there is one endpoint, nor whether a packet was
 *  accepted where it may have been translated unseen: the prediction counts there. */
function describeFate({ observations, accepted, sticks }: JudgedOutcome, { packet, outcome }: PredictedPacket): string {
  const verdict = accepted && !outcome.endpoints.some((endpoint) => isUnseen(packet, endpoint)) ? "accept" : "pass";
  const texts = observations.map((observation) => {
    if (observation.kind === "reject") return `reject with ${observation.with}`;
    if (observation.kind === "drop") return "drop";
    const { address, port, translated, masquerade } = observation;
    return `${translated ? `dnat to ${printAddressPort(address, port)}` : verdict}${masquerade ? " masqueraded" : ""}`;
  });
  // Where an endpoint is met by two ways, or more often than others, two packets meet it also without being remembered: they
  // take turns.
  const { results, endpoints } = outcome;
  const isEven = areEven(results);
  const isSeen = observations.length > 1 && results.length === endpoints.length && isEven;
  const sticky = isSeen ? sticks : outcome.sticky !== undefined;
  return `${[...new Set(texts)].sort().join(", or ")}${sticky ? "; sticks" : ""}`;
}

function describePacket({ protocol, source, destination, destinationPort, inInterface }: Packet): string {
  const from = inInterface === undefined ? "from here" : `by ${inInterface}`;
  return `protocol ${protocol} ${printAddress(source)} (${from}) > ${printAddressPort(destination, destinationPort)}`;
}
