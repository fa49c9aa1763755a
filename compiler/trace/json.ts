/** A trace as data for programs. */
import { sourceOf } from "../evaluate/disposition.ts";
import type { EndpointOutcome, Outcome, Packet } from "../evaluate/packet.ts";
import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { jsonText } from "../json-output.ts";
import { printAddress } from "../net/address.ts";
import type { Names } from "./names.ts";
import type { TraceSubject } from "./render.ts";
import type { ResolvedPacket } from "./resolve.ts";
import { sliceOf } from "./slice.ts";
import { type StepView, type ViewOptions, viewOf } from "./view.ts";

/** `{packet, outcomes}`: the packet as it was followed, with `inInterfaceAssumed` where the text names no interface, and what
 *  becomes of it, `{assumptions, alternatives?, verdict, rejectWith?, masquerade, source?, endpoints, sticky?, steps}`: more than one where that
 *  depends on matches that are not understood. `more`: other members. */
export function traceToJson(
  resolved: ResolvedPacket,
  outcomes: readonly Outcome[],
  subject: TraceSubject,
  more: Readonly<Record<string, unknown>> = {},
): string {
  const { packet } = resolved;
  const { names, rulesWereRead } = subject;
  const options: ViewOptions = { source: packet.source, inInterface: packet.inInterface, names, rulesWereRead };
  return jsonText("Trace", {
    packet: packetToJson(resolved, names),
    outcomes: outcomes.map((outcome) => outcomeToJson(outcome, packet, options)),
    ...more,
  });
}

const ASSUMED = {
  "of this node's pods": "pod of this node",
  "from elsewhere": "not a known pod of this node",
} as const satisfies Readonly<Record<NonNullable<ResolvedPacket["assumed"]>, string>>;

function packetToJson({ packet, assumed }: ResolvedPacket, names: Names): object {
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

function outcomeToJson(outcome: Outcome, packet: Packet, options: ViewOptions): object {
  const { assumptions, choices, verdict, rejectWith, endpoints, sticky, results } = outcome;
  const sources = results.map(({ disposition }) => sourceOf(disposition));
  const [first] = sources;
  const steps = new Map<string, object>();
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

function endpointToJson(endpoint: EndpointOutcome, { protocol }: Packet, names: Names): object {
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

function stepToJson({ place, words, ...step }: StepView): object {
  return { ...step, ...place, ...(words.length === 0 ? {} : { explanation: words }) };
}

function assumptionsToJson(assumptions: Outcome["assumptions"]): object[] {
  return assumptions.map(({ text, holds }) => ({ text, holds }));
}
