/** Whatever events come, and whatever befalls the agent's processes and tables: the kernel has in the end what compile makes of the objects. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { befall, mishap } from "../support/agent-chaos.ts";
import { type AgentEvent, history } from "../support/events.ts";
import { kernelMissing } from "../support/kernel.ts";
import { LiveAgent } from "../support/live-agent.ts";
import { runs } from "../support/runs.ts";

/** Looks more often than a node's agent does, so that less time passes. */
const QUICK = { settleMs: 5, longestMs: 50, lookMs: 100 };

describe.skipIf(kernelMissing !== undefined)("kpc agent in a network namespace", () => {
  test("keeps the tables right through events and mishaps", async () => {
    let restored = 0;
    await fc.assert(
      fc.asyncProperty(
        history(),
        fc.array(fc.tuple(fc.nat(), mishap), { minLength: 2, maxLength: 6 }),
        async ({ config, events }, mishaps) => {
          const live = await LiveAgent.start({ ...config, nodeName: "node-a" }, [], { times: QUICK });
          const byPlace = new Map(mishaps.map(([at, what]) => [at % events.length, what]));
          for (const [at, event] of events.entries()) {
            take(live, event);
            const what = byPlace.get(at);
            if (what === undefined) continue;
            // A mishap meets what came before at rest, or in the middle.
            if (at % 2 === 0) await live.agreed();
            await befall(live, what);
          }
          await live.agreed();
          restored += [...live.agent.counts.restores.values()].reduce((sum, count) => sum + count, 0);
          await live.close();
        },
      ),
      { numRuns: runs(30) },
    );
    expect(restored).toBeGreaterThan(0);
  });
});

function take(live: LiveAgent, event: AgentEvent): void {
  if (event.kind === "put") live.put(event.object);
  if (event.kind === "delete") live.delete(event.object);
}
