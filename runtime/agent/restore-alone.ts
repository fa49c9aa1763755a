/** Restores the tables until nobody else has committed meanwhile: then it is known what there is. */
import { beginningOf } from "../table/answers.ts";
import type { AgentParts } from "./agent-parts.ts";
import type { ExpectedElements } from "./expected-elements.ts";
import type { AgentCounts } from "./metrics.ts";

/** So often at most, where nothing is wrong any more. */
const TURNS = 3;

export interface RestoredAlone {
  /** How many sets, maps and chains differed, in all turns. */
  readonly differed: number;
  /** As `AgentKernel.rules` tells them. */
  readonly rules: string;
  /** The number of the last commit that is accounted for. */
  readonly generation: number;
  /** Whether the tables are known to be right; else others have committed each time. */
  readonly isAlone: boolean;
}

/** `right`: the rules, where they are known to be right. Throws where the kernel refuses. */
export async function restoreAlone(
  { tables, kernel, clock }: Pick<AgentParts, "tables" | "kernel" | "clock">,
  expected: ExpectedElements,
  right: string | undefined,
  counts: AgentCounts,
): Promise<RestoredAlone> {
  let all = 0;
  for (let turn = 1; ; turn++) {
    const before = await kernel.generation();
    const rulesBefore = turn < TURNS ? "" : await kernel.rules();
    const sent = clock.now();
    const { answer, differed, transactions } = await kernel.restore(tables, expected, right);
    counts.transaction(answer, clock.now() - sent);
    if (answer.kind === "refused")
      throw new Error(`the tables cannot be restored (${answer.reason}): ${beginningOf(answer.message)}`);
    all += differed;
    const rules = await kernel.rules();
    const generation = await kernel.generation();
    if (generation === before + transactions) return { differed: all, rules, generation, isAlone: true };
    // They commit all the time. What they have done since it was asked what there is must not pass for right: the next look finds it.
    if (turn >= TURNS && differed === 0)
      return { differed: all, rules: rulesBefore, generation: before, isAlone: false };
  }
}
