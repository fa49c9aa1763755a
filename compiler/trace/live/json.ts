/** A trace of a live host as data for programs. */
import type { DiagnosticData } from "../../documents/render.ts";
import type { Packet } from "../../evaluate/packet.ts";
import { jsonText } from "../../json-output.ts";
import { printAddress } from "../../net/address.ts";
import { packetToJson } from "../json.ts";
import type { AddressNames } from "../names.ts";
import type { LiveComparison, LiveDestination } from "./compare.ts";

/** JSON text of kind `LiveTrace`: the packet, both ways place by place, and `asPredicted`. */
export function liveToJson(
  packet: Packet,
  { rows, predictedTo, observedTo, isAsPredicted }: LiveComparison,
  names: AddressNames,
  errors: readonly DiagnosticData[],
): string {
  const { protocol } = packet;
  const end = (to: LiveDestination | undefined) =>
    to === undefined ? null : { address: printAddress(to.address), port: to.port, ...names.of({ ...to, protocol }) };
  return jsonText("LiveTrace", {
    packet: packetToJson({ packet, assumed: undefined }, names),
    asPredicted: isAsPredicted,
    predictedTo: end(predictedTo),
    observedTo: end(observedTo),
    steps: rows.map(({ predicted, observed }) => ({ predicted: predicted ?? null, observed: observed ?? null })),
    errors,
  });
}
