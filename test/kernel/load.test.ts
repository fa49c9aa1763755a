import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { MODES } from "../../compiler/node/settings.ts";
import { cluster } from "../support/arbitraries.ts";
import { mustCompile } from "../support/compile.ts";
import { denseCluster } from "../support/dense.ts";
import { exampleManifests } from "../support/examples.ts";
import { kernelMissing } from "../support/kernel.ts";
import { complaintsOfKernel } from "../support/load.ts";
import { EVERYTHING, runs } from "../support/runs.ts";
import { COUNTED } from "../support/sizes.ts";

/** For `npm run test:all`; `npm run soak:sizes` loads all sizes of all things. */
const MANY = [
  ["ports of a Service, of three protocols", 257],
  ["ports of a Service with source ranges, policy Local and affinity", 257],
  ["endpoints with session affinity", 257],
  ["load balancer addresses with source ranges", 257],
  ["node ports of one protocol", 1000],
] as const;

describe.skipIf(kernelMissing !== undefined)("the kernel takes both texts, twice, beside rules of the host", () => {
  test.concurrent.each(MODES)("of the example (%s)", async (mode) => {
    const { compiled } = compile(exampleManifests(), { mode, nodeName: "node-1" });
    if (compiled === undefined) throw new Error("the example does not compile");
    expect(await complaintsOfKernel(compiled.program)).toBe("");
  });

  test.concurrent("of any cluster", async () => {
    await fc.assert(
      fc.asyncProperty(cluster, async (world) => {
        expect(await complaintsOfKernel(mustCompile(world).program)).toBe("");
      }),
      { numRuns: runs(12) },
    );
  });

  test.concurrent("of a cluster with hundreds of ports", async () => {
    await fc.assert(
      fc.asyncProperty(denseCluster, async (world) => {
        expect(await complaintsOfKernel(mustCompile(world).program)).toBe("");
      }),
      { numRuns: EVERYTHING ? 5 : 1 },
    );
  });

  test.concurrent.each([
    ["node ports of three protocols", 257],
    ["source ranges of blocks within blocks", 17],
    ...(EVERYTHING ? MANY : []),
  ] as const)("of %s: %d", async (what, size) => {
    const world = COUNTED[what]?.(size);
    if (world === undefined) throw new Error(`nothing counts ${what}`);
    expect(await complaintsOfKernel(mustCompile({ ...world, mode: "iptables" }).program)).toBe("");
  });
});
