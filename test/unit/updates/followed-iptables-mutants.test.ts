/** The mistakes that `long/followed-iptables-mutants` makes in sources: what each replaces stands there, once. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FOLLOWED_IPTABLES_MUTANTS, PLAN_AGAIN_MUTANTS } from "../../support/followed-iptables-mutants.ts";

test.each(Object.entries({ ...FOLLOWED_IPTABLES_MUTANTS, ...PLAN_AGAIN_MUTANTS }))("%s", (_, { file, from, to }) => {
  const text = readFileSync(new URL(`../../../compiler/${file}`, import.meta.url), "utf8");
  expect(text.split(from)).toHaveLength(2);
  expect(to).not.toBe(from);
});
