/** Where translations of destinations lead several packets, and what rules behind them see: followed at once, and one by one. */
import { describe, expect, test } from "vitest";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import type { Address } from "../../../compiler/net/address.ts";
import { fatesAlone, fatesTogether, type ManyPackets } from "../../support/many-packets.ts";
import { IPV6 } from "../../support/one-packet.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";
import { address } from "../../support/service-port.ts";

const UDP = { protocol: 17 };
const SCTP = { protocol: 132 };
const ICMP = { protocol: 1, sourcePort: 0, destinationPort: 0 };
const OWN = { inInterface: undefined, source: address("192.0.2.1") };

function fatesBy(program: Program, packets: ManyPackets): string[] {
  const fates = fatesTogether(program, packets);
  expect(fatesAlone(program, packets)).toEqual(fates);
  return fates;
}

/** A chain of nat, and one that drops what goes on to 10.9.9.9. */
function nat(rules: string, members: Partial<Packet> = {}): Program {
  const [first, second] = "inInterface" in members ? ["output", "output"] : ["prerouting", "forward"];
  return mustReadNft(`table ip t {
map ends { type inet_service : ipv4_addr . inet_service; elements = { 80 : 10.1.0.1 . 8080, 81 : 10.1.0.2 . 8081 }; }
map hosts { type inet_service : ipv4_addr; elements = { 80 : 10.1.0.1 }; }
chain n { type nat hook ${first} priority -100; policy drop; ${rules}; dnat to 10.9.9.9; }
chain f { type filter hook ${second} priority 0; ip daddr 10.9.9.9 drop; }
}`);
}

/** Of ports, to each of which a translation is followed. */
const each = (ports: readonly number[], to: (port: number) => string) => ports.map((port) => `${port}: ${to(port)}`);

type Row = [rules: string, fields: string, fates: readonly string[], members?: Partial<Packet>];

describe("packets that a translation does not apply to come to the next rule", () => {
  test.each<Row>([
    ["tcp dport 80 dnat to 10.1.0.1", "dport 79-81", ["79: drop", "80: to 10.1.0.1:80", "81: drop"]],
    [
      "dnat to tcp dport map @ends",
      "dport 79-82",
      ["79: drop", "80: to 10.1.0.1:8080", "81: to 10.1.0.2:8081", "82: drop"],
    ],
    ["dnat to tcp dport map @hosts", "dport 79-81", ["79: drop", "80: to 10.1.0.1:80", "81: drop"]],
    ["dnat to tcp dport map @hosts", "dport 79-81", ["79-81: drop"], UDP],
    [
      "dnat to numgen random mod 4 map { 0 : 10.1.0.1, 1 : 10.1.0.2, 2 : 10.1.0.1 }",
      "dport 80-81",
      each([80, 81], (port) => `drop (25 %), or to 10.1.0.1:${port} (50 %), or to 10.1.0.2:${port} (25 %)`),
    ],
    [
      "dnat to rt classid . tcp dport map { 1 . 80 : 10.1.0.1, 2 . 80 : 10.1.0.2 }",
      "dport 79-80",
      [
        "79: drop",
        "80: drop if not rt classid == 1 and not rt classid == 2 | to 10.1.0.1:80 if rt classid == 1 | to 10.1.0.2:80 if not rt classid == 1 and rt classid == 2",
      ],
    ],
  ])("%s, of %s: %j", (rules, fields, fates, members = {}) => {
    expect(fatesBy(nat(rules, members), { fields, members })).toEqual(fates);
  });
});

