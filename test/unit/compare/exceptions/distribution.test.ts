import { describe, expect, test } from "vitest";
import { isDeclared, overlap, readDistribution } from "../../../../compiler/compare/exceptions/distribution.ts";
import { type Disposition, dispositionKey, parseDisposition } from "../../../../compiler/evaluate/disposition.ts";
import { type Distribution, printChances } from "../../../../compiler/evaluate/distribution.ts";
import { required } from "../../../../compiler/invariant.ts";

function read(...texts: string[]) {
  const distribution = readDistribution(texts);
  if (typeof distribution === "string") throw new Error(distribution);
  return distribution;
}

function distribution(...chances: readonly (readonly [text: string, probability: number])[]): Distribution {
  const read = (text: string): Disposition => required(parseDisposition(text), text);
  return new Map(
    chances.map(([text, probability]) => [dispositionKey(read(text)), { disposition: read(text), probability }]),
  );
}

const CHANCES = distribution(["to 10.0.0.1:80", 1 / 3], ["to 10.0.0.2:80, masqueraded", 2 / 3]);

describe("a distribution that is declared", () => {
  test.each([
    ["drop"],
    ["pass"],
    ["pass, masqueraded"],
    ["reject with tcp-reset"],
    ["to 10.0.0.1:80"],
    ["to [fd00::1]:80, masqueraded, remembered for 10800 s"],
    ["to 10.0.0.1:0"], // no port was translated to
    ['pass, taken by "-j MARK, or so"'],
    ["drop, add 10.0.0.1 in @seen for 60 s"],
  ])("%s is what it says", (text) => {
    const declared = read(text);
    expect(isDeclared(declared, distribution([text, 1]))).toBe(true);
    expect(isDeclared(declared, distribution(["reject with policy-fail", 1]))).toBe(false);
    expect(isDeclared(declared, distribution([text, 0.5], ["reject with policy-fail", 0.5]))).toBe(false);
  });

  test("with chances comes on one line, in any order, or as a list", () => {
    const line = read("to 10.0.0.2:80, masqueraded (66.6667 %), or to 10.0.0.1:80 (33.3333 %)");
    const list = read("to 10.0.0.1:80 (33.3333 %)", "to 10.0.0.2:80, masqueraded (66.6667 %)");
    expect([line, list].map((each) => isDeclared(each, CHANCES))).toEqual([true, true]);
  });

  test("has addresses in any spelling", () => {
    expect(isDeclared(read("to [FD00:0::1]:80"), distribution(["to [fd00::1]:80", 1]))).toBe(true);
  });

  test("counts to the digits that are written", () => {
    const third = (digits: string): boolean =>
      isDeclared(read(`to 10.0.0.1:80 (${digits} %), or to 10.0.0.2:80, masqueraded (66.6667 %)`), CHANCES);
    expect([third("33"), third("33.33"), third("33.3333")]).toEqual([true, true, true]);
    const off = distribution(["to 10.0.0.1:80", 0.33334], ["to 10.0.0.2:80, masqueraded", 0.66666]);
    expect(isDeclared(read(...printChances(CHANCES, 4)), off)).toBe(false);
    expect(isDeclared(read("to 10.0.0.1:80 (33.33 %)", "to 10.0.0.2:80, masqueraded (66.67 %)"), off)).toBe(true);
  });

  test.each([
    ["", "as kpc diff prints it"],
    ["dropped", "as kpc diff prints it"],
    ["reject with icmp-port-unreachable", "as kpc diff prints it"],
    ["to 10.0.0.1", "as kpc diff prints it"],
    ["to 10.0.0.1:99999", "as kpc diff prints it"],
    ["to 10.0.0.1:80, masked", "as kpc diff prints it"],
    ["drop, or pass", "must have a chance in each part"],
    ["drop (50 %), or drop (50 %)", 'must not say "drop" twice'],
    ["drop (50.0 %), or pass (40.0 %)", "must have chances that add up to 100 %, not 90.00 %"],
  ])("is not %j", (text, problem) => {
    expect(readDistribution([text])).toContain(problem);
  });

  test("is nothing where nothing is written", () => {
    expect(readDistribution([])).toContain("as kpc diff prints it");
  });
});

test("two distributions overlap where too few digits tell them apart", () => {
  const [coarse, fine] = [read("drop (50 %), or pass (50 %)"), read("drop (50.3 %), or pass (49.7 %)")];
  expect([overlap(coarse, fine), overlap(fine, coarse), overlap(fine, read("drop"))]).toEqual([true, true, false]);
});
