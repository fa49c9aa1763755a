/** What a comparison has found, for people and for programs. */
import { lineAndColumn, printPlace } from "../diagnostics.ts";
import { dispositionKey, printDisposition } from "../evaluate/disposition.ts";
import { type Distribution, distributionOf, printDistribution } from "../evaluate/distribution.ts";
import { type CtState, ctStateOf, type Outcome, type Reason, type Result } from "../evaluate/packet.ts";
import { printRule } from "../formats/nft/print.ts";
import { CT_STATUS, PROTOCOL_NAMES } from "../ir/constants.ts";
import { type Address, printAddress, printAddressPort } from "../net/address.ts";
import { prefixOfExample } from "../tabulate/interfaces.ts";
import { type ComparisonAnswer, isWhole, opinionOf } from "./answer.ts";
import { isAny, isAnywhere, type Range } from "./box.ts";
import type { Discrepancy } from "./compare.ts";
import { isReplayable, presented, printWitness } from "./witness.ts";

/** Names of the two sides, and the node's addresses: its own packets come from there. */
export interface Sides {
  readonly left: string;
  readonly right: string;
  readonly addresses: readonly Address[];
}

/** What was proved, and what was not looked at: the end of an answer, behind its regions. */
export function renderConclusion(answer: ComparisonAnswer): string[] {
  return [...renderOpen(answer), `=> ${opinionOf(answer)}${renderGiven(answer)}: ${renderExtent(answer)}`];
}

export function renderGiven({ given }: ComparisonAnswer): string {
  return given.length > 0 ? `, assuming ${given.join(", and ")}` : "";
}

/** The first `limit` of `count` differing regions, with a packet for each. */
export function renderRegions(regions: readonly Discrepancy[], count: number, sides: Sides, limit: number): string[] {
  const shown = inOrder(regions, sides).slice(0, limit);
  const lines = shown.flatMap((region) => [...renderRegion(region, sides), ""]);
  return count > limit ? [...lines, `… and ${count - limit} more (--limit ${count} shows them)`, ""] : lines;
}

/** Regions as they are presented: those first whose packet `kpc trace` takes, but of each way in which the sides differ one before
 *  the second of any. */
function inOrder(regions: readonly Discrepancy[], { addresses }: Pick<Sides, "addresses">): Discrepancy[] {
  const all = regions.map((region) => presented(region, addresses));
  const takes = (region: Discrepancy): boolean => isReplayable(region, addresses);
  const numbers = new Map<Reason["rule"], number>();
  const numberOf = ({ rule }: Reason): number => {
    const number = numbers.get(rule) ?? numbers.size;
    numbers.set(rule, number);
    return number;
  };
  const counts = new Map<string, number>();
  const ranked = [...all.filter(takes), ...all.filter((region) => !takes(region))].map((region) => {
    const { left, right } = region;
    const way = [reasonsOf(left, right), reasonsOf(right, left)]
      .map((reasons) => reasons.map(numberOf).join())
      .join("|");
    const rank = counts.get(way) ?? 0;
    counts.set(way, rank + 1);
    return { region, rank };
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ region }) => region);
}

/** The parts that the comparison left out, a line each. */
export function renderOpen({ open, gaps }: ComparisonAnswer): string[] {
  const lines = [
    ...gaps,
    ...open.map(
      ({ trafficKind, from, reason }) =>
        `${nameOf(trafficKind.protocol)}, ${trafficKind.family}, ${cameBy(trafficKind)}${TRACKED[trafficKind.tracking]}, from ${printAddress(from)} on: ${reason}`,
    ),
  ].map((text) => `not compared: ${text}`);
  return lines.length > 0 ? [...new Set(lines), ""] : [];
}

/** What has been compared, in how many classes. */
export function renderExtent(answer: ComparisonAnswer): string {
  const { differing, boxes, also } = answer;
  if (isWhole(answer) && boxes === 0) return `all packets${also ?? ""}: both sides have the same rules`;
  const extent = isWhole(answer) ? `all packets${also ?? ""}` : "what was compared";
  return `${extent}, in ${boxes} classes${differing > 0 ? `, ${differing} of them different` : ""}`;
}

