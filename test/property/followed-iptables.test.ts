import fc from "fast-check";
import { expect, test } from "vitest";
import { entangledHistory, stickyNoMore, turningHistory } from "../support/entangled-histories.ts";
import { history } from "../support/events.ts";
import { crowdedHistory, iptablesDisagreement } from "../support/iptables-histories.ts";
import { EVERYTHING, runs } from "../support/runs.ts";

test("after any events, each chain of iptables has the text that compile gives it", () => {
  fc.assert(
    fc.property(history(), (each) => {
      expect(iptablesDisagreement(each)).toBe("");
    }),
    { numRuns: runs(160) },
  );
});

test("trees of chains are what compile makes of all Services, while these come, change and go", () => {
  fc.assert(
    fc.property(EVERYTHING ? crowdedHistory(70, 30) : crowdedHistory(24, 8), (each) => {
      expect(iptablesDisagreement(each)).toBe("");
    }),
    { numRuns: runs(80) },
  );
});

test("so are rows and trees of what Services have in common: addresses, ranges of sources, endpoints", () => {
  fc.assert(
    fc.property(EVERYTHING ? entangledHistory(12, 72, 6) : entangledHistory(10, 70, 3), (each) => {
      expect(iptablesDisagreement(each)).toBe("");
    }),
    { numRuns: runs(160), examples: [[stickyNoMore()]] },
  );
});

test("so are rules that move to the places of others, where all Services become others at once", () => {
  fc.assert(
    fc.property(turningHistory(EVERYTHING ? 24 : 18), (each) => {
      expect(iptablesDisagreement(each)).toBe("");
    }),
    { numRuns: runs(40) },
  );
});
