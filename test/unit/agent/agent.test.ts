/** When the agent does what: by a clock that a test moves. */
import { expect, test } from "vitest";
import { NodeTables } from "../../../compiler/updates/node-tables.ts";
import { Agent } from "../../../runtime/agent/agent.ts";
import { AGENT_TIMES, type AgentTimes } from "../../../runtime/agent/agent-parts.ts";
import { ExpectedElements } from "../../../runtime/agent/expected-elements.ts";
import type { AgentKernel, OthersDid } from "../../../runtime/agent/kernel.ts";
import { PRINTING_KERNEL } from "../../../runtime/agent/printing-kernel.ts";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";
import { TestWatch } from "../../support/test-watch.ts";

interface Started {
  readonly agent: Agent;
  readonly clock: TestClock;
  /** How often the kernel was asked for what. */
  readonly asked: { transactions: number; comparisons: number };
  /** What others have done, and what differs when everything is compared, which takes `comparisonMs`. */
  readonly others: { commits: number; did: OthersDid; differs: string | undefined; comparisonMs: number };
  /** One endpoint of the Service becomes another. */
  change(): Promise<void>;
  /** Lets time pass. */
  pass(milliseconds: number): Promise<void>;
  /** So many Services come. */
  come(count: number): Promise<void>;
  /** All objects are listed once more. */
  synced(): Promise<void>;
}

function refuseOtherLines(line: string): void {
  if (!/others have changed|restored/.test(line)) expect.unreachable(line);
}

/** Lets everything happen that waits for no clock. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function start(
  times: Partial<AgentTimes>,
  kernel: Partial<AgentKernel> = {},
  log: (line: string) => void = refuseOtherLines,
): Promise<Started> {
  const { drifted, ...otherwise } = kernel;
  const clock = new TestClock();
  const asked = { transactions: 0, comparisons: 0 };
  const others: Started["others"] = { commits: 0, did: { kind: "unknown" }, differs: undefined, comparisonMs: 0 };
  const told = new TestWatch();
  const agent = new Agent({
    tables: new NodeTables({ nodeName: "node-a", mode: "nftables" }),
    kernel: {
      ...PRINTING_KERNEL,
      change: () => {
        asked.transactions++;
        return Promise.resolve({ kind: "done" });
      },
      generation: () => Promise.resolve(asked.transactions + others.commits),
      changedByOthers: () => Promise.resolve(others.did),
      drifted: (...given) => {
        asked.comparisons++;
        clock.advance(others.comparisonMs);
        return drifted?.(...given) ?? Promise.resolve(others.differs);
      },
      ...otherwise,
    },
    clock,
    watch: told.watch,
    log,
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
    others,
    change: async () => {
      last++;
      told.put("EndpointSlice", endpointSlice("web", `10.180.0.${last}`));
      await settle();
    },
    pass: async (milliseconds) => {
      clock.advance(milliseconds);
      await settle();
    },
    come: async (count) => {
      for (let i = 0; i < count; i++) told.put("Service", serviceOf(`other-${i}`, `10.97.0.${i}`));
      await settle();
    },
    synced: async () => {
      told.synced();
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

test("fifty milliseconds are no rest yet; who waits is not asked again before it is time", async () => {
  const { agent, asked, change, pass, synced } = await start({});
  await pass(50);
  await change();
  expect(asked.transactions).toBe(1);
  await pass(4);
  await synced();
  expect(asked.transactions).toBe(1);
  await pass(1);
  expect(asked.transactions).toBe(2);
  await agent.stop();
  const eager = await start({ settleMs: 0 });
  await eager.change();
  expect(eager.asked.transactions).toBe(2);
  await eager.agent.stop();
});

test("what was taken while a transaction was refused is restored with the rest, and not sent once more", async () => {
  let sent = 0;
  const change: AgentKernel["change"] = () => {
    const isRefused = ++sent === 2;
    return Promise.resolve(isRefused ? { kind: "refused", reason: "busy", message: "busy" } : { kind: "done" });
  };
  let restored = 0;
  const restore: AgentKernel["restore"] = () => {
    restored++;
    return PRINTING_KERNEL.restore(
      new NodeTables({ nodeName: "node-a", mode: "nftables" }),
      new ExpectedElements(),
      "",
    );
  };
  const generation = (): Promise<number> => Promise.resolve(sent);
  const { agent, come, pass } = await start({}, { change, restore, generation }, () => undefined);
  await pass(100);
  // Two transactions hold them.
  await come(101);
  expect([sent, restored]).toEqual([2, 1]);
  await agent.stop();
});

test("after a transaction of which nobody knows the end all is restored once", async () => {
  let [sent, restored] = [0, 0];
  const change: AgentKernel["change"] = () =>
    ++sent === 2 ? Promise.reject(new Error("nobody answers")) : Promise.resolve({ kind: "done" });
  const restore: AgentKernel["restore"] = (...given) => {
    restored++;
    return PRINTING_KERNEL.restore(...given);
  };
  const generation = (): Promise<number> => Promise.resolve(sent);
  const { agent, change: come, pass } = await start({}, { change, restore, generation }, () => undefined);
  await pass(100);
  await come();
  for (let second = 0; second < 5; second++) await pass(1000);
  expect([sent, restored]).toEqual([2, 1]);
  await agent.stop();
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

test("after commits of others everything is compared, but a comparison in vain is followed by a rest of twenty times its time", async () => {
  const { agent, asked, others, pass } = await start({});
  others.comparisonMs = 500;
  const seconds = async (count: number): Promise<number> => {
    const before = asked.comparisons;
    for (let second = 0; second < count; second++) {
      others.commits++;
      await pass(1000);
    }
    return asked.comparisons - before;
  };
  // The first at once.
  expect(await seconds(1)).toBe(1);
  expect(await seconds(9)).toBe(0);
  expect(await seconds(2)).toBe(1);
  // One that finds something calls for no rest.
  await seconds(8);
  others.differs = "map services";
  expect(await seconds(5)).toBeGreaterThan(1);
  // Nothing is compared where it is known what others did.
  others.did = { kind: "nothing" };
  expect(await seconds(30)).toBe(0);
  others.did = { kind: "differs", what: "rules" };
  expect(await seconds(5)).toBe(0);
  expect(agent.counts.drifts.get("rules")).toBe(5);
  await agent.stop();
});

/** A comparison that ends when a test says so. */
interface HeldComparison {
  readonly signal: AbortSignal;
  readonly begin: () => void;
  readonly end: (found: string | undefined) => void;
  readonly fail: (error: Error) => void;
}

