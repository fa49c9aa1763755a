/** Marks, and states of connections: what comparisons tell apart by them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classesOf, type Test } from "../../../compiler/compare/bit-classes.ts";
import { type Comparison, compare } from "../../../compiler/compare/compare.ts";
import { ctStatesOf } from "../../../compiler/compare/render.ts";
import { CT_STATUS } from "../../../compiler/ir/constants.ts";
import { parseAddress } from "../../../compiler/net/address.ts";
import { mustReadNft } from "../../support/read.ts";

describe("numbers that tests tell apart", () => {
  const holds = (value: number, { mask, xor, from, to }: Test): boolean => {
    const made = ((value & mask) ^ xor) >>> 0;
    return made >= from && made <= to;
  };
  const bits = fc.oneof(fc.nat(15), fc.constantFrom(0x4000, 0x8000, 0xffff, 0xffffffff), fc.nat(0xffffffff));
  const someTest = fc
    .tuple(bits, fc.oneof(fc.constant(0), bits), bits, fc.oneof(fc.constant(0), fc.nat(9)))
    .map(([mask, xor, from, more]): Test => ({ mask, xor, from, to: Math.min(from + more, 0xffffffff) }));

  test("are one in each class, the least one", () => {
    fc.assert(
      fc.property(
        fc.array(someTest, { maxLength: 5 }),
        fc.array(bits, { minLength: 20, maxLength: 20 }),
        (tests, values) => {
          const classes = classesOf(tests) ?? [];
          const answers = (value: number): string => tests.map((each) => holds(value, each)).join();
          const known = new Map(classes.map((value) => [answers(value), value]));
          expect(known.size).toBe(classes.length);
          const near = tests.flatMap(({ from, to, xor, mask }) => [from, to, ((from ^ xor) & mask) >>> 0]);
          for (const value of [0, ...values, ...near]) expect(known.get(answers(value))).toBeLessThanOrEqual(value);
        },
      ),
    );
  });

  test("are not told where they are too many", () => {
    const one = Array.from({ length: 65 }, (_, i): Test => ({ mask: 0xffffffff, xor: 0, from: i, to: i }));
    expect(classesOf(one)).toBeUndefined();
    expect(classesOf(one.slice(2))).toHaveLength(64);
  });
});

const NAT = "chain n { type nat hook prerouting priority -100; ip daddr 10.9.0.1 meta l4proto tcp dnat to 10.0.0.1; }";

function forward(...rules: string[]) {
  return mustReadNft(`table ip t { chain c { type filter hook forward priority 0; ${rules.join("; ")}; }; }`);
}

function differ(left: readonly string[], right: readonly string[]): Comparison {
  return compare(forward(...left), forward(...right), { addresses: [], families: ["IPv4"] });
}

describe("marks", () => {
  test.each([
    ["bits that are spelled in two ways", ["meta mark & 0x4000 == 0x4000 drop"], ["meta mark & 0x4000 != 0 drop"]],
    [
      "what a write leaves",
      ["meta mark set mark or 0x2", "meta mark & 0x3 == 0x3 drop"],
      ["meta mark & 0x1 == 1 drop"],
    ],
    [
      "a round by the connection's",
      ["ct mark set meta mark", "ct mark 7 drop"],
      ["ct state { new, established, related } meta mark 7 drop"],
    ],
    ["a map of bits", ["meta mark & 0x3 vmap { 0x1 : drop, 0x3 : drop }"], ["meta mark & 0x1 == 0x1 drop"]],
    ["an order", ["meta mark < 16 drop"], ["meta mark & 0xfffffff0 == 0 drop"]],
  ])("are the same in %s", (_, left, right) => {
    expect(differ(left, right)).toMatchObject({ differing: 0, open: [], space: { gaps: [] } });
  });

  test("tell apart what asks for all bits, and what asks for some", () => {
    const { regions } = differ(["meta mark 0x1 drop"], ["meta mark & 0xff == 0x1 drop"]);
    expect(new Set(regions.map(({ box }) => box.mark.values.join()))).toEqual(new Set(["257"]));
    expect(regions[0]?.packet.mark).toBe(257);
  });

  test("lead packets that keep their port to where others go that are marked already", () => {
    const text = (mark: string) =>
      mustReadNft(`table ip t {
        chain early { type filter hook prerouting priority -150; ${mark} }
        chain nat { type nat hook prerouting priority -100; meta l4proto tcp meta mark 0x65 dnat to 10.8.8.1; }
      }`);
    const { regions } = compare(text("tcp dport 3989 meta mark set 0x65;"), text(""), {
      addresses: [],
      families: ["IPv4"],
    });
    expect(regions.length).toBeGreaterThan(0);
    const isElsewhere = ({ box }: (typeof regions)[number]) =>
      box.dport.from !== 3989 || box.mark.values.includes(0x65);
    expect(regions.filter(isElsewhere)).toEqual([]);
  });

  test("that are too many are said to be left out", () => {
    const marks = Array.from({ length: 70 }, (_, i) => 2 * i + 1).join(", ");
    const { differing, space } = differ([`meta mark { ${marks} } drop`], []);
    expect(space.gaps).toEqual(["packets with a mark: rules distinguish too many marks"]);
    expect(differing).toBe(0);
  });

  test("are none where packets come without one, which is said if it matters", () => {
    const options = { addresses: [], unmarked: true };
    const marked = compare(forward("meta mark 1 drop"), forward(), options);
    expect(marked).toMatchObject({ differing: 0, space: { given: ["that packets come without a mark"], gaps: [] } });
    expect(compare(forward("drop"), forward(), options).space.given).toEqual([]);
  });
});

describe("connections that are there", () => {
  const statesOf = ({ regions }: Comparison): Set<string> =>
    new Set(regions.flatMap(({ trafficKind, box }) => ctStatesOf(trafficKind, box)));

  test.each([
    ["ct state established drop", ["established"]],
    ["ct state related drop", ["related"]],
    ["ct state new drop", ["new"]],
    ["ct state established,related drop", ["established", "related"]],
    ["ct direction reply drop", ["reply", "related-reply"]],
    ["ct state untracked drop", ["untracked"]],
    ["ct state invalid drop", ["invalid"]],
    ["drop", ["new", "related", "established", "invalid", "untracked"]],
  ])("are told apart from others: %s", (rule, states) => {
    expect(statesOf(differ([rule], []))).toEqual(new Set(states));
  });

  test.each([
    ["in two orders", ["ct state established accept", "drop"], ["ct state != established drop"]],
    [
      "by a map",
      ["ct state vmap { established : accept, related : accept }", "drop"],
      ["ct state { new, invalid, untracked } drop"],
    ],
    ["by bits", ["ct state new,related drop"], ["ct state new drop", "ct state related drop"]],
  ])("are the same %s", (_, left, right) => {
    expect(differ(left, right)).toMatchObject({ differing: 0, open: [] });
  });

  test("have a status, also where a rule masks it twice", () => {
    const twice = differ(["ct status & 0x7 & 0x4 == 0x4 drop"], ["ct status assured drop"]);
    expect(twice).toMatchObject({ differing: 0, open: [] });
    const { regions } = differ(["ct status & 0x7 & 0x4 == 0x4 drop"], []);
    const { assured } = CT_STATUS;
    expect(regions.length).toBeGreaterThan(0);
    expect(regions.filter(({ packet }) => ((packet.ctStatus ?? 0) & assured) === 0)).toEqual([]);
  });

  test("may have a mark, which new ones have not", () => {
    const comparison = differ(["ct mark 5 drop"], []);
    expect(statesOf(comparison)).toEqual(new Set(["established", "related"]));
    expect(new Set(comparison.regions.map(({ packet }) => packet.ctMark))).toEqual(new Set([5]));
  });

  test("go where they are sent, between the hooks where that is done", () => {
    const text = (hook: string, priority: number) =>
      mustReadNft(
        `table ip t { ${NAT} chain c { type filter hook ${hook} priority ${priority}; ct state established ip daddr 10.0.0.1 drop; }; }`,
      );
    const { regions } = compare(text("prerouting", -150), text("prerouting", 0), { addresses: [], families: ["IPv4"] });
    const target = parseAddress("10.0.0.1");
    const drops = (side: "left" | "right") => regions.filter((region) => region[side].verdict === "drop");
    const translated = drops("right").filter(({ packet }) => packet.sentTo !== undefined);
    expect(translated.length).toBeGreaterThan(0);
    expect(translated.every(({ packet }) => packet.sentTo?.address === target && packet.destination !== target)).toBe(
      true,
    );
    expect(
      drops("left").every(({ packet }) => packet.destination === target && packet.sentTo?.address !== target),
    ).toBe(true);
  });

  test("have another source behind the hook where it is changed: which one is not known", () => {
    const text = (rule: string) =>
      mustReadNft(`table ip t {
        chain n { type nat hook postrouting priority 100; ip saddr 10.0.0.0/8 masquerade; }
        chain late { type filter hook postrouting priority 200; ${rule}; }
      }`);
    const { regions } = compare(text("ct state established ip saddr 10.0.0.7 drop"), text("accept"), {
      addresses: [],
      families: ["IPv4"],
    });
    const unknown = regions.filter(({ assumptions }) => assumptions.includes("ip saddr == 167772167"));
    expect(unknown.length).toBeGreaterThan(0);
    expect(regions.length).toBeGreaterThan(unknown.length);
  });
});
