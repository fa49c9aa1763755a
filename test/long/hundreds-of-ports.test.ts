/** Clusters with hundreds of ports, before the kernel. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mustCompile } from "../support/compile.ts";
import { denseCluster } from "../support/dense.ts";
import { findDisagreements, JUDGES, judgedFor, openTestNode, predictAll } from "../support/differential.ts";
import { kernelMissing } from "../support/kernel.ts";
import { complaintsOfKernel } from "../support/load.ts";
import { packetsAtSomeServices } from "../support/packets.ts";
import { runs } from "../support/runs.ts";
import { COUNTED } from "../support/sizes.ts";

/** `npm run soak:sizes` loads all sizes of all things. */
const MANY = [
  ["node ports of three protocols", 257],
  ["ports of a Service, of three protocols", 257],
  ["ports of a Service with source ranges, policy Local and affinity", 257],
  ["endpoints with session affinity", 257],
  ["load balancer addresses with source ranges", 257],
  ["node ports of one protocol", 1000],
] as const;

describe.skipIf(kernelMissing !== undefined)("the kernel takes both texts, twice, beside rules of the host", () => {
  test.concurrent("of a cluster with hundreds of ports", async () => {
    await fc.assert(
      fc.asyncProperty(denseCluster, async (world) => {
        expect(await complaintsOfKernel(mustCompile(world).program)).toBe("");
      }),
      { numRuns: runs(5) },
    );
  });

  test.concurrent.each(MANY)("of %s: %d", async (what, size) => {
    const world = COUNTED[what]?.(size);
    if (world === undefined) throw new Error(`nothing counts ${what}`);
    expect(await complaintsOfKernel(mustCompile({ ...world, mode: "iptables" }).program)).toBe("");
  });
});

describe.skipIf(kernelMissing !== undefined)("the kernel does to packets what the reference says", () => {
  test.concurrent.each(JUDGES)("%s, with hundreds of ports", async (judge) => {
    const prober = await openTestNode();
    await fc.assert(
      fc.asyncProperty(denseCluster, async (world) => {
        const rules = judgedFor(judge, mustCompile(world).program);
        const predictions = predictAll(world, packetsAtSomeServices(world, 60));
        expect(await findDisagreements(prober, judge, rules, predictions)).toEqual([]);
      }),
      { numRuns: runs(5) },
    );
    await prober.close();
  });
});
