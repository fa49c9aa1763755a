/** Batches with packets that are not plain: fragments, and headers with options. Packets one by one say what is right. */
import { expect, test } from "vitest";
import * as H from "../../../assembly/headers.ts";
import * as L from "../../../assembly/layout.ts";
import { encodeTable } from "../../../compiler/formats/tables/encode.ts";
import { packetFrom } from "../../../runtime/classifier/fields.ts";
import { engineBytes } from "../../../runtime/classifier/inline.ts";
import { Matcher } from "../../../runtime/classifier/matcher.ts";
import { numbersFrom, writeSlot } from "../../support/slots.ts";
import { answer, endpoint, everybody, networks, rowAt, tabulationOf } from "../../support/table-samples.ts";

const RANGES = ["203.0.113.0/28", "198.51.100.7/32", "198.51.100.9/32", "10.9.0.0/16", "10.11.0.0/16", "192.0.2.0/24"];
const RANGES6 = ["2001:db8:1::/48", "2001:db8:2::7/128", "2001:db8:2::9/128", "fd00:9::/32", "fd00:b::/32"];

/** Port 80 of TCP and UDP, of which all sources may come, and of which 1 to 6 prefixes may. */
function rowsAt(base: string, backend: string, ranges: readonly string[]) {
  const lists = [[endpoint(`${backend}1`, 8080), endpoint(`${backend}2`, 8080), endpoint(`${backend}3`, 8080)]];
  return [6, 17].flatMap((protocol) => [
    rowAt(`${base}1`, { protocol, lists }),
    ...ranges.map((_, i) =>
      rowAt(`${base}1${i}`, { protocol, lists, behaviour: 2, allowed: networks(...ranges.slice(0, i + 1)) }),
    ),
  ]);
}

const ALLOWED = [0, 1].map(() =>
  Array.from({ length: 16 }, (_, source) =>
    (source & L.SOURCE_ALLOWED) === 0 ? answer("drop") : answer("dnat", { list: 0 }),
  ),
);

const matcher = new Matcher(new WebAssembly.Module(engineBytes()));
matcher.load(
  encodeTable(
    tabulationOf({
      behaviours: [everybody(answer("pass")), everybody(answer("dnat", { list: 0 })), ALLOWED],
      IPv4: { rows: rowsAt("10.96.0.", "10.244.1.", RANGES) },
      IPv6: { rows: rowsAt("fd00:96::", "fd00:244::", RANGES6) },
    }),
    "",
  ),
);

/** The verdicts of a batch, which are those of its packets one by one. */
function verdictsOf(packets: readonly Uint8Array[]): number[] {
  const circumstances = { interfaceClass: 1, how: L.CHOOSE_FLOW };
  for (const [i, packet] of packets.entries()) writeSlot(matcher.packets, i, packet);
  const together = matcher.classifyMany(packets.length, circumstances).slice();
  const alone = matcher.classifyEach(packets.length, circumstances);
  // Where a result differs, the packet is shown.
  const wrong = together.findIndex((word, i) => word !== alone[i]);
  if (wrong >= 0) expect(`${packets[wrong >> 1]}: ${together[wrong]}`).toBe(`${packets[wrong >> 1]}: ${alone[wrong]}`);
  return packets.map((_, i) => (together[2 * i] as number) & L.VERDICT_MASK);
}

interface Fields {
  readonly protocol?: number;
  readonly source?: string;
  readonly destination?: string;
}

const plain4 = ({ protocol = 6, source = "203.0.113.9", destination = "10.96.0.1" }: Fields = {}) =>
  packetFrom({ protocol, source, destination, sourcePort: 1234, destinationPort: 80 });
const plain6 = ({ protocol = 6, source = "2001:db8:1::9", destination = "fd00:96::1" }: Fields = {}) =>
  packetFrom({ protocol, source, destination, sourcePort: 1234, destinationPort: 80 });

/** An IPv4 packet with so many words of options. */
function withOptions(packet: Uint8Array, words: number): Uint8Array {
  const longer = new Uint8Array(packet.length + words * 4).fill(1);
  longer.set(packet.subarray(0, H.IPV4_BYTES));
  longer.set(packet.subarray(H.IPV4_BYTES), H.IPV4_BYTES + words * 4);
  longer[0] = H.IPV4_PLAIN + words;
  new DataView(longer.buffer).setUint16(H.IPV4_TOTAL_LENGTH, longer.length);
  return longer;
}

