/** The mistakes that `long/node-tables-mutants` makes in sources: what each replaces stands there, once. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { NODE_TABLES_MUTANTS } from "../../support/node-tables-mutants.ts";

test.each(Object.entries(NODE_TABLES_MUTANTS))("%s", (_, { file, from, to }) => {
  const text = readFileSync(new URL(`../../../compiler/${file}`, import.meta.url), "utf8");
  expect(text.split(from)).toHaveLength(2);
  expect(to).not.toBe(from);
});
