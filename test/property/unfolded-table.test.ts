import fc from "fast-check";
import { expect, test } from "vitest";
import { tableDisagreement } from "../support/followed-tables.ts";
import { IS_JUDGED, runs } from "../support/runs.ts";
import { type TableHistory, TURNING_CHOICE, tableHistory } from "../support/table-histories.ts";

/** As judges of mutants many small tests: those that count least come first. */
const PARTS: readonly fc.Parameters<[TableHistory]>[] = IS_JUDGED
  ? Array.from({ length: 16 }, (_, seed) => ({ seed, numRuns: 2 }))
  : [{ numRuns: runs(800) }];

test.each(PARTS)("after any changes of a table, its chains without lookups are those of the whole table", (part) => {
  fc.assert(
    fc.property(tableHistory(8), (each) => {
      expect(tableDisagreement(each)).toBeUndefined();
    }),
    { ...part, examples: [[TURNING_CHOICE]] },
  );
});
