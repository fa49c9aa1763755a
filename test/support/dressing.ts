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
  UDP_LITE,
} from "./raw-packets.ts";
import { SLOT_BYTES } from "./slots.ts";

/** How rules see a packet: as the first one of its connection, as one that connection tracking cannot place or does not look
 *  at, or not at all. `unseen`: bytes that were not given would decide. */
export type Standing = "new" | "invalid" | "untracked" | "fragment" | "malformed" | "unseen";

export interface DressedPacket {
  readonly dress: string;
  readonly bytes: Uint8Array;
  /** What rules take for its protocol. */
  readonly protocol: number;
  /** Where its source port or identifier is, which may be any; undefined where it has none that counts. */
  readonly portAt: number | undefined;
  /** What it is with all of its bytes. */
  readonly whole: Standing;
  /** What it is in the slot of a batch; undefined when it has to stay out of one. */
  readonly inSlot: Standing | undefined;
}

export type Picker = (below: number) => number;

/** The first packet of a flow in every dress there is; `pick` decides about lengths, orders and kinds. */
export function dress(flow: NewFlow, pick: Picker): DressedPacket[] {
  return typeof flow.source === "bigint" ? dress6(flow, pick) : dress4(flow, pick);
}

/** The least that connection tracking wants of a transport header. */
const LEAST: Readonly<Record<number, number>> = {
  [PROTOCOL.tcp]: 20,
  [PROTOCOL.udp]: 8,
  [PROTOCOL.sctp]: 16, // with the beginning of a chunk
  [PROTOCOL.icmp]: 8,
  [PROTOCOL.icmpv6]: 8,
  [UDP_LITE]: 8,
};

function leastOf({ protocol }: NewFlow): number {
  return LEAST[protocol] ?? 0;
}

/** What a packet is in a slot whose transport header begins at `at`. */
function standingInSlot(flow: NewFlow, at: number, body: Uint8Array, whole: Standing): Standing {
  if (whole === "fragment" || body.length < leastOf(flow)) return whole; // it does not matter what it begins with
  const read = flow.protocol === GRE ? Math.min(8, body.length) : leastOf(flow);
  return read > 0 && at + read > SLOT_BYTES ? "unseen" : whole;
}

function portAt({ protocol }: NewFlow, at: number, whole: Standing): number | undefined {
  if (whole !== "new" || LEAST[protocol] === undefined) return undefined;
  return protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6 ? at + 4 : at;
}

/** The kernel's connection tracking adds up only the lowest byte of the length when it checks UDP-Lite in IPv4. */
function longest({ protocol }: NewFlow): number {
  return protocol === UDP_LITE ? 200 : 1400;
}

/** Bodies that are a fragment for themselves: as they are, and one that ends within its transport header. */
function firstParts(flow: NewFlow, pick: Picker): [standing: Standing, body: Uint8Array][] {
  // All fragments but the last are of a multiple of eight bytes.
  const whole = transportOf(flow, (8 - (transportOf(flow).length & 7)) & 7);
  const rooms = Math.floor((leastOf(flow) - 1) / 8);
  if (rooms < 1) return [["new", whole]];
  return [
    ["new", whole],
    ["fragment", whole.subarray(0, 8 * (1 + pick(rooms)))],
  ];
}

// --- IPv4 ----------------------------------------------------------------------------------------------------------------

function dress4(flow: NewFlow, pick: Picker): DressedPacket[] {
  const make = (name: string, body: Uint8Array, whole: Standing, fields: Ipv4Fields = {}): DressedPacket => {
    const at = 20 + (fields.options?.length ?? 0);
    return {
      dress: name,
      protocol: flow.protocol,
      bytes: ipv4Packet(flow, body, { identification: pick(65536), ...fields }),
      portAt: portAt(flow, at, whole),
      whole,
      inSlot: standingInSlot(flow, at, body, whole),
    };
  };
  const idle = (words: number): Ipv4Fields => ({ options: new Uint8Array(words * 4).fill(1) }); // options that do nothing
  const bare = transportOf(flow);
  return [
    make("plain", bare, "new"),
    make("payload", transportOf(flow, pick(longest(flow))), "new"),
    make("IPv4 options", transportOf(flow, pick(40)), "new", idle(1 + pick(6))),
    make("many IPv4 options", bare, "new", idle(7 + pick(4))),
    ...firstParts(flow, pick).map(([whole, body]) => make("first fragment", body, whole, { fragment: MORE })),
    make("later fragment", bare, "fragment", { fragment: pick(2) * MORE + 1 + pick(MORE - 1) }),
    ...wrongBodies(flow, pick).map(([name, wrong]) => make(name, wrong, "invalid")),
    ...malformed4(flow, bare, pick),
  ];
}

/** The bit that says that more fragments follow; below it is the offset. */
const MORE = 0x2000;

function malformed4(flow: NewFlow, body: Uint8Array, pick: Picker): DressedPacket[] {
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
  return { dress: name, protocol: 0, bytes, portAt: undefined, whole: "malformed", inSlot: "malformed" };
}

