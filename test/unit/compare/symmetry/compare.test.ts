/** Comparing with and without leaving out what is alike: the same answer, and what is said about it. */
import { describe, expect, test } from "vitest";
import { type CompareOptions, type Comparison, compare } from "../../../../compiler/compare/compare.ts";
import type { Packet } from "../../../../compiler/evaluate/packet.ts";
import type { Program } from "../../../../compiler/ir/types.ts";
import { ipv4 } from "../../../support/ir.ts";
import { mustReadNft } from "../../../support/read.ts";
import { EVERYTHING, some } from "../../../support/runs.ts";

const ruleAt = (i: number): string => `ip daddr 10.0.${i >> 8}.${i & 255} drop`;

/** A rule for each number, in this order. */
function rules(numbers: readonly number[], ruleOf = ruleAt): Program {
  return mustReadNft(
    `table ip t { chain c { type filter hook forward priority 0; ${numbers.map(ruleOf).join("; ")}; } }`,
  );
}

const count = (length: number): number[] => Array.from({ length }, (_, i) => i);
const OPTIONS = { addresses: [], families: ["IPv4"] } as const;

/** What users see of a comparison. */
const seen = ({ regions, differing, open, gaps, given }: Comparison) => ({
  ...{ differing, open, gaps, given },
  regions: regions.map(({ box, packet }) => ({ box, packet })),
});

