/** Whether a rule goes on behind what it writes. Rows of nft are in `statement.test.ts`; here are values that no text of nft 1.0 holds. */
import { expect, test } from "vitest";
import type { Expression, Program, Step } from "../../../compiler/ir/types.ts";
import { fatesAlone, fatesTogether } from "../../support/many-packets.ts";
import { mustReadNft } from "../../support/read.ts";

const opaque = (text: string): Expression => ({ kind: "opaque", text });
const ORED = (operand: Expression): Expression => ({ kind: "bitwise", operand, mask: 0xff, xor: 1 });
const BOTH = (left: Expression, right: Expression): Expression => ({ kind: "combine", operator: "or", left, right });
const SEVEN: Expression = { kind: "constant", type: "mark", value: 7 };

const has = (text: string): string => `80: drop if not ${text} has a value | pass if ${text} has a value`;
const NO_TEXT = "80: pass";

/** The rule `meta mark set VALUE accept`, and one that drops the packets for which it ends. */
function programOf(value: Expression): Program {
  const program = mustReadNft(
    "table ip t { chain c { type filter hook prerouting priority 0; meta mark set 7 accept; drop; } }",
  );
  const withValue = (step: Step): Step => (step.kind === "set" ? { ...step, value } : step);
  const tables = program.ruleset.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => ({
      ...chain,
      rules: chain.rules.map((rule) => ({ ...rule, steps: rule.steps.map(withValue) })),
    })),
  }));
  return { ...program, ruleset: { ...program.ruleset, tables } };
}

test.each<[what: string, value: Expression, fate: string]>([
  ["a number", SEVEN, NO_TEXT],
  ["what not all packets have", opaque("socket mark"), has("socket mark")],
  ["a part of it", ORED(opaque("socket mark")), has("socket mark")],
  ["a part of a part", ORED(BOTH(SEVEN, opaque("socket mark"))), has("socket mark")],
  ["one of two", BOTH(opaque("socket mark"), SEVEN), has("socket mark")],
  [
    "both",
    BOTH(opaque("socket mark"), opaque("rt classid")),
    "80: drop if not rt classid has a value, or not socket mark has a value | pass if rt classid has a value and socket mark has a value",
  ],
  ["a text that all have", opaque("meta random"), NO_TEXT],
  ["one with numbers", opaque("meta length and 15"), NO_TEXT],
  ["a hash of an address", opaque("jhash ip6 saddr mod 3 seed 0x7"), NO_TEXT],
  ["a hash of a port", opaque("jhash tcp dport mod 3"), has("jhash tcp dport mod 3")],
  ["one that is combined with another", opaque("meta mark or rt classid"), has("meta mark or rt classid")],
  ["a control group", opaque("meta cgroup"), has("meta cgroup")],
])("%s", (_, value, fate) => {
  const packets = { fields: "dport 80" };
  expect(fatesTogether(programOf(value), packets)).toEqual([fate]);
  expect(fatesAlone(programOf(value), packets)).toEqual([fate]);
});