class HeldComparisons {
  private readonly all: HeldComparison[] = [];
  readonly drifted: AgentKernel["drifted"] = (_, signal, begin) =>
    new Promise((end, fail) => {
      this.all.push({ signal, begin, end, fail });
      signal.addEventListener("abort", () => end(undefined));
    });

  get last(): HeldComparison {
    return this.all.at(-1) ?? expect.unreachable("nothing was compared");
  }
}

test("a comparison gives way to a change five times, after longer rests; then the change waits for its end", async () => {
  const held = new HeldComparisons();
  const { agent, asked, others, change, pass } = await start({}, held);
  others.commits++;
  await pass(1000);
  expect(asked.comparisons).toBe(1);
  for (const [i, rest] of [1, 2, 4, 8, 16].entries()) {
    await change();
    expect(asked.transactions).toBe(2 + i);
    expect(held.last.signal.aborted).toBe(true);
    for (let second = 1; second < rest; second++) await pass(1000);
    expect(asked.comparisons).toBe(1 + i);
    await pass(1000);
    expect(asked.comparisons).toBe(2 + i);
  }
  await change();
  expect([asked.transactions, held.last.signal.aborted]).toEqual([6, false]);
  held.last.end(undefined);
  await settle();
  expect(asked.transactions).toBe(7);
  await agent.stop();
});

test("where nothing may be done beside a comparison, all waits for it", async () => {
  const held = new HeldComparisons();
  const { agent, asked, others, change, pass } = await start({}, { ...held, comparesBeside: false });
  others.commits++;
  await pass(1000);
  await change();
  expect([asked.transactions, held.last.signal.aborted]).toEqual([1, false]);
  held.last.end(undefined);
  await settle();
  expect(asked.transactions).toBe(2);
  await agent.stop();
});

test("what others commit while elements are compared has them compared again", async () => {
  const held = new HeldComparisons();
  const { agent, asked, others, pass } = await start({}, held);
  others.commits++;
  await pass(1000);
  others.commits++;
  // Until the process is there that compares.
  await pass(10_000);
  held.last.begin();
  await pass(1000);
  expect(asked.comparisons).toBe(1);
  held.last.end(undefined);
  await settle();
  // The rest after a comparison that took a second.
  for (let second = 0; second < 20; second++) await pass(1000);
  expect(asked.comparisons).toBe(2);
  held.last.end(undefined);
  for (let second = 0; second < 40; second++) await pass(1000);
  expect(asked.comparisons).toBe(2);
  await agent.stop();
});

test("what a comparison finds is restored at once; one that fails is made again; one that goes on ends with the agent", async () => {
  const held = new HeldComparisons();
  const lines: string[] = [];
  const { agent, asked, others, pass } = await start({}, held, (line) => void lines.push(line));
  others.commits++;
  await pass(1000);
  held.last.fail(new Error("netfilter refuses"));
  await settle();
  expect(lines).toEqual(["netfilter refuses"]);
  await pass(100);
  await pass(1000);
  expect([asked.comparisons, lines.length]).toEqual([2, 1]);
  held.last.end("ip kpc service-ips");
  await settle();
  expect(lines.slice(1)).toEqual([
    "others have changed the tables: ip kpc service-ips",
    "restored the tables (drift): 0 sets, maps and chains differed",
  ]);
  others.commits++;
  for (let second = 0; second < 20; second++) await pass(1000);
  expect(asked.comparisons).toBe(3);
  await agent.stop();
  expect(held.last.signal.aborted).toBe(true);
});
