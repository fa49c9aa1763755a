/** What an agent makes of tables in memory: from its start to its end. */
import { describe, expect, test } from "vitest";
import type { AgentParts } from "../../../runtime/agent/agent-parts.ts";
import { LockLost } from "../../../runtime/agent/kernel.ts";
import { ApiTrouble } from "../../../runtime/api/trouble.ts";
import { endpointSlice, SHOP, serviceOf } from "../../support/agent-objects.ts";
import { AgentWorld, pendingOf, settle, startedAgent, udpService, udpSlice } from "../../support/agent-world.ts";
import { FakeKernel } from "../../support/fake-kernel.ts";

describe("the start", () => {
  test("waits until the kernel may be asked, and all kinds are listed", async () => {
    let isReady: () => void = () => undefined;
    const done: string[] = [];
    const world = new AgentWorld({
      ready: new Promise<void>((resolve) => {
        isReady = resolve;
      }),
      onLoaded: () => void done.push("loaded"),
      onSync: (tables) => void done.push(`synced ${tables.size}`),
    });
    void world.agent.started.then(() => done.push("started"));
    world.put(...SHOP);
    for (const kind of ["Node", "Service", "EndpointSlice"])
      world.told.tell(kind, { kind: "synced", resourceVersion: "1" });
    await world.pass(5000);
    world.told.tell("ServiceCIDR", { kind: "synced", resourceVersion: "1" });
    await world.pass(0);
    expect([world.kernel.tables.commits, done]).toEqual([0, []]);
    isReady();
    await settle();
    expect(done).toEqual(["synced 2", "loaded", "started"]);
    // The table, and what goes into it.
    expect([world.kernel.tables.commits, world.log]).toEqual([2, []]);
    expect(await world.difference()).toBe("");
    const { counts } = world.agent;
    expect([counts.startedAt, counts.lastSyncAt, pendingOf(world.agent)]).toEqual([
      world.clock.wallTime(),
      world.clock.wallTime(),
      0,
    ]);
    expect(counts.fullSyncSeconds.print("s").at(-1)).toBe("s_count 1");
    expect(Object.fromEntries(counts.events)).toEqual({ Service: 2, EndpointSlice: 2 });
    expect(Object.fromEntries(counts.transactions)).toEqual({ done: 2 });
    await world.agent.stop();
  });

  test("listens to all kinds that are listed after it", async () => {
    const world = new AgentWorld();
    world.put(...SHOP);
    await settle();
    let timers = 0;
    const { after } = world.clock;
    world.clock.after = (...given) => {
      timers++;
      return after.apply(world.clock, given);
    };
    for (const kind of ["Node", "ServiceCIDR", "EndpointSlice", "Service"]) {
      // Objects that come and go are no list.
      world.put(serviceOf("db", "172.30.0.43"));
      world.delete(serviceOf("db", "172.30.0.43"));
      await settle();
      expect([world.kernel.tables.commits, timers]).toEqual([0, 0]);
      world.told.tell(kind, { kind: "synced", resourceVersion: "1" });
      await settle();
    }
    expect(world.kernel.tables.commits).toBe(2);
    await world.agent.stop();
  });

  test("makes what an agent before it has left what it should be, without a word", async () => {
    const before = await startedAgent();
    await before.agent.stop();
    const done: string[] = [];
    const world = new AgentWorld(
      { onLoaded: () => void done.push("loaded"), onSync: () => void done.push("synced") },
      before.kernel,
    );
    const commits = world.kernel.tables.commits;
    await world.start(...SHOP, serviceOf("db", "172.30.0.43"));
    expect(await world.difference()).toBe("");
    expect([world.kernel.tables.commits - commits, world.log]).toEqual([1, []]);
    expect(world.kernel.restored).toEqual([false]);
    expect(done).toEqual(["loaded", "synced", "loaded"]);
    expect([...world.agent.counts.restores]).toEqual([["start", 1]]);
    expect([world.agent.oldestChangeMs, pendingOf(world.agent)]).toEqual([undefined, 0]);
    // What it has is known: a change is one of elements.
    await world.pass(100);
    world.put(endpointSlice("api", "10.180.0.9"));
    await settle();
    expect([world.kernel.tables.commits - commits, world.kernel.restored.length]).toEqual([2, 1]);
    expect(await world.difference()).toBe("");
    await world.pass(5000);
    expect([world.kernel.restored.length, world.log]).toEqual([1, []]);
    await world.agent.stop();
  });

  test("knows how many commits there were before it", async () => {
    const world = new AgentWorld();
    world.kernel.tables.commits = 7;
    let compared = 0;
    world.kernel.drifted = () => {
      compared++;
      return Promise.resolve(undefined);
    };
    await world.start(...SHOP);
    await world.pass(5000);
    expect([compared, world.kernel.restored]).toEqual([0, []]);
    await world.agent.stop();
  });

  test("on tables that are there takes each Service, also a single one", async () => {
    const before = await startedAgent();
    await before.agent.stop();
    const world = new AgentWorld({}, before.kernel);
    await world.start(serviceOf("db", "172.30.0.43"));
    expect(await world.difference()).toBe("");
    await world.agent.stop();
  });

  test("is tried again after longer and longer waits", async () => {
    const world = new AgentWorld();
    const { kernel } = world;
    let asked = 0;
    kernel.hasTables = () => {
      asked++;
      return Promise.reject(asked % 2 === 0 ? "no words" : new Error("no kernel"));
    };
    let isStarted = false;
    void world.agent.started.then(() => {
      isStarted = true;
    });
    await world.start(...SHOP);
    for (const [i, wait] of [100, 200, 400, 800, 1600, 3200, 5000, 5000].entries()) {
      await world.pass(wait - 1);
      expect(asked).toBe(i + 1);
      await world.pass(1);
      expect(asked).toBe(i + 2);
    }
    expect(world.log.slice(0, 2)).toEqual(["no kernel", "no words"]);
    expect([world.agent.counts.failures, isStarted]).toEqual([9, false]);
    kernel.hasTables = () => Promise.resolve(false);
    await world.pass(5000);
    expect([isStarted, await world.difference()]).toEqual([true, ""]);
    await world.agent.stop();
  });
});

