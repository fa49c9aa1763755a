import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import { clearRules, loadRules } from "../../runtime/kernel/rules.ts";
import { cluster } from "../support/arbitraries.ts";
import { expectedOfIptables, expectedOfNft } from "../support/arrange.ts";
import { mustCompile } from "../support/compile.ts";
import { JUDGES, type Judge, openTestNode, rulesFor } from "../support/differential.ts";
import { kernelMissing } from "../support/kernel.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";
import { runs } from "../support/runs.ts";

/** What the kernel lists after loading `program`, read; and what it is expected to be. */
async function readBack(
  prober: Prober,
  judge: Judge,
  program: Program,
): Promise<{ read: object[]; expected: object[] }> {
  const rules = rulesFor(judge, program);
  await loadRules(prober, rules);
  const result =
    judge === "kernel-nft"
      ? { read: [await listNft(prober)], expected: [expectedOfNft(program)] }
      : await listIptables(prober, judge, program);
  await clearRules(prober, rules);
  return result;
}

async function listNft(prober: Prober): Promise<object> {
  const text = await prober.run("nft -s list ruleset");
  return text === "" ? normaliseProgram({ ruleset: { tables: [] }, routes: [] }) : normaliseProgram(mustReadNft(text));
}

async function listIptables(
  prober: Prober,
  judge: Judge,
  program: Program,
): Promise<{ read: object[]; expected: object[] }> {
  const backend = judge === "kernel-iptables-nft" ? "nft" : "legacy";
  const found: { read: object[]; expected: object[] } = { read: [], expected: [] };
  for (const family of ["ip", "ip6"] as const) {
    if (!program.ruleset.tables.some((table) => table.family === family)) continue;
    const expected = expectedOfIptables(program, family) as { readonly tables: readonly { readonly name: string }[] };
    const { ruleset } = mustReadIptables(await prober.run(`${family}tables-${backend}-save`), family);
    // The kernel may have made tables that we do not use.
    const tables = ruleset.tables.filter(({ name }) => expected.tables.some((table) => table.name === name));
    found.read.push(normaliseProgram({ ruleset: { tables }, routes: [] }));
    found.expected.push(expected);
  }
  return found;
}

describe.skipIf(kernelMissing !== undefined)("what the kernel lists is read as what was printed", () => {
  test.concurrent.each(JUDGES)("%s", async (judge) => {
    const prober = await openTestNode();
    await fc.assert(
      fc.asyncProperty(cluster, async (world) => {
        const { read, expected } = await readBack(prober, judge, mustCompile(world).program);
        expect(read).toEqual(expected);
      }),
      { numRuns: runs(15) },
    );
    await prober.close();
  });
});
