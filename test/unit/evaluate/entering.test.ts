/** What packets enter into lists, and find there: several packets, followed at once and one by one. */
import { expect, test } from "vitest";
import type { Packet } from "../../../compiler/evaluate/packet.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { fatesAlone, fatesTogether, type ManyPackets } from "../../support/many-packets.ts";
import { forwardIptables, forwardNft, mustReadNft } from "../../support/read.ts";

const CLIENTS = "saddr 10.0.0.7-10.0.0.8";
const both = (fate: string): readonly string[] => [`10.0.0.7-10.0.0.8: ${fate}`];
const decidedBy = (fact: string): string => `drop if ${fact} | pass if not ${fact}`;
const SETS = `set d { type ipv4_addr; flags dynamic; elements = { 10.0.0.7 }; }
  set e { type ipv4_addr; flags dynamic,timeout; timeout 30s; }
set ports { type inet_service; flags dynamic; elements = { 80 }; }
set ttls { typeof ip ttl; flags dynamic; elements = { 7, 5 }; }
set none { typeof ip ttl; flags dynamic; }
set pairs { typeof ip ttl . ip saddr; flags dynamic; elements = { 5 . 10.0.0.1 }; }
set chosen { type ipv4_addr . mark; flags dynamic; }
map ends { type ipv4_addr : ipv4_addr; flags dynamic; elements = { 10.0.0.7 : 10.1.0.1 }; }`;
const UDP = { protocol: 17 };

function nft(rules: string): Program {
  return forwardNft(rules.split("; "), SETS);
}

function fatesBy(program: Program, packets: ManyPackets): string[] {
  const fates = fatesTogether(program, packets);
  expect(fatesAlone(program, packets)).toEqual(fates);
  return fates;
}

test.each<[rules: string, fates: readonly string[], fields?: string, members?: Partial<Packet>]>([
  // What is told of it names the time for which it stays.
  [
    "update @e { ip daddr }; ip saddr @e drop",
    both(decidedBy("remembered earlier: ip saddr in @e (30 s) (after update ip daddr in @e (30 s) for 30 s)")),
  ],
  [
    "add @e { ip daddr timeout 5s }; ip saddr @e drop",
    both(decidedBy("remembered earlier: ip saddr in @e (30 s) (after add ip daddr in @e (30 s) for 5 s)")),
  ],
  [
    "delete @e { ip daddr }; ip saddr @e drop",
    both(decidedBy("remembered earlier: ip saddr in @e (30 s) (after delete ip daddr in @e (30 s))")),
  ],
  // What stays for good is not made younger.
  [
    "update @d { ip daddr }; ip saddr @d drop",
    ["10.0.0.7: drop", `10.0.0.8: ${decidedBy("remembered earlier: ip saddr in @d (after add ip daddr in @d)")}`],
  ],
  [
    "delete @d { ip daddr }; ip saddr @d drop",
    [
      `10.0.0.7: ${decidedBy("not forgotten: ip saddr in @d (after delete ip daddr in @d)")}`,
      `10.0.0.8: ${decidedBy("remembered earlier: ip saddr in @d (after delete ip daddr in @d)")}`,
    ],
  ],
  ["add @d { ip saddr }; ip saddr != @d accept; drop", both("drop")],
  ["delete @d { ip saddr }; ip saddr != @d accept; drop", both("pass")],
  [
    "ip saddr != @d accept; add @d { ip daddr }; drop",
    [
      "10.0.0.7: drop",
      "10.0.0.8: drop if remembered earlier: ip saddr in @d | pass if not remembered earlier: ip saddr in @d",
    ],
  ],
  // A packet without the key comes to the next rule.
  ["add @ports { tcp dport } accept; drop", ["80-81: drop"], "dport 80-81", UDP],
  ["tcp dport @ports accept; add @ports { tcp sport }; drop", ["80-81: drop"], "dport 80-81", UDP],
  ["tcp dport != @ports accept; add @ports { tcp sport }; drop", ["80-81: drop"], "dport 80-81", UDP],
  [
    "tcp dport @ports drop; add @ports { tcp sport }; accept",
    ["80: drop", `81: ${decidedBy("remembered earlier: dport in @ports")}`],
    "dport 80-81",
  ],
  // Of what is not known of a packet it is known that it is the same each time.
  ["add @ttls { ip ttl }; ip ttl @ttls drop", both("drop")],
  ["ip ttl @ttls drop; add @ttls { ip ttl }", both(decidedBy("remembered earlier: ip ttl, or one of 5, 7, in @ttls"))],
  ["ip ttl @none drop; add @none { ip ttl }", both(decidedBy("remembered earlier: ip ttl in @none"))],
  [
    "ip ttl . ip saddr @pairs drop; add @pairs { ip ttl . ip daddr }",
    both(decidedBy("remembered earlier: ip ttl . ip saddr, or one of 5 . 167772161, in @pairs")),
  ],
  [
    "ip ttl @ttls accept; add @ttls { ip ttl }; drop",
    both(
      "drop if not remembered earlier: ip ttl, or one of 5, 7, in @ttls | pass if remembered earlier: ip ttl, or one of 5, 7, in @ttls",
    ),
  ],
  // Another key that is entered takes none out.
  [
    "add @chosen { ip saddr . meta mark }; add @chosen { ip saddr . numgen random mod 2 }; ip saddr . meta mark @chosen drop",
    both("drop"),
  ],
  [
    "add @chosen { ip saddr . numgen random mod 2 }; ip saddr . numgen random mod 2 @chosen drop",
    both(
      decidedBy(
        "remembered earlier: some ip saddr . numgen random mod 2 offset 0 in @chosen (after add ip saddr . numgen random mod 2 offset 0 in @chosen)",
      ),
    ),
  ],
])("%s", (rules, fates, fields = CLIENTS, members = {}) => {
  expect(fatesBy(nft(rules), { fields, members })).toEqual(fates);
});

