import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { MODES } from "../../compiler/node/settings.ts";
import { cluster } from "../support/arbitraries.ts";
import { compileCase, readCase } from "../support/cases.ts";
import { mustCompile } from "../support/compile.ts";
import { JUDGES, openTestNode } from "../support/differential.ts";
import { exampleManifests } from "../support/examples.ts";
import { kernelMissing } from "../support/kernel.ts";
import { listBack } from "../support/list-back.ts";
import { readCases, readFolder } from "../support/shared.ts";

/** Programs of the example, of all flow cases and of all manifests. */
function* programs(): Generator<readonly [name: string, program: Program]> {
  for (const mode of MODES) {
    for (const source of readFolder("corpus/k8s", ".yaml")) {
      const { compiled } = compile([source], { mode });
      if (compiled !== undefined) yield [`${source.name} ${mode}`, compiled.program];
    }
    const { compiled } = compile(exampleManifests(), { mode, nodeName: "node-1" });
    if (compiled !== undefined) yield [`the example ${mode}`, compiled.program];
  }
  // Of each case one mode, by turns: the two texts differ little.
  for (const [i, { name, text }] of readCases("flow").entries()) {
    const testCase = readCase(name, text);
    const mode = testCase.modes[(i >> 2) % testCase.modes.length];
    if (mode !== undefined) yield [`${name} ${mode}`, compileCase(testCase, mode).program];
  }
}

describe.skipIf(kernelMissing !== undefined)("the kernel lists what was printed, also after another load", () => {
  test.concurrent.each(JUDGES)("%s", async (judge) => {
    const prober = await openTestNode();
    for (const [name, program] of programs()) {
      const { printed, listed, listedAgain } = await listBack(prober, judge, program);
      expect([name, ...listed]).toEqual([name, ...printed]);
      expect([name, ...listedAgain]).toEqual([name, ...printed]);
    }
    await fc.assert(
      fc.asyncProperty(cluster, async (world) => {
        const { printed, listed, listedAgain } = await listBack(prober, judge, mustCompile(world).program);
        expect(listed).toEqual(printed);
        expect(listedAgain).toEqual(printed);
      }),
      { numRuns: 4 },
    );
    await prober.close();
  });
});
