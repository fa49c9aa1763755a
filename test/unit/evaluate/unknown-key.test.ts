/** Keys of which a part is not known. */
import { describe, expect, test } from "vitest";
import { answerOf, opinionOf } from "../../../compiler/compare/answer.ts";
import { compare } from "../../../compiler/compare/compare.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import type { Address } from "../../../compiler/net/address.ts";
import { ipv4 } from "../../support/ir.ts";
import { fateOf, IPV6 } from "../../support/one-packet.ts";
import { forwardNft } from "../../support/read.ts";

const PACKET: Packet = {
  ...{ protocol: 6, sourcePort: 40000, destinationPort: 22, mark: 0 },
  source: ipv4("10.0.0.1") as Address,
  destination: ipv4("10.0.0.2") as Address,
  inInterface: "c",
};

function nft(rules: string, sets = ""): Program {
  return forwardNft([rules], sets);
}

function outcomes(program: Program, packet = PACKET): string[] {
  return new Evaluator(program)
    .evaluateWhole(packet, environmentOf([]))
    .map(({ verdict, assumptions }) => {
      const texts = assumptions.map(({ text, holds }) => (holds ? text : `not ${text}`));
      return texts.length === 0 ? verdict : `${verdict} if ${texts.join(", ")}`;
    })
    .sort();
}

function verdictOf(left: Program, right: Program): string {
  return opinionOf(answerOf([compare(left, right, { addresses: [], families: ["IPv4"] })], { gaps: [], given: [] }));
}

const ZONES =
  'set turned { type ifname . ifname; elements = { "c" . "k", "m" . "c" }; } map z { type ifname . ifname : verdict; elements = { "a" . "b" : drop, "c" . "a" : drop, "c" . "d" : accept }; }';