function asFragment(packet: Uint8Array, field: number): Uint8Array {
  const fragment = packet.slice();
  new DataView(fragment.buffer).setUint16(H.IPV4_FRAGMENT, field);
  return fragment;
}

/** An IPv6 packet with an extension header of these bytes; `more` bytes follow the packet. */
function extended(packet: Uint8Array, next: number, bytes: readonly number[], more = 0): Uint8Array {
  const longer = new Uint8Array(packet.length + bytes.length + more);
  longer.set(packet.subarray(0, H.IPV6_BYTES));
  longer.set([packet[H.IPV6_NEXT_HEADER] as number, ...bytes.slice(1)], H.IPV6_BYTES);
  longer.set(packet.subarray(H.IPV6_BYTES), H.IPV6_BYTES + bytes.length);
  longer[H.IPV6_NEXT_HEADER] = next;
  new DataView(longer.buffer).setUint16(H.IPV6_PAYLOAD_LENGTH, longer.length - H.IPV6_BYTES);
  return longer;
}

const PADDING = [0, 0, 1, 4, 0, 0, 0, 0];
const fragmentHeader = (field: number) => [0, 0, field >> 8, field & 255, 0, 0, 0, 1];
const WORDS: Readonly<Record<number, string>> = {
  [L.VERDICT_PASS]: "pass",
  [L.VERDICT_DROP]: "drop",
  [L.VERDICT_DNAT]: "dnat",
  [L.VERDICT_MALFORMED]: "malformed",
  [L.VERDICT_FRAGMENT]: "fragment",
  [L.VERDICT_UNSEEN]: "unseen",
};

const truncated = (() => {
  const packet = withOptions(plain4(), 2);
  new DataView(packet.buffer).setUint16(H.IPV4_TOTAL_LENGTH, 24);
  return packet;
})();

const KINDS: readonly [wanted: string, what: string, packet: Uint8Array][] = [
  ["dnat", "IPv4", plain4()],
  ["dnat", "one word of options", withOptions(plain4(), 1)],
  ["dnat", "options of UDP", withOptions(plain4({ protocol: 17 }), 2)],
  ["dnat", "as many options as leave room for TCP", withOptions(plain4(), 6)],
  ["unseen", "more", withOptions(plain4(), 7)],
  ["dnat", "options that leave room for UDP", withOptions(plain4({ protocol: 17 }), 9)],
  ["unseen", "all options there can be", withOptions(plain4({ protocol: 17 }), 10)],
  ["malformed", "a packet that ends in its options", truncated],
  ["pass", "options of a ping", withOptions(plain4({ protocol: 1 }), 3)],
  ["pass", "options of another protocol", withOptions(plain4({ protocol: 47 }), 3)],
  ["pass", "options, to no row", withOptions(plain4({ destination: "10.96.0.9" }), 2)],
  ["dnat", "options, from an allowed source", withOptions(plain4({ destination: "10.96.0.15" }), 2)],
  ["drop", "options, from another", withOptions(plain4({ destination: "10.96.0.15", source: "10.244.9.9" }), 2)],
  ["fragment", "a later fragment", asFragment(plain4(), H.IPV4_MORE_FRAGMENTS | 16)],
  ["fragment", "the last one", asFragment(plain4(), 1)],
  ["dnat", "the first one", asFragment(plain4(), H.IPV4_MORE_FRAGMENTS)],
  ["fragment", "a later one with options", asFragment(withOptions(plain4(), 2), 9)],
  ["dnat", "the first one with options", asFragment(withOptions(plain4(), 2), H.IPV4_MORE_FRAGMENTS)],
  ["malformed", "a later one that ends in its options", asFragment(truncated, 9)],
  ["malformed", "nothing", new Uint8Array(64)],
  ["dnat", "IPv6", plain6()],
  ["unseen", "TCP behind destination options", extended(plain6(), H.DESTINATION_OPTIONS, PADDING)],
  ["unseen", "TCP behind a routing header", extended(plain6(), H.ROUTING, PADDING)],
  ["dnat", "UDP behind destination options", extended(plain6({ protocol: 17 }), H.DESTINATION_OPTIONS, PADDING)],
  ["unseen", "TCP behind hop-by-hop options", extended(plain6(), H.HOP_BY_HOP, PADDING)],
  ["pass", "destination options of a packet that ends", extended(plain6().subarray(0, 59), H.ROUTING, PADDING)],
  ["fragment", "a later fragment", extended(plain6(), H.FRAGMENT, fragmentHeader(129), 4)],
  ["pass", "one that is not gathered", extended(plain6(), H.FRAGMENT, fragmentHeader(129), 3)],
  ["fragment", "the last one", extended(plain6(), H.FRAGMENT, fragmentHeader(128), 3)],
  ["unseen", "the first one", extended(plain6(), H.FRAGMENT, fragmentHeader(1), 4)],
];

