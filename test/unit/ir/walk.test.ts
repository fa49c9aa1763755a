import { describe, expect, test } from "vitest";
import { testedBy } from "../../../compiler/compare/tested-values.ts";
import { areInConflict, footprintOf } from "../../../compiler/evaluate/footprint.ts";
import { equal } from "../../../compiler/ir/build.ts";
import type { BaseChain, Expression, Rule, Step, Table } from "../../../compiler/ir/types.ts";
import {
  allParts,
  expressionsOf,
  fieldsWritten,
  isInert,
  isLast,
  isMatch,
  setsIn,
  translatedBy,
  verdictsOf,
  withExpressions,
  withParts,
} from "../../../compiler/ir/walk.ts";
import { DADDR, EXPRESSIONS, MATCHES, ruleOf, SADDR, STATEMENTS } from "../../support/ir.ts";

const MARK: Expression = { kind: "meta", key: "mark" };
const KINDS: ReadonlySet<unknown> = new Set([...Object.keys(EXPRESSIONS), "constant"]);

const STEPS: readonly Step[] = [
  ...Object.values(MATCHES).flatMap((rows) => rows.map(([match]): Step => match)),
  ...Object.values(STATEMENTS).flatMap((rows) => rows.map(([statement]): Step => statement)),
];
const SAMPLES: readonly Expression[] = Object.values(EXPRESSIONS).flatMap((rows) =>
  rows.map(([expression]): Expression => expression),
);

/** All expressions that some data holds at its members, but for those of `without`; whatever the data is. */
function expressionsInside(data: unknown, without: ReadonlySet<string>): unknown[] {
  if (typeof data !== "object" || data === null) return [];
  const own = "kind" in data && KINDS.has(data.kind) ? [data] : [];
  const members = Object.entries(data).filter(([name]) => !without.has(name));
  return [...own, ...members.flatMap(([, member]) => expressionsInside(member, without))];
}

describe("a walk", () => {
  test.each(SAMPLES)("finds all that is in $kind", (expression) => {
    expect([...allParts(expression)]).toEqual(expressionsInside(expression, new Set()));
  });

  test.each(STEPS)("finds all that $kind evaluates", (step) => {
    // A match that is not understood has the name of such an expression.
    const inside = expressionsInside({ ...step, kind: undefined }, new Set(["field", "writes", "elements"]));
    expect(expressionsOf(step).flatMap((each) => [...allParts(each)])).toEqual(inside);
  });

  test.each(STEPS)("finds all that $kind writes", (step) => {
    const inside = expressionsInside({ ...step, kind: undefined }, new Set(["value", "left", "key", "to", "map"]));
    expect(fieldsWritten(step)).toEqual(inside);
  });

  test.each(STEPS)("finds the sets that $kind names", (step) => {
    const names: unknown[] = [];
    JSON.stringify({ ...step, kind: undefined }, (key, value: unknown) => {
      if ((key === "set" || key === "map") && typeof value === "string") names.push(value);
      return typeof value === "bigint" ? String(value) : value;
    });
    expect([...setsIn(step)].sort()).toEqual(names.sort());
  });

  test("says of counters that they do nothing, and of no step that does something", () => {
    const inert = STEPS.filter((step) => isInert(step));
    expect(inert.map(({ kind }) => kind)).toContain("counter");
    const doing = inert.filter(
      (step) =>
        isMatch(step) ||
        isLast(step) ||
        translatedBy(step) !== undefined ||
        [expressionsOf(step), fieldsWritten(step), [...setsIn(step)], [...verdictsOf(step, () => [])]].some(
          (found) => found.length > 0,
        ),
    );
    expect(doing).toEqual([]);
  });

  test("gives every step and expression back where nothing is changed", () => {
    const isSame = (expression: Expression): Expression => withParts(expression, isSame);
    for (const step of STEPS) expect(withExpressions(step, isSame)).toEqual(step);
    for (const expression of SAMPLES) expect(isSame(expression)).toEqual(expression);
  });

  test("changes every field that steps read", () => {
    const swap = (expression: Expression): Expression => (expression === SADDR ? DADDR : withParts(expression, swap));
    const key: Expression = { kind: "concat", parts: [SADDR, { kind: "lookup", key: SADDR, map: "m" }] };
    expect(withExpressions({ kind: "remember", operation: "add", set: "s", key }, swap)).toEqual({
      ...{ kind: "remember", operation: "add", set: "s" },
      key: { kind: "concat", parts: [DADDR, { kind: "lookup", key: DADDR, map: "m" }] },
    });
  });
});

/** Forms of the mark that rules may ask for, none of which is the mark itself. */
const FORMS: readonly Expression[] = [
  { kind: "shift", operand: MARK, by: -1 },
  { kind: "combine", operator: "or", left: { kind: "ct", key: "mark" }, right: MARK },
  { kind: "bitwise", operand: MARK, mask: 0xff, xor: 0 },
  { kind: "lookup", key: MARK, map: "m" },
];

function chainOf(...rules: Rule[]): { readonly chain: BaseChain; readonly table: Table } {
  const chain: BaseChain = {
    ...{ kind: "base", name: "c", type: "filter", hook: "forward", priority: 0, policy: "accept" },
    rules,
  };
  return { chain, table: { family: "ip", name: "t", sets: [], maps: [], chains: [chain] } };
}

describe.each(FORMS)("a rule that asks for $kind of the mark", (form) => {
  const asking = ruleOf(equal(form, 1), { kind: "verdict", verdict: { kind: "drop" } });
  const writing = ruleOf({
    kind: "set",
    field: { kind: "meta", key: "mark" },
    value: { kind: "constant", type: "mark", value: 2 },
  });

  test("cannot change places with one that writes it", () => {
    const [a, b] = [chainOf(asking), chainOf(writing)];
    expect(areInConflict(footprintOf(a.chain, a.table), footprintOf(b.chain, b.table))).toBe(true);
  });
});

test.each([
  [{ kind: "shift", operand: { kind: "ct", key: "direction" }, by: 1 }],
  [{ kind: "combine", operator: "xor", left: MARK, right: { kind: "ct", key: "original-daddr" } }],
] as const)("a comparison tells directions apart where rules ask for them inside: %j", (left) => {
  const { table } = chainOf(ruleOf(equal(left, 1), { kind: "verdict", verdict: { kind: "drop" } }));
  expect(testedBy([{ ruleset: { tables: [table] }, routes: [] }]).direction).toBe(true);
});
