/** Parts of programs that are alike stand for each other: what programs do differently is what it is without that. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compare } from "../../compiler/compare/compare.ts";
import { reduce } from "../../compiler/compare/symmetry/reduce.ts";
import { stringify } from "../../compiler/ir/normal-form.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { Address, Family } from "../../compiler/net/address.ts";
import { cluster } from "../support/arbitraries.ts";
import { mustCompile, printIptables, printNft, unfold } from "../support/compile.ts";
import { readIptablesText, readNftText } from "../support/read.ts";
import { repeatedCluster } from "../support/repeated-clusters.ts";
import { runs } from "../support/runs.ts";
import { numbersFrom } from "../support/slots.ts";
import { mutateRepeated } from "../support/symmetry-mutants.ts";

const KEPT_REGIONS = 300;

const KINDS = ["differ", "equal", "leftOut"] as const;

/** What users see of a comparison, with leaving out what is alike or without. */
function seenOf(
  [left, right]: readonly [Program, Program],
  addresses: readonly Address[],
  families: readonly Family[],
  symmetry: boolean,
) {
  const { regions, differing, open, gaps, given, space } = compare(left, right, {
    addresses,
    families,
    keep: KEPT_REGIONS,
    symmetry,
  });
  const shown = regions.map((region) => ({
    ...{ box: region.box, packet: region.packet, trafficKind: region.trafficKind },
    outcomes: [region.left, region.right].map(({ verdict, endpoints }) => ({ verdict, endpoints })),
  }));
  return {
    ...{ differing, open, gaps, given: [...given, ...space.given] },
    // In one slice of destinations their order may be another one: that in which the programs ask for addresses.
    regions:
      differing > KEPT_REGIONS
        ? []
        : shown.map((each) => [stringify(each), each] as const).sort(([one], [other]) => (one < other ? -1 : 1)),
  };
}

describe("the same verdict, regions and counts with and without", () => {
  test("of texts of clusters with several Services of each kind, with one line changed", () => {
    const pick = numbersFrom(21);
    const met = { differ: 0, equal: 0, leftOut: 0 };
    const wanted = { differ: runs(100), equal: runs(60), leftOut: runs(150) };
    const isShort = (): boolean => KINDS.some((kind) => met[kind] < wanted[kind]);
    // Of a few clusters chance decides how many are of each kind: more are made until there are enough.
    for (let i = 0; i < runs(560) || (isShort() && i < 3 * runs(560)); i++) {
      const { program, node } = mustCompile(repeatedCluster(pick));
      const text = { nft: printNft(program), ip: printIptables(program, "ip"), ip6: printIptables(program, "ip6") };
      const of = (["nft", "ip", "ip6"] as const)[pick(3)] as keyof typeof text;
      const family = of === "ip" || (of === "nft" && pick(2) === 0) ? "ip" : "ip6";
      const read = (format: keyof typeof text, lines: string) =>
        format === "nft" ? readNftText(lines) : readIptablesText(lines, format);
      const mutant = pick(5) === 0 ? text[of] : mutateRepeated(text[of], pick);
      if (mutant === undefined) continue;
      const changed = read(of, mutant);
      if (changed.findings.some((finding) => finding.includes(" error "))) continue;
      const other = pick(2) === 0 ? of : of === "nft" ? family : "nft";
      const programs = [read(other, text[other]).program, changed.program] as const;
      const reduction = reduce(...programs, node.addresses, { evenIfFew: true });
      if (reduction.kind === "whole") continue;
      const families: Family[] = [family === "ip" ? "IPv4" : "IPv6"];
      const whole = seenOf(programs, node.addresses, families, false);
      expect({ mutant, ...seenOf(programs, node.addresses, families, true) }).toEqual({ mutant, ...whole });
      met[whole.differing > 0 ? "differ" : "equal"]++;
      if (reduction.kept < reduction.components) met.leftOut++;
    }
    for (const kind of KINDS)
      expect({ kind, met: met[kind] >= wanted[kind] ? "enough" : met[kind] }).toEqual({ kind, met: "enough" });
  });

  test("of any cluster, in lookups and in rules, in both modes", () => {
    fc.assert(
      fc.property(cluster, (world) => {
        const { program, node } = mustCompile(world);
        const { program: other } = mustCompile({ ...world, mode: world.mode === "nftables" ? "iptables" : "nftables" });
        for (const right of [unfold(program), other]) {
          const reduction = reduce(program, right, node.addresses, { evenIfFew: true });
          if (reduction.kind === "whole") continue;
          const whole = seenOf([program, right], node.addresses, ["IPv4", "IPv6"], false);
          expect(seenOf([program, right], node.addresses, ["IPv4", "IPv6"], true)).toEqual(whole);
        }
      }),
      { numRuns: runs(60) },
    );
  });
});
