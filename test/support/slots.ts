/** Packets in the slots of a batch, plain ones and odd ones. */
import type { Packet } from "../../compiler/evaluate/packet.ts";
import { buildPacket } from "../../runtime/packet.ts";

export const SLOT_BYTES = 64;

/** A small generator of numbers from 0 to `below` - 1; the same seed gives the same ones. */
export function numbersFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % below;
  };
}

/** Writes the packet into a slot, cut off at its end, with zeros behind it. */
export function writeSlot(slots: Uint8Array, index: number, packet: Uint8Array): void {
  const at = index * SLOT_BYTES;
  const slot = slots.subarray(at, at + SLOT_BYTES);
  slot.fill(0);
  slot.set(packet.subarray(0, SLOT_BYTES));
}

/** One of `packets`, now and then with a bit or a byte of its headers changed. */
export function anyPacket(packets: readonly Packet[], pick: (below: number) => number): Uint8Array {
  const bytes = buildPacket({ ...(packets[pick(packets.length)] as Packet), sourcePort: pick(65536) });
  const changes = pick(4) === 0 ? 1 + pick(3) : 0;
  for (let i = 0; i < changes; i++) {
    const at = pick(Math.min(bytes.length, SLOT_BYTES));
    bytes[at] = pick(2) === 0 ? (bytes[at] as number) ^ (1 << pick(8)) : pick(256);
  }
  return bytes;
}
