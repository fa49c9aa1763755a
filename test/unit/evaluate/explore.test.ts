/** Where a packet has more outcomes than can be looked at, some are told, and that there are more. */
import { describe, expect, test } from "vitest";
import { compare } from "../../../compiler/compare/compare.ts";
import { Evaluator, knownOutcomes } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../../compiler/evaluate/packet.ts";
import { both, isPossible } from "../../../compiler/evaluate/unknown/condition.ts";
import type { ExploreLimits } from "../../../compiler/evaluate/unknown/explore.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { PACKET } from "../../support/ir.ts";
import { mustReadIptables } from "../../support/read.ts";
import { some } from "../../support/runs.ts";

function program(rules: readonly string[]): Program {
  const of = (table: string): string[] =>
    rules.flatMap((rule) => (rule.startsWith(`${table} `) ? [rule.slice(table.length + 1)] : []));
  const text = [
    "*mangle",
    ":PREROUTING ACCEPT [0:0]",
    ...of("mangle"),
    "COMMIT",
    "*nat",
    ":PREROUTING ACCEPT [0:0]",
    ...of("nat"),
    "COMMIT",
    "*filter",
    ":FORWARD ACCEPT [0:0]",
    ...of("filter"),
    "COMMIT",
    "",
  ];
  return mustReadIptables(text.join("\n"), "ip");
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
const bit = (i: number): string => `0x${(2 ** ((i - 1) % 32)).toString(16)}`;
const inSet = (i: number): string => `-m set --match-set s${i} src`;
const marks = (n: number): string[] =>
  range(n).map((i) => `mangle -A PREROUTING ${inSet(i)} -j MARK --set-xmark ${bit(i)}/${bit(i)}`);

/** Shapes of rules of which the outcomes, or the conditions for them, multiply with `n`. */
const SHAPES: Readonly<Record<string, (n: number) => readonly string[]>> = {
  "targets by marks of which every bit is tested": (n) => [
    ...marks(n),
    ...range(n).map(
      (i) =>
        `nat -A PREROUTING -p tcp -m mark --mark 0x${(2 ** i - 1).toString(16)}/0xffffffff -j DNAT --to-destination 10.1.0.${i}:80`,
    ),
    "nat -A PREROUTING -p tcp -m mark ! --mark 0x0/0xffffffff -j DNAT --to-destination 10.2.0.1:80",
  ],
  "marks that are all taken back": (n) => [
    ...marks(n),
    ...range(n).map(
      (i) => `nat -A PREROUTING -p tcp -m mark --mark ${bit(i)}/${bit(i)} -j MARK --set-xmark 0x0/${bit(i)}`,
    ),
    ...range(n).map((i) => `filter -A FORWARD -m mark --mark ${bit(i)}/0xffffffff -j DROP`),
  ],
  "sets tested alone, then in pairs of which the members are far apart": (n) => [
    ...range(2 * n).map((i) => `mangle -A PREROUTING ${inSet(i)} -j LOG`),
    ...range(n).map((i) => `filter -A FORWARD ${inSet(i)} ${inSet(i + n)} -j DROP`),
  ],
  "sets tested in turn, then in pairs in another order": (n) => [
    ...range(2 * n).map((i) => `filter -A FORWARD ${inSet(i)} -m set --match-set t${i} dst -j DROP`),
    ...range(2 * n).map((i) => `filter -A FORWARD ${inSet(((i * 7) % (2 * n)) + 1)} ${inSet(i)} -j REJECT`),
    ...range(n).map((i) => `filter -A FORWARD -m set --match-set t${i + n} dst ${inSet(i)} -j DROP`),
  ],
  "a choice by chance for each set": (n) =>
    range(n).map(
      (i) =>
        `nat -A PREROUTING -p tcp ${inSet(i)} -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.1.0.${i}:80`,
    ),
};

const SMALL: ExploreLimits = { outcomes: 20, each: 20_000, all: 80_000 };

function explore(rules: readonly string[], limits?: ExploreLimits) {
  let steps = 0;
  const spend = (more: number): void => {
    steps += more;
  };
  const evaluation = new Evaluator(program(rules)).evaluate(PACKET, { ...environmentOf([]), spend }, limits);
  return { outcomes: knownOutcomes(evaluation), incomplete: evaluation.incomplete, steps };
}

const SENTENCE =
  /^there are more outcomes: the packet depends on too many matches that are not understood; (\d+ outcomes were looked at|none of its outcomes is known) when kpc stopped, after [0-9,]+ steps$/;

describe.each(Object.entries(SHAPES))("%s", (_, shape) => {
  test.each(some([24, 30], 1))("are looked at in part (%i)", (n) => {
    const { outcomes, incomplete = "", steps } = explore(shape(n), SMALL);
    expect(incomplete).toMatch(SENTENCE);
    expect(outcomes.length).toBeLessThanOrEqual(SMALL.outcomes);
    expect(steps).toBeLessThan(2 * SMALL.all);
    for (const [i, { condition }] of outcomes.entries()) {
      expect(isPossible(condition)).toBe(true);
      for (const other of outcomes.slice(i + 1)) expect(isPossible(both(condition, other.condition))).toBe(false);
    }
  });

  test("are all told where they are few", () => {
    const whole = explore(shape(3));
    expect(whole.incomplete).toBeUndefined();
    expect(whole.outcomes.length).toBeGreaterThan(0);
  });
});

/** Rules for each of so many sets that conditions on all of them would be too deep to walk through. */
const LONG: Readonly<Record<string, (i: number) => string>> = {
  "accept for each set": (i) => `filter -A FORWARD ${inSet(i)} -j ACCEPT`,
  "a bit of the mark for each set": (i) => `mangle -A PREROUTING ${inSet(i)} -j MARK --set-xmark ${bit(i)}/${bit(i)}`,
  "a drop for each pair of sets": (i) => `filter -A FORWARD ${inSet(i)} ${inSet(i + 1)} -j DROP`,
};

test.each(some(Object.entries(LONG), 2))("%s of 3,000 overflows no stack", (_, rule) => {
  const behind = ["filter -A FORWARD -m mark --mark 0x5 -j DROP"];
  const { outcomes, incomplete } = explore([...range(3000).map(rule), ...behind], SMALL);
  expect(outcomes.length).toBeLessThanOrEqual(SMALL.outcomes);
  expect(incomplete).toMatch(SENTENCE);
});

test("conditions that are too deep end a comparison with a reason", () => {
  const rules = range(2000).map((i) => `filter -A FORWARD ${inSet(i)} -j ACCEPT`);
  const { open, differing } = compare(program(rules), program([...rules, "filter -A FORWARD -p tcp -j DROP"]), {
    addresses: [],
    budget: 20_000,
    families: ["IPv4"],
  });
  expect(differing).toBe(0);
  expect(open.map(({ reason }) => reason)).toContain("it depends on too many matches that are not understood");
});

test.each([100, 1000])("a packet to %i endpoints, with no unknown match, is followed to its end", (n) => {
  const chosen = range(n).map(
    (i) =>
      `nat -A PREROUTING -m statistic --mode random --probability ${1 / (n - i + 1)} -j DNAT --to-destination 10.${i >> 8}.${i & 255}.1`,
  );
  const { outcomes, incomplete, steps } = explore(chosen, { ...SMALL, each: n });
  expect(incomplete).toBeUndefined();
  expect(outcomes[0]?.endpoints).toHaveLength(n);
  // In proportion to the rules: endpoints are not held against each other.
  expect(steps).toBeLessThan(10 * n);
});