function anotherVersion(pick: Picker): number {
  const version = pick(16);
  return version === 4 || version === 6 ? version + 1 : version;
}

// --- IPv6 ----------------------------------------------------------------------------------------------------------------

function dress6(flow: NewFlow, pick: Picker): DressedPacket[] {
  // Fragments that are neither the last nor of a multiple of eight bytes are not gathered: they go on as they are.
  const oddLength = transportOf(flow).length % 8 === 0 ? 4 : 0;
  const make = (name: string, body: Uint8Array, whole: Standing, layers: readonly Layer[] = []): DressedPacket => {
    const at = 40 + layers.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const last = layers.at(-1);
    // What an extension header says of itself is in its first two bytes, or four.
    const isHidden =
      last !== undefined && at - last.bytes.length + (last.next === EXTENSION.fragment ? 4 : 2) > SLOT_BYTES;
    const isAuthenticated = layers.some(({ next }) => next === EXTENSION.authentication);
    return {
      dress: name,
      protocol: isAuthenticated ? EXTENSION.authentication : flow.protocol,
      bytes: ipv6Packet(flow, body, layers),
      portAt: portAt(flow, at, whole),
      whole,
      inSlot: isHidden ? "unseen" : standingInSlot(flow, at, body, whole),
    };
  };
  const bare = transportOf(flow);
  return [
    make("plain", bare, "new"),
    make("payload", transportOf(flow, pick(longest(flow))), "new"),
    make("extension header", bare, "new", [anyLayer(pick, true)]),
    make("extension headers", transportOf(flow, pick(40)), "new", [
      anyLayer(pick, true),
      ...Array.from({ length: 1 + pick(3) }, () => anyLayer(pick, false)),
    ]),
    ...firstParts(flow, pick).map(([whole, body]) => {
      // IPv6 fragments whose transport header is cut off are not gathered; of SCTP's one byte is enough.
      const isGathered = whole === "new" || flow.protocol === PROTOCOL.sctp;
      return make("first fragment", body, isGathered ? whole : "invalid", [fragment(0, true, pick(2 ** 32))]);
    }),
    make("later fragment", bare, "fragment", [fragment(8 * (1 + pick(8180)), false, pick(2 ** 32))]),
    {
      ...make("later fragment of an odd length", transportOf(flow, 1), "invalid", [fragment(8, true, pick(2 ** 32))]),
      inSlot: "invalid",
    },
    make("first fragment of an odd length", transportOf(flow, oddLength), "new", [fragment(0, true, pick(2 ** 32))]),
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
function anyLayer(pick: Picker, isFirst: boolean): Layer {
  const length = 8 * (1 + pick(2));
  switch (pick(4)) {
    case 0:
      return options(isFirst ? EXTENSION.hopByHop : EXTENSION.destination, length);
    case 1:
      return routing(length);
    case 2:
      return authentication(length + 8);
    default:
      return fragment(0, false, pick(2 ** 32)); // one that is all
  }
}

/** Options that say they are of 24 bytes. */
const TOO_LONG = Uint8Array.of(6, 2, 1, 4, 0, 0, 0, 0);

const DISCOVERY = [130, 131, 132, 133, 134, 135, 136, 143];

/** "No next header": whatever follows, it is no transport header. */
function nothingNext(flow: NewFlow, body: Uint8Array): DressedPacket {
  const bytes = ipv6Packet(flow, body, [], { next: EXTENSION.none });
  return {
    dress: "no next header",
    protocol: EXTENSION.none,
    bytes,
    portAt: undefined,
    whole: "invalid",
    inSlot: "invalid",
  };
}

// --- transport headers ---------------------------------------------------------------------------------------------------

/** One that ends too early, if there is a too early. */
function shortBodies(flow: NewFlow, pick: Picker): Uint8Array[] {
  const least = leastOf(flow);
  return least === 0 ? [] : [transportOf(flow).subarray(0, pick(least))];
}

/** Those that connection tracking can make nothing of. */
function wrongBodies(flow: NewFlow, pick: Picker): [name: string, body: Uint8Array][] {
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
    case UDP_LITE:
      return [
        ...short,
        ["UDP-Lite coverage below its least", change(4, 0, 1 + pick(7))],
        ["UDP-Lite coverage beyond the packet", change(4, 1 + pick(255), pick(256))],
      ];
    case GRE: // of the version that is for PPP only
      return [...short, ["GRE of PPTP without PPP", change(0, 0x30, 1 | (pick(32) << 3), 8, pick(256))]];
    default:
      return short;
  }
}

const GRE = 47;

/** Types of ICMP that answer something, or that nobody knows. */
const ANSWERS = [0, 3, 4, 5, 9, 11, 12, 14, 16, 18, 19, 255];
const ANSWERS_V6 = [1, 2, 3, 4, 127, 129, 137, 138, 140, 144, 255];

function typed(flow: NewFlow, type: number): Uint8Array {
  return transportOf(flow, 0, (body) => {
    body[0] = type;
  });
}