describe("a key of which a part is known", () => {
  test.each([
    ["finds nothing where no element has that part", "iifname . oifname vmap @z", "eth0", ["pass"]],
    [
      "finds those that have it, by the other part",
      "iifname . oifname vmap @z",
      "c",
      [
        "accept if meta oifname == d",
        "drop if not meta oifname == d, meta oifname == a",
        "pass if not meta oifname == d, not meta oifname == a",
      ],
    ],
    [
      "is one of more numbers than are followed",
      "numgen random mod 65537 vmap { 7 : drop }",
      "c",
      ["drop if numgen random mod 65537 offset 0 == 7", "pass if not numgen random mod 65537 offset 0 == 7"],
    ],
    ["is in no set without it", 'ip saddr . oifname { 10.1.0.1 . "a" } drop', "c", ["pass"]],
    ["is not in a set without it, for certain", 'ip saddr . oifname != { 10.1.0.1 . "a" } drop', "c", ["drop"]],
    [
      "is in a set by the other part",
      'ip saddr . oifname { 10.0.0.1 . "a", 10.0.0.1 . "b", 10.1.0.1 . "c" } drop',
      "c",
      ["drop if meta oifname a,b", "pass if not meta oifname a,b"],
    ],
    [
      "and where two parts are not, by both of them",
      'oifname . oif . ip saddr { "a" . "a" . 10.0.0.1, "b" . "b" . 10.0.0.9 } drop',
      "c",
      ["drop if meta oifname . meta oif a . a", "pass if not meta oifname . meta oif a . a"],
    ],
    ["and where a part has no value ends the rule", 'udp dport . oifname { 53 . "a" } drop', "c", ["pass"]],
    ["also of a map", 'udp dport . oifname vmap { 53 . "a" : drop }', "c", ["pass"]],
    [
      "also of a map that has an element for all others",
      'udp dport . oifname vmap { 53 . "a" : drop, * : drop }',
      "c",
      ["pass"],
    ],
    [
      "of which none is known may be each element, if it is none before",
      'oifname . oif vmap { "f" . "f" : drop, "e" . "e" : accept }',
      "c",
      [
        "accept if meta oifname . meta oif e . e",
        "drop if not meta oifname . meta oif e . e, meta oifname . meta oif f . f",
        "pass if not meta oifname . meta oif e . e, not meta oifname . meta oif f . f",
      ],
    ],
    [
      "of which none is known may be none of the elements, and then is what others are",
      'oifname . oif vmap { "l" . "l" : drop, * : accept }',
      "c",
      ["accept if not meta oifname . meta oif l . l", "drop if meta oifname . meta oif l . l"],
    ],
    [
      "is looked up by the part that is known there",
      "oifname . iifname @turned drop; iifname . oifname @turned accept",
      "c",
      [
        "accept if not meta oifname == m, meta oifname == k",
        "drop if meta oifname == m",
        "pass if not meta oifname == m, not meta oifname == k",
      ],
    ],
    [
      "in whatever order the elements stand",
      'oifname vmap { "g" : accept, "h" : drop }',
      "c",
      [
        "accept if meta oifname == g",
        "drop if not meta oifname == g, meta oifname == h",
        "pass if not meta oifname == g, not meta oifname == h",
      ],
    ],
    [
      "in the other order",
      'oifname vmap { "j" : drop, "i" : accept }',
      "c",
      [
        "accept if meta oifname == i",
        "drop if not meta oifname == i, meta oifname == j",
        "pass if not meta oifname == i, not meta oifname == j",
      ],
    ],
    [
      "is told by its values, short ones first",
      'oifname vmap { "b" : drop, "aa" : drop, "c" : drop, "a" : drop, "bb" : drop }',
      "c",
      ["drop if meta oifname a,b,c,aa,bb", "pass if not meta oifname a,b,c,aa,bb"],
    ],
    [
      "and of two parts likewise",
      'oifname . oif { "b" . "b", "aa" . "b", "a" . "c", "a" . "b" } drop',
      "c",
      [
        "drop if meta oifname . meta oif a . b,a . c,b . b,aa . b",
        "pass if not meta oifname . meta oif a . b,a . c,b . b,aa . b",
      ],
    ],
    [
      "is told by its intervals as well",
      "ip ttl . ip saddr { 5-7 . 10.0.0.1, 9-10 . 10.0.0.1 } drop",
      "c",
      ["drop if ip ttl 5-7,9-10", "pass if not ip ttl 5-7,9-10"],
    ],
  ])("%s", (_, rules, inInterface, wanted) => {
    expect(outcomes(nft(rules, ZONES), { ...PACKET, inInterface })).toEqual(wanted);
  });

  test("tells the packets of a comparison apart by that part", () => {
    const left = nft('ip saddr . oifname { 10.1.0.0/16 . "a" } drop');
    expect(verdictOf(left, nft('ip saddr 10.1.0.0/16 oifname "a" drop'))).toBe("equal");
    expect(verdictOf(left, nft('ip saddr 10.1.0.0/17 oifname "a" drop'))).toBe("different");
    const ports = nft('ip saddr . tcp dport . oifname { 10.1.0.0/16 . 80 . "a", 10.2.0.0/16 . 81 . "b" } drop');
    const [one, other] = [
      'ip saddr 10.1.0.0/16 tcp dport 80 oifname "a" drop',
      'ip saddr 10.2.0.0/16 tcp dport 81 oifname "b" drop',
    ];
    expect(verdictOf(ports, nft(`${one}; ${other}`))).toBe("equal");
    expect(verdictOf(ports, nft(`${one}; ${other?.replace("81", "80")}`))).toBe("different");
  });

  test.each<[what: string, left: string, right: string, set?: string]>([
    [
      "which have another protocol",
      'meta l4proto . ip saddr . oifname { tcp . 10.1.0.1 . "a", udp . 10.2.0.1 . "a" } drop',
      'meta l4proto tcp ip saddr 10.1.0.1 oifname "a" drop; meta l4proto udp ip saddr 10.2.0.1 oifname "a" drop',
    ],
    [
      "of which some had come to a rule before",
      'ip daddr 10.0.0.8 tcp dport 80 drop; ip daddr . oifname { 10.0.0.8 . "a" } drop',
      'ip daddr 10.0.0.8 tcp dport 80 drop; ip daddr 10.0.0.8 oifname "a" drop',
    ],
    [
      "by some bits of an address",
      'ip saddr & 255.255.255.0 . oifname { 10.1.0.0 . "a" } drop',
      'ip saddr 10.1.0.0/24 oifname "a" drop',
    ],
    [
      "by an address and by some of its bits, in one set",
      "ip saddr . oifname @s drop; ip saddr & 255.255.255.0 . oifname @s drop",
      'ip saddr 10.1.0.0/24 oifname "a" drop',
      'set s { type ipv4_addr . ifname; elements = { 10.1.0.0 . "a" }; }',
    ],
  ])("tells packets apart %s", (_, left, right, set) => {
    expect(verdictOf(nft(left, set), nft(right))).toBe("equal");
  });

  test("tells marks apart, also by some of their bits", () => {
    const left = nft('meta mark & 1 . oifname { 1 . "a" } drop');
    expect(verdictOf(left, nft('meta mark & 1 == 1 oifname "a" drop'))).toBe("equal");
    expect(verdictOf(left, nft('meta mark & 2 == 2 oifname "a" drop'))).toBe("different");
    expect(verdictOf(left, nft('meta mark 1 oifname "a" drop'))).toBe("different");
    const three = nft('meta mark & 1 . ip saddr . oifname { 1 . 10.1.0.0/16 . "a" } drop');
    expect(verdictOf(three, nft('meta mark & 1 == 1 ip saddr 10.1.0.0/16 oifname "a" drop'))).toBe("equal");
    expect(verdictOf(three, nft('meta mark & 1 == 1 ip saddr 10.1.0.0/17 oifname "a" drop'))).toBe("different");
    const two = nft('meta mark & 1 . meta mark & 2 . oifname { 1 . 2 . "a", 0 . 2 . "b" } drop');
    const rules = 'meta mark & 3 == 3 oifname "a" drop; meta mark & 3 == 2 oifname "b" drop';
    expect(verdictOf(two, nft(rules))).toBe("equal");
    expect(verdictOf(two, nft(rules.replace("== 2", "== 0")))).toBe("different");
  });

  test("and for which some element counts in any case: that one, where no other does", () => {
    const map = 'map z { type ifname . ifname : verdict; elements = { "c" . "a" : drop, * : accept }; }';
    expect(outcomes(nft("iifname . oifname vmap @z", map))).toEqual([
      "accept if not meta oifname == a",
      "drop if meta oifname == a",
    ]);
    expect(outcomes(nft("iifname . oifname vmap @z", map), { ...PACKET, inInterface: "x" })).toEqual(["accept"]);
  });
});

