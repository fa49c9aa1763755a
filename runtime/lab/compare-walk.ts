/** A predicted walk beside what a lab saw of it: the kernel is the judge. */
import type { Tuple } from "../../compiler/evaluate/connection.ts";
import { unreachable } from "../../compiler/invariant.ts";
import { type Address, printAddress, printAddressPort } from "../../compiler/net/address.ts";
import type { Walk, WalkBranch, WalkEnd, WalkFlow } from "../../compiler/walk/types.ts";
import { type ExpectedSighting, expectedSightings } from "./expected.ts";
import type { LabAnswer } from "./lab.ts";
import type { LabSighting, PacketRole } from "./sightings.ts";

/** What a lab has told of one flow. */
export interface ObservedWalk {
  readonly answer: LabAnswer;
  readonly sightings: readonly LabSighting[];
}

/** What is wrong with the branch of `walk` that comes closest; undefined: one of them is what happened. */
export function disagreement({ flow, branches }: Walk, observed: ObservedWalk): string | undefined {
  const told = branches.map((branch) => disagreementWith(branch, flow, observed));
  if (told.some((each) => each === undefined)) return undefined;
  const [first] = told.flatMap((each) => each ?? []).sort((a, b) => b.agrees - a.agrees);
  return first?.what ?? "there is no branch";
}

/** `agrees`: how many sightings are as predicted. */
interface Disagreement {
  readonly what: string;
  readonly agrees: number;
}

function disagreementWith(
  { there, back }: WalkBranch,
  flow: WalkFlow,
  { answer, sightings }: ObservedWalk,
): Disagreement | undefined {
  const ports = new PortsOfNat(flow);
  const isProxied = there.hops.some(({ steps }) => steps.some(({ kind }) => kind === "proxied"));
  const requests: ComparedLeg = {
    expected: expectedSightings(there),
    seen: ofRole(sightings, "request"),
    isAnyOrder: isProxied,
    // The prediction ends where a packet is for the second time; the kernel sends it round until its time is over.
    hasMore: there.end.kind === "loop",
  };
  const request = compareLeg(requests, ports);
  if (request.what !== undefined) return { agrees: request.agrees, what: `request: ${request.what}` };
  const answers: ComparedLeg = {
    expected: back === undefined ? [] : expectedSightings(back),
    seen: ofRole(sightings, "answer"),
    isAnyOrder: isProxied,
    // A proxy answers its client also where it does not get through itself.
    hasMore: back?.end.kind === "loop" || (isProxied && back?.end.kind !== "delivered"),
  };
  const reply = compareLeg(answers, ports);
  const agrees = request.agrees + reply.agrees;
  if (reply.what !== undefined) return { agrees, what: `answer: ${reply.what}` };
  const what = endOf(there.end, back?.end, answer, sightings);
  return what === undefined ? undefined : { agrees, what };
}

/** Of the first packet only: one that is sent again is seen again from its first sighting on. */
function ofRole(sightings: readonly LabSighting[], role: PacketRole): LabSighting[] {
  const found = sightings.filter(({ packet }) => packet.role === role);
  const [first, ...others] = found;
  const again = others.findIndex((each) => first !== undefined && sightingText(each) === sightingText(first));
  return again < 0 ? found : found.slice(0, again + 1);
}

/** Ports that NAT chooses are taken from what was seen: each predicted address and port stands for one. */
class PortsOfNat {
  private readonly chosen = new Map<string, number>();
  private readonly flow: WalkFlow;

  constructor(flow: WalkFlow) {
    this.flow = flow;
  }

  isSame(predicted: Tuple, seen: Tuple, isOuter: boolean): boolean {
    return (
      predicted.source === seen.source &&
      predicted.destination === seen.destination &&
      // A tunnel takes the source port by a hash of the packet inside.
      (isOuter || this.isPort(predicted.source, predicted.sourcePort, seen.sourcePort)) &&
      this.isPort(predicted.destination, predicted.destinationPort, seen.destinationPort)
    );
  }

