/** A predicted walk beside what a lab saw of it: the kernel is the judge. */
import type { Tuple } from "../../compiler/evaluate/connection.ts";
import { unreachable } from "../../compiler/invariant.ts";
import { type Address, printAddress, printAddressPort } from "../../compiler/net/address.ts";
import { type ExpectedSighting, expectedSightings } from "../../compiler/walk/expected.ts";
import type { Leg, Walk, WalkBranch, WalkFlow, WalkStep } from "../../compiler/walk/types.ts";
import type { LabAnswer } from "./answers.ts";
import type { LabSighting, PacketRole } from "./sightings.ts";

/** What a lab has told of one flow. */
export interface ObservedWalk {
  readonly answer: LabAnswer;
  readonly sightings: readonly LabSighting[];
}

/** A place that a packet was to pass beside one that it passed. */
export interface ComparedSighting {
  readonly leg: "request" | "answer";
  /** Undefined: nothing more was predicted. */
  readonly predicted: ExpectedSighting | undefined;
  /** Undefined: it was not seen there. */
  readonly observed: LabSighting | undefined;
  readonly isEqual: boolean;
}

/** The branch of a walk that comes closest to what happened, and both beside each other. */
export interface WalkComparison {
  readonly branch: WalkBranch;
  /** In order of time; up to where a leg is sent again. */
  readonly rows: readonly ComparedSighting[];
  /** What the client has got that was not predicted; undefined: all is as predicted. */
  readonly wrongEnd: string | undefined;
  readonly isEqual: boolean;
}

/** What was observed beside the branch of `walk` that comes closest; undefined: the walk has no branch. */
export function compareWalk({ flow, branches }: Walk, observed: ObservedWalk): WalkComparison | undefined {
  const compared = branches.map((branch) => compareBranch(branch, flow, observed));
  const equal = compared.find(({ isEqual }) => isEqual);
  if (equal !== undefined) return equal;
  const agrees = ({ rows }: WalkComparison): number => {
    const first = rows.findIndex(({ isEqual }) => !isEqual);
    return first < 0 ? rows.length : first;
  };
  const [closest] = [...compared].sort((a, b) => agrees(b) - agrees(a));
  return closest;
}

/** The first difference in words; undefined: all is as predicted. */
export function disagreementIn({ rows, wrongEnd }: WalkComparison): string | undefined {
  const row = rows.find(({ isEqual }) => !isEqual);
  if (row === undefined) return wrongEnd;
  const { leg, predicted, observed } = row;
  const seen = observed === undefined ? "nothing" : sightingText(observed);
  if (predicted === undefined) return `${leg}: nothing more was predicted, ${seen} was seen`;
  return `${leg}: ${expectedText(predicted)} was predicted, ${seen} was seen`;
}

function compareBranch(branch: WalkBranch, flow: WalkFlow, { answer, sightings }: ObservedWalk): WalkComparison {
  const { there, back } = branch;
  const isProxied = wasProxied(there);
  const request: ComparedLeg = {
    leg: "request",
    expected: expectedSightings(there),
    isAnyOrder: isProxied,
    // The prediction ends where a packet is for the second time; the kernel sends it round until its time is over.
    hasMore: there.end.kind === "loop",
  };
  const reply: ComparedLeg = {
    leg: "answer",
    expected: back === undefined ? [] : expectedSightings(back),
    isAnyOrder: isProxied,
    // A proxy answers its client also where it does not get through itself.
    hasMore: back?.end.kind === "loop" || (isProxied && back?.end.kind !== "delivered"),
  };
  const asked = closest(request, ofRole(sightings, "request", isProxied), new PortsOfNat(flow));
  const answered = closest(reply, ofRole(sightings, "answer", isProxied), asked.ports);
  const rows = [...asked.rows, ...answered.rows];
  const wrongEnd = endOf(branch, answer, sightings);
  return { branch, rows, wrongEnd, isEqual: wrongEnd === undefined && rows.every(({ isEqual }) => isEqual) };
}

function wasProxied({ hops }: Leg): boolean {
  return hops.some(({ steps }) => steps.some(({ kind }) => kind === "proxied"));
}

/** What was seen of the first packet, in one or two ways. A packet that is sent again is seen again from its first sighting on: what comes
 *  before that is of the first one. But where the first one waits (for a neighbour, or for a processor that does something else), both go
 *  on side by side: all places see both, none is lost. A proxy sends its own packet again. There each sighting counts once. */
function ofRole(sightings: readonly LabSighting[], role: PacketRole, isProxied: boolean): LabSighting[][] {
  const found = sightings.filter(({ packet }) => packet.role === role);
  const texts = found.map(textWhenSentAgain);
  const again = texts.indexOf(texts[0] ?? "", 1);
  const once = found.filter((_, i) => texts.indexOf(texts[i] ?? "") === i);
  if (again === 1 || isProxied) return [once];
  if (again < 0) return [found];
  const times = (text: string): number => texts.filter((each) => each === text).length;
  const areAllThere = texts.every((text) => times(text) === times(texts[0] ?? ""));
  return areAllThere ? [found.slice(0, again), once] : [found.slice(0, again)];
}

