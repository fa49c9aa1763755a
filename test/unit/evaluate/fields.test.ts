/** Each kind of match, and each field that a rule may ask: one packet for which it holds, one for which it does not. A new kind does not
 *  compile until it is here. */
import { describe, expect, test } from "vitest";
import type { Packet } from "../../../compiler/evaluate/packet.ts";
import { CT_STATUS } from "../../../compiler/ir/constants.ts";
import type { CtKey, Expression, HeaderField, Match, MetaKey } from "../../../compiler/ir/types.ts";
import { type Address, printAddress } from "../../../compiler/net/address.ts";
import { fateOf, IPV6 } from "../../support/one-packet.ts";
import { mustReadNft } from "../../support/read.ts";
import { address } from "../../support/service-port.ts";

type Row = readonly [match: string, packet: Partial<Packet>, holds: boolean | "unknown"];

const UDP = { protocol: 17 };
const ICMP = { protocol: 1, sourcePort: 0, destinationPort: 0 };
const ICMPV6 = { ...IPV6, ...ICMP, protocol: 58 };
const OWN = { inInterface: undefined, source: address("192.0.2.1") };
const TRANSLATED: Partial<Packet> = {
  ctState: "reply",
  ctStatus: CT_STATUS.dnat,
  source: address("10.244.1.5"),
  sourcePort: 8080,
  destination: address("10.244.0.5"),
  destinationPort: 40000,
};

/** Chains in which the match stands: packets that it holds for are dropped. */
function chainsWith(match: string, hook: string): string {
  return `chain c { type filter hook ${hook} priority 0; policy accept; ${match} drop; }`;
}

function outcomeOf([match, packet]: Row, hook: string, more = ""): boolean | "unknown" {
  const family = match.includes("nfproto") ? "inet" : undefined; // tables of one family do not ask
  const fates = new Set(fateOf(`${more}${chainsWith(match, hook)}`, packet, family).split(" or "));
  return fates.size > 1 ? "unknown" : fates.has("drop");
}

/** Whether the kind is among what is read of the match. */
function isRead(kind: string, match: string, packet: Partial<Packet>, more: string): boolean {
  const family = packet.source === IPV6.source ? "ip6" : "ip";
  const program = mustReadNft(`table ${family} t {\n${more}${chainsWith(match, "forward")}\n}`);
  const text = JSON.stringify(program, (name, value) => (name === "origin" || typeof value === "bigint" ? "" : value));
  return text.includes(`"kind":"${kind}"`);
}

function testKinds(rows: Readonly<Record<string, readonly Row[]>>, more = ""): void {
  test.each(Object.entries(rows))("each row of %s is one", (kind, ofKind) => {
    for (const [match, packet] of ofKind) expect([match, isRead(kind, match, packet, more)]).toEqual([match, true]);
  });
}

function testRows(rows: Readonly<Record<string, readonly Row[]>>, hook = "prerouting", more = ""): void {
  const all = Object.entries(rows).flatMap(([kind, ofKind]) =>
    ofKind.map((row) => [kind, row[0], textOf(row[1]), row] as const),
  );
  test.each(all)("%s: %s %s", (_, _match, _packet, row) => {
    expect(outcomeOf(row, hook, more)).toBe(row[2]);
  });
}

function textOf(packet: Partial<Packet>): string {
  return Object.entries(packet)
    .map(
      ([name, value]) =>
        `${name} ${name === "source" || name === "destination" ? printAddress(value as Address) : value}`,
    )
    .join(", ");
}

const SETS = `set clients { type ipv4_addr; flags interval; elements = { 10.244.0.0/24 }; }
set pairs { type ipv4_addr . inet_service; elements = { 10.96.0.10 . 80 }; }
map numbers { type ipv4_addr : mark; elements = { 10.96.0.10 : 0x00000007 }; }
`;

