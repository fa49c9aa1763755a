/** Rules of other people through the kernel: printed, loaded, listed, read. */
import { describe, expect, test } from "vitest";
import { printSave } from "../../compiler/formats/iptables/print-save.ts";
import { printTable } from "../../compiler/formats/nft/print.ts";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";
import { mustReadIptables, mustReadNft, readIptablesText, readNftText } from "../support/read.ts";
import { readFolder } from "../support/shared.ts";

const iptables = readFolder("corpus/iptables", ".rules");
const nft = readFolder("corpus/nft", ".nft");
const title = (count: number): string => (count > 0 ? "" : " (skipped: there is no ../shared/corpus)");

/** What the kernel lists after `load`; undefined when it refuses. */
async function listAfter(text: string, load: (path: string) => string, list: string): Promise<string | undefined> {
  return withFiles([text], async ([path = ""]) => {
    const { status, output } = await inNamespace(`${load(path)} >/dev/null 2>&1 || exit 9; ${list} 2>/dev/null`);
    return status === 0 ? output : undefined;
  });
}

function ofTables({ ruleset }: Program, wanted: Program): Program {
  const tables = ruleset.tables.filter(({ name, family }) =>
    wanted.ruleset.tables.some((table) => table.name === name && table.family === family),
  );
  return { ruleset: { tables }, routes: [] };
}

describe.skipIf(kernelMissing !== undefined || iptables.length === 0)(
  `dumps of iptables${title(iptables.length)}`,
  () => {
    test.concurrent.each(["nft", "legacy"])("%s: what loads is listed as what was read", async (backend) => {
      let loaded = 0;
      for (const { name, text } of iptables) {
        const { program } = readIptablesText(text);
        for (const family of ["ip", "ip6"] as const) {
          const mine: Program = {
            ruleset: { tables: program.ruleset.tables.filter((table) => table.family === family) },
            routes: [],
          };
          const tool = `${family}tables-${backend}`;
          const load = (path: string): string => `${tool}-restore ${path}`;
          if (mine.ruleset.tables.length === 0 || (await listAfter(text, load, "true")) === undefined) continue;
          loaded++;
          const { text: printed, unsupported } = printSave(mine.ruleset, family);
          expect([name, ...unsupported]).toEqual([name]);
          const listing = await listAfter(printed, load, `${tool}-save`);
          expect([name, listing !== undefined]).toEqual([name, true]);
          expect([name, normaliseProgram(ofTables(mustReadIptables(listing ?? "", family), mine))]).toEqual([
            name,
            normaliseProgram(mine),
          ]);
        }
      }
      expect(loaded).toBeGreaterThanOrEqual(25);
    });
  },
);

describe.skipIf(kernelMissing !== undefined || nft.length === 0)(`rulesets of nft${title(nft.length)}`, () => {
  test("what loads is listed as what was read", async () => {
    let loaded = 0;
    const load = (path: string): string => `nft -f ${path}`;
    for (const { name, text } of nft) {
      const own = await listAfter(text, load, "nft -s list ruleset");
      if (own === undefined) continue;
      loaded++;
      const { program } = readNftText(text);
      const expected = [name, normaliseProgram(program)];
      expect([name, normaliseProgram(mustReadNft(own))]).toEqual(expected);
      const listing = await listAfter(
        program.ruleset.tables.map((table) => printTable(table)).join("\n"),
        load,
        "nft -s list ruleset",
      );
      expect([name, listing !== undefined]).toEqual([name, true]);
      expect([name, normaliseProgram(mustReadNft(listing ?? ""))]).toEqual(expected);
    }
    expect(loaded).toBeGreaterThanOrEqual(18);
  });
});
