import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ClusterInput, cluster } from "../support/arbitraries.ts";
import { mustCompile } from "../support/compile.ts";
import { findDisagreements, JUDGES, judgedFor, openTestNode, predictAll } from "../support/differential.ts";
import { kernelMissing } from "../support/kernel.ts";
import { packetsAtServices, packetsFor } from "../support/packets.ts";
import { runs } from "../support/runs.ts";
import { EXAMPLES } from "./examples.ts";

/** Every so many of the packets that could mean something. */
const STEP = 5;

describe.skipIf(kernelMissing !== undefined)("the kernel does to packets what the reference says", () => {
  test.concurrent.each(JUDGES)("%s", async (judge) => {
    const prober = await openTestNode();
    const agrees = async (world: ClusterInput, start: number): Promise<void> => {
      const predictions = predictAll(world, [
        ...packetsAtServices(world, start, STEP),
        ...packetsFor(world, start, 20 * STEP),
      ]);
      const rules = judgedFor(judge, mustCompile(world).program);
      expect(await findDisagreements(prober, judge, rules, predictions)).toEqual([]);
    };
    await fc.assert(fc.asyncProperty(cluster, fc.nat({ max: STEP - 1 }), agrees), {
      numRuns: runs(25),
      examples: [...EXAMPLES],
    });
    await prober.close();
  });
});