describe("kinds of matches", () => {
  const ROWS: { readonly [K in Match["kind"]]: readonly Row[] } = {
    compare: [
      ["tcp dport 80", {}, true],
      ["tcp dport 81", {}, false],
      ["tcp dport != 80", {}, false],
      ["tcp dport != 81", {}, true],
      ["tcp dport < 80", {}, false],
      ["tcp dport <= 80", {}, true],
      ["tcp dport > 80", {}, false],
      ["tcp dport >= 80", {}, true],
    ],
    within: [
      ["ip saddr 10.244.0.0/24", {}, true],
      ["ip saddr 10.244.1.0/24", {}, false],
      ["ip saddr != 10.244.0.0/24", {}, false],
      ["ip saddr { 10.0.0.1-10.0.0.9, 10.244.0.5-10.244.0.6 }", {}, true],
      ["ip saddr { 10.0.0.1-10.0.0.9, 10.244.0.6-10.244.0.7 }", {}, false],
    ],
    "name-prefix": [
      ['iifname "cni*"', {}, true],
      ['iifname "eth*"', {}, false],
      ['iifname != "cni*"', {}, false],
      ['iifname != "eth*"', {}, true],
    ],
    member: [
      ["ip saddr @clients", {}, true],
      ["ip saddr @clients", { source: address("10.244.1.5") }, false],
      ["ip saddr != @clients", {}, false],
      ["ip saddr != @clients", { source: address("10.244.1.5") }, true],
      ["ip daddr . tcp dport @pairs", {}, true],
      ["ip daddr . tcp dport @pairs", { destinationPort: 81 }, false],
      ["ip daddr . tcp dport != @pairs", UDP, false], // a UDP packet has no such key
    ],
    chance: [["meta random & 2147483647 < 1073741824", {}, "unknown"]],
    opaque: [
      ["meta cpu 1", {}, "unknown"],
      ["meta cpu != 1", {}, "unknown"],
    ],
  };
  testRows(ROWS, "prerouting", SETS);
  testKinds(ROWS, SETS);
});

describe("kinds of expressions", () => {
  const ROWS: { readonly [K in Exclude<Expression["kind"], "constant">]: readonly Row[] } = {
    ip: [
      ["ip saddr 10.244.0.5", {}, true],
      ["ip daddr 10.96.0.10", {}, true],
      ["ip daddr 10.244.0.5", {}, false],
    ],
    ip6: [
      ["ip6 saddr fd00:10:244::5", IPV6, true],
      ["ip6 daddr fd00:10:96::10", IPV6, true],
      ["ip6 daddr fd00:10:96::11", IPV6, false],
    ],
    transport: [
      ["th sport 40000", UDP, true],
      ["th dport 80", { ...UDP, protocol: 136 }, true], // UDP-Lite
      ["th dport 80", { protocol: 33 }, true], // DCCP
      ["th dport 80", ICMP, "unknown"], // its checksum
      ["th dport != 80", ICMP, "unknown"],
      ["th sport 2048", ICMPV6, "unknown"], // its type and code
      ["th sport & 0xff00 == 0x800", ICMP, "unknown"],
      ["th dport 80", { protocol: 50 }, "unknown"],
      ["th dport { 80, 81 }", { protocol: 253 }, "unknown"],
      ["meta l4proto tcp th dport != 80", ICMP, false],
      ["meta l4proto { tcp, udp } th dport != { 80 }", ICMP, false],
      ["meta l4proto icmp th dport 80", ICMP, "unknown"],
      ["tcp dport != 80", ICMP, false], // nft tests the protocol
      ["tcp dport != 80", UDP, false],
      ["th dport 80", { ...ICMP, ctState: "invalid" }, false],
      ["tcp sport 40000", {}, true],
      ["udp dport 80", UDP, true],
      ["udp dport 80", {}, false],
      ["sctp dport 80", { protocol: 132 }, true],
      ["tcp dport 80", { ctState: "invalid" }, false], // its header may be cut off
    ],
    meta: [["meta mark 0", {}, true]],
    ct: [["ct mark 0", {}, true]],
    fib: [
      ["fib saddr type unicast", {}, true],
      ["fib daddr type local", { destination: address("192.0.2.1") }, true],
      ["fib daddr type local", { destination: address("127.9.9.9") }, true],
      ["fib daddr type multicast", { destination: address("224.0.0.1") }, true],
      ["fib daddr type broadcast", { destination: address("255.255.255.255") }, true],
    ],
    header: [["ip protocol tcp", {}, true]],
    numgen: [
      ["numgen random mod 3 { 0, 2 }", {}, "unknown"],
      ["numgen random mod 2 offset 5 { 5, 6 }", {}, true],
    ],
    bitwise: [
      ["meta mark & 0x3 == 0x1", { mark: 5 }, true],
      ["meta mark & 0x3 == 0x1", { mark: 6 }, false],
      ["ip saddr & 0.0.0.255 == 0.0.0.5", {}, true],
    ],
    shift: [
      ["meta mark >> 4 == 0x1", { mark: 0x1f }, true],
      ["meta mark << 4 == 0x1f0", { mark: 0x1f }, true],
      ["meta mark >> 4 == 0x1", { mark: 0x2f }, false],
    ],
    combine: [
      ["meta mark & ct mark == 0x1", { mark: 3, ctState: "established", ctMark: 5 }, true],
      ["meta mark | ct mark == 0x7", { mark: 3, ctState: "established", ctMark: 5 }, true],
      ["meta mark ^ ct mark == 0x6", { mark: 3, ctState: "established", ctMark: 5 }, true],
      ["meta mark ^ ct mark == 0x7", { mark: 3, ctState: "established", ctMark: 5 }, false],
    ],
    concat: [
      ["ip saddr . tcp dport { 10.244.0.5 . 80 }", {}, true],
      ["ip saddr . tcp dport { 10.244.0.5 . 81, 10.244.0.6 . 80 }", {}, false],
    ],
    lookup: [
      ["meta mark set ip daddr map @numbers meta mark 7", {}, true],
      ["meta mark set ip saddr map @numbers", {}, false], // without a value the rule ends
    ],
    opaque: [["rt classid 1", {}, "unknown"]],
  };
  testRows(ROWS, "prerouting", SETS);
  testKinds(ROWS, SETS);
});

