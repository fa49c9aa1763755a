/** One question asked by many packets: with IP options, extension headers, payloads, as fragments, cut off. What each is to
 *  the rules is known from how it was made. */
import { type NewFlow, PROTOCOL } from "../../runtime/packet.ts";
import {
  authentication,
  EXTENSION,
  fragment,
  type Ipv4Fields,
  ipv4Packet,
  ipv6Packet,
  type Layer,
  options,
  routing,
  transportOf,
} from "./raw-packets.ts";
import { SLOT_BYTES } from "./slots.ts";

/** How rules see a packet: as the first one of its connection, as one that connection tracking cannot place or does not look
 *  at, or not at all. `unseen`: bytes that were not given would decide. */
export type Standing = "new" | "invalid" | "untracked" | "fragment" | "malformed" | "unseen";

export interface DressedPacket {
  readonly dress: string;
  readonly bytes: Uint8Array;
  /** Where its source port or identifier is, which may be any; undefined where it has none that counts. */
  readonly portAt: number | undefined;
  /** What it is with all of its bytes. */
  readonly whole: Standing;
  /** What it is in the slot of a batch; undefined when it has to stay out of one. */
  readonly inSlot: Standing | undefined;
}

export type Pick = (below: number) => number;

/** The first packet of a flow in every dress there is; `pick` decides about lengths, orders and kinds. */
export function dress(flow: NewFlow, pick: Pick): DressedPacket[] {
  return typeof flow.source === "bigint" ? dress6(flow, pick) : dress4(flow, pick);
}

/** The least that connection tracking wants of a transport header. */
const LEAST: Readonly<Record<number, number>> = {
  [PROTOCOL.tcp]: 20,
  [PROTOCOL.udp]: 8,
  [PROTOCOL.sctp]: 12,
  [PROTOCOL.icmp]: 8,
  [PROTOCOL.icmpv6]: 8,
};

function leastOf({ protocol }: NewFlow): number {
  return LEAST[protocol] ?? 0;
}

/** What a packet is in a slot whose transport header begins at `at`. */
function standingInSlot(flow: NewFlow, at: number, body: Uint8Array, whole: Standing): Standing {
  const least = leastOf(flow);
  // Where there is too little or nothing to be seen, it does not matter where it begins.
  return body.length < least || least === 0 || at + least <= SLOT_BYTES ? whole : "unseen";
}

function portAt({ protocol }: NewFlow, at: number, whole: Standing): number | undefined {
  if (whole !== "new" || LEAST[protocol] === undefined) return undefined;
  return protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6 ? at + 4 : at;
}

// --- IPv4 ----------------------------------------------------------------------------------------------------------------

function dress4(flow: NewFlow, pick: Pick): DressedPacket[] {
  const make = (name: string, body: Uint8Array, whole: Standing, fields: Ipv4Fields = {}): DressedPacket => {
    const at = 20 + (fields.options?.length ?? 0);
    return {
      dress: name,
      bytes: ipv4Packet(flow, body, { identification: pick(65536), ...fields }),
      portAt: portAt(flow, at, whole),
      whole,
      inSlot: whole === "fragment" ? whole : standingInSlot(flow, at, body, whole),
    };
  };
  const idle = (words: number): Ipv4Fields => ({ options: new Uint8Array(words * 4).fill(1) }); // options that do nothing
  const bare = transportOf(flow);
  return [
    make("plain", bare, "new"),
    make("payload", transportOf(flow, pick(1400)), "new"),
    make("IPv4 options", transportOf(flow, pick(40)), "new", idle(1 + pick(6))),
    make("many IPv4 options", bare, "new", idle(7 + pick(4))),
    make("first fragment", bare, "new", { fragment: MORE }),
    make("later fragment", bare, "fragment", { fragment: pick(2) * MORE + 1 + pick(MORE - 1) }),
    ...shortBodies(flow, pick).map((short) => make("short first fragment", short, "fragment", { fragment: MORE })),
    ...wrongBodies(flow, pick).map(([name, wrong]) => make(name, wrong, "invalid")),
    ...malformed4(flow, bare, pick),
  ];
}

/** The bit that says that more fragments follow; below it is the offset. */
const MORE = 0x2000;

function malformed4(flow: NewFlow, body: Uint8Array, pick: Pick): DressedPacket[] {
  const make = (name: string, fields: Ipv4Fields): DressedPacket => malformed(name, ipv4Packet(flow, body, fields));
  const plain = ipv4Packet(flow, body);
  return [
    make("another version", { first: (anotherVersion(pick) << 4) | 5 }),
    make("IPv4 header below its least", { first: 0x40 | pick(5) }),
    make("total length within the header", { totalLength: pick(20) }),
    { ...malformed("shorter than it says", plain.subarray(0, pick(plain.length))), inSlot: undefined },
  ];
}

function malformed(name: string, bytes: Uint8Array): DressedPacket {
  return { dress: name, bytes, portAt: undefined, whole: "malformed", inSlot: "malformed" };
}

function anotherVersion(pick: Pick): number {
  const version = pick(16);
  return version === 4 || version === 6 ? version + 1 : version;
}

// --- IPv6 ----------------------------------------------------------------------------------------------------------------

