/** Which of several packets a match holds for: followed at once, and one by one. */
import { describe, expect, test } from "vitest";
import { type Environment, environmentOf, hostOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { fatesAlone, fatesTogether, type ManyPackets } from "../../support/many-packets.ts";
import { IPV6 } from "../../support/one-packet.ts";
import { mustReadNft } from "../../support/read.ts";
import { address } from "../../support/service-port.ts";

const [BEFORE, LAST] = ["e", "f"].map((digit) => `${"ffff:".repeat(7)}fff${digit}`);
const UDP = { protocol: 17 };
const OWN = { inInterface: undefined, source: address("192.0.2.1") };
const ESTABLISHED: Partial<Packet> = { ctState: "established" };

const SETS = `set clients { type ipv4_addr; flags interval; elements = { 10.244.0.4-10.244.0.5 }; }
set pairs { type ipv4_addr . inet_service; elements = { 10.96.0.10 . 80 }; }
map numbers { type ipv4_addr : mark; elements = { 10.96.0.10 : 0x00000007 }; }`;

/** Packets that `match` holds for pass, all others are dropped by the next rule. */
function filterBy(match: string, members: Partial<Packet> = {}): Program {
  const hook = "inInterface" in members ? "output" : "prerouting";
  const [family, sets] = members.source === IPV6.source ? ["ip6", ""] : ["ip", SETS];
  const chain = `chain c { type filter hook ${hook} priority 0; policy accept; ${match} accept; drop; }`;
  return mustReadNft(`table ${family} t {\n${sets}\n${chain}\n}`);
}

function fatesBy(match: string, packets: ManyPackets): string[] {
  const program = filterBy(match, packets.members);
  const fates = fatesTogether(program, packets);
  expect(fatesAlone(program, packets)).toEqual(fates);
  return fates;
}

/** Match; packets; those of them that pass. */
type Row = [match: string, fields: string, passing: string, members?: Partial<Packet>];

function testRows(rows: readonly Row[]): void {
  test.each(rows)("%s, of %s: %s", (match, fields, passing, members = {}) => {
    const fates = fatesBy(match, { fields, members });
    expect(fates.filter((fate) => !/: (?:pass|drop)$/.test(fate))).toEqual([]);
    const passed = fates.flatMap((fate) => (fate.endsWith(": pass") ? [fate.slice(0, -": pass".length)] : []));
    expect(passed.join(", ")).toBe(passing);
  });
}

describe("numbers", () => {
  testRows([
    ["tcp dport 81", "dport 80-82", "81"],
    ["tcp dport != 81", "dport 80-82", "80, 82"],
    ["tcp dport < 81", "dport 80-82", "80"],
    ["tcp dport <= 81", "dport 80-82", "80-81"],
    ["tcp dport > 81", "dport 80-82", "82"],
    ["tcp dport >= 81", "dport 80-82", "81-82"],
    ["tcp dport 81-82", "dport 80-83", "81-82"],
    ["tcp dport != 81-82", "dport 80-83", "80, 83"],
    ["tcp dport { 80, 82-83 }", "dport 79-84", "80, 82-83"],
    ["tcp dport != { 80, 82-83 }", "dport 79-84", "79, 81, 84"],
    ["tcp dport 80", "dport 79-81", "", UDP],
    ["tcp dport != 80", "dport 79-81", "", UDP],
    ["th dport 80", "dport 79-81", "80", UDP],
    ["ip saddr < 0.0.0.0", "saddr 0.0.0.0-0.0.0.2", ""],
    ["ip saddr >= 0.0.0.1", "saddr 0.0.0.0-0.0.0.2", "1-2"],
    ["ip saddr > 255.255.255.254", "saddr 255.255.255.254-255.255.255.255", "255.255.255.255"],
    ["ip saddr > 255.255.255.255", "saddr 255.255.255.254-255.255.255.255", ""],
    ["ip6 saddr < fd00::5", "saddr fd00::4-fd00::6", "fd00::4", IPV6],
    ["ip6 saddr <= fd00::5", "saddr fd00::4-fd00::6", "fd00::4-fd00::5", IPV6],
    ["ip6 saddr > fd00::5", "saddr fd00::4-fd00::6", "fd00::6", IPV6],
    ["ip6 saddr >= fd00::5", "saddr fd00::4-fd00::6", "fd00::5-fd00::6", IPV6],
    ["ip6 saddr < ::1", "saddr ::-::1", "::", IPV6],
    [`ip6 saddr > ${BEFORE}`, `saddr ${BEFORE}-${LAST}`, `${LAST}`, IPV6],
  ]);
});

describe("bits", () => {
  testRows([
    ["ip saddr & 0.0.0.3 == 0.0.0.1", "saddr 10.244.0.3-10.244.0.6", "10.244.0.5"],
    ["ip saddr & 0.0.0.3 != 0.0.0.1", "saddr 10.244.0.3-10.244.0.5", "10.244.0.3-10.244.0.4"],
    ["ip6 saddr & ::3 == ::1", "saddr fd00::4-fd00::6", "fd00::5", IPV6],
    ["ip6 saddr & ::3 == ::1", "saddr fd00::5", "fd00::5", IPV6],
    ["meta mark & 0x3 == 0x1", "mark 0-5", "1, 5"],
    ["meta mark & 0x3 ^ 0x2 == 0x1", "mark 0-5", "3"],
    ["meta mark & 0x0000ff00 ^ 0x80000000 == 0x80000100", "mark 256-257 512", "256-257"],
    ["meta mark & 0x0000ff00 ^ 0x80000000 == 0x80000100", "mark 256", "256"],
    ["meta mark >> 1 == 0x1", "mark 0-5", "2-3"],
    ["meta mark << 1 == 0x4", "mark 0-5", "2"],
    ["ct mark & 0x3 == 0x1", "ctmark 0-5", "1, 5", ESTABLISHED],
    ["ct status dnat", "ctstatus 0 32", "32", ESTABLISHED],
    ["meta mark & ct mark == 0x1", "mark 0-3, ctmark 1-2", "1 1, 3 1", ESTABLISHED],
    ["meta mark | ct mark == 0x3", "mark 0-3, ctmark 1-2", "1 2-2 1, 3 1-3 2", ESTABLISHED],
    ["meta mark ^ ct mark == 0x3", "mark 0-3, ctmark 1-2", "1 2-2 1", ESTABLISHED],
  ]);
});

describe("sets and maps", () => {
  testRows([
    ["ip saddr @clients", "saddr 10.244.0.3-10.244.0.6", "10.244.0.4-10.244.0.5"],
    ["ip saddr != @clients", "saddr 10.244.0.3-10.244.0.6", "10.244.0.3, 10.244.0.6"],
    ["ip daddr . tcp dport @pairs", "daddr 10.96.0.9-10.96.0.10, dport 80-81", "10.96.0.10 80"],
    ["ip daddr . tcp dport != @pairs", "daddr 10.96.0.10, dport 80-81", "10.96.0.10 81"],
    ["ip daddr . tcp dport @pairs", "dport 80-81", "", UDP],
    ["ip daddr . tcp dport != @pairs", "dport 80-81", "", UDP],
    ["ip saddr . ip daddr { 10.244.0.5 . 10.96.0.9-10.96.0.10 }", "daddr 10.96.0.8-10.96.0.11", "10.96.0.9-10.96.0.10"],
    ["ip saddr . meta mark >> 1 { 10.244.0.5 . 1 }", "mark 0-5", "2-3"],
    ["ip daddr . tcp dport . meta mark >> 1 { 10.96.0.10 . 80 . 1 }", "mark 0-5", "", UDP],
    ["ip daddr . tcp dport { 10.96.0.10 . 80 }", "dport 79-81", "80"],
    ["ip6 daddr . tcp dport { fd00:10:96::10 . 80 }", "dport 79-81", "80", IPV6],
    ["meta mark set ip daddr map @numbers meta mark 7", "daddr 10.96.0.9-10.96.0.11", "10.96.0.10"],
    ["meta mark set tcp dport map { 80 : 1, 81 : 2 } meta mark 2", "dport 80-82", "81"],
    ["meta mark set tcp dport map { 80 : 1, 81 : 2 } meta mark 2", "dport 80-82", "", UDP],
  ]);
});

describe("what is known of packets besides", () => {
  testRows([
    ['iifname "cni*"', "dport 80-81", "80-81"],
    ['iifname != "cni*"', "dport 80-81", ""],
    ["meta l4proto tcp", "dport 80-81", "80-81"],
    ["ct original ip saddr 10.244.0.5", "saddr 10.244.0.4-10.244.0.6", "10.244.0.5"],
    ["ct original ip daddr 10.96.0.10", "daddr 10.96.0.9-10.96.0.11", "10.96.0.10"],
    ["ct reply ip saddr 10.96.0.10", "daddr 10.96.0.9-10.96.0.11", "10.96.0.10"],
    ["ct reply ip daddr 10.244.0.5", "saddr 10.244.0.4-10.244.0.6", "10.244.0.5"],
    ["meta l4proto tcp ct original proto-src 80", "sport 79-81", "80"],
    ["meta l4proto tcp ct original proto-dst 80", "dport 79-81", "80"],
    ["meta l4proto tcp ct reply proto-src 80", "dport 79-81", "80"],
    ["meta l4proto tcp ct reply proto-dst 80", "sport 79-81", "80"],
    ["ct reply ip saddr 10.244.0.5", "saddr 10.244.0.4-10.244.0.6", "10.244.0.5", { ctState: "reply" }],
    ["ct reply ip daddr 10.96.0.10", "daddr 10.96.0.9-10.96.0.11", "10.96.0.10", { ctState: "reply" }],
    ["meta l4proto tcp ct reply proto-src 80", "sport 79-81", "80", { ctState: "reply" }],
    ["meta l4proto tcp ct reply proto-dst 80", "dport 79-81", "80", { ctState: "reply" }],
    ["fib daddr type local", "daddr 192.0.2.0-192.0.2.2", "192.0.2.1"],
    ["fib saddr type local", "saddr 192.0.2.0-192.0.2.2", "192.0.2.1"],
    ["fib saddr type local", "daddr 192.0.2.0-192.0.2.2", "192.0.2.0-192.0.2.2", OWN],
    ["fib daddr type multicast", "daddr 223.255.255.255-224.0.0.1", "224.0.0.0-224.0.0.1"],
  ]);
});

const ANY_HOST = hostOf([]);
const WITH_MORE: Environment = { ...environmentOf([address("192.0.2.1")]), moreAddresses: true };
const MAY_BE_OWN =
  "drop if not the destination is an address of this node | pass if the destination is an address of this node";

describe("a host whose addresses are not all known", () => {
  test.each<[match: string, packets: ManyPackets, fates: readonly string[]]>([
    [
      "fib daddr type local",
      { fields: "daddr 192.0.2.0-192.0.2.2", environment: ANY_HOST },
      [`192.0.2.0-192.0.2.2: ${MAY_BE_OWN}`],
    ],
    [
      "fib daddr type local",
      { fields: "daddr 192.0.2.0-192.0.2.2", environment: WITH_MORE },
      [`192.0.2.0: ${MAY_BE_OWN}`, "192.0.2.1: pass", `192.0.2.2: ${MAY_BE_OWN}`],
    ],
    ["fib daddr type local", { fields: "daddr 192.0.2.1", environment: WITH_MORE }, ["192.0.2.1: pass"]],
    [
      "fib daddr type local",
      { fields: "daddr 223.255.255.255-224.0.0.1", environment: ANY_HOST },
      [`223.255.255.255: ${MAY_BE_OWN}`, "224.0.0.0-224.0.0.1: drop"],
    ],
    ["fib daddr type local", { fields: "daddr 224.0.0.0", environment: ANY_HOST }, ["224.0.0.0: drop"]],
    [
      "fib daddr type multicast",
      { fields: "daddr 224.0.0.0-224.0.0.1", environment: ANY_HOST },
      ["224.0.0.0-224.0.0.1: pass"],
    ],
    // Packets that came in have no source of the node's, those that it sends have.
    [
      "fib saddr type local",
      { fields: "saddr 192.0.2.0-192.0.2.2", environment: WITH_MORE },
      ["192.0.2.0: drop", "192.0.2.1: pass", "192.0.2.2: drop"],
    ],
    [
      "fib saddr type local",
      { fields: "saddr 192.0.2.0-192.0.2.2", environment: WITH_MORE, members: OWN },
      ["192.0.2.0-192.0.2.2: pass"],
    ],
    [
      "fib saddr type local",
      { fields: "saddr 192.0.2.0-192.0.2.2", members: OWN },
      ["192.0.2.0: drop", "192.0.2.1: pass", "192.0.2.2: drop"],
    ],
  ])("%s: %o", (match, packets, fates) => {
    expect(fatesBy(match, packets)).toEqual(fates);
  });
});

describe("what is not known, and chance", () => {
  test.each<[match: string, members: Partial<Packet>, fate: string]>([
    ["numgen random mod 4 0", {}, "drop (75 %), or pass (25 %)"],
    ["numgen random mod 4 != 0", {}, "drop (25 %), or pass (75 %)"],
    ["numgen random mod 4 offset 2 { 0-2, 5-9 }", {}, "drop (50 %), or pass (50 %)"],
    ["numgen random mod 4 < 1", {}, "drop (75 %), or pass (25 %)"],
    ["meta random & 2147483647 < 536870912", {}, "drop (75 %), or pass (25 %)"],
    ["ip saddr . numgen random mod 4 { 10.244.0.5 . 3 }", {}, "drop (75 %), or pass (25 %)"],
    ["meta skuid 0", OWN, "drop if not meta skuid == 0 | pass if meta skuid == 0"],
    [
      // What the kernel sends by itself has no user.
      "meta skuid != 0",
      OWN,
      "drop if meta skuid == 0, or not a program of this node sent the packet | pass if a program of this node sent the packet and not meta skuid == 0",
    ],
    [
      "meta skgid != 0",
      OWN,
      "drop if meta skgid == 0, or not a program of this node sent the packet | pass if a program of this node sent the packet and not meta skgid == 0",
    ],
    ['oifname != "eth0"', OWN, "drop if meta oifname == eth0 | pass if not meta oifname == eth0"],
    ['oifname "eth*"', OWN, "drop if not meta oifname eth* | pass if meta oifname eth*"],
    ['oifname { "eth0", "eth1" }', OWN, "drop if not meta oifname eth0,eth1 | pass if meta oifname eth0,eth1"],
    ["meta cpu 1", {}, "drop if not meta cpu 1 | pass if meta cpu 1"],
    ["ip ttl < 5", {}, "drop if not ip ttl < 5 | pass if ip ttl < 5"],
    ["ip ttl != 5", {}, "drop if ip ttl == 5 | pass if not ip ttl == 5"],
    ["ip ttl 5-7", {}, "drop if not ip ttl 5-7 | pass if ip ttl 5-7"],
  ])("%s, of %o: %s", (match, members, fate) => {
    expect(fatesBy(match, { fields: "dport 80-81", members })).toEqual([`80-81: ${fate}`]);
  });
});