  private isPort(address: Address, predicted: number, seen: number): boolean {
    if (predicted !== this.flow.sourcePort) return predicted === seen;
    const key = printAddress(address);
    const known = this.chosen.get(key);
    if (known === undefined) this.chosen.set(key, seen);
    return (known ?? seen) === seen;
  }
}

interface ComparedLeg {
  readonly expected: readonly ExpectedSighting[];
  readonly seen: readonly LabSighting[];
  readonly isAnyOrder: boolean;
  /** More may be seen than was predicted. */
  readonly hasMore: boolean;
}

function compareLeg(
  { expected, seen, isAnyOrder, hasMore }: ComparedLeg,
  ports: PortsOfNat,
): { readonly what: string | undefined; readonly agrees: number } {
  const isSame = (each: ExpectedSighting, other: LabSighting): boolean =>
    each.host === other.host &&
    each.interface === other.interface &&
    each.direction === other.direction &&
    each.ttl === other.packet.ttl &&
    ports.isSame(each.tuple, other.packet.tuple, other.packet.carries !== undefined);
  const left = [...seen];
  for (const [i, each] of expected.entries()) {
    const at = isAnyOrder ? left.findIndex((other) => isSame(each, other)) : left[0] && isSame(each, left[0]) ? 0 : -1;
    if (at < 0) {
      if (each.isOptional === true) continue;
      const other = left[0];
      return {
        agrees: i,
        what: `${expectedText(each)} was predicted, ${other === undefined ? "nothing" : sightingText(other)} was seen`,
      };
    }
    left.splice(at, 1);
  }
  const more = hasMore ? undefined : left[0];
  return { agrees: expected.length, what: more && `nothing more was predicted, ${sightingText(more)} was seen` };
}

/** ECONNREFUSED and EACCES tell of a refusal; others of a packet that was lost on its way, if the sender is told at all. */
const REFUSALS: ReadonlySet<number> = new Set([13, 111]);
const LOSSES: ReadonlySet<number> = new Set([1, 22, 101, 113]);

function endOf(
  end: WalkEnd,
  back: WalkEnd | undefined,
  answer: LabAnswer,
  sightings: readonly LabSighting[],
): string | undefined {
  const told = answerText(answer);
  const isLost = answer.kind === "silence" || (answer.kind === "error" && LOSSES.has(answer.number));
  const isRefused = answer.kind === "error" && (REFUSALS.has(answer.number) || LOSSES.has(answer.number));
  if (end.kind === "rejected") return isRefused ? undefined : `a refusal was predicted, the client has ${told}`;
  if (end.kind !== "delivered") return isLost ? undefined : `${end.kind} was predicted, the client has ${told}`;
  switch (back?.kind) {
    case "delivered":
      if (answer.kind === "echo") return undefined;
      if (answer.kind === "served" && answer.address === end.tuple.source) return undefined;
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

function answerText(answer: LabAnswer): string {
  switch (answer.kind) {
    case "served":
      return `been seen as ${printAddressPort(answer.address, answer.port)}`;
    case "error":
      return `error ${answer.number}`;
    case "echo":
      return "an echo";
    case "silence":
      return "no answer";
    default:
      return unreachable(answer);
  }
}

function expectedText({ host, interface: name, direction, tuple, ttl }: ExpectedSighting): string {
  return `${host} ${name} ${direction} ${tupleText(tuple)} ttl ${ttl}`;
}

function sightingText({ host, interface: name, direction, packet: { tuple, ttl } }: LabSighting): string {
  return `${host} ${name} ${direction} ${tupleText(tuple)} ttl ${ttl}`;
}

function tupleText({ source, sourcePort, destination, destinationPort }: Tuple): string {
  return `${printAddressPort(source, sourcePort)} > ${printAddressPort(destination, destinationPort)}`;
}