test.each<[rules: readonly string[], fates: readonly string[]]>([
  [["-m recent ! --set --rdest --name R -j ACCEPT", "-j DROP"], both("drop")],
  [["-m recent --set --rdest --name R -j ACCEPT", "-m recent --rcheck --hitcount 2 --name R", "-j DROP"], both("pass")],
  [
    ["-m recent ! --set --rdest --name R -j ACCEPT", "-m recent --rcheck --hitcount 2 --name R -j DROP"],
    both(
      decidedBy(
        "-m recent --rcheck --hitcount 2 --name R --mask 255.255.255.255 --rsource (after -m recent ! --set --name R --mask 255.255.255.255 --rdest)",
      ),
    ),
  ],
  [
    ["-m recent --remove --name R -j DROP", "-m recent --set --name R"],
    both(decidedBy("-m recent --remove --name R --mask 255.255.255.255 --rsource")),
  ],
  [
    ["-m set --match-set s src -j DROP", "-j SET --add-set s src", "-m set --match-set s dst -j DROP"],
    both(
      "drop if -m set --match-set s dst (after -j SET --add-set s src), or -m set --match-set s src | pass if not -m set --match-set s dst (after -j SET --add-set s src) and not -m set --match-set s src",
    ),
  ],
])("%j", (rules, fates) => {
  expect(fatesBy(forwardIptables(...rules), { fields: CLIENTS })).toEqual(fates);
});

/** Chains of nat that ask maps which the last chain fills. */
function filledMaps(early: string, nat: string, post: string): Program {
  return mustReadNft(`table ip t {
    ${SETS}
    map numbers { type mark : ipv4_addr; flags dynamic; elements = { 0 : 10.1.0.1 }; }
    chain e { type nat hook prerouting priority -110; policy drop; ${early}; accept; }
    chain n { type nat hook prerouting priority -100; policy drop; ${nat}; accept; }
    chain p { type nat hook postrouting priority 100; policy drop; ${post}; accept; }
    chain f { type filter hook postrouting priority 200; ip saddr @e counter; meta mark 1 drop;
      add @ends { ip saddr : ip daddr }; add @numbers { meta mark : ip daddr }; }
  }`);
}
const ONE = "dnat to numgen random mod 2 map { 0 : 10.1.0.1, 1 : 10.1.0.2 }";
const CLIENT = "remembered earlier: ip saddr in @ends";
const SERVICE = "remembered earlier: ip daddr in @ends";
const SOME = "remembered earlier: some numgen random mod 2 offset 0 in @numbers";
const CHOICE = "a choice of 10.1.0.1-10.1.0.65";
const [TO_ONE, TO_OTHER] = ["to 10.1.0.1:80", "to 10.1.0.2:80"];

