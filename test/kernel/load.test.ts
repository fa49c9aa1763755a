import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { MODES } from "../../compiler/lower/settings.ts";
import { cluster } from "../support/arbitraries.ts";
import { compileCase, readCase } from "../support/cases.ts";
import { mustCompile } from "../support/compile.ts";
import { kernelMissing } from "../support/kernel.ts";
import { complaintsOfKernel } from "../support/load.ts";
import { readFolder } from "../support/shared.ts";

describe.skipIf(kernelMissing !== undefined)("the kernel takes both texts, twice", () => {
  test.concurrent.each(readFolder("flow-cases", ".yaml"))("$name", async ({ name, text }) => {
    const testCase = readCase(name, text);
    for (const mode of testCase.modes) expect(await complaintsOfKernel(compileCase(testCase, mode).program)).toBe("");
  });

  test.concurrent.each(readFolder("corpus/k8s", ".yaml"))("$name", async (source) => {
    for (const mode of MODES) {
      const { compiled } = compile([source], { mode });
      if (compiled !== undefined) expect(await complaintsOfKernel(compiled.program)).toBe("");
    }
  });

  test("of any cluster", async () => {
    await fc.assert(
      fc.asyncProperty(cluster, async (world) => {
        expect(await complaintsOfKernel(mustCompile(world).program)).toBe("");
      }),
      { numRuns: 40 },
    );
  });
});
