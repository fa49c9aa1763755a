/** What an agent does where the kernel refuses something, and after anything that comes together: the tables are right in the end. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";
import {
  AgentWorld,
  pendingOf,
  settle,
  startedAgent,
  udpService,
  udpSlice,
  withoutElementsOf,
  withoutRules,
  withoutServices,
} from "../../support/agent-world.ts";
import { type AgentEvent, history } from "../../support/events.ts";
import { FakeKernel } from "../../support/fake-kernel.ts";
import { runs } from "../../support/runs.ts";

const [TOO_LARGE, BUSY] = [12, 16];

describe("a transaction that is refused", () => {
  test("has the tables made what they should be, with what came meanwhile", async () => {
    const world = await startedAgent();
    const { kernel, agent } = world;
    await world.others(withoutElementsOf("endpoints-tcp"));
    await world.pass(100);
    world.put(endpointSlice("api", "10.180.0.9"));
    await settle();
    expect(world.log).toEqual([
      "the kernel refused a transaction (missing): netfilter refuses: no such file or directory",
      "restored the tables (missing): 2 sets, maps and chains differed",
    ]);
    expect(await world.difference()).toBe("");
    expect(Object.fromEntries(agent.counts.restores)).toEqual({ missing: 1 });
    expect(Object.fromEntries(agent.counts.transactions)).toEqual({ done: 3, missing: 1 });
    // The rules are known to be right: they are not compared.
    expect([kernel.restored, agent.counts.failures]).toEqual([[true], 1]);
    await world.pass(5000);
    expect(world.log.length).toBe(2);
    await agent.stop();
  });

  test("of rules has them looked at, too", async () => {
    const world = await startedAgent();
    await world.pass(100);
    let isRefused = true;
    world.kernel.tables.refusal = (_, isOfNft) => {
      const errno = isOfNft && isRefused ? BUSY : 0;
      isRefused &&= !isOfNft;
      return errno;
    };
    world.put(endpointSlice("web", "10.180.0.1", "10.180.0.2", "10.180.0.3"));
    await settle();
    expect(world.log[0]).toBe("the kernel refused a transaction (busy): resource busy or locked");
    expect([world.kernel.restored, await world.difference()]).toEqual([[false], ""]);
    await world.agent.stop();
  });

  test("of the start has no more of them sent", async () => {
    const world = new AgentWorld();
    let asked = 0;
    world.kernel.tables.refusal = () => (++asked === 1 ? BUSY : 0);
    await world.start(serviceOf("web", "172.30.0.41"), endpointSlice("web", "10.180.0.1"));
    expect(await world.difference()).toBe("");
    // The table is refused. What restores it makes it, and fills it.
    expect([asked, world.kernel.tables.commits]).toEqual([3, 2]);
    expect(Object.fromEntries(world.agent.counts.transactions)).toEqual({ busy: 1, done: 1 });
    await world.agent.stop();
  });

  test("of which nobody knows the end, has all looked at once", async () => {
    const world = await startedAgent();
    const { kernel, agent } = world;
    await world.pass(100);
    const { change, drifted } = kernel;
    let compared = 0;
    kernel.drifted = (...given) => {
      compared++;
      return drifted.apply(kernel, given);
    };
    kernel.change = () => {
      kernel.change = change;
      return Promise.reject(new Error("nobody answers"));
    };
    const { restore } = kernel;
    kernel.restore = (...given) => {
      world.clock.advance(13);
      return restore.apply(kernel, given);
    };
    // More than one transaction holds, of which some take nft.
    world.put(endpointSlice("web-0", "10.180.1.1", "10.180.1.2", "10.180.1.3"));
    world.put(...Array.from({ length: 102 }, (_, i) => serviceOf(`web-${i}`, `172.30.1.${i}`)));
    await settle();
    for (let second = 0; second < 5; second++) await world.pass(1000);
    expect(world.log[0]).toBe("nobody answers");
    expect(world.log.slice(1)).toEqual([expect.stringMatching(/^restored the tables \(trouble\): /)]);
    expect(agent.counts.fullSyncSeconds.print("s").slice(-2)).toEqual(["s_sum 0.013", "s_count 2"]);
    expect([await world.difference(), agent.oldestChangeMs, kernel.restored.length, compared]).toEqual([
      "",
      undefined,
      1,
      0,
    ]);
    await agent.stop();
  });

  test("of rules, while others were under way, has the rules looked at", async () => {
    const world = await startedAgent();
    const { tables } = world.kernel;
    await world.pass(100);
    let ofNft = 0;
    tables.refusal = (_, isOfNft) => (isOfNft && ++ofNft === 2 ? BUSY : 0);
    const names = Array.from({ length: 102 }, (_, i) => `web-${i}`);
    world.put(...names.map((name, i) => serviceOf(name, `172.30.1.${i}`)));
    world.put(
      ...[0, 101].map((i) =>
        endpointSlice(`web-${i}`, ...["1", "2", "3", "4"].slice(i / 101).map((last) => `10.180.1.${last}`)),
      ),
    );
    await settle(60);
    expect(ofNft).toBeGreaterThan(2);
    expect([await world.difference(), world.kernel.restored]).toEqual(["", [false]]);
    // The rules are known to be right again, and so they are after another change of rules.
    await world.others(withoutServices);
    await world.pass(1000);
    world.put(endpointSlice("web-1", ...["1", "2", "3", "4", "5"].map((last) => `10.180.1.${last}`)));
    await world.pass(100);
    await world.others(withoutServices);
    await world.pass(1000);
    await world.pass(30_000);
    expect([await world.difference(), world.kernel.restored]).toEqual(["", [false, true, true]]);
    await world.agent.stop();
  });

  test.each([
    [1, 2, 3],
    [2, 3, 4],
  ])("is followed by others only when all is right again: the one with number %i", async (number, asked, done) => {
    const world = await startedAgent();
    const services = Array.from({ length: 102 }, (_, i) => serviceOf(`web-${i}`, `172.30.1.${i}`));
    await world.pass(100);
    let count = 0;
    world.kernel.tables.refusal = () => (++count === number ? BUSY : 0);
    world.put(...services);
    await settle(60);
    expect(world.log[0]).toMatch(/^the kernel refused a transaction \(busy\)/);
    expect(world.kernel.restored.length).toBe(1);
    expect(await world.difference()).toBe("");
    // What was restored with the rest is not sent once more.
    expect([count, Object.fromEntries(world.agent.counts.transactions)]).toEqual([asked, { done, busy: 1 }]);
    await world.pass(2000);
    expect(world.log.length).toBe(2);
    await world.agent.stop();
  });

  test("and tables that cannot be restored are tried again, and no connection is forgotten before", async () => {
    const world = await startedAgent();
    const { kernel, agent } = world;
    await world.pass(100);
    kernel.tables.refusal = () => TOO_LARGE;
    world.put(udpService("dns", "172.30.0.50"), udpSlice("dns", "10.180.0.5"));
    await settle();
    expect(world.log.at(-1)).toBe("the tables cannot be restored (too-large): not enough memory");
    const tries = (): number => kernel.restored.length;
    expect(tries()).toBe(1);
    for (const wait of [100, 200, 400]) {
      const before = tries();
      await world.pass(wait - 1);
      expect(tries()).toBe(before);
      await world.pass(1);
      expect(tries()).toBe(before + 1);
    }
    // What comes meanwhile is not forgotten.
    world.put(endpointSlice("api", "10.180.0.9"));
    expect([agent.oldestChangeMs, kernel.forgotten]).toEqual([700, []]);
    kernel.tables.refusal = () => 0;
    await world.pass(800);
    expect(world.log.at(-1)).toMatch(/^restored the tables \(too-large\)/);
    await world.pass(2000);
    expect([await world.difference(), agent.oldestChangeMs]).toEqual(["", undefined]);
    expect(kernel.forgotten.length).toBe(1);
    expect(agent.counts.failures).toBeGreaterThan(4);
    await agent.stop();
  });
});

test("a row of transactions that is only made by a later try is over then, like any other", async () => {
  const synced: number[] = [];
  const world = await startedAgent({ onSync: (tables) => void synced.push(tables.size) });
  const { kernel, agent } = world;
  await world.pass(100);
  kernel.tables.refusal = () => BUSY;
  world.put(serviceOf("db", "172.30.0.43"), udpService("dns", "172.30.0.50"), udpSlice("dns", "10.180.0.5"));
  await settle();
  kernel.tables.refusal = () => 0;
  await world.pass(100);
  expect(await world.difference()).toBe("");
  expect([agent.oldestChangeMs, pendingOf(agent)]).toEqual([undefined, 0]);
  expect([synced, kernel.forgotten.length]).toEqual([[2, 4], 1]);
  await agent.stop();
});

test("a change that comes while others are made waits since it has come, and is counted until it is made, too", async () => {
  const world = await startedAgent();
  const { kernel, agent, clock } = world;
  await world.pass(100);
  const { change } = kernel;
  kernel.change = async (step) => {
    kernel.change = change;
    const answer = await kernel.change(step);
    await settle(3);
    clock.advance(2);
    world.put(endpointSlice("web", "10.180.0.3", "10.180.0.4"));
    clock.advance(2);
    return answer;
  };
  world.put(endpointSlice("api", "10.180.0.9"));
  await settle();
  expect([agent.oldestChangeMs, pendingOf(agent)]).toEqual([2, 1]);
  expect(kernel.tables.batches.length).toBe(2);
  await world.pass(2);
  expect([agent.oldestChangeMs, kernel.tables.batches.length]).toEqual([4, 2]);
  await world.pass(1);
  expect([agent.oldestChangeMs, pendingOf(agent), kernel.tables.batches.length]).toEqual([undefined, 0, 3]);
  await agent.stop();
});

/** What a world does beside events. */
type Mishap = "services" | "rules" | "nothing" | "refusal" | "refusals" | "time" | "beside";