describe("events", () => {
  test("change tables, and are counted until the kernel has them", async () => {
    const world = await startedAgent();
    const { agent, clock } = world;
    await world.pass(100);
    expect(agent.oldestChangeMs).toBeUndefined();
    world.put(endpointSlice("api", "10.180.0.9"));
    world.delete(serviceOf("web", "172.30.0.41"));
    clock.advance(3);
    expect([agent.oldestChangeMs, Object.fromEntries(agent.counts.pending)]).toEqual([
      3,
      { EndpointSlice: 1, Service: 1 },
    ]);
    await settle();
    expect([agent.oldestChangeMs, pendingOf(agent)]).toEqual([undefined, 0]);
    expect(await world.difference()).toBe("");
    expect(agent.counts.partialSyncSeconds.print("s").at(-1)).toBe("s_count 1");
    expect(agent.elements.get("ip services")).toBe(1);
    expect([...agent.watchStates].map(([kind, { phase }]) => [kind, phase])).toEqual([
      ["Node", "watching"],
      ["ServiceCIDR", "watching"],
      ["Service", "watching"],
      ["EndpointSlice", "watching"],
    ]);
    expect(agent.tables.size).toBe(1);
    await agent.stop();
  });

  test("are made after how long they took, and since their Pods changed", async () => {
    const world = await startedAgent();
    const { kernel, agent, clock } = world;
    await world.pass(1000);
    const { change, forgetConnections } = kernel;
    kernel.change = (step) => {
      clock.advance(7);
      return change.call(kernel, step);
    };
    kernel.forgetConnections = (...given) => {
      clock.advance(11);
      return forgetConnections.apply(kernel, given);
    };
    const began = new Date(clock.wallTime()).toISOString();
    const slice = udpSlice("dns", "10.180.0.5");
    const annotations = { "endpoints.kubernetes.io/last-change-trigger-time": began };
    const changed = { ...slice, metadata: { ...(slice["metadata"] as object), annotations } };
    world.put(udpService("dns", "172.30.0.50"), changed);
    world.delete(changed);
    world.put(changed);
    await settle();
    const sums = [agent.counts.partialSyncSeconds, agent.counts.conntrackSeconds, agent.counts.programmingSeconds];
    // One transaction of rules, and one of elements.
    const steps = kernel.tables.commits - 2;
    const expected = [0.007 * steps + 0.011, 0.011, 2 * (0.007 * steps + 0.011)];
    expect(sums.map((each) => Number(each.print("s").at(-2)?.split(" ")[1]).toFixed(3))).toEqual(
      expected.map((each) => each.toFixed(3)),
    );
    await agent.stop();
  });

  test("that change nothing are none that wait", async () => {
    const world = await startedAgent();
    await world.pass(100);
    world.put({ apiVersion: "v1", kind: "Pod", metadata: { name: "a" } });
    world.told.tell("EndpointSlice", { kind: "delete", key: "shop/none", resourceVersion: "1" });
    expect(world.agent.oldestChangeMs).toBeUndefined();
    await world.agent.stop();
  });

  test("of the Node say whether load balancers may send to it", async () => {
    const world = await startedAgent();
    expect(world.agent.isNodeEligible).toBe(true);
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: "node-a", deletionTimestamp: "now" } };
    world.put({ ...serviceOf("db", "172.30.0.43"), metadata: { ...node.metadata, namespace: "shop" } });
    expect(world.agent.isNodeEligible).toBe(true);
    world.put(node);
    expect(world.agent.isNodeEligible).toBe(false);
    world.put({ ...node, metadata: { name: "node-a" } });
    expect(world.agent.isNodeEligible).toBe(true);
    await world.agent.stop();
  });

  test("of the Node say whether there is one", async () => {
    const world = await startedAgent();
    const service = serviceOf("db", "172.30.0.43");
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: "node-a" } };
    world.put(service);
    expect(world.agent.hasNode).toBe(false);
    world.put(node);
    expect(world.agent.hasNode).toBe(true);
    world.delete(service);
    expect(world.agent.hasNode).toBe(true);
    world.delete(node);
    expect(world.agent.hasNode).toBe(false);
    await world.agent.stop();
  });

  test("of trouble are told, with the wait", async () => {
    const world = await startedAgent();
    const trouble = new ApiTrouble("unreachable", "nobody answers");
    world.told.tell("Service", { kind: "trouble", trouble, waitMilliseconds: 0 });
    world.told.tell("Service", { kind: "trouble", trouble, waitMilliseconds: 0.5 });
    expect(world.log).toEqual(["Service: nobody answers", "Service: nobody answers (again in 1 ms)"]);
    expect(world.agent.counts.events.get("Service")).toBe(2);
    await world.agent.stop();
  });

  test("each transaction is given before it is made, where somebody wants it", async () => {
    const given: string[] = [];
    const kernel = new FakeKernel();
    const onTransaction: AgentParts["onTransaction"] = (text, { services }) =>
      void given.push(`${kernel.tables.commits} ${services} ${text.split("\n", 1)}`);
    const world = new AgentWorld({ onTransaction }, kernel);
    await world.start(...SHOP);
    await world.pass(100);
    world.put(endpointSlice("api", "10.180.0.9"));
    await settle();
    await world.pass(100);
    world.put(serviceOf("same", ""));
    await settle();
    expect(given.length).toBe(2);
    expect(given[0]).toBe('0 shop/web,shop/api add table ip kpc { comment "Kubernetes Services, written by kpc"; }');
    expect(given[1]).toMatch(/^2 shop\/api delete element ip kpc /);
    await world.agent.stop();
  });
});

