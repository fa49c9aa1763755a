/** Which rules of a large dump are looked at, to find what they remember. */
import { expect, test } from "vitest";
import { Lists } from "../../../compiler/evaluate/memory.ts";
import { chainOfRows, type RuleRows } from "../../../compiler/ir/rule-rows.ts";
import type { Rule, Step, Table } from "../../../compiler/ir/types.ts";

const PLAIN: Step = { kind: "compare", left: { kind: "ct", key: "status" }, operator: "==", right: 1 };
const DROP: Step = { kind: "verdict", verdict: { kind: "drop" } };

/** How many rules of a chain of a hundred that all have these steps become objects. `formOf`: of each row. */
function madeOf(steps: readonly Step[], formOf: (row: number) => number): number {
  let made = 0;
  const rule: Rule = { steps };
  const rows: RuleRows = {
    make: () => {
      made++;
      return rule;
    },
    peek: () => rule,
    formOf,
    holesOf: () => [],
    valueOf: (row) => row,
  };
  const chains = [chainOfRows("c", rows, { first: 0, count: 100 })];
  const table: Table = { family: "ip", name: "t", sets: [], maps: [], chains };
  new Lists([table]);
  return made;
}

const FORMS = [
  ["of one form", () => 0],
  ["of no form", () => -1],
] as const;

test.each(FORMS)("rules %s that remember nothing are not made", (_, formOf) => {
  expect(madeOf([PLAIN, DROP], formOf)).toBe(0);
});

test.each<[what: string, step: Step]>([
  ["asks a bucket", { kind: "opaque", text: "limit rate 1/second", negated: false }],
  ["asks a list", { kind: "opaque", text: "-m recent --rcheck --name x --rsource", negated: false }],
  ["asks a set", { kind: "member", key: { kind: "ip", field: "saddr" }, set: "s", negated: false }],
  ["fills a set", { kind: "remember", set: "s", operation: "add", key: { kind: "ip", field: "saddr" } }],
])("rules of which each %s are", (_, step) => {
  for (const [, formOf] of FORMS) expect(madeOf([PLAIN, step, DROP], formOf)).toBe(100);
});
