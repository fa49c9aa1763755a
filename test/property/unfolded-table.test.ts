import fc from "fast-check";
import { expect, test } from "vitest";
import { tableDisagreement } from "../support/followed-tables.ts";
import { IS_JUDGED, runs } from "../support/runs.ts";
import {
  CHANGING_TREES,
  ENDING_LATER,
  FIRST_AND_LAST,
  SHRINKING_TREE,
  type TableHistory,
  TURNING_CHOICE,
  tableHistory,
  treeHistory,
} from "../support/table-histories.ts";

/** As judges of mutants many small tests: those that count least come first. The first input of a seed is a small one, unless it is unbiased. */
const parts = (count: number, all: number): readonly fc.Parameters<[TableHistory]>[] =>
  IS_JUDGED
    ? Array.from({ length: count }, (_, seed) => ({ seed, numRuns: 1, unbiased: true }))
    : [{ numRuns: runs(all) }];

test.each(parts(150, 400))(
  "after any changes of a table, its chains without lookups are those of the whole table",
  (part) => {
    fc.assert(
      fc.property(tableHistory(8), (each) => {
        expect(tableDisagreement(each)).toBeUndefined();
      }),
      part,
    );
  },
);

test.each(parts(60, 160))("so are trees that stay while what they lead to changes", (part) => {
  fc.assert(
    fc.property(treeHistory(8), (each) => {
      expect(tableDisagreement(each)).toBeUndefined();
    }),
    part,
  );
});

test.each([[TURNING_CHOICE], [ENDING_LATER], [SHRINKING_TREE], [CHANGING_TREES], [FIRST_AND_LAST]])(
  "so are they after the known history %#",
  (each) => {
    expect(tableDisagreement(each)).toBeUndefined();
  },
);
