/** On which lists and buckets of a program it depends what becomes of packets, and what they are called. */
import { describe, expect, test } from "vitest";
import { Lists } from "../../../compiler/evaluate/memory.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

const SETS = `set d { type ipv4_addr; flags dynamic; }
  set e { type ipv4_addr; flags dynamic,timeout; timeout 30s; }`;

const table = (name: string, rules: string, chain = "c"): string =>
  `table ip ${name} { ${SETS}\n chain ${chain} { type filter hook forward priority 0; ${rules.replaceAll("; ", "\n")}\n } }\n`;

const testedIn = ({ ruleset }: Program): string[] => [...new Lists(ruleset.tables).tested].sort();

test.each<[rules: string, tested: string[]]>([
  ["add @d { ip saddr }", []],
  ["ip saddr @d drop", []],
  ["add @d { ip saddr }; ip saddr @e drop", []],
  ["add @d { ip saddr }; ip saddr @d drop", ["@d"]],
  ["ip saddr @d drop; add @d { ip saddr }", ["@d"]],
  ["delete @d { ip saddr }; ip saddr @d drop", ["@d"]],
  ["update @e { ip saddr }; ip saddr @e accept", ["@e (30 s)"]],
  ["add @d { ip saddr }; ip saddr @d", []],
  ["add @d { ip saddr }; ip saddr @d counter", []],
  ["add @d { ip saddr }; ip saddr @d tcp dport 80", []],
  ["add @d { ip saddr }; ip saddr @d iifname eth*", []],
  ["add @d { ip saddr }; ip saddr @d ip daddr { 10.0.0.1, 10.0.0.9 }", []],
  ["add @d { ip saddr }; ip saddr @d meta mark set 1", ["@d"]],
  ["add @d { ip saddr }; ip saddr @d reject", ["@d"]],
  ["add @d { ip saddr }; ip saddr @d add @e { ip saddr }", ["@d"]],
  ["add @d { ip saddr }; ip saddr != @d tcp dport 80 drop", ["@d"]],
])("%s: %j", (rules, tested) => {
  expect(testedIn(mustReadNft(table("t", rules)))).toEqual(tested);
});

test("a list of a second table is called by that", () => {
  const rules = "add @d { ip saddr }; ip saddr @d drop";
  expect(testedIn(mustReadNft(table("t", rules) + table("u", rules)))).toEqual(["@d", "@d of table ip u"]);
});

test.each(["kpc", "kube-proxy"])("session affinity of %s is none", (name) => {
  expect(testedIn(mustReadNft(table(name, "add @d { ip saddr }; ip saddr @d drop")))).toEqual([]);
});

describe("buckets", () => {
  const LIMIT = "-m limit --limit 5/sec";
  const iptables = (...rules: readonly string[]): Program =>
    mustReadIptables(["*filter", ":A - [0:0]", ...rules, "COMMIT", ""].join("\n"), "ip");

  test.each<[what: string, rules: string[], tested: string[]]>([
    ["one that decides", [`-A FORWARD ${LIMIT} -j DROP`], [LIMIT]],
    ["one that decides nothing", [`-A FORWARD ${LIMIT}`], []],
    [
      "two of one text in one chain",
      [`-A FORWARD ${LIMIT} -j DROP`, `-A FORWARD -p tcp ${LIMIT} -j ACCEPT`],
      [LIMIT, `${LIMIT} (in FORWARD)`],
    ],
    [
      "of rules of one shape each has its own",
      [1, 2, 3, 4].map((n) => `-A FORWARD -s 10.0.0.${n}/32 ${LIMIT} -j DROP`),
      [LIMIT, ...[1, 2, 3].map((n) => `${LIMIT} (in FORWARD${n === 1 ? "" : `, ${n}`})`)],
    ],
    [
      "of two chains the first by name has the text",
      [`-A FORWARD ${LIMIT} -j DROP`, `-A A ${LIMIT} -j DROP`],
      [LIMIT, `${LIMIT} (in FORWARD)`],
    ],
  ])("%s", (_, rules, tested) => {
    expect(testedIn(iptables(...rules))).toEqual(tested);
  });
});
