/** What the kernel has of kpc's rules is told without nft, but for what nobody but nft can tell. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import { changesBetween, withoutElements } from "../../runtime/table/change-tables.ts";
import { liveSkeleton } from "../../runtime/table/live-skeleton.ts";
import { Netfilter } from "../../runtime/table/netfilter.ts";
import { TableWriter } from "../../runtime/table/writer.ts";
import { cluster } from "../support/arbitraries.ts";
import { mustCompile } from "../support/compile.ts";
import { holdNamespace } from "../support/held-namespace.ts";
import { kernelMissing } from "../support/kernel.ts";
import { runs } from "../support/runs.ts";

/** What others do, and whether kpc tells it without nft. */
const FOREIGN = [
  ["", true],
  ["flush chain ip kpc nat-prerouting", true],
  ["insert rule ip kpc services drop", true],
  ["add rule ip kpc services ip saddr { 10.1.1.1, 10.1.1.2 } drop", true],
  ["add chain ip kpc theirs { type filter hook input priority 7; }", true],
  ["add set ip kpc theirs { type ipv4_addr; }", true],
  ["add map ip kpc theirs { type ipv4_addr : verdict; }", true],
  ["delete table ip kpc", true],
  ["add table ip kpc { flags dormant; }", true],
  ["add table ip kpc-reference { flags dormant; }; add chain ip kpc-reference old", true],
  ["add counter ip kpc theirs", false],
] as const;

describe.skipIf(kernelMissing !== undefined)("the kernel's rules without nft", () => {
  test("what others change is made good, and what they do not is not", async () => {
    const namespace = await holdNamespace();
    const netfilter = new Netfilter(namespace.wrapper);
    const writer = new TableWriter({ wrapper: namespace.wrapper });
    const run = (text: string): ReturnType<TableWriter["transact"]> => writer.transact(text);
    const done = { kind: "done" };
    let told = 0;
    await fc.assert(
      fc.asyncProperty(cluster, fc.constantFrom(...FOREIGN), async (world, [command, isTold]) => {
        const wanted = withoutElements(mustCompile(world).program.ruleset.tables).map(
          ({ retired: _, ...table }) => table,
        );
        fc.pre(wanted.some(({ family }) => family === "ip"));
        await run("flush ruleset\n");
        expect(await run(changesBetween([], wanted).map(printChange).join(""))).toEqual(done);
        expect(await run(`${command}\n`)).toEqual(done);
        const { tables } = await liveSkeleton(netfilter, run, wanted);
        expect(tables !== undefined).toBe(isTold);
        if (tables === undefined) return;
        told++;
        const changes = changesBetween(tables, wanted);
        expect(changes.length > 0).toBe(command !== "" && !command.includes("reference"));
        expect(await run(changes.map(printChange).join(""))).toEqual(done);
        const after = await liveSkeleton(netfilter, run, wanted);
        expect(changesBetween(after.tables ?? [], wanted)).toEqual([]);
        expect(namespace.run("nft list tables").output).not.toContain("reference");
      }),
      { numRuns: runs(60) },
    );
    expect(told).toBeGreaterThan(0);
    await writer.close();
    netfilter.close();
    namespace.close();
  });
});
