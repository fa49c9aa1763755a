/** What the kernel does with packets, in the words of comparisons: for rules of others, whose way of accepting is unknown. */

import { type Destination, type Disposition, destinationOf } from "../../compiler/evaluate/disposition.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import type { Environment, Outcome, Packet } from "../../compiler/evaluate/packet.ts";
import { ALWAYS, type Condition, NEVER, whereKnown } from "../../compiler/evaluate/unknown/condition.ts";
import { partHolds } from "../../compiler/ir/interval.ts";
import type { Program, Value } from "../../compiler/ir/types.ts";
import { type Address, type Family, familyOf, printAddressPort } from "../../compiler/net/address.ts";
import { type Observation, observe } from "../../runtime/kernel/observe.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import { type KernelRules, loadRules } from "../../runtime/kernel/rules.ts";
import { textInTurns } from "./judged-texts.ts";

/** A packet, and what is foretold of it. */
export interface Foretold {
  readonly packet: Packet;
  readonly outcome: Outcome;
}

export interface Misjudged {
  readonly packet: Packet;
  readonly foretold: readonly string[];
  readonly seen: readonly string[];
}

/** A node of tests: where packets leave it. */
export interface Site {
  readonly environment: Environment;
  readonly outer: string;
}

/** What `program` does to `packet` in the prober's world, where more is known of a packet than evaluation knows: by which
 *  interface it leaves, and that pings are pings. Undefined where it depends on what is not known there either. */
export function foretell(program: Evaluator | Program, packet: Packet, site: Site): Foretold | undefined {
  const evaluator = program instanceof Evaluator ? program : new Evaluator(program);
  const outcomes = evaluator.evaluateWhole(packet, site.environment).filter((outcome) => {
    return asFarAsKnown(packet, outcome, site) !== NEVER;
  });
  const [outcome, ...others] = outcomes;
  if (outcome === undefined || others.length > 0) return undefined;
  return asFarAsKnown(packet, outcome, site) === ALWAYS ? { packet, outcome } : undefined;
}

/** What an outcome hangs on besides the facts. */
function asFarAsKnown(packet: Packet, outcome: Outcome, site: Site): Condition {
  const facts = factsAbout(packet, outcome, site);
  return whereKnown(outcome.condition, ({ about }) => {
    const value = about === undefined ? undefined : facts[about.subject];
    return value === undefined ? undefined : about?.values.some((part) => partHolds(part, value));
  });
}

function factsAbout(packet: Packet, { endpoints }: Outcome, site: Site): Readonly<Record<string, Value>> {
  const ends = new Set(
    [packet.destination, ...endpoints.map(({ address }) => address)].map((each) => isOwn(each, site)),
  );
  const leaves: Record<string, Value> = {};
  if (ends.size === 1) {
    const name = ends.has(true) ? "lo" : site.outer;
    Object.assign(leaves, { "meta oifname": name, "meta oif": name });
  }
  return { ...leaves, "icmp type": 8, "icmp code": 0, "icmpv6 type": 128, "icmpv6 code": 0 };
}

function isOwn(address: Address, { environment }: Site): boolean {
  if (environment.localAddresses.has(address)) return true;
  return typeof address === "number" ? address >>> 24 === 127 : address === 1n;
}

/** Whether packets like this one can come to a node, and leave it: others end at the kernel's kind of traffic. */
export function canTravel(packet: Packet, site: Site): boolean {
  const { source, sourcePort, destination, inInterface, ctState, mark, protocol } = packet;
  // The prober chooses source ports, of those that it may use.
  if (sourcePort === 0 && WITH_PORTS.has(protocol)) return false;
  if (ctState !== undefined || mark !== 0 || inInterface === "lo" || source === destination) return false;
  if (!(inInterface === undefined ? SENT : FORWARDED[familyOf(source)]).has(protocol)) return false;
  if (!isUnicast(source) || !isUnicast(destination)) return false;
  // Own addresses do not come from elsewhere; and what is sent from here has one of them, lest replies leave.
  if (inInterface !== undefined) return !isOwn(source, site) && !isLoopback(destination);
  return isOwn(source, site) && isLoopback(source) === isLoopback(destination);
}

/** Protocols of which the prober makes packets that are right to the last byte, so that nothing but rules stops them. */
const FORWARDED: Readonly<Record<Family, ReadonlySet<number>>> = {
  IPv4: new Set([1, 6, 17, 132]),
  IPv6: new Set([6, 17, 58, 132]),
};
const SENT: ReadonlySet<number> = new Set([6, 17]);
const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 132]);

function isUnicast(address: Address): boolean {
  if (typeof address === "number") {
    const first = address >>> 24;
    return first > 0 && first < 224 && address !== LOOPBACK_BROADCAST;
  }
  const first = Number(address >> 112n);
  return address === 1n || (first >= 0x2000 && first < 0xfe00);
}

/** The kernel's routing table has it as a broadcast address, not as one of the node's. */
const LOOPBACK_BROADCAST = 0x7fffffff;

function isLoopback(address: Address): boolean {
  return typeof address === "number" ? address >>> 24 === 127 : address === 1n;
}

/** Lets connection tracking look at packets whatever rules there are: in a namespace in which no rule asks for it, it does not,
 *  and then the kernel (6.18) visits no chain of type nat either. What does it stays where nft's rules are replaced. */