test.each<[match: string, packet: Partial<Packet>, fate: string]>([
  ["ip saddr 10.244.0.5", {}, "drop"],
  ["ip saddr != 10.244.0.6", IPV6, "kept"],
  ["ip6 saddr fd00:10:244::5", IPV6, "drop"],
  ["ip6 saddr != fd00:10:244::6", {}, "kept"],
])("in a table of both families packets of the other one have no address: %s", (match, packet, fate) => {
  expect(fateOf(chainsWith(match, "prerouting"), packet, "inet")).toBe(fate);
});

describe("what the packet is", () => {
  const ROWS: { readonly [K in MetaKey]: readonly Row[] } = {
    l4proto: [
      ["meta l4proto tcp", {}, true],
      ["meta l4proto udp", {}, false],
    ],
    nfproto: [
      ["meta nfproto ipv4", {}, true],
      ["meta nfproto ipv6", IPV6, true],
      ["meta nfproto ipv6", {}, false],
    ],
    iif: [
      ['iif "cni0"', {}, true],
      ['iif "eth0"', {}, false],
    ],
    iifname: [["iifname cni0", {}, true]],
    oif: [['oif "eth0"', {}, "unknown"]],
    oifname: [["oifname eth0", {}, "unknown"]],
    mark: [
      ["meta mark 5", { mark: 5 }, true],
      ["meta mark 5", { mark: 6 }, false],
    ],
    priority: [["meta priority 1:2", {}, false]],
    pkttype: [
      ["meta pkttype host", {}, true],
      ["meta pkttype broadcast", {}, false],
    ],
    skuid: [["meta skuid 0", {}, false]],
    skgid: [["meta skgid 0", {}, false]],
  };
  testRows(ROWS, "forward");

  test.each<Row>([
    ["meta skuid 0", OWN, "unknown"],
    ["meta skgid 0", OWN, "unknown"],
    ["iifname cni0", OWN, false],
    ["oifname eth0", OWN, "unknown"],
  ])("of the node's own packets: %s", (match, packet, holds) => {
    expect(outcomeOf([match, packet, holds], "output")).toBe(holds);
  });
});

