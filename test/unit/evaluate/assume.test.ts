/** Packets where something unknown holds, and where it does not. */
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../../compiler/evaluate/packet.ts";
import { describeAssumption } from "../../../compiler/evaluate/unknown/assumption.ts";
import { PACKET } from "../../support/ir.ts";
import { mustReadIptables } from "../../support/read.ts";

const SETS = ["-m set --match-set a src", "-m set --match-set b src"];

function outcomes(rules: readonly string[]): string[] {
  const short = (rule: string): string => SETS.reduce((text, set, i) => text.replaceAll("ab"[i] as string, set), rule);
  const lines = rules.map((rule) => {
    const [matches = "", target] = rule.split(" then ");
    const texts = matches
      .split(" ")
      .map((each) => (each.startsWith("!") ? short(each.slice(1)).replace("-m set", "-m set !") : short(each)));
    return `-A FORWARD ${texts.join(" ")} -j ${target}`;
  });
  const program = mustReadIptables(["*filter", ":FORWARD ACCEPT [0:0]", ...lines, "COMMIT", ""].join("\n"), "ip");
  const found = new Evaluator(program).evaluateWhole(PACKET, environmentOf([]));
  return found
    .map(({ verdict, assumptions }) => {
      const texts = assumptions
        .map(describeAssumption)
        .map((text) => SETS.reduce((all, set, i) => all.replace(set, "ab"[i] as string), text));
      return [verdict, ...(texts.length === 0 ? [] : [texts.join(", ")])].join(" if ");
    })
    .sort();
}

describe("rules", () => {
  test.each<[rules: readonly string[], outcomes: readonly string[]]>([
    [["a then DROP"], ["drop if a", "pass if not a"]],
    [["!a then DROP"], ["drop if not a", "pass if a"]],
    [
      ["a then ACCEPT", "a then DROP"],
      ["accept if a", "pass if not a"],
    ],
    [
      ["a then ACCEPT", "!a then DROP"],
      ["accept if a", "drop if not a"],
    ],
    [
      ["!a then ACCEPT", "a then DROP"],
      ["accept if not a", "drop if a"],
    ],
    [["a !a then DROP"], ["pass"]],
    [
      ["a then ACCEPT", "a then DROP", "b then DROP"],
      ["accept if a", "drop if not a, b", "pass if not a, not b"],
    ],
    [
      ["a b then DROP", "!a then ACCEPT"],
      ["accept if not a", "drop if a, b", "pass if a, not b"],
    ],
    [
      ["a then DROP", "b then ACCEPT"],
      ["accept if not a, b", "drop if a", "pass if not a, not b"],
    ],
  ])("%j: %j", (rules, wanted) => {
    expect(outcomes(rules)).toEqual(wanted);
  });
});

test("conditions that are made are steps, once", () => {
  let steps = 0;
  const spend = (more: number): void => {
    steps += more;
  };
  const program = mustReadIptables(
    "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m set --match-set made src -j DROP\nCOMMIT\n",
    "ip",
  );
  const stepsOfNext = (): number => {
    steps = 0;
    new Evaluator(program).evaluateWhole(PACKET, { ...environmentOf([]), spend });
    return steps;
  };
  const first = stepsOfNext();
  expect(first - stepsOfNext()).toBe(2); // that the packet is in the set, and that it is not
});
