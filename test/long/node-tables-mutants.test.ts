/** Mistakes in the code that keeps tables up with events are noticed by random histories. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { rolldown } from "rolldown";
import { describe, expect, test } from "vitest";
import { required } from "../../compiler/invariant.ts";
import { NodeTables } from "../../compiler/updates/node-tables.ts";
import { disagreement, disagreementWithBroken, history } from "../support/events.ts";
import { NODE_TABLES_MUTANTS, type NodeTablesMutant } from "../support/node-tables-mutants.ts";

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

/** The class with a mistake. Throws where the text that is to be replaced is not in its file exactly once. */
async function tablesWith({ file, from, to }: NodeTablesMutant): Promise<typeof NodeTables> {
  const folder = fileURLToPath(new URL("../../compiler/", import.meta.url));
  let isReplaced = false;
  const mutate = (code: string, id: string): string | undefined => {
    if (id !== folder + file) return undefined;
    const parts = code.split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`);
    isReplaced = true;
    return parts.join(to);
  };
  const bundle = await rolldown({
    input: `${folder}updates/node-tables.ts`,
    platform: "node",
    logLevel: "silent",
    plugins: [{ name: "mutate", transform: mutate }],
  });
  const { output } = await bundle.generate({ format: "esm", codeSplitting: false });
  await bundle.close();
  if (!isReplaced) throw new Error(`${file} is no part of the tables`);
  // A file, as what is read as CommonJS asks for one.
  const folderOfBundle = await mkdtemp(join(tmpdir(), "kpc-mutant-"));
  try {
    const path = join(folderOfBundle, "tables.mjs");
    await writeFile(path, output[0].code);
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
