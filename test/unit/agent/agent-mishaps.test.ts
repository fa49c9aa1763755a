/** What an agent does where the kernel refuses something, and where others change its tables: they are right in the end. */
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

  test("is followed by others only when all is right again", async () => {
    const world = await startedAgent();
    const services = Array.from({ length: 130 }, (_, i) => serviceOf(`web-${i}`, `172.30.1.${i}`));
    const slices = services.map((_, i) => endpointSlice(`web-${i}`, "10.180.0.1"));
    await world.pass(100);
    let asked = 0;
    world.kernel.tables.refusal = () => (++asked === 2 ? BUSY : 0);
    world.put(...services, ...slices);
    await settle(60);
    expect(world.log[0]).toMatch(/^the kernel refused a transaction \(busy\)/);
    expect(world.kernel.restored.length).toBe(1);
    expect(await world.difference()).toBe("");
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

describe("what others do to the tables", () => {
  test.each([
    ["elements", withoutServices, "elements", "ip kpc services", true],
    ["rules", withoutRules, "rules", "rules", false],
  ] as const)("is made good within a second: %s", async (_, change, counted, what, areRulesRight) => {
    const drifted: string[] = [];
    const world = await startedAgent({ onDrifted: (each) => void drifted.push(each) });
    await world.pass(1000);
    await world.others((tables) => change(tables));
    await world.pass(1000);
    expect(world.log[0]).toBe(`others have changed the tables: ${what}`);
    expect(world.log[1]).toMatch(/^restored the tables \(drift\): \d+ sets, maps and chains differed$/);
    expect([drifted, [...world.agent.counts.drifts]]).toEqual([[what], [[counted, 1]]]);
    expect([world.kernel.restored, await world.difference()]).toEqual([[areRulesRight], ""]);
    for (let i = 0; i < 30; i++) await world.pass(1000);
    expect(world.log.length).toBe(2);
    await world.agent.stop();
  });

  test("is told and left, where the agent is to report", async () => {
    const world = await startedAgent({ onDrift: "report" });
    await world.pass(1000);
    await world.others(withoutRules);
    const { commits } = world.kernel.tables;
    for (let i = 0; i < 5; i++) await world.pass(1000);
    expect(world.log).toEqual(["others have changed the tables: rules"]);
    expect([world.kernel.tables.commits - commits, world.kernel.restored]).toEqual([0, []]);
    // Rules that are there are known to be wrong: the next transaction that is refused has them looked at.
    await world.others(withoutServices);
    world.delete(serviceOf("web", "172.30.0.41"));
    await world.pass(100);
    expect([world.kernel.restored, await world.difference()]).toEqual([[false], ""]);
    await world.agent.stop();
  });

  test("and commits that change nothing of it, cost one comparison", async () => {
    const world = await startedAgent();
    let compared = 0;
    const { drifted } = world.kernel;
    world.kernel.drifted = (...given) => {
      compared++;
      return drifted.apply(world.kernel, given);
    };
    await world.pass(1000);
    world.kernel.tables.commits += 3;
    for (let i = 0; i < 5; i++) await world.pass(1000);
    expect([compared, world.log]).toEqual([1, []]);
    await world.agent.stop();
  });

  test.each([2, 5, 7])("while the agent restores them is not taken for its own, %i times in a row", async (count) => {
    for (const change of [withoutServices, withoutRules]) {
      const world = await startedAgent();
      await world.pass(1000);
      let times = 0;
      // Between the last transaction and the question who has made it.
      world.kernel.rules = async () => {
        if (times === 1) await world.others(change);
        else if (times > 1) world.kernel.tables.commits++;
        times--;
        return FakeKernel.prototype.rules.call(world.kernel);
      };
      await world.others(withoutRules);
      const look = FakeKernel.prototype.changedByOthers.call(world.kernel, "");
      world.kernel.changedByOthers = () => look;
      times = count;
      await world.pass(1000);
      world.kernel.changedByOthers = (rules) => FakeKernel.prototype.changedByOthers.call(world.kernel, rules);
      for (let second = 0; second < 3; second++) await world.pass(1000);
      expect(await world.difference()).toBe("");
      await world.agent.stop();
    }
  });

  test("beside a transaction of rules has all looked at", async () => {
    const world = await startedAgent();
    await world.pass(1000);
    let isBeside = true;
    world.kernel.rules = async () => {
      if (isBeside) {
        isBeside = false;
        await world.others(withoutServices);
      }
      return FakeKernel.prototype.rules.call(world.kernel);
    };
    world.put(endpointSlice("web", "10.180.0.1", "10.180.0.2", "10.180.0.3"));
    await settle();
    await world.pass(0);
    await world.pass(1000);
    expect(world.log).toEqual(["restored the tables (drift): 1 sets, maps and chains differed"]);
    expect(await world.difference()).toBe("");
    await world.agent.stop();
  });
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
