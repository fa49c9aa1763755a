/** A trace as data for programs. */
import type { Assumed } from "../diagnostics.ts";
import type { PlaceData } from "../documents/render.ts";
import { sourceOf } from "../evaluate/disposition.ts";
import type { EndpointOutcome, Outcome, Packet } from "../evaluate/packet.ts";
import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { jsonText } from "../json-output.ts";
import { printAddress } from "../net/address.ts";
import type { AddressNames, PeerNames } from "./names.ts";
import type { TraceSubject } from "./render.ts";
import type { ResolvedPacket } from "./resolve.ts";
import { sliceOf } from "./slice.ts";
import { type StepMembers, type StepView, type ViewOptions, viewOf } from "./view.ts";

/** A packet as it was followed, with what is known of its ends. */
export interface PacketData {
  readonly protocol: string | number;
  readonly source: string;
  readonly sourcePort: number;
  readonly from: PeerNames;
  readonly destination: string;
  readonly destinationPort: number;
  readonly to: PeerNames;
  /** Null: sent by the node itself. */
  readonly inInterface: string | null;
  /** What the source was taken for, where the text names no interface. */
  readonly inInterfaceAssumed?: string;
  readonly mark: number;
}

/** Something that the rules do not say. */
export interface AssumptionData {
  readonly text: string;
  readonly holds: boolean;
}

/** One of the endpoints that a packet may be sent to. */
export interface EndpointData extends PeerNames {
  readonly address: string;
  readonly port: number;
  readonly probability: number;
  /** Whether the endpoint sees another source address than the client's. */
  readonly masquerade: boolean;
  readonly source?: string;
}

/** A rule that decided, and where it stands. */
export interface StepData extends StepMembers, PlaceData {
  /** What is assumed there, because the input leaves it to a control plane. */
  readonly assumed?: readonly Assumed[];
  /** What the step did, in words. */
  readonly explanation?: readonly string[];
}

/** What happens to a packet where `assumptions` hold, and one of each of `alternatives`. */
export interface OutcomeData {
  readonly assumptions: readonly AssumptionData[];
  readonly alternatives?: readonly (readonly (readonly AssumptionData[])[])[];
  /** `pass`: no rule decided. `mixed`: chance decides between several. */
  readonly verdict: "dnat" | "accept" | "drop" | "reject" | "pass" | "mixed";
  readonly rejectWith?: string;
  readonly masquerade: boolean;
  readonly source?: string;
  readonly endpoints: readonly EndpointData[];
  /** Session affinity. */
  readonly sticky?: { readonly timeoutSeconds: number };
  readonly steps: readonly StepData[];
}

/** A packet and what happens to it: more than one outcome where that depends on matches that are not understood. */
export interface TraceData {
  readonly packet: PacketData;
  readonly outcomes: readonly OutcomeData[];
}

/** A trace as JSON. `more`: other members. */
export function traceToJson(
  resolved: ResolvedPacket,
  outcomes: readonly Outcome[],
  subject: TraceSubject,
  more: Readonly<Record<string, unknown>> = {},
): string {
  return jsonText("Trace", { ...traceToData(resolved, outcomes, subject), ...more });
}

/** A trace as plain data. */
export function traceToData(resolved: ResolvedPacket, outcomes: readonly Outcome[], subject: TraceSubject): TraceData {
  const { packet } = resolved;
  const { names, rulesWereRead } = subject;
  const options: ViewOptions = { source: packet.source, inInterface: packet.inInterface, names, rulesWereRead };
  return {
    packet: packetToJson(resolved, names),
    outcomes: outcomes.map((outcome) => outcomeToJson(outcome, packet, options)),
  };
}

const ASSUMED = {
  "of this node's pods": "pod of this node",
  "from elsewhere": "not a known pod of this node",
} as const satisfies Readonly<Record<NonNullable<ResolvedPacket["assumed"]>, string>>;

/** The packet that was followed, with the names of its ends. */
export function packetToJson({ packet, assumed }: ResolvedPacket, names: AddressNames): PacketData {
  const { protocol, source, sourcePort, destination, destinationPort, inInterface = null, mark } = packet;
  return {
    protocol: PROTOCOL_NAMES.get(protocol) ?? protocol,
    source: printAddress(source),
    sourcePort,
    from: names.of({ address: source, port: sourcePort, protocol }),
    destination: printAddress(destination),
    destinationPort,
    to: names.of({ address: destination, port: destinationPort, protocol }),
    inInterface,
    ...(assumed === undefined ? {} : { inInterfaceAssumed: ASSUMED[assumed] }),
    mark,
  };
}

function outcomeToJson(outcome: Outcome, packet: Packet, options: ViewOptions): OutcomeData {
  const { assumptions, choices, verdict, rejectWith, endpoints, sticky, results } = outcome;
  const sources = results.map(({ disposition }) => sourceOf(disposition));
  const [first] = sources;
  const steps = new Map<string, StepData>();
  for (const result of results) {
    for (const shown of sliceOf(result, options)) {
      const step = stepToJson(viewOf(shown, result, options));
      steps.set(JSON.stringify(step), step);
    }
  }
  return {
    assumptions: assumptionsToJson(assumptions),
    ...(choices.length === 0 ? {} : { alternatives: choices.map(({ ways }) => ways.map(assumptionsToJson)) }),
    verdict,
    ...(rejectWith === undefined ? {} : { rejectWith }),
    masquerade: sources.some(({ kind }) => kind !== "kept"),
    ...(first?.kind === "given" ? { source: first.text } : {}),
    endpoints: endpoints.map((endpoint) => endpointToJson(endpoint, packet, options.names)),
    ...(sticky === undefined ? {} : { sticky }),
    steps: [...steps.values()],
  };
}

function endpointToJson(endpoint: EndpointOutcome, { protocol }: Packet, names: AddressNames): EndpointData {
  const { address, port, probability, masquerade, source } = endpoint;
  return {
    address: printAddress(address),
    port,
    ...names.of({ address, port, protocol }),
    probability,
    masquerade,
    ...(source === undefined ? {} : { source }),
  };
}

function stepToJson({ place, words, ...step }: StepView): StepData {
  return { ...step, ...place, ...(words.length === 0 ? {} : { explanation: words }) };
}

function assumptionsToJson(assumptions: Outcome["assumptions"]): AssumptionData[] {
  return assumptions.map(({ text, holds }) => ({ text, holds }));
}