describe("with `symmetry`", () => {
  test("equal programs are equal, and fewer classes are compared", () => {
    const sides = [rules(count(12)), rules(count(12).reverse())] as const;
    const [with_, without] = [true, false].map((symmetry) => compare(...sides, { ...OPTIONS, symmetry }));
    expect(with_).toMatchObject({ differing: 0, open: [] });
    expect(with_?.boxes).toBeLessThan(without?.boxes ?? 0);
    expect(with_?.symmetry).toBe("12 parts that share no address are of 1 form: 8 of them were compared");
    expect(without?.symmetry).toBeUndefined();
  });

  const DIFFERENT: readonly (readonly [string, (i: number) => string, string])[] = [
    [
      "one of them",
      (i) => `ip daddr 10.0.0.${i} ${i === 11 ? "accept" : "drop"}`,
      "2 forms: 9 of them, and all of 1 form with differences,",
    ],
    [
      "two of two forms",
      (i) => (i < 10 ? ruleAt(i) : `ip daddr 10.0.0.${i} tcp dport ${i} drop`),
      "3 forms: 10 of them, and all of 2 forms with differences,",
    ],
    [
      "all of them",
      (i) => `ip daddr 10.0.0.${i} tcp dport 80 drop`,
      "1 form: 8 of them, and all of 1 form with differences,",
    ],
    [
      "none of them",
      (i) => `${i === 11 ? "ip daddr 10.1.0.0/16 tcp dport 80 drop; " : ""}${ruleAt(i)}`,
      "2 forms: 9 of them",
    ],
    [
      "all packets but those to them",
      (i) => `${ruleAt(i)}${i === 11 ? "; drop" : ""}`,
      "1 form: 8 of them, and all of 1 form with differences,",
    ],
    [
      "those from one of them",
      (i) => `${ruleAt(i)}${i === 11 ? "; ip saddr 10.0.0.11 drop" : ""}`,
      "2 forms: 9 of them, and all of 2 forms with differences,",
    ],
    [
      "no addresses at all",
      (i) => `${i === 0 ? "tcp dport 80 drop; " : ""}${ruleAt(i)}`,
      "1 form: 8 of them, and all of 1 form with differences,",
    ],
  ];
  test.each(some(DIFFERENT, 3))(
    "regions and counts are what they are without, where what differs is %s",
    (_, ruleOf, found) => {
      for (const only of [undefined, ({ protocol }: Packet) => protocol === 6]) {
        const asked = only === undefined ? {} : { only };
        const [with_, without] = [true, false].map((symmetry) =>
          compare(rules(count(12), ruleAt), rules(count(12), ruleOf), { ...OPTIONS, ...asked, symmetry }),
        ) as [Comparison, Comparison];
        expect(seen(with_)).toEqual(seen(without));
        expect(with_.differing).toBeGreaterThan(0);
        expect(with_.symmetry).toBe(`12 parts that share no address are of ${found} were compared`);
      }
    },
  );

  const sameWithAndWithout = (
    left: Program,
    right: Program,
    more: Partial<CompareOptions> = {},
  ): string | undefined => {
    const [with_, without] = [true, false].map((symmetry) =>
      compare(left, right, { ...OPTIONS, ...more, symmetry }),
    ) as [Comparison, Comparison];
    expect(seen(with_)).toEqual(seen(without));
    expect(with_.differing).toBeGreaterThan(0);
    return with_.symmetry?.split(": ")[1];
  };
  const ALL = "8 of them, and all of 1 form with differences, were compared";
  const one = "10.0.0.0-10.0.0.11";

  test("so are they where sources differ", () => {
    const by = (rest: string): Program => rules(count(12), (i) => `ip saddr 10.0.0.${i} ${rest} drop`);
    expect(sameWithAndWithout(by(""), by("tcp dport 80"))).toBe(ALL);
  });

  test("where it differs to where connections are translated", () => {
    const by = (rest: string): Program =>
      mustReadNft(`table ip t {
        chain n { type nat hook prerouting priority -100; ip daddr 10.9.0.1 dnat to 10.8.0.1; }
        chain c { type filter hook forward priority 0; ${count(12)
          .map(
            (i) =>
              `ip daddr 10.0.0.${i} ct direction original ct original ip daddr 10.9.0.1 ct state established ${rest};`,
          )
          .join(" ")} }
      }`);
    expect(sameWithAndWithout(by("drop"), by("reject"), { families: ["IPv4"], unmarked: true })).toBe(
      "1 of them, and all of 1 form with differences, were compared",
    );
  });

  test.each([
    ["an address", (i: number) => `ip daddr 10.0.0.${i}`, "ip daddr 10.0.0.0/24"],
    ["a port", (i: number) => `tcp dport ${1000 + i}`, "tcp dport 1000-1020"],
  ] as const)("where nothing differs but %s that connections send packets to", (_, at, came) => {
    // No packet comes with it.
    const by = (verdict: string): Program =>
      mustReadNft(`table ip t {
        chain p { type filter hook prerouting priority -300; ${came} drop; }
        chain o { type filter hook output priority -300; ${came} drop; }
        chain n { type nat hook prerouting priority -100; ip daddr 10.9.0.1 dnat to 10.8.0.1; }
        chain c { type filter hook forward priority 0; ${count(12)
          .map((i) => `${at(i)} ${verdict};`)
          .join(" ")} }
      }`);
    expect(sameWithAndWithout(by("drop"), by("reject"), { families: ["IPv4"], unmarked: true })).toContain(
      "all of 1 form",
    );
  });

  test("where rules name all addresses of a class", () => {
    const by = (rest: string): Program =>
      rules(count(13), (i) => (i === 12 ? `ip daddr ${one} tcp dport 443 drop` : `ip daddr 10.0.0.${i} ${rest} drop`));
    expect(sameWithAndWithout(by("tcp dport 1"), by("tcp dport 80"))).toBe(ALL);
  });

  test("where addresses of other classes differ, too", () => {
    const right = mustReadNft(
      "table ip t { chain c { type filter hook forward priority 0; ip daddr 10.0.0.0/24 accept; drop; } }",
    );
    expect(sameWithAndWithout(rules(count(12)), right)).toBe(ALL);
  });

  test("where packets to one of those are asked about that are left out", () => {
    const right = rules(count(12), (i) => `ip daddr 10.0.0.${i} reject`);
    const only = ({ destination }: Packet): boolean => destination === ipv4("10.0.0.11");
    expect(sameWithAndWithout(rules(count(12)), right, { only })).toBe(ALL);
  });

  test("where the whole programs are cut in the midst of what differs", () => {
    const elements = count(1500).map((i) => `10.0.${i >> 8}.${i & 255}`);
    const by = (verdict: string): Program =>
      mustReadNft(`table ip t {
        set s { type ipv4_addr; elements = { ${elements.join(", ")} } }
        chain c { type filter hook forward priority 0; ip daddr 10.0.0.0/8 tcp dport 80 ${verdict}; ip daddr @s drop; }
      }`);
    expect(sameWithAndWithout(by("accept"), by("reject"), { firstOnly: true, unmarked: true })).toBe(
      "8 of them were compared",
    );
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

test.runIf(EVERYTHING)("large programs are compared so, small ones are not", () => {
  const of = (length: number, budget: number): string | undefined =>
    compare(rules(count(length)), rules(count(length).reverse()), { ...OPTIONS, budget }).symmetry;
  const found = "1000 parts that share no address are of 1 form";
  expect(of(999, 1)).toBeUndefined();
  expect(of(1000, 100_000)).toBe(`${found}: 8 of them were compared`);
  expect(of(1000, 1)).toBe(`${found}, and these were not compared to the end: all were compared`);
});
