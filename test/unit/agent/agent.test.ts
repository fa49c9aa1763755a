/** When the agent does what: by a clock that a test moves. */
import { expect, test } from "vitest";
import { NodeTables } from "../../../compiler/updates/node-tables.ts";
import { Agent } from "../../../runtime/agent/agent.ts";
import { AGENT_TIMES, type AgentTimes } from "../../../runtime/agent/agent-parts.ts";
import { PRINTING_KERNEL } from "../../../runtime/agent/printing-kernel.ts";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";
import { TestWatch } from "../../support/test-watch.ts";

interface Started {
  readonly agent: Agent;
  readonly clock: TestClock;
  /** How often the kernel was asked for what. */
  readonly asked: { transactions: number; comparisons: number };
  /** One endpoint of the Service becomes another. */
  change(): Promise<void>;
  /** Lets time pass. */
  pass(milliseconds: number): Promise<void>;
}

/** Lets everything happen that waits for no clock. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function start(times: Partial<AgentTimes>): Promise<Started> {
  const clock = new TestClock();
  const asked = { transactions: 0, comparisons: 0 };
  const told = new TestWatch();
  const agent = new Agent({
    tables: new NodeTables({ nodeName: "node-a", mode: "nftables" }),
    kernel: {
      ...PRINTING_KERNEL,
      change: () => {
        asked.transactions++;
        return Promise.resolve({ kind: "done" });
      },
      generation: () => Promise.resolve(asked.transactions),
      drifted: () => {
        asked.comparisons++;
        return Promise.resolve(undefined);
      },
    },
    clock,
    watch: told.watch,
    log: (line) => expect.unreachable(line),
    times: { ...AGENT_TIMES, ...times },
  });
  told.put("Service", serviceOf("web", "10.96.0.1"));
  told.synced();
  await settle();
  let last = 0;
  return {
    agent,
    clock,
    asked,
    change: async () => {
      last++;
      told.put("EndpointSlice", endpointSlice("web", `10.180.0.${last}`));
      await settle();
    },
    pass: async (milliseconds) => {
      clock.advance(milliseconds);
      await settle();
    },
  };
}

test("a change after a rest is made at once, later ones together; minSyncPeriod keeps rows of transactions apart", async () => {
  const usual = await start({});
  expect(usual.asked.transactions).toBe(1);
  await usual.pass(51);
  await usual.change();
  expect(usual.asked.transactions).toBe(2);
  await usual.change();
  await usual.change();
  expect(usual.asked.transactions).toBe(2);
  await usual.pass(5);
  expect(usual.asked.transactions).toBe(3);
  await usual.agent.stop();

  const slow = await start({ restMs: 500 });
  await slow.pass(51);
  await slow.change();
  await slow.pass(400);
  expect(slow.asked.transactions).toBe(1);
  await slow.change();
  await slow.pass(49);
  expect(slow.asked.transactions).toBe(2);
  await slow.pass(51);
  await slow.change();
  expect(slow.asked.transactions).toBe(2);
  await slow.pass(500);
  expect(slow.asked.transactions).toBe(3);
  await slow.agent.stop();
});

test("syncPeriod has all elements compared also where nobody else has committed", async () => {
  for (const [compareMs, comparisons] of [
    [undefined, 0],
    // At the first look, and then each ten seconds.
    [10_000, 4],
  ] as const) {
    const { agent, asked, pass } = await start({ compareMs });
    for (let second = 0; second < 30; second++) await pass(1000);
    expect(asked.comparisons).toBe(comparisons);
    await agent.stop();
  }
});
