/** What an agent does where others change its tables. */
import { describe, expect, test } from "vitest";
import { endpointSlice } from "../../support/agent-objects.ts";
import { settle, startedAgent, withoutElementsOf, withoutRules, withoutServices } from "../../support/agent-world.ts";
import { FakeKernel } from "../../support/fake-kernel.ts";

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
    // The rules are known to be right now.
    await world.others(withoutServices);
    await world.pass(1000);
    await world.pass(30_000);
    expect(world.kernel.restored).toEqual([areRulesRight, true]);
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
    // It is told once.
    world.kernel.tables.commits++;
    await world.pass(1000);
    expect(world.log.length).toBe(1);
    // Rules that are there are known to be wrong: the next transaction that is refused has them looked at.
    await world.others(withoutElementsOf("endpoints-tcp"));
    world.put(endpointSlice("api", "10.180.0.9"));
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

  test("ends a comparison under way where rules differ; what it has found is made good at once", async () => {
    const world = await startedAgent();
    const signals: AbortSignal[] = [];
    let end: (found: string) => void = () => undefined;
    world.kernel.drifted = (_, signal) => {
      signals.push(signal);
      return new Promise((resolve) => {
        end = resolve;
      });
    };
    world.kernel.tables.commits++;
    await world.pass(1000);
    await world.others(withoutRules);
    await world.pass(1000);
    expect([signals.map(({ aborted }) => aborted), await world.difference()]).toEqual([[true], ""]);
    world.kernel.tables.commits++;
    await world.pass(1000);
    await world.others(withoutServices);
    await world.pass(300);
    expect(signals.length).toBe(2);
    end("ip kpc services");
    await settle();
    expect(await world.difference()).toBe("");
    // Also where it is found while the agent does something else.
    world.kernel.tables.commits++;
    await world.pass(1000);
    await world.others(withoutServices);
    world.kernel.generation = () => {
      end("ip kpc services");
      return FakeKernel.prototype.generation.call(world.kernel);
    };
    await world.pass(1000);
    expect(await world.difference()).toBe("");
    await world.agent.stop();
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
