import { describe, expect, test } from "vitest";
import { isFate, overlap, parseFate, printFate } from "../../../compiler/declared/fate.ts";

function parse(...texts: string[]) {
  const fate = parseFate(texts);
  if (typeof fate === "string") throw new Error(fate);
  return fate;
}

const CHANCES = new Map([
  ["to 10.0.0.1:80", 1 / 3],
  ["to 10.0.0.2:80, masqueraded", 2 / 3],
]);

describe("a fate", () => {
  test.each([
    ["drop"],
    ["goes on"],
    ["goes on, masqueraded"],
    ["reject with tcp-reset"],
    ["to 10.0.0.1:80"],
    ["to [fd00::1]:80, masqueraded, remembered for 10800 s"],
    ["to 10.0.0.1:0"], // no port was translated to
  ])("%s is what it says", (text) => {
    const fate = parse(text);
    expect(isFate(fate, new Map([[text, 1]]))).toBe(true);
    expect(isFate(fate, new Map([["drop, too", 1]]))).toBe(false);
    expect(isFate(fate, new Map([...[[text, 0.5] as const], ["drop or so", 0.5]]))).toBe(false);
  });

  test("with chances comes on one line, in any order, or as a list", () => {
    const line = parse("to 10.0.0.2:80, masqueraded (66.6667 %), or to 10.0.0.1:80 (33.3333 %)");
    const list = parse("to 10.0.0.1:80 (33.3333 %)", "to 10.0.0.2:80, masqueraded (66.6667 %)");
    expect([line, list].map((fate) => isFate(fate, CHANCES))).toEqual([true, true]);
  });

  test("has one spelling for an address", () => {
    expect(isFate(parse("to [FD00:0::1]:80"), new Map([["to [fd00::1]:80", 1]]))).toBe(true);
  });

  test("counts to the digits that are written", () => {
    const third = (digits: string): boolean =>
      isFate(parse(`to 10.0.0.1:80 (${digits} %), or to 10.0.0.2:80, masqueraded (66.6667 %)`), CHANCES);
    expect([third("33"), third("33.33"), third("33.3333")]).toEqual([true, true, true]);
    const off = new Map([
      ["to 10.0.0.1:80", 0.33334],
      ["to 10.0.0.2:80, masqueraded", 0.66666],
    ]);
    expect(isFate(parse(...printFate(CHANCES)), off)).toBe(false);
    expect(isFate(parse("to 10.0.0.1:80 (33.33 %)", "to 10.0.0.2:80, masqueraded (66.67 %)"), off)).toBe(true);
  });

  test("is printed so that it is read again", () => {
    for (const chances of [CHANCES, new Map([["drop", 1]])])
      expect(isFate(parse(...printFate(chances)), chances)).toBe(true);
  });

  test.each([
    ["", "as kpc diff prints it"],
    ["dropped", "as kpc diff prints it"],
    ["reject with icmp-port-unreachable", "as kpc diff prints it"],
    ["to 10.0.0.1", "as kpc diff prints it"],
    ["to 10.0.0.1:99999", "as kpc diff prints it"],
    ["to 10.0.0.1:80, masked", "as kpc diff prints it"],
    ["drop, or goes on", "must have a chance in each part"],
    ["drop (50 %), or drop (50 %)", 'must not say "drop" twice'],
    ["drop (50.0 %), or goes on (40.0 %)", "must have chances that add up to 100 %, not 90.00 %"],
  ])("is not %j", (text, problem) => {
    expect(parseFate([text])).toContain(problem);
  });

  test("is nothing where nothing is written", () => {
    expect(parseFate([])).toContain("as kpc diff prints it");
  });
});

test("two fates overlap where too few digits tell them apart", () => {
  const [coarse, fine] = [parse("drop (50 %), or goes on (50 %)"), parse("drop (50.3 %), or goes on (49.7 %)")];
  expect([overlap(coarse, fine), overlap(fine, coarse), overlap(fine, parse("drop"))]).toEqual([true, true, false]);
});
