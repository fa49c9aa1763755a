/** What judges change in a text is what they change in its program: a spelling that they do not find is no change that is not made. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stepsIn } from "../../compiler/ir/steps.ts";
import type { Expression, Program } from "../../compiler/ir/types.ts";
import { expressionsOf, somePart } from "../../compiler/ir/walk.ts";
import { hasMemory, takeTurns } from "../../runtime/kernel/changes.ts";
import type { KernelRules } from "../../runtime/kernel/rules.ts";
import { cluster } from "../support/arbitraries.ts";
import { mustCompile } from "../support/compile.ts";
import { JUDGES, rulesFor } from "../support/differential.ts";
import { changedInBothWays } from "../support/judged-texts.ts";
import { runs } from "../support/runs.ts";

const nft = (rules: string): KernelRules => ({
  kind: "nft",
  text: `table ip t {
  map m { typeof numgen random mod 65536 : ip daddr; }
  set s { type ipv4_addr; flags dynamic, timeout; }
  chain c {
    type nat hook prerouting priority dstnat; policy accept;
    ${rules}
  }
}
`,
});
const iptables = (...rules: string[]): KernelRules => ({
  kind: "iptables",
  backend: "nft",
  ip: ["*nat", ...rules.map((rule) => `-A PREROUTING ${rule}`), "COMMIT", ""].join("\n"),
  ip6: "",
});

describe("a text and its program change alike", () => {
  test.each<[string, KernelRules]>([
    ["a number by chance in a key", nft("dnat to numgen random mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }")],
    ["with more blanks", nft("numgen   random   mod 3 offset 1 == 2 drop")],
    ["in two lines", nft("numgen \\\n random mod 3 < 2 accept")],
    ["a client that is remembered", nft("update @s { ip saddr timeout 30s } accept")],
    ["a client that is added, without blanks", nft("add @s {ip saddr} counter")],
    ["a client that is forgotten", nft("delete @s { ip saddr }")],
    ["words in a comment", nft('tcp dport 80 accept comment "numgen random mod 2, update @s { ip saddr }"')],
    ["a chance", iptables("-m statistic --mode random --probability 0.33333333349 -j ACCEPT")],
    ["in another order", iptables("-m statistic --probability 0.25 --mode random -p tcp -j ACCEPT")],
    ["with another sign", iptables("-m statistic --mode=random --probability=0.25 -j ACCEPT")],
    ["negated", iptables("-m statistic --mode random ! --probability 0.25 -j ACCEPT")],
    ["that is nearly sure", iptables("-m statistic --mode random --probability 0.9 -j ACCEPT")],
    ["that is sure", iptables("-m statistic --mode random --probability 1 -j ACCEPT")],
    ["a list of recent", iptables("-m recent --set --name a --mask 255.255.255.255 --rsource -j ACCEPT")],
    ["in another order", iptables("-m recent --name a --set -p udp", "-m recent --rcheck --name a -j ACCEPT")],
    ["that a look renews", iptables("-m recent --set --name a", "-m recent ! --update --name a -j ACCEPT")],
    ["that counts", iptables("-m recent --set --name a", "-m recent --update --hitcount 3 --name a -j ACCEPT")],
    ["a limit for each client", nft("update @s { ip saddr limit rate 5/second } accept")],
    ["words in a comment", iptables('-m comment --comment "-m statistic --mode random --probability 0.5" -j ACCEPT')],
  ])("%s", (_, rules) => {
    const [text, program] = changedInBothWays(rules);
    expect(text).toEqual(program);
  });

  test.each(JUDGES)("texts of clusters, %s", (judge) => {
    fc.assert(
      fc.property(cluster, (world) => {
        const [text, program] = changedInBothWays(rulesFor(judge, mustCompile(world).program));
        expect(text).toEqual(program);
      }),
      { numRuns: runs(10) },
    );
  });
});

/** Steps that take a chance. */
function chancesIn({ ruleset }: Program): number {
  const isRandom = (part: Expression): boolean => part.kind === "numgen" && part.mode === "random";
  return [...stepsIn(ruleset.tables)].filter(
    (step) => step.kind === "chance" || expressionsOf(step).some((each) => somePart(each, isRandom)),
  ).length;
}

test("nothing is left to chance, and somewhere it was", () => {
  let before = 0;
  let remembering = 0;
  for (const world of fc.sample(cluster, { numRuns: 40, seed: 5 })) {
    const { program } = mustCompile(world);
    before += chancesIn(program);
    if (hasMemory(program)) remembering++;
    expect(chancesIn(takeTurns(program))).toBe(0);
  }
  expect(before).toBeGreaterThan(40);
  expect(remembering).toBeGreaterThan(10);
});
