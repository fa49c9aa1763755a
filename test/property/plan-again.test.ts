import fc from "fast-check";
import { expect, test } from "vitest";
import { planAgain } from "../../compiler/passes/lookups/plan-again.ts";
import { IS_JUDGED, runs } from "../support/runs.ts";
import { keyHistory, planDisagreement } from "../support/tree-plans.ts";

/** As judges of mutants several small tests: those that count least come first. */
const PARTS: readonly fc.Parameters<unknown>[] = IS_JUDGED
  ? Array.from({ length: 10 }, (_, seed) => ({ seed, numRuns: 2, unbiased: true }))
  : [{ numRuns: runs(800) }];

test.each(PARTS)("a plan of keys of which few have come or gone is the one that is made anew", (part) => {
  fc.assert(
    fc.property(keyHistory(500), (each) => {
      expect(planDisagreement(planAgain, each)).toBeUndefined();
    }),
    part,
  );
});
