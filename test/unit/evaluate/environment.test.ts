/** What the environment of a packet is told, and what it leaves out: each rule that the packet meets, each step, rules that are passed as
 *  if they were not there. */
import { describe, expect, test } from "vitest";
import { PLAIN } from "../../../compiler/evaluate/chain.ts";
import { DISPATCHED } from "../../../compiler/evaluate/dispatch/run-chain.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { type Environment, environmentOf } from "../../../compiler/evaluate/packet.ts";
import type { BaseChain, Program, Rule } from "../../../compiler/ir/types.ts";
import { PACKET } from "../../support/ir.ts";
import { mustReadNft } from "../../support/read.ts";

const forward = (rules: string, more = ""): Program =>
  mustReadNft(`table ip t { ${more} chain f { type filter hook forward priority 0; ${rules} } }`);

/** `f 0`: the first rule of chain f; `f`: the chain. */
function namesOf({ ruleset }: Program): ReadonlyMap<Rule | BaseChain, string> {
  const names = new Map<Rule | BaseChain, string>();
  for (const { chains } of ruleset.tables)
    for (const chain of chains) {
      if (chain.kind === "base") names.set(chain, chain.name);
      for (const [i, rule] of chain.rules.entries()) names.set(rule, `${chain.name} ${i}`);
    }
  return names;
}

const verdictOf = (program: Program, environment: Partial<Environment>, runner = PLAIN): string =>
  new Evaluator(program, runner)
    .evaluateWhole(PACKET, { ...environmentOf([]), ...environment })
    .map(({ verdict }) => verdict)
    .join(" or ");

const CALLED = "chain d { tcp dport 80 counter; tcp dport 81 drop; }";
const RUNNERS = [
  ["one after the other", PLAIN],
  ["dispatched", DISPATCHED],
] as const;

describe.each(RUNNERS)("rules that are run %s", (_, runner) => {
  test.each<[rules: string, met: string]>([
    ["accept", "f 0"],
    ["tcp dport 80", ""], // it has no statement
    ["tcp dport 80 counter", "f 0"],
    ["tcp dport 81 accept; counter", "f 1"],
    ["tcp dport { 80, 81 } counter; tcp dport { 81 } accept", "f 0"],
    ["counter log", "f 0, f 0"], // one for each statement
    ["accept; drop", "f 0"],
    ["policy accept; tcp dport 81 drop", ""],
    ["policy drop; tcp dport 81 accept", "f"],
    ["policy drop; accept", "f 0"],
    ["policy drop; return", "f 0, f"],
    ["policy drop; jump d", "f 0, d 0, f"],
    ["policy drop; goto d; accept", "f 0, d 0, f"],
  ])("%s: met are %s", (rules, wanted) => {
    const program = forward(rules, CALLED);
    const names = namesOf(program);
    const met: string[] = [];
    verdictOf(program, { met: (what) => met.push(names.get(what) ?? "?") }, runner);
    expect(met.join(", ")).toBe(wanted);
  });

  test.each<[rules: string, without: string, verdict: string]>([
    ["drop; accept", "f 0", "accept"],
    ["drop; accept", "f 0, f 1", "pass"],
    ["drop; accept", "f 1", "drop"],
    ["drop", "f", "drop"], // a rule decides, no policy
    ["policy drop; counter", "f", "pass"],
    ["policy drop; counter", "f 0", "drop"],
    ["policy drop; accept", "f 0", "drop"],
    ["tcp dport 81 accept; drop", "f 0", "drop"],
  ])("%s, without %s: %s", (rules, left, verdict) => {
    const program = forward(rules);
    const names = namesOf(program);
    const without = new Set([...names.keys()].filter((each) => left.split(", ").includes(names.get(each) ?? "")));
    expect(without.size).toBe(left.split(", ").length);
    expect(verdictOf(program, { without }, runner)).toBe(verdict);
  });
});

describe("steps", () => {
  const NAT = "type nat hook prerouting priority -100";
  const ENDPOINTS = "{ 0 : 10.0.0.8, 1 : 10.0.0.9 }";

  test.each<[what: string, chains: string, steps: number]>([
    ["no rule", "chain f { type filter hook forward priority 0; }", 0],
    ["one rule", "chain f { type filter hook forward priority 0; counter; }", 1],
    ["a rule that does not hold", "chain f { type filter hook forward priority 0; tcp dport 81 drop; }", 1],
    ["behind a rule that decides", "chain f { type filter hook forward priority 0; accept; }", 1],
    ["two rules", "chain f { type filter hook forward priority 0; counter; counter; }", 2],
    ["rules of a called chain", `${CALLED} chain f { type filter hook forward priority 0; jump d; }`, 3],
    ["two endpoints, one rule", `chain n { ${NAT}; dnat to numgen random mod 2 map ${ENDPOINTS}; }`, 1],
    [
      "a rule for each of two endpoints",
      `chain n { ${NAT}; dnat to numgen random mod 2 map ${ENDPOINTS}; }
       chain f { type filter hook forward priority 0; ip daddr 10.0.0.8 counter; }`,
      3,
    ],
    [
      "a packet that may go on, and one that was dropped",
      "chain f { type filter hook forward priority 0; numgen random mod 2 0 drop; counter; }",
      2,
    ],
  ])("%s: %#", (_, chains, steps) => {
    let spent = 0;
    verdictOf(mustReadNft(`table ip t { ${chains} }`), { spend: (more) => (spent += more) });
    expect(spent).toBe(steps);
  });
});
