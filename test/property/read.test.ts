import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { cluster } from "../support/arbitraries.ts";
import { arrangeForIptables } from "../support/arrange.ts";
import { mustCompile, printIptables, printNft, unfold } from "../support/compile.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

/** What a text for one family is expected to be read as. */
function expected(program: Program, family: "ip" | "ip6"): object {
  const tables = program.ruleset.tables.filter((table) => table.family === family);
  const unfolded = unfold({ routes: [], ruleset: { tables } });
  return normaliseProgram(arrangeForIptables(unfolded, family));
}

/** Whatever a text says of an earlier one is not part of the program. */
function withoutRetired({ ruleset, routes }: Program): Program {
  const tables = ruleset.tables.map(({ retired: _, ...table }) => table);
  return { ruleset: { tables }, routes };
}

describe("a text that was printed is read as what was printed", () => {
  test.each(["ip", "ip6"] as const)("iptables, %s", (family) => {
    fc.assert(
      fc.property(cluster, (world) => {
        const { program } = mustCompile(world);
        const read = mustReadIptables(printIptables(program, family), family);
        expect(normaliseProgram(read)).toEqual(expected(program, family));
      }),
      { numRuns: 40 },
    );
  });

  test("nft", () => {
    fc.assert(
      fc.property(cluster, (world) => {
        const { program } = mustCompile(world);
        expect(normaliseProgram(mustReadNft(printNft(program)))).toEqual(normaliseProgram(withoutRetired(program)));
      }),
      { numRuns: 40 },
    );
  });
});
