import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import { cluster } from "../support/arbitraries.ts";
import { expectedOfIptables, expectedOfNft } from "../support/arrange.ts";
import { mustCompile, printIptables, printNft } from "../support/compile.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

describe("a text that was printed is read as what was printed", () => {
  test.each(["ip", "ip6"] as const)("iptables, %s", (family) => {
    fc.assert(
      fc.property(cluster, (world) => {
        const { program } = mustCompile(world);
        const read = mustReadIptables(printIptables(program, family), family);
        expect(normaliseProgram(read)).toEqual(expectedOfIptables(program, family));
      }),
      { numRuns: 40 },
    );
  });

  test("nft", () => {
    fc.assert(
      fc.property(cluster, (world) => {
        const { program } = mustCompile(world);
        expect(normaliseProgram(mustReadNft(printNft(program)))).toEqual(expectedOfNft(program));
      }),
      { numRuns: 40 },
    );
  });
});