describe("connections of UDP", () => {
  const DNS = [udpService("dns", "172.30.0.50"), udpSlice("dns", "10.180.0.5")];

  test("are looked for when the kernel has the rules, and again where that failed", async () => {
    const world = await startedAgent();
    const { kernel, agent } = world;
    await world.pass(100);
    expect(kernel.forgotten).toEqual([]);
    const shown = (): string[] =>
      kernel.forgotten.map((all) => all.map(({ port, endpoints }) => `${port}/${endpoints.length}`).join());
    world.put(...DNS);
    await settle();
    expect(shown()).toEqual(["53/1"]);
    expect(agent.counts.connectionsDeleted).toBe(1);
    await world.pass(1000);
    expect(shown().length).toBe(1);
    const { forgetConnections } = kernel;
    const errors: unknown[] = [new Error("netfilter refuses"), "no words"];
    kernel.forgetConnections = () => Promise.reject(errors.shift());
    world.put(udpSlice("dns", "10.180.0.6", "10.180.0.7"));
    await world.pass(0);
    await world.pass(1000);
    expect(world.log).toEqual([
      "entries of conntrack cannot be deleted: netfilter refuses",
      "entries of conntrack cannot be deleted: no words",
    ]);
    kernel.forgetConnections = forgetConnections;
    await world.pass(1000);
    await world.pass(1000);
    expect(shown()).toEqual(["53/1", "53/2"]);
    await agent.stop();
  });

  test("are looked for after a start on tables that are there", async () => {
    const before = await startedAgent();
    await before.agent.stop();
    const world = new AgentWorld({}, before.kernel);
    await world.start(...SHOP, ...DNS);
    await world.pass(1000);
    expect(world.kernel.forgotten.length).toBe(1);
    await world.agent.stop();
  });
});

