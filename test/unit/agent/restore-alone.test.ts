/** How often tables are restored beside others who commit, and what is known then. */
import { expect, test } from "vitest";
import { NodeTables } from "../../../compiler/updates/node-tables.ts";
import { ExpectedElements } from "../../../runtime/agent/expected-elements.ts";
import { AgentCounts } from "../../../runtime/agent/metrics.ts";
import { PRINTING_KERNEL } from "../../../runtime/agent/printing-kernel.ts";
import { type RestoredAlone, restoreAlone } from "../../../runtime/agent/restore-alone.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";

/** Restores that find so much each, of which the last `alone` meet no commit of others. Rules are told with how often they were asked for. */
async function restoring(found: readonly number[], alone: number) {
  const clock = new TestClock();
  clock.advance(1000);
  const counts = new AgentCounts();
  const did: string[] = [];
  let [commits, rules, turn] = [10, 0, 0];
  const kernel = {
    ...PRINTING_KERNEL,
    generation: () => Promise.resolve(commits),
    rules: () => {
      did.push("rules");
      return Promise.resolve(`rules ${++rules}`);
    },
    restore: (_: unknown, __: unknown, right: string | undefined) => {
      did.push(`restore ${right}`);
      clock.advance(5);
      const differed = found[turn++] ?? expect.unreachable("it was over");
      commits += (differed > 0 ? 1 : 0) + (turn > found.length - alone ? 0 : 1);
      return Promise.resolve({ answer: { kind: "done" as const }, differed, transactions: differed > 0 ? 1 : 0 });
    },
  };
  const tables = new NodeTables({ nodeName: "node-a", mode: "nftables" });
  const result = await restoreAlone({ tables, kernel, clock }, new ExpectedElements(), "right", counts);
  return { result, did, sums: counts.transactionSeconds.print("s").slice(-2) };
}

test.each<[what: string, found: readonly number[], alone: number, wanted: RestoredAlone, rules: number]>([
  ["once, where nobody commits", [3], 1, { differed: 3, rules: "rules 1", generation: 11, isAlone: true }, 1],
  ["once more, where somebody has", [3, 0], 1, { differed: 3, rules: "rules 2", generation: 12, isAlone: true }, 2],
  ["until nobody has", [3, 1, 2, 1], 1, { differed: 7, rules: "rules 6", generation: 17, isAlone: true }, 6],
  [
    "three times, where nothing is wrong any more: what was then is known",
    [3, 1, 0],
    0,
    { differed: 4, rules: "rules 3", generation: 14, isAlone: false },
    4,
  ],
  [
    "as long as something is wrong",
    [0, 0, 1, 0],
    0,
    { differed: 1, rules: "rules 5", generation: 14, isAlone: false },
    6,
  ],
])("%s", async (_, found, alone, wanted, rules) => {
  const { result, did, sums } = await restoring(found, alone);
  expect(result).toEqual(wanted);
  expect(did.filter((each) => each === "rules").length).toBe(rules);
  expect(did.filter((each) => each === "restore right").length).toBe(found.length);
  expect(sums.map((line) => Number(line.split(" ")[1]).toFixed(3))).toEqual([
    (0.005 * found.length).toFixed(3),
    found.length.toFixed(3),
  ]);
});
