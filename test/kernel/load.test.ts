import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { MODES } from "../../compiler/node/settings.ts";
import { cluster } from "../support/arbitraries.ts";
import { mustCompile } from "../support/compile.ts";
import { exampleManifests } from "../support/examples.ts";
import { kernelMissing } from "../support/kernel.ts";
import { complaintsOfKernel } from "../support/load.ts";
import { runs, some } from "../support/runs.ts";
import { COUNTED } from "../support/sizes.ts";

describe.skipIf(kernelMissing !== undefined)("the kernel takes both texts, twice, beside rules of the host", () => {
  test.concurrent.each(some(MODES, 1))("of the example (%s)", async (mode) => {
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

  test("of source ranges of blocks within blocks: 17", async () => {
    const world = COUNTED["source ranges of blocks within blocks"]?.(17);
    if (world === undefined) throw new Error("nothing counts source ranges");
    expect(await complaintsOfKernel(mustCompile({ ...world, mode: "iptables" }).program)).toBe("");
  });
});