/** A region that is presented: its packet, all that are like it, and what becomes of them. */
export function renderRegion(region: Discrepancy, sides: Sides): string[] {
  const { trafficKind, box, left, right, assumptions } = region;
  const width = Math.max(sides.left.length, sides.right.length);
  const replay = isReplayable(region, sides.addresses) ? "" : " (kpc trace cannot follow this packet)";
  return [
    `${printWitness(region)}   ${cameBy(trafficKind)}${renderMemory(region)}${replay}`,
    `  all from ${printRange(box.saddr, "address")} port ${printRange(box.sport, "port")} to ${printRange(box.daddr, "address")} port ${printRange(box.dport, "port")}`,
    ...assumptions.map((text) => `  assuming: ${text}`),
    ...renderSide(sides.left.padEnd(width), left, right),
    ...renderSide(sides.right.padEnd(width), right, left),
  ];
}

const TRACKED: Readonly<Record<Discrepancy["trafficKind"]["tracking"], string>> = {
  first: "",
  invalid: ", conntrack state invalid",
  untracked: ", conntrack state untracked",
  original: ", conntrack state established",
  reply: ", conntrack state reply",
};

/** The mark of packets, and what connection tracking knows of them, where it is not that of all first packets. */
function renderMemory({ trafficKind, box }: Discrepancy): string {
  const states = ctStatesOf(trafficKind, box);
  const isFirst = states[0] === "new" && isAny(box.ctstate);
  return [
    ...(isFirst ? [] : [`conntrack state ${states.join(" or ")}`]),
    ...(isAny(box.mark) ? [] : [`mark ${box.mark.values.map(hex).join(" or ")}`]),
    ...(isAny(box.ctmark) ? [] : [`ct mark ${box.ctmark.values.map(hex).join(" or ")}`]),
    ...(isAny(box.ctstatus) ? [] : [`ct status ${box.ctstatus.values.map(printStatus).join(" or ")}`]),
    ...(isAnywhere(box, trafficKind.family) ? [] : [`NAT destination ${printSent(box)}`]),
  ]
    .map((text) => `, ${text}`)
    .join("");
}

/** The states of connection tracking that the packets of a region have, that of its packet first. */
export function ctStatesOf({ tracking }: Discrepancy["trafficKind"], { ctstate }: Discrepancy["box"]): CtState[] {
  const isFirst = tracking === "first";
  const bits = [...ctstate.values].sort((a, b) => (isFirst ? b - a : a - b));
  return bits.map((each) => ctStateOf(tracking, each));
}

function hex(mark: number): string {
  return `0x${mark.toString(16)}`;
}

function printStatus(bits: number): string {
  const names = Object.entries(CT_STATUS).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]));
  return names.length === 0 ? "none" : names.join(",");
}

function printSent({ toaddr, toport }: Discrepancy["box"]): string {
  return `${printRange(toaddr, "address")} port ${printRange(toport, "port")}`;
}

/** One side's outcome in words. `other`: the outcome of the other side. */
function renderSide(name: string, outcome: Outcome, other: Outcome): string[] {
  const decided = new Set(reasonsOf(outcome, other).map(printReason));
  return [
    `  ${name}  ${printDistribution(distributionOf(outcome))}`,
    ...[...decided].slice(0, 4).map((text) => `    ${text}`),
  ];
}

/** The rules that decided, those first that did what the other side does not do, and of these the translations. */
function reasonsOf({ results }: Outcome, other: Outcome): Reason[] {
  const elsewhere = distributionOf(other);
  const isCommon = ({ disposition }: Result): boolean => elsewhere.has(dispositionKey(disposition));
  const groups = [results.filter((result) => !isCommon(result)), results.filter(isCommon)];
  return groups.flatMap((group) => [
    ...group.flatMap(({ reasons }) => reasons.filter(({ translated }) => translated !== undefined)),
    ...group.flatMap(({ reasons, disposition }) => reasons.slice(disposition.kind === "dnat" ? -1 : -2)),
  ]);
}

function printReason(reason: Reason): string {
  const origin = originOf(reason);
  const place = origin === undefined ? "" : `   ${printPlace(origin.span())}`;
  return `${reason.hook} ${reason.chain}: ${printRule(reason.rule, reason.family)}${place}`;
}

function originOf({ element, rule }: Reason): Reason["rule"]["origin"] {
  return element?.origin ?? rule.origin;
}

function printRange({ from, to }: Range, of: "address" | "port"): string {
  const print = (value: number | bigint): string => (of === "port" ? String(value) : printAddress(value as Address));
  if (from === to) return print(from);
  if (of === "port" && from === 0 && to === 65535) return "any";
  return `${print(from)}-${print(to)}`;
}

function nameOf(protocol: number): string {
  return PROTOCOL_NAMES.get(protocol) ?? `protocol ${protocol}`;
}