function dress6(flow: NewFlow, pick: Pick): DressedPacket[] {
  const make = (name: string, body: Uint8Array, whole: Standing, layers: readonly Layer[] = []): DressedPacket => {
    const at = 40 + layers.reduce((sum, { bytes }) => sum + bytes.length, 0);
    // What an extension header says of itself is in its first eight bytes.
    const isHidden = at - (layers.at(-1)?.bytes.length ?? 8) + 8 > SLOT_BYTES;
    return {
      dress: name,
      bytes: ipv6Packet(flow, body, layers),
      portAt: portAt(flow, at, whole),
      whole,
      inSlot: isHidden ? "unseen" : whole === "fragment" ? whole : standingInSlot(flow, at, body, whole),
    };
  };
  const bare = transportOf(flow);
  return [
    make("plain", bare, "new"),
    make("payload", transportOf(flow, pick(1400)), "new"),
    make("extension header", bare, "new", [anyLayer(pick, true)]),
    make("extension headers", transportOf(flow, pick(40)), "new", [
      anyLayer(pick, true),
      ...Array.from({ length: 1 + pick(3) }, () => anyLayer(pick, false)),
    ]),
    make("first fragment", bare, "new", [fragment(0, true)]),
    make("later fragment", bare, "fragment", [fragment(8 * (1 + pick(8191)), pick(2) === 0)]),
    ...shortBodies(flow, pick).map((short) => make("short first fragment", short, "fragment", [fragment(0, true)])),
    ...wrongBodies(flow, pick).map(([name, wrong]) => make(name, wrong, "invalid")),
    ...(flow.protocol === PROTOCOL.icmpv6
      ? [make("neighbour discovery", typed(flow, DISCOVERY[pick(DISCOVERY.length)] as number), "untracked")]
      : []),
    nothingNext(flow, bare),
    malformed("another version", ipv6Packet(flow, bare, [], { first: anotherVersion(pick) << 4 })),
    malformed("hop-by-hop options beyond the packet", ipv6Packet(flow, TOO_LONG, [], { next: EXTENSION.hopByHop })),
    {
      ...malformed("shorter than it says", ipv6Packet(flow, bare).subarray(0, pick(40 + bare.length))),
      inSlot: undefined,
    },
  ];
}

/** An extension header of any kind behind which a transport header may follow. */
function anyLayer(pick: Pick, isFirst: boolean): Layer {
  const length = 8 * (1 + pick(2));
  switch (pick(4)) {
    case 0:
      return options(isFirst ? EXTENSION.hopByHop : EXTENSION.destination, length);
    case 1:
      return routing(length);
    case 2:
      return authentication(length + 8);
    default:
      return fragment(0, false); // one that is all
  }
}

/** Options that say they are of 24 bytes. */
const TOO_LONG = Uint8Array.of(6, 2, 1, 4, 0, 0, 0, 0);

const DISCOVERY = [130, 131, 132, 133, 134, 135, 136, 143];

/** "No next header": whatever follows, it is no transport header. */
function nothingNext(flow: NewFlow, body: Uint8Array): DressedPacket {
  const bytes = ipv6Packet(flow, body, [], { next: EXTENSION.none });
  return { dress: "no next header", bytes, portAt: undefined, whole: "invalid", inSlot: "invalid" };
}

// --- transport headers ---------------------------------------------------------------------------------------------------

/** One that ends too early, if there is a too early. */
function shortBodies(flow: NewFlow, pick: Pick): Uint8Array[] {
  const least = leastOf(flow);
  return least === 0 ? [] : [transportOf(flow).subarray(0, pick(least))];
}

/** Those that connection tracking can make nothing of. */
function wrongBodies(flow: NewFlow, pick: Pick): [name: string, body: Uint8Array][] {
  const change = (at: number, ...values: number[]): Uint8Array => transportOf(flow, 0, (body) => body.set(values, at));
  const short = shortBodies(flow, pick).map((body): [string, Uint8Array] => ["short transport header", body]);
  switch (flow.protocol) {
    case PROTOCOL.tcp:
      return [
        ...short,
        ["TCP header below its least", change(12, pick(5) << 4)],
        ["TCP header beyond the packet", change(12, (6 + pick(10)) << 4)],
      ];
    case PROTOCOL.udp:
      return [
        ...short,
        ["UDP length below its least", change(4, 0, pick(8))],
        ["UDP length beyond the packet", change(4, 1 + pick(255), pick(256))],
      ];
    case PROTOCOL.icmp:
      return [...short, ["ICMP that opens nothing", typed(flow, ANSWERS[pick(ANSWERS.length)] as number)]];
    case PROTOCOL.icmpv6:
      return [...short, ["ICMP that opens nothing", typed(flow, ANSWERS_V6[pick(ANSWERS_V6.length)] as number)]];
    default:
      return short;
  }
}

/** Types of ICMP that answer something, or that nobody knows. */
const ANSWERS = [0, 3, 4, 5, 9, 11, 12, 14, 16, 18, 19, 255];
const ANSWERS_V6 = [1, 2, 3, 4, 127, 129, 137, 138, 140, 144, 255];

function typed(flow: NewFlow, type: number): Uint8Array {
  return transportOf(flow, 0, (body) => {
    body[0] = type;
  });
}
