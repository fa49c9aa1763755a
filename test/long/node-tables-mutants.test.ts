/** Mistakes in the code that keeps tables up with events are noticed by random histories. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { required } from "../../compiler/invariant.ts";
import { NodeTables } from "../../compiler/updates/node-tables.ts";
import { disagreement, disagreementWithBroken, history } from "../support/events.ts";
import { codeWith, type Mistake } from "../support/mistakes.ts";
import { NODE_TABLES_MUTANTS } from "../support/node-tables-mutants.ts";

const SAMPLE = { numRuns: 250, seed: 1 };

/** The first history after which tables differ, and how; undefined: there is none. */
function firstWrong(Tables: typeof NodeTables): string | undefined {
  const make = (config: ConstructorParameters<typeof NodeTables>[0]): NodeTables => new Tables(config);
  for (const each of fc.sample(history(), SAMPLE)) {
    const found = disagreement(each, make);
    if (found !== "") return found;
  }
  for (const each of fc.sample(history(true), SAMPLE)) {
    const found = disagreementWithBroken(each, make);
    if (found !== "") return found;
  }
  return undefined;
}

/** The class with a mistake. */
async function tablesWith(mistake: Mistake): Promise<typeof NodeTables> {
  const code = await codeWith(mistake, new URL("../../compiler/", import.meta.url), "updates/node-tables.ts");
  // A file, as what is read as CommonJS asks for one.
  const folderOfBundle = await mkdtemp(join(tmpdir(), "kpc-mutant-"));
  try {
    const path = join(folderOfBundle, "tables.mjs");
    await writeFile(path, code);
    const made: { readonly NodeTables: typeof NodeTables } = await import(path);
    return made.NodeTables;
  } finally {
    await rm(folderOfBundle, { recursive: true });
  }
}

describe("mistakes in tables that follow events are noticed", () => {
  test("there are none in the code as it is", () => {
    expect(firstWrong(NodeTables)).toBeUndefined();
  });

  test.each(Object.keys(NODE_TABLES_MUTANTS))("%s", async (name) => {
    expect(firstWrong(await tablesWith(required(NODE_TABLES_MUTANTS[name], "it is one of them")))).toBeDefined();
  });
});