describe("the end", () => {
  test("comes after the transaction under way; all is closed, and the tables stay", async () => {
    const world = await startedAgent();
    await world.pass(100);
    world.put(endpointSlice("api", "10.180.0.9"));
    const stopped = world.agent.stop();
    expect(world.kernel.isClosed).toBe(false);
    await stopped;
    await world.agent.done;
    expect([world.kernel.isClosed, world.told.stopped]).toEqual([
      true,
      ["Node", "ServiceCIDR", "Service", "EndpointSlice"],
    ]);
    expect([world.clock.pending, world.kernel.tables.skeletons().length]).toEqual([0, 1]);
    const { commits } = world.kernel.tables;
    await world.pass(60_000);
    expect(world.kernel.tables.commits).toBe(commits);
  });

  test("waits for a transaction that takes long, after which nothing is done", async () => {
    const synced: number[] = [];
    const world = await startedAgent({ onSync: (tables) => void synced.push(tables.size) });
    const { kernel } = world;
    await world.pass(100);
    const { change } = kernel;
    let end: () => void = () => undefined;
    kernel.change = async (step) => {
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      return await change.call(kernel, step);
    };
    world.put(udpService("dns", "172.30.0.50"), udpSlice("dns", "10.180.0.5"));
    await settle();
    const stopped = world.agent.stop();
    await settle();
    expect(kernel.isClosed).toBe(false);
    end();
    await stopped;
    expect([kernel.isClosed, synced, kernel.forgotten]).toEqual([true, [2], []]);
  });

  test("comes at once where not all is listed, or the kernel does not answer", async () => {
    const unlisted = new AgentWorld();
    unlisted.put(...SHOP);
    await unlisted.agent.stop();
    let isStarted = false;
    void unlisted.agent.started.then(() => {
      isStarted = true;
    });
    await settle();
    expect([unlisted.kernel.tables.commits, unlisted.kernel.isClosed, unlisted.clock.pending]).toEqual([0, true, 0]);
    expect([isStarted, unlisted.agent.counts.startedAt]).toEqual([false, undefined]);
    const failing = new AgentWorld();
    failing.kernel.hasTables = () => Promise.reject(new Error("no kernel"));
    await failing.start(...SHOP);
    await failing.agent.stop();
    expect([failing.log, failing.clock.pending]).toEqual([["no kernel"], 0]);
    const unready = new AgentWorld({ ready: Promise.reject(new Error("no permission")) });
    await expect(unready.agent.done).rejects.toThrow("no permission");
    await unready.agent.stop();
    expect(unready.kernel.isClosed).toBe(true);
  });

  test("comes where another process has taken the tables over", async () => {
    const world = await startedAgent();
    world.kernel.generation = () => Promise.reject(new LockLost(7));
    const ended = expect(world.agent.done).rejects.toThrow(
      "process 7 writes kpc's tables in this network namespace now",
    );
    await world.pass(1000);
    await ended;
    await world.agent.stop();
    const forgetful = await startedAgent();
    forgetful.kernel.forgetConnections = () => Promise.reject(new LockLost(7));
    forgetful.put(udpService("dns", "172.30.0.50"), udpSlice("dns", "10.180.0.5"));
    const forgotten = expect(forgetful.agent.done).rejects.toThrow("process 7");
    await forgetful.pass(100);
    await forgotten;
    expect(forgetful.log).toEqual([]);
    await forgetful.agent.stop();
  });
});
