import { expect, test } from "vitest";
import { iptablesEngine, nftEngine } from "../../../../compiler/expectations/engines/text.ts";
import { EngineTrouble } from "../../../../compiler/expectations/engines/types.ts";
import { runCase } from "../../../../compiler/expectations/run.ts";
import { compileCase, readCase } from "../../../support/cases.ts";
import { baseChain, programOf, ruleOf } from "../../../support/ir.ts";
import { EVERYTHING } from "../../../support/runs.ts";
import { readCases } from "../../../support/shared.ts";

/** In the quick set every ninth case: all of them are held for the IR. */
const CASES = readCases("flow")
  .filter((_, i) => EVERYTHING || i % 9 === 0)
  .map(({ name, text }) => readCase(name, text));

test.each([nftEngine, iptablesEngine])("flow cases hold for the text of $name", async (engine) => {
  const results = [];
  for (const testCase of CASES) {
    for (const mode of testCase.modes)
      results.push(...(await runCase(testCase, mode, compileCase(testCase, mode), engine)));
  }
  expect(results.filter(({ status }) => status !== "pass")).toEqual([]);
  expect(results).toHaveLength(CASES.reduce((sum, { modes, flows }) => sum + modes.length * flows.length, 0));
});

test("a program that has no text is trouble, and no answer", async () => {
  const [testCase] = CASES;
  if (testCase === undefined) throw new Error("there are no cases");
  const compiled = compileCase(testCase, testCase.modes[0] ?? "nftables");
  const program = programOf({ chains: [baseChain("postrouting", "filter", [ruleOf({ kind: "counter" })], 150)] });
  await expect(iptablesEngine.run({ ...compiled, program }, [])).rejects.toThrow(EngineTrouble);
  const unreadable = programOf({
    chains: [baseChain("input", "filter", [ruleOf({ kind: "opaque", text: "what is this", negated: false })])],
  });
  await expect(nftEngine.run({ ...compiled, program: unreadable }, [])).rejects.toThrow(
    "our own text is not read: <kpc's text for nft>:",
  );
});