test("each kind of packet, in batches of one and of all", () => {
  for (const [wanted, what, packet] of KINDS)
    expect([what, WORDS[verdictsOf([packet])[0] ?? -1]]).toEqual([what, wanted]);
  for (const version of [4, 6]) {
    const kinds = KINDS.filter(([, , packet]) => (packet[0] as number) >> 4 === version);
    // By lanes only where there are some of a kind; in each place of a group.
    const packets = Array.from(
      { length: 1024 },
      (_, i) => kinds[(i + (i >> 2)) % kinds.length] as (typeof KINDS)[number],
    );
    expect(verdictsOf(packets.map(([, , packet]) => packet)).map((verdict) => WORDS[verdict])).toEqual(
      packets.map(([wanted]) => wanted),
    );
  }
  const mixed = Array.from({ length: 600 }, (_, i) => KINDS[i % KINDS.length] as (typeof KINDS)[number]);
  expect(verdictsOf(mixed.map(([, , packet]) => packet)).map((verdict) => WORDS[verdict])).toEqual(
    mixed.map(([wanted]) => wanted),
  );
});

test("more packets with options than there is room for", () => {
  const kinds = [1, 2, 3, 4, 5, 6].map((words) => withOptions(plain4(), words));
  for (const count of [7, 8, 9, 767, 768, 1700]) {
    const packets = Array.from({ length: count }, (_, i) => {
      const packet = (kinds[i % kinds.length] as Uint8Array).slice();
      new DataView(packet.buffer).setUint16(((packet[0] as number) & 15) << 2, i);
      return packet;
    });
    expect(new Set(verdictsOf(packets))).toEqual(new Set([L.VERDICT_DNAT]));
  }
});

test("sources of one to six prefixes", () => {
  const last = ["203.0.113.15", "198.51.100.7", "198.51.100.9", "10.9.255.255", "10.11.0.0", "192.0.2.128"];
  const packets = RANGES.flatMap((_, i) =>
    [...last, "203.0.113.16", "198.51.100.8", "192.0.3.0", "0.0.0.0", "255.255.255.255"].map((source) =>
      plain4({ source, destination: `10.96.0.1${i}` }),
    ),
  );
  expect(verdictsOf(packets).filter((verdict) => verdict === L.VERDICT_DNAT)).toHaveLength(1 + 2 + 3 + 4 + 5 + 6);
  const last6 = [
    "2001:db8:1:ffff::",
    "2001:db8:2::7",
    "2001:db8:2::9",
    "fd00:9:ffff:ffff:ffff:ffff:ffff:ffff",
    "fd00:b::",
  ];
  const packets6 = RANGES6.flatMap((_, i) =>
    [...last6, "2001:db8:2::8", "2001:db8:0:ffff::", "fd00:a::", "::", "ffff:ffff:ffff:ffff::"].map((source) =>
      plain6({ source, destination: `fd00:96::1${i}` }),
    ),
  );
  expect(verdictsOf(packets6).filter((verdict) => verdict === L.VERDICT_DNAT)).toHaveLength(1 + 2 + 3 + 4 + 5);
});

test("packets with any headers", () => {
  const pick = numbersFrom(18);
  const packets = Array.from({ length: 4096 }, () => {
    const packet = (KINDS[pick(KINDS.length)] as (typeof KINDS)[number])[2].slice();
    for (let changes = pick(4); changes > 0; changes--) {
      const at = pick(Math.min(packet.length, 56));
      packet[at] = pick(2) === 0 ? (packet[at] as number) ^ (1 << pick(8)) : pick(256);
    }
    return packet;
  });
  for (const version of [0, 4, 6])
    verdictsOf(version === 0 ? packets : packets.filter(([first = 0]) => first >> 4 === version).slice(0, 1024));
});
