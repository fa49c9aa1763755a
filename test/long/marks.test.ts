import fc from "fast-check";
import { expect, test } from "vitest";
import { compare } from "../../compiler/compare/compare.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../compiler/evaluate/packet.ts";
import { printSave } from "../../compiler/formats/iptables/print-save.ts";
import { printTable } from "../../compiler/formats/nft/print.ts";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import {
  anyBits,
  applyRules,
  asIptables,
  asNft,
  type MarkRule,
  type Marks,
  markRules,
  markTest,
} from "../support/marks.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

const PACKET: Packet = {
  protocol: 17,
  source: parseAddress("203.0.113.5") as Address,
  destination: parseAddress("198.51.100.7") as Address,
  sourcePort: 4000,
  destinationPort: 53,
  inInterface: "eth0",
  mark: 0,
  ctState: "established",
};

const iptables = (rules: readonly MarkRule[]): Program =>
  mustReadIptables(
    [
      "*mangle",
      ...rules.flatMap((rule) => asIptables(rule) ?? []).map((text) => `-A PREROUTING ${text}`),
      "COMMIT",
      "",
    ].join("\n"),
    "ip",
  );

const nft = (rules: readonly MarkRule[]): Program =>
  mustReadNft(
    `table ip t { chain c { type filter hook prerouting priority mangle;\n${rules.flatMap((rule) => asNft(rule) ?? []).join("\n")}\n} }\n`,
  );

const DIALECTS = [
  ["iptables", iptables, asIptables],
  ["nft", nft, asNft],
] as const;

/** What a program does to a packet with `marks`. */
function verdictOf(program: Program, { mark, ctmark }: Marks): string {
  const [outcome, ...others] = new Evaluator(program).evaluateWhole(
    { ...PACKET, mark, ctMark: ctmark },
    environmentOf([]),
  );
  return others.length > 0 || (outcome?.assumptions.length ?? 1) > 0 ? "assumed" : (outcome?.verdict ?? "none");
}

/** A rule for each mark that drops what has another one. */
function dropOthers({ mark, ctmark }: Marks): MarkRule[] {
  const test = { mask: 0xffffffff, negated: true };
  return [
    { tests: [{ which: "mark", value: mark, ...test }], change: "drop" },
    { tests: [{ which: "ctmark", value: ctmark, ...test }], change: "drop" },
  ];
}

test.each(DIALECTS)("marks that %s rules write are those that arithmetic gives", (_, read, print) => {
  const marks = fc.record({ mark: anyBits, ctmark: anyBits });
  fc.assert(
    fc.property(markRules(anyBits, 6), marks, fc.integer({ min: 0, max: 31 }), (all, came, bit) => {
      const rules = all.filter((rule) => print(rule) !== undefined);
      const wanted = applyRules(rules, came);
      if (wanted === undefined) throw new Error("nothing drops here");
      expect(verdictOf(read([...rules, ...dropOthers(wanted)]), came)).toBe("pass");
      const other = { ...wanted, mark: (wanted.mark ^ (1 << bit)) >>> 0 };
      expect(verdictOf(read([...rules, ...dropOthers(other)]), came)).toBe("drop");
    }),
    { numRuns: 400 },
  );
});

test.each(DIALECTS)("%s rules that are printed and read again are the same", (dialect, read, print) => {
  fc.assert(
    fc.property(markRules(anyBits, 6), (all) => {
      const program = read(all.filter((rule) => print(rule) !== undefined));
      const text =
        dialect === "nft"
          ? program.ruleset.tables.map((table) => printTable(table)).join("\n")
          : printSave(program.ruleset, "ip").text;
      const again = dialect === "nft" ? mustReadNft(text) : mustReadIptables(text, "ip");
      expect(normaliseProgram(again)).toEqual(normaliseProgram(program));
    }),
    { numRuns: 60 },
  );
});

/** Whether two lists of rules treat a packet alike. */
function areAlike(left: readonly MarkRule[], right: readonly MarkRule[], marks: Marks, isConnected = true): boolean {
  const [a, b] = [left, right].map((rules) => applyRules(rules, marks, isConnected) === undefined);
  return a === b;
}

/** Marks of six bits, all of them, and others. */
const SAMPLE: readonly number[] = [...Array.from({ length: 64 }, (_, i) => i), ...fc.sample(anyBits, { numRuns: 16 })];

test.each(DIALECTS)(
  "rules over marks in %s text are told apart where arithmetic tells them apart",
  (_, read, print) => {
    const bits = fc.integer({ min: 0, max: 31 });
    const ending = fc
      .array(markTest(bits), { minLength: 1, maxLength: 2 })
      .map((tests): MarkRule => ({ tests, change: "drop" }));
    let [equal, different, left] = [0, 0, 0];
    fc.assert(
      fc.property(markRules(bits, 3), markRules(bits, 3), ending, fc.boolean(), (first, second, end, isSame) => {
        const [a, b] = [first, isSame ? [...first, ...second] : second].map((rules) =>
          [...rules, end].filter((rule) => print(rule) !== undefined),
        ) as [MarkRule[], MarkRule[]];
        const comparison = compare(read(a), read(b), { addresses: [], families: ["IPv4"] });
        expect(comparison.open).toEqual([]);
        for (const { packet } of comparison.regions) {
          const isConnected = packet.ctState !== "invalid" && packet.ctState !== "untracked";
          const { mark, ctMark: ctmark = 0 } = packet;
          expect({ a, b, packet, alike: areAlike(a, b, { mark, ctmark }, isConnected) }).toMatchObject({
            alike: false,
          });
        }
        // Of too many marks to look at all of them nothing is claimed.
        if (comparison.space.gaps.length > 0) left++;
        else if (comparison.differing > 0) different++;
        else {
          equal++;
          for (const mark of SAMPLE) {
            expect({ a, b, mark, alike: areAlike(a, b, { mark, ctmark: 0 }, false) }).toMatchObject({ alike: true });
            for (const ctmark of SAMPLE)
              if (!areAlike(a, b, { mark, ctmark })) expect({ a, b, mark, ctmark }).toBe("equal, as was claimed");
          }
        }
      }),
      { numRuns: 80 },
    );
    expect(Math.min(equal, different)).toBeGreaterThan(left / 4);
  },
);