test("elements that hold one IPv6 address are one", () => {
  const map = "{ 00:00:00:00:00:01 : fd00::1, 00:00:00:00:00:02 : fd00::1 }";
  const chain = `chain c { type nat hook prerouting priority -100; dnat to ether saddr map ${map}; }`;
  expect(fateOf(chain, IPV6)).toBe("[fd00::1]:80 or kept");
});

describe("one fact has one name", () => {
  test.each([
    [
      "elements of a map",
      'ether saddr . oifname vmap { 00:00:00:00:00:01 . "a" : drop, 00:00:00:00:00:02 . "b" : drop }',
      'ether saddr . oifname vmap { 00:00:00:00:00:02 . "b" : drop, 00:00:00:00:00:01 . "a" : drop }',
    ],
    [
      "elements of a set",
      'ether saddr . oifname { 00:00:00:00:00:01 . "a", 00:00:00:00:00:02 . "b" } drop',
      'ether saddr . oifname { 00:00:00:00:00:02 . "b", 00:00:00:00:00:01 . "a" } drop',
    ],
    ["verdicts of a map", 'oifname vmap { "a" : drop, "b" : accept }', 'oifname vmap { "b" : accept, "a" : drop }'],
    ["interfaces", 'oifname { "a", "b" } drop', 'oifname { "b", "a" } drop'],
  ])("%s in two orders", (_, left, right) => {
    expect(verdictOf(nft(left), nft(right))).toBe("equal");
  });

  test("sets of other elements are other facts, whatever their names", () => {
    const text = (element: string): string => `ether saddr . oifname { ${element} } drop`;
    expect(verdictOf(nft(text('00:00:00:00:00:01 . "a"')), nft(text('00:00:00:00:00:02 . "b"')))).toBe("different");
    const named = (element: string): Program =>
      nft("ether saddr . oifname @s drop", `set s { type ether_addr . ifname; elements = { ${element} }; }`);
    expect(verdictOf(named('00:00:00:00:00:01 . "a"'), named('00:00:00:00:00:02 . "b"'))).toBe("different");
    expect(verdictOf(named('00:00:00:00:00:01 . "a"'), nft(text('00:00:00:00:00:01 . "a"')))).toBe("equal");
  });
});
