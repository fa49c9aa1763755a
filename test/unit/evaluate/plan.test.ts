/** What a rule is made ready for: what is asked first, what it does nothing without, where it leads. */
import { expect, test } from "vitest";
import { planRule, testsLocality } from "../../../compiler/evaluate/plan.ts";
import { Question } from "../../../compiler/evaluate/question.ts";
import { describe as textOf } from "../../../compiler/ir/describe.ts";
import type { Rule } from "../../../compiler/ir/types.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

/** The one rule of a chain. */
function ruleOf(text: string, family = "ip"): Rule {
  const type = text.includes("masquerade") ? "nat hook postrouting" : "filter hook forward";
  const program = text.startsWith("-A")
    ? mustReadIptables(`*filter\n:FORWARD ACCEPT [0:0]\n:d - [0:0]\n${text}\nCOMMIT\n`, "ip")
    : mustReadNft(`table ${family} t { chain d { } chain c { type ${type} priority 0; ${text} } }`);
  const rules = program.ruleset.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules));
  return rules[0] ?? expect.unreachable();
}

test.each<[text: string, first: string, required: string, steps: number, effect: string | undefined, target?: string]>([
  ["accept", "", "", 1, "accept"],
  ["ip saddr 10.0.0.1 drop", "ip saddr", "ip saddr 167772161-167772161", 1, "drop"],
  ["ip saddr != 10.0.0.1 drop", "ip saddr", "", 1, "drop"],
  ["ip saddr 10.0.0.0/8 ip saddr 10.1.0.0/16 drop", "ip saddr, ip saddr", "ip saddr 167837696-167903231", 1, "drop"],
  [
    "ip daddr 10.0.0.1 ip saddr 10.0.0.0/8 ip saddr 10.0.0.1 drop",
    "ip daddr, ip saddr, ip saddr",
    "ip daddr 167772161-167772161, ip saddr 167772161-167772161",
    1,
    "drop",
  ],
  ["tcp dport 80 accept", "tcp dport", "tcp dport 80-80", 1, "accept"],
  ["meta l4proto tcp drop", "meta l4proto", "meta l4proto 6-6", 1, "drop"],
  ["meta mark 1 drop", "meta mark", "", 1, "drop"],
  ["iifname eth0 drop", "meta iifname", "", 1, "drop"],
  ["ct mark 1 drop", "ct mark", "", 1, "drop"],
  ["ct original ip daddr 10.0.0.1 drop", "ct original-daddr", "ct original-daddr 167772161-167772161", 1, "drop"],
  [
    "meta mark & 1 == 1 ip saddr 10.0.0.1 drop",
    "ip saddr, (meta mark & 1 ^ 0)",
    "ip saddr 167772161-167772161",
    1,
    "drop",
  ],
  ["counter", "", "", 1, undefined],
  ["counter drop", "", "", 2, "drop"],
  ["counter log drop", "", "", 3, undefined],
  ["meta mark set 1", "", "", 1, undefined],
  ["meta mark set 1 accept", "", "", 2, undefined],
  ["meta mark set 1 ip saddr 10.0.0.1 accept", "", "", 3, undefined],
  ["numgen random mod 2 0", "", "", 1, undefined],
  ["numgen random mod 2 0 drop", "", "", 2, undefined],
  ["jump d", "", "", 1, "jump d", "d"],
  ["goto d", "", "", 1, "goto d", "d"],
  ["return", "", "", 1, "return"],
  ["ip saddr 10.0.0.1 goto d", "ip saddr", "ip saddr 167772161-167772161", 1, "goto d", "d"],
  ["counter jump d", "", "", 2, "jump d", "d"],
  ["numgen random mod 2 0 jump d", "", "", 2, undefined, "d"],
  ["meta mark set 1 jump d", "", "", 2, undefined],
  ["masquerade", "", "", 1, '{"kind":"masquerade","random":"none"}'],
  ["limit rate 5/minute ip saddr 10.0.0.1 drop", "", "", 3, undefined],
  ["limit rate 5/minute jump d", "", "", 2, undefined],
  [
    "ip saddr 10.0.0.1 limit rate 5/minute ip daddr 10.0.0.1 drop",
    "ip saddr",
    "ip saddr 167772161-167772161",
    3,
    undefined,
  ],
  ["-A FORWARD -m recent --set --name a -s 10.0.0.1 -j DROP", "ip saddr", "ip saddr 167772161-167772161", 2, undefined],
  ["-A FORWARD -m recent --set --name a -j d", "", "", 2, undefined],
  ["-A FORWARD -m recent --rcheck --name a -j d", "", "", 2, undefined, "d"],
  ["-A FORWARD -m recent --rcheck --seconds 5 --name a -j d", "", "", 2, undefined, "d"],
  ["-A FORWARD -m recent --update --seconds 5 --hitcount 3 --name a -j d", "", "", 2, undefined],
  ["-A FORWARD -m set --match-set s src -j d", "", "", 2, undefined, "d"],
])("%s", (text, first, required, steps, effect, target) => {
  const planned = planRule(ruleOf(text));
  expect(planned.first.map(({ left }) => textOf(left)).join(", ")).toBe(first);
  const ranges = planned.requirements.map((each) => {
    const [from, end] = each.values.cuts;
    expect(textOf(each.field)).toBe(each.text);
    return `${each.text} ${from}-${Number(end) - 1}`;
  });
  expect(ranges.join(", ")).toBe(required);
  expect([planned.steps.length, planned.effect, planned.jumpTarget?.chain]).toEqual([steps, effect, target]);
});

test("a rule about IPv6 addresses requires them", () => {
  const { requirements } = planRule(ruleOf("ip6 saddr fd00::1 drop", "ip6"));
  expect(requirements.map(({ text }) => text)).toEqual(["ip6 saddr"]);
});

test.each<[tests: boolean, text: string]>([
  [true, "fib daddr type local drop"],
  [false, "fib saddr type local drop"],
  [true, "fib daddr type vmap { local : drop, unicast : accept }"],
  [false, "ip daddr 10.0.0.1 drop"],
  [false, "ip daddr vmap { 10.0.0.1 : drop }"],
])("that it is %s that a step tests the type of the destination: %s", (tests, text) => {
  const { first, steps } = planRule(ruleOf(text));
  const [step] = [...first, ...steps];
  expect(step instanceof Question || step?.kind === "vmap").toBe(true);
  for (let i = 0; i < 2; i++) expect(testsLocality(step ?? expect.unreachable())).toBe(tests);
});
