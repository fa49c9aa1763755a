/** Ranges of addresses of both families in words. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Range } from "../../../../compiler/compare/box.ts";
import { parseAddress } from "../../../../compiler/net/address.ts";
import { parsePrefix, prefixRange } from "../../../../compiler/net/prefix.ts";
import {
  complementOf,
  countRanges,
  isAnyAddress,
  printBlocks,
} from "../../../../compiler/verify/services/destination.ts";

const WIDE = 2n ** 128n - 1n;
const ANY4: Range = { from: 0, to: 2 ** 32 - 1 };
const ANY6: Range = { from: 0n, to: WIDE };
const TEN: Range = { from: 10 * 2 ** 24, to: 11 * 2 ** 24 - 1 };

/** Few addresses, so that ranges touch and overlap. */
const range4 = fc
  .tuple(fc.nat({ max: 40 }), fc.nat({ max: 20 }))
  .map(([from, more]): Range => ({ from, to: from + more }));
const range6 = fc
  .tuple(fc.nat({ max: 40 }), fc.nat({ max: 20 }))
  .map(([from, more]): Range => ({ from: BigInt(from), to: BigInt(from + more) }));
const ranges = fc.array(fc.oneof(range4, range6), { minLength: 1, maxLength: 6 });

/** The ranges that printed blocks stand for. */
function rangeIn(text: string): Range {
  const prefix = text.includes("-") ? undefined : parsePrefix(text);
  if (prefix !== undefined && typeof prefix === "object" && "address" in prefix) return prefixRange(prefix);
  const [from, to = from] = text.split("-").map((each) => parseAddress(each) ?? expect.unreachable(text));
  return { from, to } as Range;
}

const holds = (all: readonly Range[], value: number | bigint): boolean =>
  all.some(({ from, to }) => typeof from === typeof value && from <= value && value <= to);

const VALUES = Array.from({ length: 70 }, (_, i) => i).flatMap((i) => [i, BigInt(i)]);

describe("ranges of both families", () => {
  test("are any address where each family is whole", () => {
    expect([[ANY4, ANY6], [ANY6], [ANY4]].map(isAnyAddress)).toEqual([true, true, true]);
    expect([[], [TEN, ANY6], [TEN]].map(isAnyAddress)).toEqual([false, false, false]);
  });

  test("are printed each by itself", () => {
    expect(printBlocks([ANY6, ANY4])).toEqual(["0.0.0.0/0", "::/0"]);
    expect(printBlocks([ANY6, TEN])).toEqual(["10.0.0.0/8", "::/0"]);
    expect(countRanges([ANY6, TEN, ANY4])).toBe(2);
  });

  test("printed blocks hold the addresses of the ranges, and the complement the others", () => {
    fc.assert(
      fc.property(ranges, (all) => {
        const printed = printBlocks(all).map(rangeIn);
        const others = complementOf(all);
        const families = new Set(all.map(({ from }) => typeof from));
        for (const value of VALUES.filter((each) => families.has(typeof each))) {
          expect(holds(printed, value)).toBe(holds(all, value));
          expect(holds(others, value)).toBe(!holds(all, value));
        }
        expect(printed).toHaveLength(countRanges(all));
      }),
    );
  });
});
