import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDeclared, readDistribution } from "../../compiler/compare/exceptions/distribution.ts";
import {
  type Disposition,
  dispositionKey,
  parseDisposition,
  printDisposition,
} from "../../compiler/evaluate/disposition.ts";
import { distributionOf, printChances, printDistribution } from "../../compiler/evaluate/distribution.ts";
import type { Address } from "../../compiler/net/address.ts";
import { disposition, hostileText } from "../support/dispositions.ts";

describe("a disposition", () => {
  test("is read from what it is printed as", () => {
    fc.assert(
      fc.property(disposition, (each) => {
        expect(parseDisposition(printDisposition(each))).toEqual(each);
      }),
      { numRuns: 1000 },
    );
  });

  test("has a key, and a text, that no other one has", () => {
    fc.assert(
      fc.property(disposition, disposition, (a, b) => {
        const isSame = JSON.stringify(a, bigintAsText) === JSON.stringify(b, bigintAsText);
        expect([dispositionKey(a) === dispositionKey(b), printDisposition(a) === printDisposition(b)]).toEqual([
          isSame,
          isSame,
        ]);
      }),
      { numRuns: 1000 },
    );
  });

  test("to one number as an address of both families is two", () => {
    const [four, six] = [1 as Address, 1n as Address].map(
      (address): Disposition => ({
        kind: "dnat",
        to: { address, port: 80 },
        source: { kind: "kept" },
        stickySeconds: undefined,
        takenBy: [],
        lists: [],
      }),
    ) as [Disposition, Disposition];
    expect(dispositionKey(four)).not.toBe(dispositionKey(six));
  });

  test.each([
    [
      'pass, taken by "-m comment --comment "say \\"hi\\"" -j NFQUEUE"',
      ['-m comment --comment "say \\"hi\\"" -j NFQUEUE'],
    ],
    ['pass, taken by "iifname { "a", "b" } queue"', ['iifname { "a", "b" } queue']],
    ['pass, taken by "a", taken by "b, or c"', ["a", "b, or c"]],
    ['pass, taken by escaped "a\\", or b"', ['a", or b']],
    ['pass, taken by escaped "a\\", taken by \\"b"', ['a", taken by "b']],
    ['pass, taken by escaped "a\\" (50 %)"', ['a" (50 %)']],
    ['pass, taken by escaped "a\\nb"', ["a\nb"]],
  ])("%s", (text, takenBy) => {
    const value: Disposition = { kind: "pass", source: { kind: "kept" }, takenBy, lists: [] };
    expect(printDisposition(value)).toBe(text);
    expect(parseDisposition(text)).toEqual(value);
  });

  test("is not what something else stands behind", () => {
    fc.assert(
      fc.property(disposition, hostileText, (each, more) => {
        const text = `${printDisposition(each)}${more}`;
        const found = parseDisposition(text);
        if (found !== undefined && more.trim() !== "") expect(found).not.toEqual(each);
      }),
    );
  });
});

describe("a distribution", () => {
  const distribution = fc
    .array(fc.record({ disposition, weight: fc.integer({ min: 1, max: 9 }) }), { minLength: 1, maxLength: 4 })
    .map((parts) => {
      const total = parts.reduce((sum, { weight }) => sum + weight, 0);
      const results = parts.map(({ weight, ...part }) => ({ ...part, probability: weight / total }));
      return distributionOf({ results });
    });

  test("is declared by what it is printed as, on one line or as a list", () => {
    fc.assert(
      fc.property(distribution, (each) => {
        for (const texts of [[printDistribution(each)], printChances(each, 4)]) {
          const declared = readDistribution(texts);
          expect(typeof declared === "string" ? declared : isDeclared(declared, each)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}