describe("of several addresses and ports", () => {
  const ports = [80, 81];
  test.each<Row>([
    ["dnat to 10.1.0.1-10.1.0.1", "dport 80-81", each(ports, (port) => `to 10.1.0.1:${port}`)],
    [
      "dnat to 10.1.0.1-10.1.0.2",
      "dport 80-81",
      each(ports, (port) => `to 10.1.0.1:${port} (50 %), or to 10.1.0.2:${port} (50 %)`),
    ],
    ["meta l4proto tcp dnat to :81", "dport 80-82", ["80-82: to 10.96.0.10:81"]],
    ["meta l4proto tcp dnat to 10.1.0.1:81", "dport 80-82", ["80-82: to 10.1.0.1:81"]],
    // Packets keep a port that is among them, and get the first one else.
    [
      "meta l4proto tcp dnat to 10.1.0.1:81-83",
      "dport 80-84",
      ["80-81: to 10.1.0.1:81", "82: to 10.1.0.1:82", "83: to 10.1.0.1:83", "84: to 10.1.0.1:81"],
    ],
    ["meta l4proto tcp dnat to 10.1.0.1:81-83", "dport 84-85", ["84-85: to 10.1.0.1:81"]],
    ["meta l4proto tcp dnat to 10.1.0.1:81-83", "dport 81-82", ["81: to 10.1.0.1:81", "82: to 10.1.0.1:82"]],
    ["meta l4proto udp dnat to 10.1.0.1:81-83", "dport 80", ["80: to 10.1.0.1:81"], UDP],
    ["meta l4proto udp dnat to 10.1.0.1:81-83", "dport 81-82", ["81: to 10.1.0.1:81", "82: to 10.1.0.1:82"], UDP],
    [
      "meta l4proto tcp dnat to 10.1.0.1:81-83 random",
      "dport 80-82",
      ["80-82: to 10.1.0.1:81 (33 %), or to 10.1.0.1:82 (33 %), or to 10.1.0.1:83 (33 %)"],
    ],
    [
      "meta l4proto icmp dnat to 10.1.0.1",
      "saddr 10.244.0.4-10.244.0.5",
      ["10.244.0.4-10.244.0.5: to 10.1.0.1:0"],
      ICMP,
    ],
    [
      "ip daddr 10.96.0.0/24 dnat prefix to 10.1.1.0/24",
      "daddr 10.96.0.254-10.96.1.0",
      ["10.96.0.254: to 10.1.1.254:80", "10.96.0.255: to 10.1.1.255:80", "10.96.1.0: drop"],
    ],
    ["redirect", "daddr 10.96.0.9-10.96.0.11", ["10.96.0.9-10.96.0.11: to 192.0.2.1:80"]],
    ["meta l4proto tcp redirect to :81", "dport 80-82", ["80-82: to 192.0.2.1:81"]],
    ["meta l4proto tcp redirect to :81-82", "dport 80-82", ["80-81: to 192.0.2.1:81", "82: to 192.0.2.1:82"]],
    ["redirect", "dport 80-81", each(ports, (port) => `to 127.0.0.1:${port}`), OWN],
    ["dnat to 10.1.0.1", "dport 80-81", each(ports, (port) => `to 10.1.0.1:${port}`), OWN],
  ])("%s, of %s: %j", (rules, fields, fates, members = {}) => {
    expect(fatesBy(nat(rules, members), { fields, members })).toEqual(fates);
  });

  test.each<[rule: string, fields: string, fates: readonly string[]]>([
    [
      "-p tcp -m tcp --dport 80:83 -j DNAT --to-destination 10.1.0.1:1080-1082/80",
      "dport 79-84",
      ["79: pass", ...each([80, 81, 82], (port) => `to 10.1.0.1:${port + 1000}`), "83: to 10.1.0.1:1080", "84: pass"],
    ],
    [
      "-p tcp -m tcp --dport 80:83 -j DNAT --to-destination 10.1.0.1:1080-1082/81",
      "dport 80-83",
      ["80-81: to 10.1.0.1:1080", "82: to 10.1.0.1:1081", "83: to 10.1.0.1:1082"],
    ],
    [
      "-p tcp -j DNAT --to-destination 10.1.0.1-10.1.0.2:1080-1081",
      "dport 1080-1082",
      [1080, 1081, 1080].map((to, i) => `${1080 + i}: to 10.1.0.1:${to} (50 %), or to 10.1.0.2:${to} (50 %)`),
    ],
    [
      "-p tcp -j REDIRECT --to-ports 1080-1081 --random",
      "dport 1079-1082",
      ["1079-1082: to 192.0.2.1:1080 (50 %), or to 192.0.2.1:1081 (50 %)"],
    ],
  ])("%s, of %s: %j", (rule, fields, fates) => {
    expect(fatesBy(mustReadIptables(`*nat\n-A PREROUTING ${rule}\nCOMMIT\n`), { fields })).toEqual(fates);
  });
});

