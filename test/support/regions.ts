/** Looking a packet up among the regions that a comparison found. */
import type { Box, Range } from "../../compiler/compare/box.ts";
import type { Comparison } from "../../compiler/compare/compare.ts";
import type { PacketSpace } from "../../compiler/compare/packet-space.ts";
import { ctStatesOf } from "../../compiler/compare/render.ts";
import { packetAt } from "../../compiler/compare/traffic-kinds.ts";
import { hasPorts } from "../../compiler/evaluate/field.ts";
import type { Packet } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { familyOf } from "../../compiler/net/address.ts";
import { type Cut, type Ranges, valuesIn } from "../../compiler/packets/ranges.ts";
import { findInterfaces, interfaceClassOf } from "../../compiler/tabulate/interfaces.ts";
import type { Picker } from "./dressing.ts";

/** Tells whether a comparison of `programs` has found that they treat a packet differently. It has a mark, and its connection a
 *  status and a mark, that the comparison's ground names. */
export function finderIn({ regions }: Comparison, programs: readonly Program[]): (packet: Packet) => boolean {
  const all: Program = { ruleset: { tables: programs.flatMap(({ ruleset }) => ruleset.tables) }, routes: [] };
  const { interfaces, kinds } = findInterfaces(all);
  return (packet) => {
    const { protocol, ctState = "new" } = packet;
    const showsPorts = hasPorts(protocol) && ctState !== "invalid";
    const asIs = showsPorts ? packet : { ...packet, sourcePort: 0, destinationPort: 0 };
    const inInterface = kinds[interfaceClassOf(interfaces, packet.inInterface)]?.example;
    return regions.some(
      ({ trafficKind, box }) =>
        trafficKind.protocol === protocol &&
        ctStatesOf(trafficKind, box).includes(ctState) &&
        box.mark.values.includes(packet.mark) &&
        box.ctmark.values.includes(packet.ctMark ?? 0) &&
        box.ctstatus.values.includes(packet.ctStatus ?? 0) &&
        trafficKind.inInterface === inInterface &&
        typeof box.saddr.from === typeof packet.source &&
        holds(box, asIs),
    );
  };
}

function holds({ saddr, daddr, sport, dport, toaddr, toport }: Box, packet: Packet): boolean {
  const { sentTo } = packet;
  return (
    (sentTo === undefined || (isIn(toaddr, sentTo.address) && isIn(toport, sentTo.port))) &&
    isIn(saddr, packet.source) &&
    isIn(daddr, packet.destination) &&
    isIn(sport, packet.sourcePort) &&
    isIn(dport, packet.destinationPort)
  );
}

/** A packet with the same addresses and ports, but with another mark, and of a connection of another state: of those that can
 *  come by a kind of traffic of `ground`. */
export function remembered(packet: Packet, space: PacketSpace, sentTo: Packet["sentTo"], pick: Picker): Packet {
  const one = <T>(items: readonly T[]): T | undefined => items[pick(items.length)];
  const family = familyOf(packet.source);
  const trafficKind = one(
    space.trafficKinds.filter((each) => each.family === family && each.protocol === packet.protocol),
  );
  const region = one(trafficKind === undefined ? [] : space.packetsBy(trafficKind))?.region;
  if (trafficKind === undefined || region === undefined) return packet;
  const among = (ranges: Ranges): Cut => one(valuesIn(ranges)) as Cut;
  const hasSeen = trafficKind.tracking !== "invalid";
  return packetAt(
    { ...trafficKind, inInterface: packet.inInterface },
    {
      ...{ daddr: packet.destination, saddr: packet.source },
      ...(hasSeen ? { dport: packet.destinationPort, sport: packet.sourcePort } : { dport: 0, sport: 0 }),
      ...{ mark: among(region.mark), ctstate: among(region.ctstate) },
      ...{ ctstatus: among(region.ctstatus), ctmark: among(region.ctmark) },
      ...{ toaddr: sentTo?.address ?? packet.destination, toport: sentTo?.port ?? packet.destinationPort },
    },
  );
}

function isIn(range: Range, value: number | bigint): boolean {
  return range.from <= value && value <= range.to;
}