test.each<[early: string, nat: string, post: string, fates: readonly string[]]>([
  [
    "counter",
    ONE,
    "snat to ip saddr map @ends",
    [
      `10.0.0.7: ${TO_ONE}, from 10.1.0.1 (50 %), or ${TO_OTHER}, from 10.1.0.1 (50 %) if not ${CLIENT} | ${TO_ONE}, taken by "${CLIENT}" (50 %), or ${TO_OTHER}, taken by "${CLIENT}" (50 %) if ${CLIENT}`,
      `10.0.0.8: ${TO_ONE} (50 %), or ${TO_OTHER} (50 %) if not ${CLIENT} | ${TO_ONE}, taken by "${CLIENT}" (50 %), or ${TO_OTHER}, taken by "${CLIENT}" (50 %) if ${CLIENT}`,
    ],
  ],
  [
    "counter",
    "dnat to numgen random mod 2 map @numbers",
    "counter",
    both(`pass (50 %), or ${TO_ONE} (50 %) if not ${SOME} | pass, taken by "${SOME}" if ${SOME}`),
  ],
  [
    "dnat to ip daddr map @ends",
    "dnat to 10.1.0.1-10.1.0.65",
    "counter",
    both(
      `${TO_ONE}, taken by "${CHOICE}" if not ${SERVICE} | ${TO_ONE}, taken by "${SERVICE}", taken by "${CHOICE}" if ${SERVICE}`,
    ),
  ],
  [
    "dnat to ip daddr map @ends",
    "counter",
    "snat to ip daddr map @ends",
    both(`pass if not ${SERVICE} | pass, taken by "${SERVICE}", taken by "${SERVICE}" if ${SERVICE}`),
  ],
  [
    "meta mark set rt classid",
    "dnat to 10.1.0.1-10.1.0.65",
    "counter",
    both(
      `drop if meta mark == 1 and rt classid has a value | ${TO_ONE}, taken by "${CHOICE}" if not meta mark == 1, or not rt classid has a value`,
    ),
  ],
  [
    "update @e { ip saddr }; add @d { ip saddr }",
    "dnat to 10.1.0.1",
    "counter",
    both(`${TO_ONE}, remembered for 30 s`),
  ],
])("in maps that rules fill: %s; %s; %s", (early, nat, post, fates) => {
  expect(fatesBy(filledMaps(early, nat, post), { fields: CLIENTS })).toEqual(fates);
});

test("in maps that rules fill, by what a rule has chosen before", () => {
  const [first, second] = ["10.1.0.1", "10.1.0.2"].map((end) => `remembered earlier: ${end} in @ends`);
  const fates = fatesBy(filledMaps("counter", ONE, "snat to ip daddr map @ends"), { fields: CLIENTS });
  expect(
    fates
      .join()
      .match(/if [^|]*/g)
      ?.map((text) => [text.includes(`${first}`), text.includes(`${second}`)]),
  ).toEqual(Array.from({ length: 4 }, () => [true, true]));
});

test("an endpoint that a map holds which rules fill, for some time", () => {
  const rules = "update @e { ip saddr }; dnat to ip saddr map @ends";
  const program = mustReadNft(`table ip t {
    ${SETS}
    chain n { type nat hook prerouting priority -100; ${rules}; dnat to 10.9.9.9; }
    chain f { type filter hook forward priority 0; ip saddr @e counter; add @ends { ip saddr : ip daddr }; }
  }`);
  const fact = "remembered earlier: ip saddr in @ends";
  expect(fatesBy(program, { fields: CLIENTS })).toEqual([
    `10.0.0.7: pass, taken by "${fact}" if ${fact} | to 10.1.0.1:80, remembered for 30 s if not ${fact}`,
    `10.0.0.8: pass, taken by "${fact}" if ${fact} | to 10.9.9.9:80, remembered for 30 s if not ${fact}`,
  ]);
});
