/** Looking a packet up among the regions that a comparison found. */
import { type Box, isAny, type Range } from "../../compiler/compare/box.ts";
import type { Comparison } from "../../compiler/compare/compare.ts";
import { ctStatesOf } from "../../compiler/compare/render.ts";
import { hasPorts } from "../../compiler/evaluate/expression.ts";
import type { Packet } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { findInterfaces, interfaceKindOf } from "../../compiler/tabulate/interfaces.ts";

/** Tells whether a comparison of `programs` has found that they treat the first packet of a connection differently. */
export function finderIn({ regions }: Comparison, programs: readonly Program[]): (packet: Packet) => boolean {
  const all: Program = { ruleset: { tables: programs.flatMap(({ ruleset }) => ruleset.tables) }, routes: [] };
  const { interfaces, kinds } = findInterfaces(all);
  return (packet) => {
    const { protocol, ctState = "new" } = packet;
    const showsPorts = hasPorts(protocol) && ctState !== "invalid";
    const asIs = showsPorts ? packet : { ...packet, sourcePort: 0, destinationPort: 0 };
    const inInterface = kinds[interfaceKindOf(interfaces, packet.inInterface)]?.example;
    return regions.some(
      ({ door, box }) =>
        door.protocol === protocol &&
        ctStatesOf(door, box).includes(ctState) &&
        (box.mark.values.includes(packet.mark) || isAny(box.mark)) &&
        door.inInterface === inInterface &&
        typeof box.saddr.from === typeof packet.source &&
        holds(box, asIs),
    );
  };
}

function holds({ saddr, daddr, sport, dport }: Box, packet: Packet): boolean {
  return (
    isIn(saddr, packet.source) &&
    isIn(daddr, packet.destination) &&
    isIn(sport, packet.sourcePort) &&
    isIn(dport, packet.destinationPort)
  );
}

function isIn(range: Range, value: number | bigint): boolean {
  return range.from <= value && value <= range.to;
}
