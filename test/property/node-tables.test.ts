import fc from "fast-check";
import { expect, test } from "vitest";
import { disagreement, disagreementWithBroken, history } from "../support/events.ts";
import { runs } from "../support/runs.ts";

test("after any events, the transactions have made the tables that compile makes of the objects that are left", () => {
  fc.assert(
    fc.property(history(), (each) => {
      expect(disagreement(each)).toBe("");
    }),
    { numRuns: runs(2000) },
  );
});

test("a Service with an error keeps what it had", () => {
  fc.assert(
    fc.property(history(true), (each) => {
      expect(disagreementWithBroken(each)).toBe("");
    }),
    { numRuns: runs(800) },
  );
});
