/** The mistakes that `long/walk-mutants` makes in sources: what each replaces stands there, once. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { WALK_MUTANTS } from "../../support/walk-mutants.ts";

test.each(Object.entries(WALK_MUTANTS))("%s", (_, { file, from, to }) => {
  const text = readFileSync(new URL(`../../../compiler/walk/${file}`, import.meta.url), "utf8");
  expect(text.split(from)).toHaveLength(2);
  expect(to).not.toBe(from);
});