function cameBy(trafficKind: Discrepancy["trafficKind"]): string {
  const name = printInterface(trafficKind);
  if (name === null) return "sent by the node itself";
  if (name === "*") return "input interface that no rule names";
  const isPrefix = prefixOfExample(trafficKind.inInterface ?? "") !== undefined;
  return isPrefix ? `input interface ${name}, which rules name by a prefix only` : `input interface ${name}`;
}

/** The interface of a kind of traffic: null for packets of the node itself; `*` for one that no rule names, `eth*` for one that only
 *  rules about that prefix mean. A name that looks like one of these is in quotes. */
export function printInterface({ inInterface, isAnyInterface }: Discrepancy["trafficKind"]): string | null {
  if (inInterface === undefined) return null;
  if (isAnyInterface) return "*";
  const prefix = prefixOfExample(inInterface);
  if (prefix !== undefined) return `${prefix}*`;
  return /\*$|^".*"$/.test(inInterface) ? JSON.stringify(inInterface) : inInterface;
}

/** The answer as plain data, `limit` of its regions. */
export function answerToData(answer: ComparisonAnswer, sides: Sides, limit: number) {
  const { regions, differing, boxes, open, gaps, given } = answer;
  return {
    equal: differing === 0 && isWhole(answer),
    verdict: opinionOf(answer) as string,
    assumptions: given,
    classes: boxes,
    differing,
    counterexamples: inOrder(regions, sides)
      .slice(0, limit)
      .map((region) => regionToData(region, sides)),
    stoppedAt: open.map(({ trafficKind, from, reason }) => ({
      protocol: nameOf(trafficKind.protocol),
      family: trafficKind.family,
      ctState: ctStateOf(trafficKind.tracking, 0),
      inInterface: printInterface(trafficKind),
      from: printAddress(from),
      reason,
    })),
    notCompared: gaps,
  };
}

/** A region that is presented with one of its packets, both outcomes, and the rules that decided. `trace`: the packet as `kpc trace` takes it, or
 *  null where it takes none such. */
export function regionToData(region: Discrepancy, { addresses }: Pick<Sides, "addresses">) {
  const { packet, trafficKind, box, left, right, assumptions } = region;
  const isTranslated = !isAnywhere(box, trafficKind.family);
  const range = ({ from, to }: Range): unknown => [printAddress(from as Address), printAddress(to as Address)];
  return {
    protocol: nameOf(packet.protocol),
    inInterface: printInterface(trafficKind),
    ctState: ctStatesOf(trafficKind, box),
    mark: isAny(box.mark) ? null : box.mark.values,
    ctMark: isAny(box.ctmark) ? null : box.ctmark.values,
    ctStatus: isAny(box.ctstatus) ? null : box.ctstatus.values.map(printStatus),
    natDestination: isTranslated ? range(box.toaddr) : null,
    natDestinationPort: isTranslated ? [box.toport.from, box.toport.to] : null,
    packet: {
      source: printAddressPort(packet.source, packet.sourcePort),
      destination: printAddressPort(packet.destination, packet.destinationPort),
      ctState: packet.ctState ?? "new",
    },
    trace: isReplayable(region, addresses) ? printWitness(region) : null,
    source: range(box.saddr),
    sourcePort: [box.sport.from, box.sport.to],
    destination: range(box.daddr),
    destinationPort: [box.dport.from, box.dport.to],
    left: distributionToData(distributionOf(left)),
    right: distributionToData(distributionOf(right)),
    leftRules: rulesToData(left, right),
    rightRules: rulesToData(right, left),
    assumptions,
  };
}

/** The chance of each thing that can happen, by its text. */
function distributionToData(distribution: Distribution): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...distribution.values()].map(({ disposition, probability }) => [printDisposition(disposition), probability]),
  );
}

function rulesToData(outcome: Outcome, other: Outcome): object[] {
  const rules = new Map(reasonsOf(outcome, other).map((reason) => [printReason(reason), reason]));
  return [...rules.values()].slice(0, MOST_RULES).map((reason) => {
    const span = originOf(reason)?.span();
    return {
      hook: reason.hook,
      table: `${reason.family} ${reason.table}`,
      chain: reason.chain,
      rule: printRule(reason.rule, reason.family),
      ...(span === undefined ? {} : { file: span.source.name, ...lineAndColumn(span) }),
    };
  });
}

/** More rules than this are not printed: a Service may have thousands of endpoints. */
const MOST_RULES = 20;
