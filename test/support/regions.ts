/** Looking a packet up among the regions that a comparison found. */
import type { Box, Range } from "../../compiler/compare/box.ts";
import type { Comparison } from "../../compiler/compare/compare.ts";
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
        door.ctState === ctState &&
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
