/** Comparing with and without leaving out what is alike: the same answer, and what is said about it. */
import { describe, expect, test } from "vitest";
import { type Comparison, compare } from "../../../../compiler/compare/compare.ts";
import type { Program } from "../../../../compiler/ir/types.ts";
import { mustReadNft } from "../../../support/read.ts";

/** A rule for each number, in this order. */
function rules(numbers: readonly number[], ruleOf = (i: number) => `ip daddr 10.0.${i >> 8}.${i & 255} drop`): Program {
  return mustReadNft(
    `table ip t { chain c { type filter hook forward priority 0; ${numbers.map(ruleOf).join("; ")}; } }`,
  );
}

const count = (length: number): number[] => Array.from({ length }, (_, i) => i);
const OPTIONS = { addresses: [], families: ["IPv4"] } as const;

/** What users see of a comparison. */
const seen = ({ regions, differing, boxes, open, gaps, given }: Comparison) => ({
  ...{ differing, boxes, open, gaps, given },
  regions: regions.map(({ box, packet }) => ({ box, packet })),
});

describe("with `symmetry`", () => {
  test("equal programs are equal, and fewer classes are compared", () => {
    const sides = [rules(count(12)), rules(count(12).reverse())] as const;
    const [with_, without] = [true, false].map((symmetry) => compare(...sides, { ...OPTIONS, symmetry }));
    expect(with_).toMatchObject({ differing: 0, open: [] });
    expect(with_?.boxes).toBeLessThan(without?.boxes ?? 0);
    expect(with_?.symmetry).toBe("12 parts that share no address are of 1 form: 5 of each were compared");
    expect(without?.symmetry).toBeUndefined();
  });

  test("regions and counts are what they are without, where programs differ", () => {
    const other = rules(count(12), (i) => `ip daddr 10.0.0.${i} ${i === 11 ? "accept" : "drop"}`);
    const [with_, without] = [true, false].map((symmetry) =>
      compare(rules(count(12)), other, { ...OPTIONS, symmetry }),
    ) as [Comparison, Comparison];
    expect(seen(with_)).toEqual(seen(without));
    expect(with_.differing).toBeGreaterThan(0);
    expect(with_.symmetry).toBe("12 parts that share no address are of 2 forms, and some differ: all were compared");
  });

  test("so are they where nothing may be left out", () => {
    const masked = rules([...count(12)], (i) => `ip daddr & 0.0.0.255 == 0.0.0.${i} drop`);
    const [with_, without] = [true, false].map((symmetry) =>
      compare(masked, rules(count(3)), { ...OPTIONS, symmetry }),
    ) as [Comparison, Comparison];
    expect(seen(with_)).toEqual(seen(without));
    expect(with_.symmetry).toBe("compared as a whole: a rule computes with an address");
  });
});

test("large programs are compared so, small ones are not", () => {
  const of = (length: number, budget: number): string | undefined =>
    compare(rules(count(length)), rules(count(length).reverse()), { ...OPTIONS, budget }).symmetry;
  const found = "1000 parts that share no address are of 1 form";
  expect(of(999, 1)).toBeUndefined();
  expect(of(1000, 100_000)).toBe(`${found}: 5 of each were compared`);
  expect(of(1000, 1)).toBe(`${found}, and these were not compared to the end: all were compared`);
});
