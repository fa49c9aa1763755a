/** The mistakes that `long/followed-iptables-mutants` makes in sources: what each replaces stands there, once. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  FOLLOWED_IPTABLES_MUTANTS,
  PLAN_AGAIN_MUTANTS,
  UNFOLDED_TABLE_MUTANTS,
} from "../../support/followed-iptables-mutants.ts";

const ALL = { ...FOLLOWED_IPTABLES_MUTANTS, ...PLAN_AGAIN_MUTANTS, ...UNFOLDED_TABLE_MUTANTS };

test.each(Object.entries(ALL))("%s", (_, { file, from, to }) => {
  const text = readFileSync(new URL(`../../../compiler/${file}`, import.meta.url), "utf8");
  expect(text.split(from)).toHaveLength(2);
  expect(to).not.toBe(from);
});
