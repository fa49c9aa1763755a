import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cluster } from "../support/arbitraries.ts";
import { mustCompile } from "../support/compile.ts";
import { findDisagreements, type Judge, judgedFor, openTestNode, predictAll } from "../support/differential.ts";
import { kernelMissing } from "../support/kernel.ts";
import { MUTATIONS } from "../support/mutants.ts";
import { packetsAtServices } from "../support/packets.ts";

/** Clusters in which a mistake may show. */
const CLUSTERS = fc.sample(cluster, { numRuns: 60, seed: 7 });

/** nft text shows all mistakes; iptables text is made by another way from the same program. */
const CASES = Object.keys(MUTATIONS).flatMap((name, i): [string, Judge][] => [
  [name, "kernel-nft"],
  [name, i % 2 === 0 ? "kernel-iptables-nft" : "kernel-iptables-legacy"],
]);

describe.skipIf(kernelMissing !== undefined)("wrong rules are noticed", () => {
  test.concurrent.each(CASES)("%s (%s)", async (name, judge) => {
    const mutate = MUTATIONS[name];
    const prober = await openTestNode();
    let wrong = 0;
    for (const world of CLUSTERS) {
      const mutant = mutate?.(mustCompile(world).program);
      if (mutant === undefined) continue;
      const predictions = predictAll(world, packetsAtServices(world));
      wrong = (await findDisagreements(prober, judge, judgedFor(judge, mutant), predictions)).length;
      if (wrong > 0) break;
    }
    await prober.close();
    expect(wrong).toBeGreaterThan(0);
  });
});