/** What a sighting has in common with that of the same packet when it is sent again: a tunnel may take another source port for it then. */
function textWhenSentAgain(each: LabSighting): string {
  const { carries, tuple, ttl } = each.packet;
  if (carries === undefined) return sightingText(each);
  const outer = packetText({ ttl, tuple: { ...tuple, sourcePort: 0 } });
  return `${each.host} ${each.interface} ${each.direction} ${outer} with ${packetText(carries)}`;
}

/** Ports that NAT chooses are taken from what was seen: a predicted address and port stands for one, or for more where the packet gets the
 *  address as its source more than once. */
class PortsOfNat {
  private readonly chosen: Map<string, Set<number>>;
  private readonly flow: WalkFlow;

  constructor(flow: WalkFlow, chosen: ReadonlyMap<string, ReadonlySet<number>> = new Map()) {
    this.flow = flow;
    this.chosen = new Map([...chosen].map(([address, ports]) => [address, new Set(ports)]));
  }

  copy(): PortsOfNat {
    return new PortsOfNat(this.flow, this.chosen);
  }

  isSame({ tuple, direction, hop }: ExpectedSighting, seen: Tuple, isOuter: boolean): boolean {
    // Whoever sends a packet, as a proxy does, may choose the port.
    const isNew = direction === "out" && (hop.inInterface === undefined || hop.steps.some(changesSource));
    return (
      tuple.source === seen.source &&
      tuple.destination === seen.destination &&
      // A tunnel takes the source port by a hash of the packet inside.
      (isOuter || this.isPort(tuple.source, tuple.sourcePort, seen.sourcePort, isNew)) &&
      this.isPort(tuple.destination, tuple.destinationPort, seen.destinationPort, false)
    );
  }

  private isPort(address: Address, predicted: number, seen: number, isNew: boolean): boolean {
    if (predicted !== this.flow.sourcePort) return predicted === seen;
    const key = printAddress(address);
    const known = this.chosen.get(key) ?? new Set();
    this.chosen.set(key, known);
    if (isNew || known.size === 0) known.add(seen);
    return known.has(seen);
  }
}

function changesSource(step: WalkStep): boolean {
  return step.kind === "translated" && step.by === "rules" && step.from.source !== step.to.source;
}

interface ComparedLeg {
  readonly leg: ComparedSighting["leg"];
  readonly expected: readonly ExpectedSighting[];
  readonly isAnyOrder: boolean;
  /** More may be seen than was predicted. */
  readonly hasMore: boolean;
}

interface LegComparison {
  readonly rows: readonly ComparedSighting[];
  /** What NAT was seen to choose up to the end of the leg. */
  readonly ports: PortsOfNat;
}

/** By the first of the ways in which `seen` can be read where all is as predicted, or else by the first. */
function closest(leg: ComparedLeg, seen: readonly (readonly LabSighting[])[], known: PortsOfNat): LegComparison {
  let first: LegComparison | undefined;
  for (const each of seen) {
    const ports = known.copy();
    const compared = { rows: compareLeg(leg, each, ports), ports };
    if (compared.rows.every(({ isEqual }) => isEqual)) return compared;
    first ??= compared;
  }
  return first ?? { rows: [], ports: known };
}

function compareLeg(
  { leg, expected, isAnyOrder, hasMore }: ComparedLeg,
  seen: readonly LabSighting[],
  ports: PortsOfNat,
): ComparedSighting[] {
  const rows: ComparedSighting[] = [];
  const left = [...seen];
  const add = (predicted: ExpectedSighting | undefined, observed: LabSighting | undefined, isEqual: boolean): void =>
    void rows.push({ leg, predicted, observed, isEqual });
  for (const [i, each] of expected.entries()) {
    const first = left[0];
    const at = isAnyOrder
      ? left.findIndex((other) => isSame(each, other, ports))
      : first && isSame(each, first, ports)
        ? 0
        : -1;
    if (at >= 0) {
      add(each, left.splice(at, 1)[0], true);
      continue;
    }
    if (each.isOptional === true) continue;
    // What was seen before the packet came to this place, if it came there at all, was not predicted.
    const there = left.findIndex((other) => isSamePlace(each, other));
    const later = expected.slice(i + 1).some((next) => first !== undefined && isSamePlace(next, first));
    if (there < 0 || (there > 0 && later)) add(each, undefined, false);
    else {
      for (const extra of left.splice(0, there)) add(undefined, extra, false);
      add(each, left.shift(), false);
    }
  }
  if (!hasMore) for (const extra of left) add(undefined, extra, false);
  return rows;
}

function isSame(each: ExpectedSighting, other: LabSighting, ports: PortsOfNat): boolean {
  const { ttl, tuple, carries } = other.packet;
  return isSamePlace(each, other) && each.ttl === ttl && ports.isSame(each, tuple, carries !== undefined);
}

function isSamePlace(each: ExpectedSighting, other: LabSighting): boolean {
  return each.host === other.host && each.interface === other.interface && each.direction === other.direction;
}

