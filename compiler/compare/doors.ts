/** The ways by which packets come, and their protocols: as far as two programs tell them apart. */
import { allAddresses } from "../evaluate/address-type.ts";
import { hasPorts } from "../evaluate/expression.ts";
import type { Packet, Packets } from "../evaluate/packet.ts";
import { type Cut, Ranges } from "../evaluate/ranges.ts";
import type { Field } from "../evaluate/region.ts";
import type { Expression, KeyPart, Program, Step } from "../ir/types.ts";
import type { Address, Family } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import { findInterfaces } from "../tabulate/interfaces.ts";

/** What all packets of a comparison have in common. */
export interface Door {
  readonly family: Family;
  readonly protocol: number;
  readonly ctState: NonNullable<Packet["ctState"]> | "new";
  readonly inInterface: string | undefined;
  /** The interface is any that no rule names. */
  readonly isAnyInterface: boolean;
}

/** All doors, those first that Services are behind. */
export function doorsOf(programs: readonly Program[], families: readonly Family[]): Door[] {
  const both: Program = { ruleset: { tables: programs.flatMap(({ ruleset }) => ruleset.tables) }, routes: [] };
  const { kinds } = findInterfaces(both);
  const protocols = protocolsIn(both);
  return families.flatMap((family) =>
    (["new", "invalid", "untracked"] as const).flatMap((ctState) =>
      kinds.flatMap(({ example }, i) =>
        [...protocols[family]].map(
          (protocol): Door => ({ family, protocol, ctState, inInterface: example, isAnyInterface: i === 1 }),
        ),
      ),
    ),
  );
}

/** A number that IANA gives to experiments: stands for the protocols that nobody names. */
const UNHEARD_OF = 253;
const PINGS: Readonly<Record<Family, number>> = { IPv4: 1, IPv6: 58 };

function protocolsIn({ ruleset }: Program): Readonly<Record<Family, ReadonlySet<number>>> {
  const found = new Set<number>([...Object.values(PROTOCOL_NUMBERS), UNHEARD_OF]);
  const add = (part: KeyPart): void => {
    if (typeof part === "number" && part < 256) found.add(part);
    if (typeof part !== "object") return;
    for (const border of [Number(part.from), Number(part.to)])
      for (const number of [border - 1, border, border + 1]) if (number >= 0 && number < 256) found.add(number);
  };
  for (const table of ruleset.tables) {
    for (const step of table.chains.flatMap(({ rules }) => rules.flatMap(({ steps }) => steps)))
      for (const part of protocolsOf(step)) add(part);
    for (const { key, elements } of [...table.sets, ...table.maps])
      for (const [i, { type }] of key.entries())
        if (type === "inet_proto")
          for (const element of elements) if (element.key[i] !== undefined) add(element.key[i]);
  }
  return { IPv4: new Set([...found, PINGS.IPv4]), IPv6: new Set([...found, PINGS.IPv6]) };
}

function* protocolsOf(step: Step): Generator<KeyPart> {
  if (step.kind === "compare" && isProtocol(step.left)) yield step.right;
  if (step.kind === "within" && isProtocol(step.left)) yield* step.intervals;
  if (step.kind === "vmap" && typeof step.map !== "string") for (const { key } of step.map) yield* key;
}

function isProtocol(expression: Expression): boolean {
  if (expression.kind === "meta") return expression.key === "l4proto";
  if (expression.kind === "ct") return expression.key === "original-protocol";
  return expression.kind === "header" && (expression.field === "ip protocol" || expression.field === "ip6 nexthdr");
}

/** All packets that come by a door. */
export function packetsOf(door: Door): Packets {
  const { family, protocol, ctState } = door;
  const ports = new Ranges(hasPorts(protocol) && ctState !== "invalid" ? [0, 65536] : [0, 1]);
  const addresses = allAddresses(family);
  return {
    ...inCommon(door),
    family,
    region: { daddr: addresses, dport: ports, saddr: addresses, sport: ports },
  };
}

/** One of them. */
export function packetAt(door: Door, at: Readonly<Record<Field, Cut>>): Packet {
  return {
    ...inCommon(door),
    source: at.saddr as Address,
    destination: at.daddr as Address,
    sourcePort: Number(at.sport),
    destinationPort: Number(at.dport),
  };
}

function inCommon({
  protocol,
  inInterface,
  ctState,
}: Door): Pick<Packet, "protocol" | "inInterface" | "mark" | "ctState"> {
  return { protocol, inInterface, mark: 0, ...(ctState === "new" ? {} : { ctState }) };
}
