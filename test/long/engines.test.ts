import { describe, expect, test } from "vitest";
import { runCase } from "../../compiler/expectations/run.ts";
import { kernelIptables, kernelNft } from "../../runtime/kernel/engine.ts";
import { compileCase, readCase } from "../support/cases.ts";
import { kernelMissing } from "../support/kernel.ts";
import { readCases } from "../support/shared.ts";

const ENGINES = [kernelNft(), kernelIptables("nft"), kernelIptables("legacy")];
const CASES = readCases("flow").map(({ name, text }) => readCase(name, text));

describe.skipIf(kernelMissing !== undefined)("all flow cases hold in the kernel", () => {
  test.concurrent.each(ENGINES)("$name", async (engine) => {
    const results = [];
    for (const testCase of CASES) {
      for (const mode of testCase.modes)
        results.push(...(await runCase(testCase, mode, compileCase(testCase, mode), engine)));
    }
    await engine.close();
    expect(results.filter(({ status }) => status !== "pass")).toEqual([]);
    expect(results).toHaveLength(CASES.reduce((sum, { modes, flows }) => sum + modes.length * flows.length, 0));
  });
});
