import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compare } from "../../compiler/compare/compare.ts";
import { parseAddress } from "../../compiler/net/address.ts";
import { NODE_IPS } from "../support/arbitraries.ts";
import { foreignIptables, foreignNft } from "../support/arbitrary-rules.ts";
import { hold } from "../support/exceptions.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

const addresses = NODE_IPS.flatMap((text) => parseAddress(text) ?? []);
const ruleset = fc.oneof(
  foreignNft.map((text) => mustReadNft(text)),
  foreignIptables.map((text) => mustReadIptables(text, "ip")),
);

/** Two masks that are no prefixes make as many as one likes. */
const MOST_REGIONS = 5000;

describe("a file that declares how two rulesets differ", () => {
  test("is right, needs each of its entries, and is wrong of two others", () => {
    let entries = 0;
    fc.assert(
      fc.property(ruleset, ruleset, fc.nat(), (left, right, at) => {
        const options = { addresses, families: ["IPv4"] as const, keep: Number.POSITIVE_INFINITY };
        const nothing = "  []";
        fc.pre(compare(left, right, { ...options, keep: 0 }).differing < MOST_REGIONS);
        const { printed, comparison } = hold([left, right], nothing, options);
        const { applied } = hold([left, right], printed, options);
        expect(applied).toMatchObject({ asDeclared: comparison.open.length === 0, undeclared: [] });
        const parts = printed.split(/^(?= {2}- )/m);
        entries += parts.length - 1;
        if (parts.length < 2) return;
        const gone = parts.filter((_, i) => i !== 1 + (at % (parts.length - 1)));
        const without = gone.length > 1 ? gone.join("") : nothing;
        expect(hold([left, right], without, options).applied.undeclared).not.toEqual([]);
        expect(hold([left, left], printed, options).applied).toMatchObject({ asDeclared: false, undeclared: [] });
      }),
      { numRuns: 5 },
    );
    expect(entries).toBeGreaterThan(0);
  });
});
