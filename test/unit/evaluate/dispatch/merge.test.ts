/** Ways of packets that meet again. */
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type PathStep } from "../../../../compiler/evaluate/packet.ts";
import { printAddress } from "../../../../compiler/net/address.ts";
import { dispatches, each, SIX } from "../../../support/dispatches.ts";
import { PACKET } from "../../../support/ir.ts";
import { mustReadNft } from "../../../support/read.ts";
import { address } from "../../../support/service-port.ts";

const NODE = environmentOf([address("192.0.2.1")]);

dispatches([
  [
    "ways that meet by chance",
    "numgen random mod 2 0 jump d; tcp dport 80 drop",
    "chain d { ip daddr 10.0.0.9 accept; }",
    8,
    7,
  ],
  [
    "six to one endpoint",
    "ct status dnat ip daddr 10.244.0.5 tcp dport 80 jump d",
    `chain d { ip daddr 10.244.0.5 ip saddr 10.0.0.1 drop; }
     chain n { type nat hook prerouting priority -100; ${each(SIX, "ip daddr 10.96.0.# tcp dport 80 dnat to 10.244.0.5:8#")}; }`,
    11,
    9,
  ],
  [
    "twelve to one endpoint, of which each port has two",
    "ct status dnat ip daddr 10.244.0.5 tcp dport 80 jump d",
    `chain d { ip daddr 10.244.0.5 ip saddr 10.0.0.1 drop; }
     chain n { type nat hook prerouting priority -100; ${each(SIX, "ip daddr 10.96.0.# tcp dport 80 dnat to 10.244.0.5:8#")};
     ${each(SIX, "ip daddr 10.97.0.# tcp dport 80 dnat to 10.244.0.5:8#")}; }`,
    11,
    9,
  ],
  [
    "two ways by chance that do the same",
    "numgen random mod 2 vmap { 0 : jump d, 1 : jump e }; meta mark 1 drop",
    "chain d { meta mark set 1; } chain e { meta mark set 1; }",
    8,
    4,
  ],
  [
    "two ways by chance that do it differently",
    "numgen random mod 2 vmap { 0 : jump d, 1 : jump e }; meta mark & 1 == 1 drop",
    "chain d { meta mark set 1; } chain e { meta mark set 2; meta mark set 3; }",
    10,
    4,
  ],
  [
    "two endpoints by chance",
    "ip daddr 10.244.0.5 drop",
    "chain n { type nat hook prerouting priority -100; meta l4proto tcp dnat to numgen random mod 2 map { 0 : 10.244.0.5, 1 : 10.244.0.6 }; }",
    7,
    6,
  ],
  ["two ways by chance to one rule that accepts", "numgen random mod 2 0 meta mark set 1; accept", "", 4, 2],
]);

describe("of ways by chance that meet, the steps of both are told", () => {
  const CHANCE = "numgen random mod 2 0 meta mark set 1";
  const forward = (rules: string): string => `chain c { type filter hook forward priority 0; ${rules}; }`;
  test.each<[what: string, chains: string, told: string[]]>([
    ["a write on one of them", forward(`${CHANCE}; accept`), ["c accept"]],
    ["a write before both", forward(`meta mark set 2; ${CHANCE}; accept`), ["c writes 2", "c accept"]],
    ["a write of what differs", forward(`${CHANCE}; ct mark set meta mark; accept`), ["c accept"]],
    [
      "a jump of one of them",
      `chain d { meta mark set 1; } ${forward("numgen random mod 2 0 jump d; accept")}`,
      ["c accept"],
    ],
    [
      "a policy",
      `chain a { type filter hook prerouting priority 0; ${CHANCE}; } ${forward("accept")}`,
      ["a policy", "c accept"],
    ],
    [
      "a policy, behind a rule that asks for what differs",
      `chain a { type filter hook prerouting priority 0; ${CHANCE}; meta mark 7 tcp dport 81 drop; } ${forward("accept")}`,
      ["a policy", "c accept"],
    ],
    [
      "a policy at one hook, and at another",
      `chain a { type filter hook prerouting priority 0; ${CHANCE}; meta mark 7 tcp dport 81 drop; } chain b { type filter hook forward priority -1; } ${forward("accept")}`,
      ["a policy", "b policy", "c accept"],
    ],
    [
      "a translation",
      `chain n { type nat hook prerouting priority -100; ${CHANCE}; dnat to 10.0.0.9; } ${forward("accept")}`,
      ["n 10.0.0.9", "c accept"],
    ],
    [
      "a translation, before a rule that asks for what differs",
      `chain n { type nat hook prerouting priority -100; ${CHANCE}; dnat to 10.0.0.9; } ${forward("meta mark 7 tcp dport 81 drop; accept")}`,
      ["n 10.0.0.9", "c accept"],
    ],
    [
      "a write before ways that part and meet, with no more on either",
      forward("meta mark set 1; numgen random mod 2 0 counter; accept"),
      ["c writes 1", "c accept"],
    ],
    [
      "a write on one of two ways, each of which parts again",
      forward(`${CHANCE}; meta mark != 7 numgen random mod 2 0 counter; accept`),
      ["c accept"],
    ],
    [
      "a write on two of three ways",
      forward(`${CHANCE}; meta mark 1 numgen random mod 2 0 meta mark set 3; accept`),
      ["c accept"],
    ],
    [
      "a write of one value, over what differs",
      forward(`${CHANCE}; meta mark != 7 meta mark set 3; accept`),
      ["c accept"],
    ],
    [
      "a write on both, behind one that differs",
      forward(`${CHANCE}; meta mark != 7 ct mark set 5; accept`),
      ["c writes 5", "c accept"],
    ],
    [
      "a write by another rule of each",
      `chain d { meta mark set 1; } chain e { meta mark set 1; } ${forward("numgen random mod 2 vmap { 0 : jump d, 1 : jump e }; accept")}`,
      ["c accept"],
    ],
    [
      "a write by one rule at two hooks",
      `chain d { meta mark set 1; } chain a { type filter hook prerouting priority 0; numgen random mod 2 0 jump d; } ${forward("meta mark 0 jump d; accept")}`,
      ["a policy", "c accept"],
    ],
    [
      "a rule that both have missed by their source",
      forward(`${CHANCE}; ip saddr 10.9.9.9 meta mark set 5; meta mark 7 tcp dport 81 drop; accept`),
      ["missed", "c accept"],
    ],
    [
      "an element",
      `chain a { type filter hook prerouting priority 0; ${CHANCE}; ip daddr vmap { 10.0.0.2 : accept, 10.0.0.3 : drop }; } ${forward("accept")}`,
      ["a accept", "c accept"],
    ],
  ])("%s", (_, chains, told) => {
    const results = new Evaluator(mustReadNft(`table ip t { ${chains} }`)).evaluateWhole(PACKET, NODE);
    expect(results.flatMap((each) => each.results.map(({ path }) => path.map(toldOf)))).toEqual([told]);
  });
});

function toldOf(step: PathStep): string {
  if (step.kind === "policy") return `${step.base.name} policy`;
  if (step.kind === "missed") return "missed";
  const { effect, chain, translated } = step;
  if (effect.kind === "write") return `${chain} writes ${effect.after}`;
  return `${chain} ${effect.kind === "verdict" ? effect.verdict.kind : translated && printAddress(translated.address)}`;
}