/** A translation, and a match of a later rule, which drops. */
function thenDrop(translation: string, match: string, members: Partial<Packet> = {}): Program {
  const family = members.source === IPV6.source ? "ip6" : "ip";
  const drop = match === "" ? "" : `${match} drop;`;
  return mustReadNft(`table ${family} t {
chain n { type nat hook prerouting priority -100; ${translation}; }
chain f { type filter hook forward priority 0; ${drop} }
}`);
}

type RowBehind = [to: string, match: string, fields: string, fates: readonly string[], of?: Partial<Packet>];

describe("a rule behind it", () => {
  test.each<RowBehind>([
    [
      "ip daddr 10.96.0.10 dnat to 10.1.0.1",
      "ip daddr 10.96.0.10",
      "daddr 10.96.0.10-10.96.0.11",
      ["10.96.0.10: to 10.1.0.1:80", "10.96.0.11: pass"],
    ],
    // Who is sent where it went anyway is not translated.
    [
      "dnat to 10.96.0.10",
      "ct status dnat",
      "daddr 10.96.0.9-10.96.0.11",
      ["10.96.0.9: drop", "10.96.0.10: to 10.96.0.10:80", "10.96.0.11: drop"],
    ],
    [
      "meta l4proto tcp dnat to 10.96.0.10:80",
      "ct status dnat",
      "daddr 10.96.0.10, dport 80-81",
      ["10.96.0.10 80: to 10.96.0.10:80", "10.96.0.10 81: drop"],
    ],
    ["redirect", "ct status dnat", "daddr 192.0.2.0-192.0.2.1", ["192.0.2.0: to 192.0.2.1:80", "192.0.2.1: pass"]],
    [
      "ip daddr 10.96.0.0/24 dnat prefix to 10.1.1.0/24",
      "ip daddr 10.1.1.10",
      "daddr 10.96.0.10-10.96.0.11",
      ["10.96.0.10: drop", "10.96.0.11: to 10.1.1.11:80"],
    ],
    [
      "ip daddr 128.0.0.0/1 dnat prefix to 0.0.0.0/1",
      "ip daddr 10.1.1.10",
      "daddr 138.1.1.10-138.1.1.11",
      ["138.1.1.10: drop", "138.1.1.11: to 10.1.1.11:80"],
    ],
    [
      "ip daddr 0.0.0.0/0 dnat prefix to 0.0.0.0/0",
      "ct status dnat",
      "daddr 10.96.0.9-10.96.0.10",
      ["10.96.0.9: to 10.96.0.9:80", "10.96.0.10: to 10.96.0.10:80"],
    ],
    [
      "ip6 daddr fd00:10:96::/64 dnat prefix to fd00:1::/64",
      "ip6 daddr fd00:1::10",
      "daddr fd00:10:96::10-fd00:10:96::11",
      ["fd00:10:96::10: drop", "fd00:10:96::11: to [fd00:1::11]:80"],
      IPV6,
    ],
    [
      "meta l4proto tcp dnat to 10.1.0.1:1-64 random",
      "tcp dport != 64",
      "dport 80-81",
      ["80-81: drop (98 %), or to 10.1.0.1:64 (2 %)"],
    ],
    ["dnat to 10.1.0.1-10.1.0.64", "ip daddr != 10.1.0.64", "dport 80", ["80: drop (98 %), or to 10.1.0.64:80 (2 %)"]],
  ])("%s; %s drop, of %s: %j", (to, match, fields, fates, members = {}) => {
    expect(fatesBy(thenDrop(to, match, members), { fields, members })).toEqual(fates);
  });

  const ADDRESSES = "a choice of 10.1.0.1-10.1.0.65";
  const PORTS = "a choice of ports 100-164";
  const TO_PORTS = "dnat to 10.1.0.1:100-164 random";
  test.each<[to: string, match: string, fact: string, taken: string, of?: Partial<Packet>]>([
    ["dnat to 10.1.0.1-10.1.0.65", "ip daddr 10.1.0.2", "ip daddr == 167837698", ADDRESSES],
    ["dnat to 10.1.0.1-10.1.0.65", "fib daddr type local", "fib daddr type == 2", ADDRESSES],
    [`meta l4proto tcp ${TO_PORTS}`, "tcp dport 120", "tcp dport == 120", PORTS],
    [`meta l4proto tcp ${TO_PORTS}`, "th dport 120", "th dport == 120", PORTS],
    [`meta l4proto udp ${TO_PORTS}`, "udp dport 120", "udp dport == 120", PORTS, UDP],
    [`meta l4proto sctp ${TO_PORTS}`, "sctp dport 120", "sctp dport == 120", PORTS, SCTP],
  ])("does not know one of too many: %s; %s drop", (to, match, fact, taken, members = {}) => {
    const port = taken === PORTS ? 100 : 80;
    expect(fatesBy(thenDrop(to, match, members), { fields: "dport 80", members })).toEqual([
      `80: drop if ${fact} | to 10.1.0.1:${port}, taken by "${taken}" if not ${fact}`,
    ]);
  });

  test.each<RowBehind>([
    [
      "dnat to fd00::1-fd00::64",
      "ip6 daddr fd00::2",
      "dport 80",
      [
        '80: drop if ip6 daddr == 336294682933583715844663186250927177730 | to [fd00::1]:80, taken by "a choice of fd00::1-fd00::64" if not ip6 daddr == 336294682933583715844663186250927177730',
      ],
      IPV6,
    ],
    ["dnat to 10.1.0.1-10.1.0.65", "tcp dport 80", "dport 80", ["80: drop"]],
    [`meta l4proto tcp ${TO_PORTS}`, "ip daddr 10.1.0.1", "dport 80", ["80: drop"]],
    [
      "meta l4proto tcp dnat to 10.1.0.1-10.1.0.65:100-164 random",
      "",
      "dport 80-81",
      [`80-81: to 10.1.0.1:100, taken by "${ADDRESSES}", taken by "${PORTS}"`],
    ],
    [
      "meta l4proto tcp dnat to 10.1.0.1-10.1.0.65:100-164 random",
      "ip daddr . tcp dport { 10.1.0.2 . 120 }",
      "dport 80-81",
      [
        `80-81: drop if ip daddr . tcp dport 167837698 . 120 | to 10.1.0.1:100, taken by "${ADDRESSES}", taken by "${PORTS}" if not ip daddr . tcp dport 167837698 . 120`,
      ],
    ],
  ])("%s; %s drop, of %s", (to, match, fields, fates, members = {}) => {
    expect(fatesBy(thenDrop(to, match, members), { fields, members })).toEqual(fates);
  });
});

describe("redirect gives the address", () => {
  test.each<[fate: string, own: readonly string[], addressOf?: (name: string, family: string) => Address | undefined]>([
    ["to 10.7.7.7:80", ["::1", "10.7.7.7", "10.7.7.8"]],
    ["pass", []], // the host is not known
    ["to 10.244.0.1:80", [], (name, family) => address(name === "cni0" && family === "IPv4" ? "10.244.0.1" : "::")],
    ["drop", ["10.7.7.7"], () => undefined], // the interface has none
  ])("%s, where the node has %j", (fate, own, addressOf) => {
    const environment = { ...environmentOf(own.map(address)), ...(addressOf && { addressOf }) };
    expect(fatesBy(nat("redirect"), { fields: "dport 80", environment })).toEqual([`80: ${fate}`]);
  });
});
