/** Whether the classifier says of random packets what the evaluator says. */

import { PACKET_BYTES } from "../../../assembly/layout.ts";
import type { Compiled } from "../../../compiler/compile.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Outcome, type Packet } from "../../../compiler/evaluate/packet.ts";
import { printAddressPort } from "../../../compiler/net/address.ts";
import { TableAsked } from "../../classifier/engine.ts";
import { buildPacket } from "../../packet.ts";
import { packetsToServices } from "./random-packets.ts";

export interface Agreement {
  /** The packets, in slots of 64 bytes. */
  readonly slots: Uint8Array;
  readonly agreeing: number;
  readonly compared: number;
}

const PACKETS = 500;

/** Asks both about the same packets. */
export function agreement({ program, node, specs }: Compiled, table: Uint8Array): Agreement {
  const evaluator = new Evaluator(program);
  const environment = environmentOf(node.addresses);
  const asked = new TableAsked(table);
  const packets = packetsToServices(specs, PACKETS);
  const same = packets.filter((packet: Packet) => {
    const [wanted, ...others] = evaluator.evaluateWhole(packet, environment);
    return wanted !== undefined && others.length === 0 && summary(asked.outcome(packet)) === summary(wanted);
  });
  return { slots: slotsOf(packets), agreeing: same.length, compared: packets.length };
}

function slotsOf(packets: readonly Packet[]): Uint8Array {
  const slots = new Uint8Array(packets.length * PACKET_BYTES);
  for (const [i, packet] of packets.entries())
    slots.set(buildPacket(packet).subarray(0, PACKET_BYTES), i * PACKET_BYTES);
  return slots;
}

/** What becomes of the packet, without the rules that led to it. */
function summary({ verdict, rejectWith, endpoints, sticky }: Outcome): string {
  const ends = endpoints.map(
    ({ address, port, probability, masquerade }) =>
      `${printAddressPort(address, port)} ${masquerade} ${probability.toFixed(6)}`,
  );
  return JSON.stringify({ verdict, rejectWith, ends, sticky });
}
