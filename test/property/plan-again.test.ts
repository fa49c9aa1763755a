import fc from "fast-check";
import { expect, test } from "vitest";
import { planAgain } from "../../compiler/passes/lookups/plan-again.ts";
import { runs } from "../support/runs.ts";
import { keyHistory, planDisagreement } from "../support/tree-plans.ts";

test("a plan of keys of which few have come or gone is the one that is made anew", () => {
  fc.assert(
    fc.property(keyHistory(500), (each) => {
      expect(planDisagreement(planAgain, each)).toBeUndefined();
    }),
    { numRuns: runs(800) },
  );
});
