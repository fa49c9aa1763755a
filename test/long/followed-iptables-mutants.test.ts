/** Mistakes in the code that keeps rules of iptables up with events are noticed by random histories. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FollowedIptables } from "../../compiler/followed-iptables.ts";
import { required } from "../../compiler/invariant.ts";
import type * as PlanAgain from "../../compiler/passes/lookups/plan-again.ts";
import type * as Unfolded from "../../compiler/passes/lookups/unfolded-table.ts";
import { NodeTables } from "../../compiler/updates/node-tables.ts";
import { entangledHistory, stickyNoMore, turningHistory } from "../support/entangled-histories.ts";
import { history } from "../support/events.ts";
import {
  FOLLOWED_IPTABLES_MUTANTS,
  PLAN_AGAIN_MUTANTS,
  UNFOLDED_TABLE_MUTANTS,
} from "../support/followed-iptables-mutants.ts";
import { tableDisagreement } from "../support/followed-tables.ts";
import {
  crowdedHistory,
  type FollowingParts,
  iptablesDisagreement,
  WantedRules,
} from "../support/iptables-histories.ts";
import { codeWith, type Mistake } from "../support/mistakes.ts";
import { ENDING_LATER, FIRST_AND_LAST, TURNING_CHOICE, tableHistory } from "../support/table-histories.ts";
import { keyHistory, planDisagreement } from "../support/tree-plans.ts";

/** Small clusters first, in which most mistakes show. */
const HISTORIES = [
  stickyNoMore(),
  ...fc.sample(turningHistory(24), { numRuns: 6, seed: 1 }),
  ...fc.sample(entangledHistory(12, 72, 4), { numRuns: 40, seed: 1 }),
  ...fc.sample(entangledHistory(4, 72, 12), { numRuns: 20, seed: 3 }),
  ...fc.sample(entangledHistory(24, 90, 8), { numRuns: 12, seed: 2 }),
  ...fc.sample(crowdedHistory(40, 24), { numRuns: 8, seed: 1 }),
  ...fc.sample(history(), { numRuns: 150, seed: 1 }),
].map((each) => ({ each, rules: new WantedRules() }));

/** The first history after which rules differ, and how; undefined: there is none. */
function firstWrong(parts: FollowingParts): string | undefined {
  for (const { each, rules } of HISTORIES) {
    const found = iptablesDisagreement(each, parts, rules);
    if (found !== "") return found;
  }
  return undefined;
}

/** What `entry`, a file of compiler/, exports where there is a mistake in it. */
async function exportsWith<Parts>(mistake: Mistake, entry: string): Promise<Partial<Parts>> {
  const code = await codeWith(mistake, new URL("../../compiler/", import.meta.url), entry);
  // A file, as what is read as CommonJS asks for one.
  const folderOfBundle = await mkdtemp(join(tmpdir(), "kpc-mutant-"));
  try {
    const path = join(folderOfBundle, "followed.mjs");
    await writeFile(path, code);
    return await import(path);
  } finally {
    await rm(folderOfBundle, { recursive: true });
  }
}

async function partsWith(mistake: Mistake): Promise<FollowingParts> {
  const entry = mistake.file.startsWith("updates/") ? "updates/node-tables.ts" : "followed-iptables.ts";
  const made = await exportsWith<FollowingParts>(mistake, entry);
  return { FollowedIptables: made.FollowedIptables ?? FollowedIptables, NodeTables: made.NodeTables ?? NodeTables };
}

describe("mistakes in rules of iptables that follow events are noticed", () => {
  // Mistakes are compared with what the code as it is has made here.
  test("there are none in the code as it is", () => {
    expect(firstWrong({ FollowedIptables, NodeTables })).toBeUndefined();
  });

  test.each(Object.keys(FOLLOWED_IPTABLES_MUTANTS))("%s", async (name) => {
    const mistake = required(FOLLOWED_IPTABLES_MUTANTS[name], "it is one of them");
    expect(firstWrong(await partsWith(mistake))).toBeDefined();
  });
});

describe("mistakes in plans that are made again are noticed", () => {
  const histories = fc.sample(keyHistory(500), { numRuns: 150, seed: 1 });

  test.each(Object.keys(PLAN_AGAIN_MUTANTS))("%s", async (name) => {
    const mistake = required(PLAN_AGAIN_MUTANTS[name], "it is one of them");
    const { planAgain } = await exportsWith<typeof PlanAgain>(mistake, "passes/lookups/plan-again.ts");
    const wrong = histories.some((each) => planDisagreement(required(planAgain, "it is there"), each) !== undefined);
    expect(wrong).toBe(true);
  });
});

describe("mistakes in tables whose rules change are noticed", () => {
  const known = [TURNING_CHOICE, ENDING_LATER, FIRST_AND_LAST];
  const histories = [...known, ...fc.sample(tableHistory(8), { numRuns: 400, seed: 1 })];
  test.each(Object.keys(UNFOLDED_TABLE_MUTANTS))("%s", async (name) => {
    const mistake = required(UNFOLDED_TABLE_MUTANTS[name], "it is one of them");
    const { UnfoldedTable } = await exportsWith<typeof Unfolded>(mistake, "passes/lookups/unfolded-table.ts");
    const wrong = histories.some(
      (each) => tableDisagreement(each, required(UnfoldedTable, "it is there")) !== undefined,
    );
    expect(wrong).toBe(true);
  });
});
