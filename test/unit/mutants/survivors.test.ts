/** Lists of mutants that survive, and what is bundled to judge mutants. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MutantTests, sampleOf } from "../../mutants/run.ts";
import { nameOfMutant, readSurvivors, showMutant, survivorsIn } from "../../mutants/survivors.ts";
import { JUDGED_FOLDERS, judgingTests, NOT_JUDGED } from "../../mutants/tests.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const MUTANT = { file: "a.ts", line: 3, within: "f.a", original: "[b]", mutated: "[]" };

test("a list gives each name the reason that it stands below", () => {
  const folder = mkdtempSync(join(tmpdir(), "kpc-"));
  const path = join(folder, "list.md");
  writeFileSync(
    path,
    `# List\n\n## Faster only\n\nWhy.\n\n    ${nameOfMutant(MUTANT)}\n\n## Other\n\n    b.ts g: 1 -> 2\n`,
  );
  const read = [...readSurvivors(path)];
  rmSync(folder, { recursive: true });
  expect(read).toEqual([
    ["a.ts f.a: [b] -> []", "Faster only"],
    ["b.ts g: 1 -> 2", "Other"],
  ]);
});

test("lines are shown, but are no part of the name", () => {
  expect(showMutant(MUTANT)).toBe("a.ts:3 f.a: [b] -> []");
  expect(nameOfMutant(MUTANT)).toBe(nameOfMutant({ ...MUTANT, line: 4 }));
});

test("the survivors of a run before are read back from its output", () => {
  const output = `survives: ${showMutant(MUTANT)}\na.ts: 3 of 4 killed (75.0 %), 0 listed\nsurvivor: b.ts:1 g: 1 -> 2 (not reached)\n`;
  expect([...survivorsIn(output)]).toEqual([nameOfMutant(MUTANT), "b.ts g: 1 -> 2"]);
});

test("a sample is the same for the same seed, and another one for another seed", () => {
  const ids = Array.from({ length: 100 }, (_, i) => i);
  expect(sampleOf(ids, 10, 1)).toEqual(sampleOf(ids, 10, 1));
  expect(sampleOf(ids, 10, 1)).not.toEqual(sampleOf(ids, 10, 2));
  expect(sampleOf(ids, 200, 1)).toEqual(ids);
});

test("cheap tests come first, up to the most work, and tests that fail without a mutant never", () => {
  const recorded = {
    kind: "recorded" as const,
    before: [],
    tests: [
      { name: "dear", reached: [1], counted: 900 },
      { name: "cheap", reached: [1], counted: 10 },
      { name: "elsewhere", reached: [2], counted: 1 },
      { name: "failing", reached: [1], counted: 1, failure: "it fails" },
    ],
  };
  const plan = (most: number) =>
    new MutantTests([{ test: "t", bundle: "b", recorded }], most)
      .planOf(1, "a/f.ts", "f")
      .map(({ tests }) => tests.map((each) => each.test));
  expect(plan(1000)).toEqual([[1, 0]]);
  expect(plan(100)).toEqual([[1]]);
});

test("tests of the file's own name come before cheap ones", () => {
  const file = (bundle: string, counted: number) => {
    const recorded = { kind: "recorded" as const, before: [], tests: [{ name: "t", reached: [1], counted }] };
    return { test: "t", bundle, recorded };
  };
  const plans = new MutantTests([file("x_g.test.ts.cjs", 1), file("x_f.test.ts.cjs", 90)], 100);
  const planned = (): readonly string[] => plans.planOf(1, "a/f.ts", "place").map(({ bundle }) => bundle);
  expect(planned()).toEqual(["x_f.test.ts.cjs", "x_g.test.ts.cjs"]);
  plans.killed("place", "x_g.test.ts.cjs", 0);
  expect(planned()).toEqual(["x_g.test.ts.cjs", "x_f.test.ts.cjs"]);
});

test.each(JUDGED_FOLDERS)("the judges of %s are there", (folder) => {
  expect(judgingTests(ROOT, folder).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test("files that are not judged are there, in folders that are", () => {
  for (const path of NOT_JUDGED.keys()) {
    expect(existsSync(join(ROOT, path)), path).toBe(true);
    expect(JUDGED_FOLDERS.some((folder) => path.startsWith(`${folder}/`))).toBe(true);
  }
});