describe("what its connection is", () => {
  const DNAT =
    "chain d { type nat hook prerouting priority -100; ip daddr 10.96.0.10 tcp dport 80 dnat to 10.244.1.5:8080; }\n";
  const ROWS: { readonly [K in CtKey]: readonly Row[] } = {
    state: [
      ["ct state new", {}, true],
      ["ct state established", TRANSLATED, true],
      ["ct state related", { ctState: "related-reply" }, true],
      ["ct state invalid", { ctState: "invalid" }, true],
    ],
    status: [
      ["ct status dnat", {}, true], // translated just now
      ["ct status dnat", { destinationPort: 81 }, false],
      ["ct status snat", {}, false],
      ["ct status confirmed", {}, false],
    ],
    mark: [
      ["ct mark 7", { ctState: "established", ctMark: 7 }, true],
      ["ct mark 7", { ctState: "invalid", ctMark: 7 }, false], // it has no connection
    ],
    direction: [
      ["ct direction original", {}, true],
      ["ct direction reply", TRANSLATED, true],
      ["ct direction original", TRANSLATED, false],
    ],
    "original-protocol": [
      ["ct protocol tcp", {}, true],
      ["ct protocol udp", {}, false],
    ],
    "original-saddr": [["ct original ip saddr 10.244.0.5", {}, true]],
    "original-daddr": [
      ["ct original ip daddr 10.96.0.10", {}, true],
      ["ct original ip daddr 10.244.1.5", {}, false],
    ],
    "original-proto-src": [["meta l4proto tcp ct original proto-src 40000", {}, true]],
    "original-proto-dst": [
      ["meta l4proto tcp ct original proto-dst 80", {}, true],
      ["meta l4proto tcp ct original proto-dst 8080", {}, false],
    ],
    "reply-saddr": [
      ["ct reply ip saddr 10.244.1.5", {}, true],
      ["ct reply ip saddr 10.244.1.5", TRANSLATED, true],
      ["ct reply ip saddr 10.96.0.10", {}, false],
    ],
    "reply-daddr": [["ct reply ip daddr 10.244.0.5", {}, true]],
    "reply-proto-src": [
      ["meta l4proto tcp ct reply proto-src 8080", {}, true],
      ["meta l4proto tcp ct reply proto-src 80", {}, false],
    ],
    "reply-proto-dst": [["meta l4proto tcp ct reply proto-dst 40000", {}, true]],
  };
  testRows(ROWS, "forward", DNAT);
});

describe("headers that are not followed", () => {
  const ROWS: { readonly [F in HeaderField]: readonly Row[] } = {
    "ether saddr": [["ether saddr 00:00:00:00:00:01", {}, "unknown"]],
    "ether daddr": [["ether daddr 00:00:00:00:00:01", {}, "unknown"]],
    "ether type": [["ether type ip", {}, "unknown"]],
    "ip protocol": [
      ["ip protocol tcp", {}, true],
      ["ip protocol udp", {}, false],
    ],
    "ip dscp": [["ip dscp cs1", {}, "unknown"]],
    "ip length": [["ip length 40", {}, "unknown"]],
    "ip ttl": [["ip ttl 1", {}, "unknown"]],
    "ip6 nexthdr": [
      ["ip6 nexthdr tcp", IPV6, true],
      ["ip6 nexthdr udp", IPV6, false],
    ],
    "ip6 dscp": [["ip6 dscp cs1", IPV6, "unknown"]],
    "ip6 length": [["ip6 length 40", IPV6, "unknown"]],
    "ip6 hoplimit": [["ip6 hoplimit 1", IPV6, "unknown"]],
    "icmp type": [
      ["icmp type echo-request", ICMP, "unknown"],
      ["icmp type echo-request", {}, false],
    ],
    "icmp code": [["icmp code 0", ICMP, "unknown"]],
    "icmpv6 type": [
      ["icmpv6 type echo-request", ICMPV6, "unknown"],
      ["icmpv6 type echo-request", IPV6, false],
    ],
    "icmpv6 code": [["icmpv6 code 0", ICMPV6, "unknown"]],
    "tcp flags": [
      ["tcp flags syn", {}, true], // it opens a connection
      ["tcp flags ack", {}, false],
      ["tcp flags syn", { ctState: "established" }, "unknown"],
      ["tcp flags syn", UDP, false],
    ],
  };
  testRows(ROWS);
});
