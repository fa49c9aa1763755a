import fc from "fast-check";
import { expect, test } from "vitest";
import type { Expression, Match, Program, Rule, Statement } from "../../compiler/ir/types.ts";
import { foreignIptables, foreignNft } from "../support/arbitrary-rules.ts";
import { hostileText } from "../support/dispositions.ts";
import { hold } from "../support/exceptions.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

const DROP: Statement = { kind: "verdict", verdict: { kind: "drop" } };
const IIFNAME: Expression = { kind: "meta", key: "iifname" };

function opaque(text: string): Match {
  return { kind: "opaque", text, negated: false };
}

const name = fc.oneof(
  fc.constantFrom("*", "eth*", '"eth0"', "eth\\*", "a b", "é"),
  hostileText.map((text) => text.slice(0, 15)),
);

/** Rules with texts that look like what kpc writes around them. Lists matter where both sides name them: so there are few texts. */
function hostileRule(text: fc.Arbitrary<string>): fc.Arbitrary<Rule> {
  const rule = (...steps: Rule["steps"]): Rule => ({ steps });
  return fc.oneof(
    text.map((each) => rule({ kind: "opaque-statement", text: each, terminal: true })),
    text.map((each) => rule(opaque(each), DROP)),
    text.map((each) => rule(opaque(`-m recent --set --name ${each}`))),
    text.map((each) => rule(opaque(`-m recent --rcheck --name ${each}`), DROP)),
    name.map((right) => rule({ kind: "compare", left: IIFNAME, operator: "==", right }, DROP)),
    name.map((prefix) => rule({ kind: "name-prefix", left: IIFNAME, negated: false, prefix }, DROP)),
  );
}

const foreign: fc.Arbitrary<Program> = fc.oneof(
  foreignNft.map((text) => mustReadNft(text)),
  foreignIptables.map((text) => mustReadIptables(text, "ip")),
);

function withRules({ ruleset: { tables } }: Program, rules: readonly Rule[]): Program {
  const chain = { kind: "base", name: "c", type: "filter", hook: "prerouting", priority: -10 } as const;
  const hostile = { sets: [], maps: [], chains: [{ ...chain, policy: "accept", rules }] } as const;
  return { ruleset: { tables: [...tables, { family: "ip", name: "hostile", ...hostile }] }, routes: [] };
}

const pair = fc
  .array(hostileText, { minLength: 1, maxLength: 2 })
  .chain((texts) => fc.array(hostileRule(fc.constantFrom(...texts)), { maxLength: 3 }))
  .chain((rules) =>
    fc.record({
      base: foreign,
      left: fc.shuffledSubarray(rules),
      right: fc.shuffledSubarray(rules),
    }),
  );

test("a file of declared differences is read back as it was written, whatever rules say", () => {
  let held = 0;
  fc.assert(
    fc.property(pair, ({ base, left, right }) => {
      const options = { addresses: [], families: ["IPv4"] as const, keep: 50, budget: 20_000 };
      const programs = [withRules(base, left), withRules(base, right)] as const;
      const { printed, comparison } = hold(programs, "  []", options);
      const { applied } = hold(programs, printed, options);
      expect(applied.undeclared).toEqual([]);
      expect(applied.uses.filter(({ regions }) => regions === 0)).toEqual([]);
      held += comparison.regions.length;
    }),
    { numRuns: 120 },
  );
  expect(held).toBeGreaterThan(0);
});
