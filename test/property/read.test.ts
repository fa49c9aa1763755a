import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { cluster } from "../support/arbitraries.ts";
import { expectedOfIptables, expectedOfNft } from "../support/arrange.ts";
import { mustCompile, printIptables, printNft } from "../support/compile.ts";
import { MUTATIONS } from "../support/mutants.ts";
import { mustReadIptables, mustReadNft, readNftText } from "../support/read.ts";
import { runs, some } from "../support/runs.ts";

describe("a text that was printed is read as what was printed", () => {
  test.each(["ip", "ip6"] as const)("iptables, %s", (family) => {
    fc.assert(
      fc.property(cluster, (world) => {
        const { program } = mustCompile(world);
        const read = mustReadIptables(printIptables(program, family), family);
        expect(normaliseProgram(read)).toEqual(expectedOfIptables(program, family));
      }),
      { numRuns: runs(40) },
    );
  });

  test("nft", () => {
    fc.assert(
      fc.property(cluster, (world) => {
        const { program } = mustCompile(world);
        expect(normaliseProgram(mustReadNft(printNft(program)))).toEqual(expectedOfNft(program));
      }),
      { numRuns: runs(40) },
    );
  });
});

test("each way to be wrong is read as another program", () => {
  // A port behind the last one is not even read.
  const read = (program: Program): object => {
    const { program: found, findings } = readNftText(printNft(program));
    return { findings, program: normaliseProgram(found) };
  };
  const unnoticed = new Map(some(Object.entries(MUTATIONS), 6));
  for (const world of fc.sample(cluster, { numRuns: 300, seed: 1 })) {
    if (unnoticed.size === 0) break;
    const { program } = mustCompile(world);
    let right: object | undefined;
    for (const [name, mutate] of unnoticed) {
      const mutant = mutate(program);
      if (mutant === undefined) continue;
      right ??= read(program);
      expect([name, read(mutant)]).not.toEqual([name, right]);
      unnoticed.delete(name);
    }
  }
  expect([...unnoticed.keys()]).toEqual([]);
});