/** ECONNREFUSED and EACCES tell of a refusal, ECONNRESET of a connection that was closed; others of a packet that was lost on its way, if the sender is told at all. */
const REFUSALS: ReadonlySet<number> = new Set([13, 111]);
const CLOSED = 104;
const LOSSES: ReadonlySet<number> = new Set([1, 22, 90, 101, 113]);

function endOf(
  { there, back: answered, notice }: WalkBranch,
  answer: LabAnswer,
  sightings: readonly LabSighting[],
): string | undefined {
  const { end } = there;
  const back = answered?.end;
  const told = answerText(answer);
  // A proxy tells its client that it does not get through, or closes the connection without a word.
  const isClosed = answer.kind === "error" && answer.number === CLOSED && wasProxied(there);
  const isUnavailable = isClosed || (answer.kind === "status" && answer.status >= 502);
  const isLost = answer.kind === "silence" || isUnavailable || (answer.kind === "error" && LOSSES.has(answer.number));
  const isRefused =
    isUnavailable || (answer.kind === "error" && (REFUSALS.has(answer.number) || LOSSES.has(answer.number)));
  const isUnheard = notice !== undefined && notice.end.kind !== "delivered";
  const isRefusal = end.kind === "rejected" || end.kind === "no-target";
  if (isRefusal && isUnheard)
    return answer.kind === "silence" ? undefined : `silence was predicted, the client has ${told}`;
  if (isRefusal) return isRefused ? undefined : `a refusal was predicted, the client has ${told}`;
  if (end.kind === "delivered" && end.answer !== undefined && back?.kind === "delivered")
    return isStatus(answer, end.answer.status)
      ? undefined
      : `${end.answer.status === undefined ? "no HTTP answer" : `the status ${end.answer.status}`} was predicted, the client has ${told}`;
  // What a route of IPv6 prohibits is refused (icmpv6_err_convert).
  const isProhibited = end.kind === "no-route" && end.refused?.kind === "prohibit";
  if (isProhibited && isRefused) return undefined;
  if (end.kind !== "delivered") return isLost ? undefined : `${end.kind} was predicted, the client has ${told}`;
  switch (back?.kind) {
    case "delivered":
      if (answer.kind === "echo") return undefined;
      // A proxy answers what is no request.
      if (answer.kind === "status" && end.forwardedFor === undefined) return undefined;
      if (answer.kind === "served" && answer.address === end.tuple.source)
        return answer.forwardedFor === end.forwardedFor
          ? undefined
          : `${forwardedText(end.forwardedFor)} was predicted, the server has got ${forwardedText(answer.forwardedFor)}`;
      return `an answer to ${printAddress(end.tuple.source)} was predicted, the client has ${told}`;
    case "stranger": {
      const isReset = sightings.some(({ host, packet }) => host === back.host && packet.role === "reset");
      if (!isLost) return `an answer from elsewhere was predicted, the client has ${told}`;
      const isTcp = sightings.some(({ packet }) => packet.protocol === 6);
      return isTcp && !isReset ? "an answer from elsewhere was predicted, and nobody has reset it" : undefined;
    }
    case "rejected":
      return isLost || isRefused ? undefined : `a lost answer was predicted, the client has ${told}`;
    default:
      // However else the answer was lost, or nobody gives one.
      return isLost ? undefined : `a lost answer (${back?.kind}) was predicted, the client has ${told}`;
  }
}

function isStatus(answer: LabAnswer, status: number | undefined): boolean {
  if (status === undefined) return answer.kind === "handshake" || (answer.kind === "error" && answer.number === CLOSED);
  return answer.kind === "status" && answer.status === status;
}

function forwardedText(client: Address | undefined): string {
  return client === undefined ? "no X-Forwarded-For" : `X-Forwarded-For: ${printAddress(client)}`;
}

function answerText(answer: LabAnswer): string {
  switch (answer.kind) {
    case "served":
      return `been seen as ${printAddressPort(answer.address, answer.port)}`;
    case "error":
      return `error ${answer.number}`;
    case "echo":
      return "an echo";
    case "status":
      return `the HTTP status ${answer.status} from a proxy`;
    case "silence":
      return "no answer";
    case "handshake":
      return "a refused TLS handshake";
    default:
      return unreachable(answer);
  }
}

function expectedText(each: ExpectedSighting): string {
  return `${each.host} ${each.interface} ${each.direction} ${packetText(each)}`;
}

function sightingText(each: LabSighting): string {
  return `${each.host} ${each.interface} ${each.direction} ${packetText(each.packet)}`;
}

/** `10.244.1.10:40000 > 10.96.0.20:80 ttl 64`, without ports where there are none. */
export function packetText({ tuple, ttl }: Pick<ExpectedSighting, "tuple" | "ttl">): string {
  const end = (address: Address, port: number): string =>
    port === 0 ? printAddress(address) : printAddressPort(address, port);
  const { source, sourcePort, destination, destinationPort } = tuple;
  return `${end(source, sourcePort)} > ${end(destination, destinationPort)} ttl ${ttl}`;
}