test("after any events and mishaps the tables are those of compile", async () => {
  const mishap = fc.constantFrom<Mishap>("services", "rules", "nothing", "refusal", "refusals", "time", "beside");
  await fc.assert(
    fc.asyncProperty(
      history(),
      fc.infiniteStream(fc.option(mishap, { freq: 3 })),
      async ({ config, events }, mishaps) => {
        const world = new AgentWorld({}, new FakeKernel(), config);
        await world.start();
        for (const event of events.slice(0, 25)) {
          await happens(world, event);
          await befalls(world, mishaps.next().value ?? undefined);
        }
        world.kernel.tables.refusal = () => 0;
        for (let i = 0; i < 40; i++) await world.pass(1000);
        expect(await world.difference()).toBe("");
        expect(world.agent.oldestChangeMs).toBeUndefined();
        await world.agent.stop();
      },
    ),
    { numRuns: runs(400) },
  );
});

async function happens(world: AgentWorld, event: AgentEvent): Promise<void> {
  if (event.kind === "put") world.put(event.object);
  else if (event.kind === "delete") world.delete(event.object);
  else await world.pass("limit" in event ? event.limit : 0);
}

async function befalls(world: AgentWorld, mishap: Mishap | undefined): Promise<void> {
  const { tables } = world.kernel;
  let left = mishap === "refusals" ? 3 : 1;
  switch (mishap) {
    case "services":
      return await world.others(withoutServices);
    case "rules":
      return await world.others(withoutRules);
    case "nothing":
      tables.commits++;
      return;
    case "refusal":
    case "refusals":
      tables.refusal = () => (left-- > 0 ? BUSY : 0);
      return;
    case "time":
      return await world.pass(1000);
    case "beside":
      tables.onCommit = () => {
        tables.onCommit = () => undefined;
        tables.commits++;
      };
      return;
    case undefined:
  }
}
