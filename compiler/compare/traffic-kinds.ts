/** Input interfaces and protocols of packets, as far as two programs tell them apart. */
import { readsProtocol } from "../evaluate/field.ts";
import { ctStateOf, type Packet, type Tracking } from "../evaluate/packet.ts";
import { CT_STATUS } from "../ir/constants.ts";
import { keyTypesOf, partsOfKey, setsOf } from "../ir/sets.ts";
import { stepsIn } from "../ir/steps.ts";
import type { KeyPart, Program } from "../ir/types.ts";
import { valuesTested } from "../ir/walk.ts";
import type { Address, Family } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { PacketField } from "../packets/packet-set.ts";
import type { Cut } from "../packets/ranges.ts";
import { findInterfaces } from "../tabulate/interfaces.ts";

/** What all packets of a comparison have in common. */
export interface TrafficKind {
  readonly family: Family;
  readonly protocol: number;
  readonly tracking: Tracking;
  readonly inInterface: string | undefined;
  /** The interface is any that no rule names. */
  readonly isAnyInterface: boolean;
}

/** All kinds of traffic, those first that Services are behind. */
export function trafficKindsOf(programs: readonly Program[], families: readonly Family[]): TrafficKind[] {
  const both: Program = { ruleset: { tables: programs.flatMap(({ ruleset }) => ruleset.tables) }, routes: [] };
  const { kinds } = findInterfaces(both);
  const protocols = protocolsIn(both);
  return families.flatMap((family) =>
    TRACKINGS.flatMap((tracking) =>
      kinds.flatMap(({ example }, i) =>
        [...protocols[family]].map(
          (protocol): TrafficKind => ({ family, protocol, tracking, inInterface: example, isAnyInterface: i === 1 }),
        ),
      ),
    ),
  );
}

const TRACKINGS = ["first", "invalid", "untracked", "original", "reply"] as const;

/** A number that IANA gives to experiments: stands for the protocols that nobody names. */
export const OTHER_PROTOCOL = 253;
const PINGS: Readonly<Record<Family, number>> = { IPv4: 1, IPv6: 58 };

function protocolsIn({ ruleset }: Program): Readonly<Record<Family, ReadonlySet<number>>> {
  const found = new Set<number>([...Object.values(PROTOCOL_NUMBERS), OTHER_PROTOCOL]);
  const add = (part: KeyPart): void => {
    if (typeof part === "number" && part < 256) found.add(part);
    if (typeof part !== "object") return;
    for (const border of [Number(part.from), Number(part.to)])
      for (const number of [border - 1, border, border + 1]) if (number >= 0 && number < 256) found.add(number);
  };
  for (const step of stepsIn(ruleset.tables)) for (const part of valuesTested(step, readsProtocol)) add(part);
  for (const table of ruleset.tables) {
    for (const set of setsOf(table))
      for (const [i, type] of keyTypesOf(set).entries())
        if (type === "inet_proto")
          for (const element of set.elements) for (const part of partsOfKey(element).slice(i, i + 1)) add(part);
  }
  return { IPv4: new Set([...found, PINGS.IPv4]), IPv6: new Set([...found, PINGS.IPv6]) };
}

/** Bits of the status of connections that NAT has changed. */
export const TRANSLATED = CT_STATUS.snat | CT_STATUS.dnat;

/** One of the packets by a kind of traffic. */
export function packetAt(
  { protocol, inInterface, tracking }: TrafficKind,
  at: Readonly<Record<PacketField, Cut>>,
): Packet {
  const ctState = ctStateOf(tracking, Number(at.ctstate));
  const status = Number(at.ctstatus);
  const isSent = tracking === "original" || tracking === "reply";
  return {
    protocol,
    inInterface,
    source: at.saddr as Address,
    destination: at.daddr as Address,
    sourcePort: Number(at.sport),
    destinationPort: Number(at.dport),
    mark: Number(at.mark),
    ...(ctState === "new" ? {} : { ctState }),
    ...(status === 0 ? {} : { ctStatus: status }),
    ...(Number(at.ctmark) === 0 ? {} : { ctMark: Number(at.ctmark) }),
    ...(isSent && (status & TRANSLATED) !== 0
      ? { sentTo: { address: at.toaddr as Address, port: Number(at.toport) } }
      : {}),
  };
}