export async function trackConnections(prober: Prober): Promise<void> {
  for (const tool of ["iptables-legacy", "ip6tables-legacy"])
    await prober.run(`${tool} -t raw -A PREROUTING -m conntrack --ctstate NEW`);
}

/** Of what is foretold, what the kernel does otherwise under `rules`. Throws what it says when it refuses them. */
export async function findMisjudged(
  prober: Prober,
  rules: KernelRules,
  all: readonly Foretold[],
): Promise<Misjudged[]> {
  await loadRules(prober, textInTurns(rules, "forgetful"));
  const answers = await prober.send(
    all.map(({ packet, outcome }) => {
      const { inInterface, protocol, source, destination, destinationPort } = packet;
      return {
        inInterface,
        flow: { protocol, source, destination, destinationPort },
        times: outcome.results.length + 1,
      };
    }),
  );
  return all.flatMap(({ packet, outcome }, i): Misjudged[] => {
    const view = viewOf(outcome, packet);
    const foretold = wordsFor(outcome, packet, view);
    const seen = [...new Set((answers[i] ?? []).map((answer) => wordsOf(observe(answer), view)))].sort();
    // A refusal has to pass the rules for what the node sends, and a limit of the kernel's: it may be lost there.
    const isRefused = foretold.some((word) => word.startsWith("reject"));
    const isLost = isRefused && seen.every((word) => word === "drop" || foretold.includes(word));
    const isPart = view.isSpread && seen.length > 0 && seen.every((word) => foretold.includes(word));
    return isLost || isPart || seen.join() === foretold.join() ? [] : [{ packet, foretold, seen }];
  });
}

/** What cannot be seen of a packet from outside, by the rules that decide about it. */
interface View {
  /** Rules send it to one of several addresses: the kernel chooses by the client's address, so one packet meets one of them. */
  readonly isSpread: boolean;
  /** Which of the node's addresses a redirected packet gets hangs on the interface that it came by: any of them will do. */
  readonly isRedirected: boolean;
  /** A new source that may be the old one, and the source of the node's own packets, do not show. */
  readonly hidesSource: boolean;
}

function viewOf({ results }: Outcome, { source, inInterface }: Packet): View {
  const steps = results.flatMap(({ reasons }) => reasons.flatMap(({ rule }) => rule.steps));
  const literals = steps.flatMap((step) =>
    (step.kind === "dnat" || step.kind === "snat") && step.to.kind === "literal" && step.to.addresses !== undefined
      ? [{ kind: step.kind, addresses: step.to.addresses }]
      : [],
  );
  return {
    isSpread: literals.some(({ addresses }) => addresses.from !== addresses.to),
    isRedirected: steps.some(({ kind }) => kind === "redirect"),
    hidesSource:
      inInterface === undefined ||
      literals.some(({ kind, addresses }) => {
        return kind === "snat" && typeof addresses.from === typeof source && partHolds(addresses, source);
      }),
  };
}

/** Everything that can happen. Chances, and what is remembered, are not seen; nor is a new source of the node's own packets
 *  where it is the old one, nor a translation to where a packet goes anyway. */
function wordsFor({ results }: Outcome, packet: Packet, view: View): string[] {
  return [...new Set(results.map(({ disposition }) => foretoldWords(disposition, packet, view)))].sort();
}

function foretoldWords(disposition: Disposition, packet: Packet, view: View): string {
  if (disposition.kind === "drop") return "drop";
  if (disposition.kind === "reject") {
    const code = CODES[typeof packet.source === "number" ? 4 : 6][disposition.with];
    return `reject with ${code === undefined ? disposition.with : `icmp ${code}`}`;
  }
  const { source, takenBy } = disposition;
  const to = destinationOf(disposition);
  const isSeen =
    to !== undefined && (view.isRedirected || to.address !== packet.destination || to.port !== packet.destinationPort);
  const taken = takenBy.map((text) => `, taken by ${text}`).join("");
  return `${isSeen ? whereTo(to, view.isRedirected) : "pass"}${withSource(source.kind !== "kept", view)}${taken}`;
}

function wordsOf(observation: Observation, view: View): string {
  if (observation.kind === "drop") return "drop";
  if (observation.kind === "reject") return `reject with ${observation.with}`;
  const { translated, masquerade, local } = observation;
  const isAtNode = view.isRedirected && local;
  const where = translated || isAtNode ? whereTo(observation, isAtNode) : "pass";
  return `${where}${withSource(masquerade, view)}`;
}

/** Which of its addresses a packet has that is redirected to the node is not told. */
function whereTo({ address, port }: Destination, isAtNode: boolean): string {
  return isAtNode ? `to the node:${port}` : `to ${printAddressPort(address, port)}`;
}

/** That a packet has another source can be seen, but not by which rule; and not always. */
function withSource(isNew: boolean, { hidesSource }: View): string {
  return isNew && !hidesSource ? ", masqueraded" : "";
}

/** Types and codes of refusals that have no word where they are observed. */
const CODES: Readonly<Record<4 | 6, Readonly<Record<string, string>>>> = {
  4: { "host-prohibited": "3/10", "net-prohibited": "3/9", "protocol-unreachable": "3/2" },
  6: { "policy-fail": "1/5", "reject-route": "1/6" },
};
