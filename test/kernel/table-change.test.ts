import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import { differenceOf, type TableChange } from "../../compiler/ir/table-change.ts";
import type { Program, Ruleset, Table } from "../../compiler/ir/types.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import { cluster } from "../support/arbitraries.ts";
import { expectedOfNft } from "../support/arrange.ts";
import { mustCompile } from "../support/compile.ts";
import { openTestNode } from "../support/differential.ts";
import { kernelMissing } from "../support/kernel.ts";
import { mustReadNft } from "../support/read.ts";
import { runs } from "../support/runs.ts";

const EMPTY: Ruleset = { tables: [] };

/** The changes of both families. */
function differences(before: Ruleset, after: Ruleset): TableChange[] {
  const find = ({ tables }: Ruleset, family: Table["family"]): Table | undefined =>
    tables.find((table) => table.family === family);
  return (["ip", "ip6"] as const).flatMap((family) => differenceOf(find(before, family), find(after, family)) ?? []);
}

async function listed(prober: Prober): Promise<Ruleset> {
  const text = await prober.run("nft -s list ruleset");
  return text === "" ? EMPTY : mustReadNft(text).ruleset;
}

async function change(prober: Prober, before: Ruleset, after: Ruleset): Promise<void> {
  const text = differences(before, after).map(printChange).join("");
  if (text !== "") await prober.run("nft -f /dev/stdin", text);
}

function expected(program: Program): object {
  return expectedOfNft({ ...program, ruleset: { tables: program.ruleset.tables } });
}

/** What others do to a table, as commands. Those that cannot be done to it do nothing. */
const FOREIGN = [
  "flush chain ip kpc nat-prerouting",
  "flush map ip kpc services",
  "flush map ip kpc endpoints-tcp",
  "flush set ip kpc hairpin",
  "add element ip kpc hairpin { 10.66.6.6 . 10.66.6.6 }",
  "add rule ip kpc services drop",
  "insert rule ip kpc nat-output jump { accept; }",
  "add chain ip kpc theirs; add rule ip kpc theirs accept; insert rule ip kpc services jump theirs",
  "add set ip kpc ours-not { type ipv4_addr; elements = { 10.1.1.1 }; }; add rule ip kpc services ip saddr @ours-not drop",
  "add counter ip kpc counted; add rule ip kpc services counter name counted",
  "add table ip kpc { flags dormant; }",
  "flush table ip kpc",
  "delete table ip kpc",
  "delete table ip6 kpc",
  "add chain ip kpc filter-input { policy drop; }",
  "flush ruleset",
  "flush ruleset; add table ip kpc { flags dormant; }",
  "delete table ip kpc; add table ip kpc { flags dormant; }; add chain ip kpc services",
];

describe.skipIf(kernelMissing !== undefined)("the kernel takes the commands of a change", () => {
  test("from one table to the next, and lists what is wanted", async () => {
    const prober = await openTestNode();
    let before = EMPTY;
    await fc.assert(
      fc.asyncProperty(cluster, async (world) => {
        const { program } = mustCompile(world);
        await change(prober, before, program.ruleset);
        before = program.ruleset;
        const there = await listed(prober);
        expect(normaliseProgram({ ruleset: there, routes: [] })).toEqual(expected(program));
        // What is read back says the same as what was meant.
        expect(differences(there, program.ruleset)).toEqual([]);
      }),
      { numRuns: runs(120) },
    );
    await prober.close();
  });

  test("from what others made of it, to what is wanted", async () => {
    const prober = await openTestNode();
    let done = 0;
    await fc.assert(
      fc.asyncProperty(cluster, fc.subarray([...FOREIGN]), async (world, commands) => {
        const { program } = mustCompile(world);
        await change(prober, await listed(prober), program.ruleset);
        for (const command of commands)
          await prober.run("nft -f /dev/stdin", command).then(
            () => done++,
            () => undefined,
          );
        await change(prober, await listed(prober), program.ruleset);
        expect(normaliseProgram({ ruleset: await listed(prober), routes: [] })).toEqual(expected(program));
      }),
      { numRuns: runs(80) },
    );
    await prober.close();
    expect(done).toBeGreaterThanOrEqual(runs(80));
  });
});
