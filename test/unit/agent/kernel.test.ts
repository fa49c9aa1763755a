/** How the agent asks and changes the kernel: by which process, and when these end. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { printChange } from "../../../compiler/formats/nft/print-change.ts";
import type { Table } from "../../../compiler/ir/types.ts";
import { type Address, literalAddress } from "../../../compiler/net/address.ts";
import { isTableLockTaken } from "../../../runtime/agent/kernel.ts";
import type { KernelStep } from "../../../runtime/agent/kernel-steps.ts";
import type { TransactionAnswer } from "../../../runtime/table/answers.ts";
import { changesBetween } from "../../../runtime/table/change-tables.ts";
import type { UdpFrontend } from "../../../runtime/table/stale-connections.ts";
import { endpointSlice } from "../../support/agent-objects.ts";
import { kernelWith, MemoryKernel } from "../../support/memory-kernel.ts";
import { differenceTo, SHOP_ENDPOINTS, type WantedState, wantedOf } from "../../support/restored-tables.ts";

const DONE: TransactionAnswer = { kind: "done" };

describe("the lock", () => {
  test("is one process's, until its helper ends", async () => {
    const one = new MemoryKernel();
    const other = new MemoryKernel(one.network);
    expect([await one.kernel.lock(), await other.kernel.lock()]).toEqual([undefined, 100]);
    expect([one.kernel.pids, other.kernel.pids]).toEqual([
      [100, 7],
      [101, 7],
    ]);
    await one.kernel.close();
    expect([one.isWriterClosed, one.network.helpers.map(({ hasEnded }) => hasEnded)]).toEqual([true, [true, false]]);
    expect(await other.kernel.lock()).toBeUndefined();
  });

  test("is taken again by the helper that comes after one that has ended, before it is asked", async () => {
    const { kernel, network } = new MemoryKernel();
    await kernel.lock();
    network.helpers[0]?.close();
    expect([...network.holders]).toEqual([]);
    expect(await Promise.all([kernel.generation(), kernel.generation()])).toEqual([0, 0]);
    expect([[...network.holders], network.helpers.length]).toEqual([[["kpc-table", 101]], 2]);
  });

  test("may be another one's by then: nothing is asked, and that helper ends", async () => {
    const one = new MemoryKernel();
    const other = new MemoryKernel(one.network);
    await one.kernel.lock();
    one.network.helpers[0]?.close();
    await other.kernel.lock();
    for (const helper of [2, 3]) {
      await expect(one.kernel.generation()).rejects.toThrow(
        "process 101 writes kpc's tables in this network namespace now",
      );
      expect(one.network.helpers[helper]?.hasEnded).toBe(true);
    }
    await other.kernel.close();
    expect(await one.kernel.generation()).toBe(0);
    expect([...one.network.holders]).toEqual([["kpc-table", 104]]);
  });

  test("is not taken by who has not asked for it, or has not got it", async () => {
    const one = new MemoryKernel();
    const other = new MemoryKernel(one.network);
    await one.kernel.generation();
    one.network.helpers[0]?.close();
    await one.kernel.generation();
    expect([...one.network.holders]).toEqual([]);
    await one.kernel.lock();
    await other.kernel.lock();
    one.network.helpers[2]?.close();
    await one.kernel.close();
    await other.kernel.generation();
    expect([...one.network.holders]).toEqual([]);
  });

  test("is seen among the names of sockets", () => {
    const folder = mkdtempSync(join(tmpdir(), "kpc-test-"));
    const file = join(folder, "unix");
    expect(isTableLockTaken(file)).toBe(false);
    for (const [name, isTaken] of [
      ["kpc-table", true],
      ["kpc-table-2", false],
      ["kpc-writer", false],
    ] as const) {
      writeFileSync(file, `Num RefCount\n0000: 00000002 00000000 00010000 0001 01 21 @${name}\n`);
      expect(isTableLockTaken(file)).toBe(isTaken);
    }
    rmSync(folder, { recursive: true });
  });
});

describe("nft", () => {
  test("is started before there are tables, and ends a minute later where nothing is to be done", async () => {
    const world = new MemoryKernel();
    await world.kernel.prepare();
    world.clock.advance(59_999);
    expect([world.texts, world.rests]).toEqual([[""], 0]);
    world.clock.advance(1);
    expect([world.rests, world.clock.pending]).toEqual([1, 0]);
    const there = await kernelWith(wantedOf(SHOP_ENDPOINTS));
    await there.kernel.prepare();
    expect([there.texts, there.clock.pending]).toEqual([[], 0]);
  });

  test("ends two seconds after its last transaction, and not while it is at one", async () => {
    const world = new MemoryKernel();
    const { kernel, clock } = world;
    await kernel.prepare();
    const [change] = changesBetween([], wantedOf(SHOP_ENDPOINTS).tables.tables());
    const changes = change === undefined ? [] : [change];
    expect(await kernel.change({ changes })).toEqual(DONE);
    expect(world.texts[1]).toBe(changes.map(printChange).join(""));
    expect(kernel.print([...changes, ...changes])).toBe([...changes, ...changes].map(printChange).join(""));
    clock.advance(1999);
    await kernel.change({ changes });
    clock.advance(1999);
    expect(world.rests).toBe(0);
    world.onText = () => {
      clock.advance(10_000);
      return Promise.reject(new Error("killed"));
    };
    await expect(kernel.change({ changes })).rejects.toThrow("killed");
    expect(world.rests).toBe(0);
    clock.advance(2000);
    expect([world.rests, clock.pending]).toEqual([1, 0]);
    world.onText = () => Promise.resolve(DONE);
    await kernel.change({ changes });
    await kernel.close();
    expect([clock.pending, world.isWriterClosed]).toEqual([0, true]);
  });

  test("ends after the last of several transactions that it was given at once", async () => {
    const world = new MemoryKernel();
    const { kernel, clock } = world;
    const answers: (() => void)[] = [];
    world.onText = () => new Promise((resolve) => void answers.push(() => resolve(DONE)));
    const both = [kernel.change({ changes: [] }), kernel.change({ changes: [] })];
    for (const [i, answer] of answers.entries()) {
      answer();
      await both[i];
      clock.advance(1000);
    }
    clock.advance(999);
    expect(world.rests).toBe(0);
    clock.advance(1);
    expect([world.rests, clock.pending]).toEqual([1, 0]);
  });

  test("is not asked for elements", async () => {
    const wanted = wantedOf(SHOP_ENDPOINTS);
    const world = await kernelWith(wanted);
    const { kernel, network } = world;
    expect([kernel.addsToSteps, kernel.comparesBeside]).toEqual([true, true]);
    const stepsOf = (last?: KernelStep): readonly KernelStep[] =>
      kernel.steps(wanted.tables.update()?.changes ?? [], wanted.expected, last);
    const moveWeb = (...addresses: readonly string[]): void => {
      const slice = endpointSlice("web", ...addresses);
      wanted.tables.put("EndpointSlice", { ...slice, ports: [{ name: "http", port: 8080 }] });
    };
    wanted.tables.delete("Service", "shop/db");
    const [step = expect.unreachable("elements change"), ...others] = stepsOf();
    moveWeb("10.180.0.8", "10.180.0.9");
    // What comes before it is sent is added to it.
    expect([others, stepsOf(step)]).toEqual([[], []]);
    expect(await kernel.change(step)).toEqual(DONE);
    expect([await differenceTo(network.tables, wanted), world.texts]).toEqual(["", []]);
    network.tables.refusal = () => 16;
    moveWeb("10.180.0.8", "10.180.0.7");
    for (const each of stepsOf()) expect(await kernel.change(each)).toMatchObject({ kind: "refused", reason: "busy" });
    expect(world.texts).toEqual([]);
  });
});

describe("what there is", () => {
  const both = wantedOf(SHOP_ENDPOINTS, "fd00::1");

  test("tables of kpc are in either family", async () => {
    const [ip, ip6] = both.tables.tables();
    for (const tables of [[ip], [ip6], [ip, ip6]]) {
      const world = new MemoryKernel();
      expect(await world.kernel.hasTables()).toBe(false);
      world.network.reference = tables.flatMap((table) => (table === undefined ? [] : [{ ...table, name: "theirs" }]));
      expect(await world.kernel.hasTables()).toBe(false);
      world.network.reference = tables.flatMap((table) => (table === undefined ? [] : [table]));
      expect(await world.kernel.hasTables()).toBe(true);
    }
  });

  test("rules are told apart, in both families, and elements are not", async () => {
    const world = await kernelWith(both);
    const { kernel } = world;
    const rules = await kernel.rules();
    expect(await kernelWith(both).then((same) => same.kernel.rules())).toBe(rules);
    const edit = (family: string, change: (table: Table) => Table) =>
      world.others((tables) => tables.map((table) => (table.family === family ? change(table) : table)));
    await edit("ip", (table) => ({ ...table, maps: table.maps.map((map) => ({ ...map, elements: [] })) }));
    expect([await kernel.rules(), await kernel.changedByOthers(rules)]).toEqual([rules, { kind: "unknown" }]);
    for (const family of ["ip", "ip6"]) {
      const before = await kernel.rules();
      await edit(family, (table) => ({
        ...table,
        chains: table.chains.map((chain, i) =>
          i === 0 ? { ...chain, rules: [...chain.rules, { steps: [] }] } : chain,
        ),
      }));
      expect(await kernel.changedByOthers(before)).toEqual({ kind: "differs", what: "rules" });
      const then = await kernel.rules();
      await edit(family, (table) => ({
        ...table,
        chains: [...table.chains, { kind: "regular", name: "x", rules: [] }],
      }));
      expect(await kernel.changedByOthers(then)).toEqual({ kind: "differs", what: "rules" });
    }
    await world.others(() => []);
    expect(await kernel.rules()).toBe("");
    // Chains that were made in another order are the same.
    const texts: string[] = [];
    for (const order of [1, -1]) {
      world.network.reference = both.tables
        .emptyTables()
        .map((table) => ({ ...table, chains: order === 1 ? table.chains : table.chains.toReversed() }));
      texts.push(await kernel.rules());
    }
    expect(texts[0]).toBe(texts[1]);
  });

  test("commits, chains and tables of iptables-legacy are asked of the helper", async () => {
    const { kernel, network } = await kernelWith(both);
    const chain = both.tables.tables()[0]?.chains[0]?.name ?? "";
    expect([await kernel.generation(), network.helpers.length]).toEqual([network.tables.commits, 1]);
    expect(await kernel.hasChain("ip", "kpc", chain)).toBe(true);
    expect(await kernel.hasChain("ip", "kpc", "none")).toBe(false);
    network.heard = { isComplete: false, commits: [{ id: 3, chains: [] }] };
    expect(await kernel.commitsAbout("KPC-")).toEqual(network.heard);
    network.sizes = ["7"];
    expect(await kernel.legacySizes(["ip nat"])).toEqual(["7", "ip nat"]);
  });
});

describe("a comparison of elements", () => {
  const run = async (world: MemoryKernel, wanted: WantedState, signal = new AbortController().signal) => {
    const begun: number[] = [];
    const found = await world.kernel.drifted(
      wanted.expected,
      signal,
      () => void begun.push(world.network.helpers.length),
    );
    return { found, begun };
  };

  test("has a helper of its own, which ends with it", async () => {
    const wanted = wantedOf(SHOP_ENDPOINTS);
    const world = await kernelWith(wanted);
    await world.kernel.generation();
    expect(await run(world, wanted)).toEqual({ found: undefined, begun: [2] });
    await world.others((tables) =>
      tables.map((table) => ({ ...table, maps: table.maps.map((map) => ({ ...map, elements: [] })) })),
    );
    expect((await run(world, wanted)).found).toMatch(/^ip kpc /);
    expect(world.network.helpers.map(({ hasEnded }) => hasEnded)).toEqual([false, true, true]);
  });

  test("ends without an answer when it is to end, and tells what else kept it from one", async () => {
    const wanted = wantedOf(SHOP_ENDPOINTS);
    const world = await kernelWith(wanted);
    const stopper = new AbortController();
    const { start } = world.network;
    world.network.start = () => {
      const helper = start.call(world.network);
      helper.gate = new Promise(() => undefined);
      helper.gate = Promise.resolve().then(() => {
        if (world.network.helpers.length === 1) stopper.abort();
        else helper.close();
      });
      return helper;
    };
    expect(await run(world, wanted, stopper.signal)).toEqual({ found: undefined, begun: [] });
    await expect(run(world, wanted)).rejects.toThrow("the process that asks netfilter has ended");
    expect(world.network.helpers.map(({ hasEnded }) => hasEnded)).toEqual([true, true]);
  });
});

describe("a restoration", () => {
  const restore = (world: MemoryKernel, wanted: WantedState, rules?: string) =>
    world.kernel.restore(wanted.tables, wanted.expected, rules);

  test("of tables that are not there makes them", async () => {
    const world = new MemoryKernel();
    const wanted = wantedOf(SHOP_ENDPOINTS);
    world.onText = async () => await world.network.tables.run(changesBetween([], wanted.tables.emptyTables()));
    expect(await restore(world, wanted)).toMatchObject({ answer: DONE });
    expect([world.texts.length, world.texts[0]?.includes("kpc-reference")]).toEqual([1, false]);
    expect(await differenceTo(world.network.tables, wanted)).toBe("");
  });

  test("where rules are right changes elements alone", async () => {
    const wanted = wantedOf(SHOP_ENDPOINTS);
    const world = await kernelWith(wanted);
    const rules = await world.kernel.rules();
    await world.others((tables) =>
      tables.map((table) => ({ ...table, maps: table.maps.map((map) => ({ ...map, elements: [] })) })),
    );
    expect((await restore(world, wanted, rules)).answer).toEqual(DONE);
    expect([await differenceTo(world.network.tables, wanted), world.texts]).toEqual(["", []]);
    // Where they are others than they should be, nft makes the right ones beside them, to compare.
    world.onText = () => Promise.resolve({ kind: "refused", reason: "invalid", message: "" });
    world.listed = world.network.tables.skeletons();
    expect((await restore(world, wanted, "others")).answer).toEqual(DONE);
    expect(world.texts.map((text) => text.includes("kpc-reference"))).toEqual([true]);
  });

  test("compares rules with those that nft has made of the right ones, or has them listed", async () => {
    const wanted = wantedOf(SHOP_ENDPOINTS);
    for (const isKnown of [true, false]) {
      const world = await kernelWith(wanted);
      const { tables } = world.network;
      await world.others((all) =>
        all.map((table) => ({
          ...table,
          chains: table.chains.map((chain, i) => (i === 0 ? { ...chain, rules: [] } : chain)),
        })),
      );
      world.network.hasObjects = !isKnown;
      world.listed = tables.skeletons();
      world.onText = async (text) => {
        if (!text.includes("kpc-reference"))
          return await tables.run(changesBetween(await tables.read(), wanted.tables.tables()));
        const isMade = world.network.reference.length === 0;
        world.network.reference = isMade
          ? wanted.tables.emptyTables().map((table) => ({ ...table, name: "kpc-reference", dormant: true }))
          : [];
        return DONE;
      };
      // Two for the reference, one for what differs.
      expect(await restore(world, wanted)).toMatchObject({ answer: DONE, differed: 1, transactions: 3 });
      expect([await differenceTo(tables, wanted), world.texts.length]).toEqual(["", 3]);
    }
  });
});

describe("entries of conntrack", () => {
  const at = (text: string): Address => literalAddress(text);
  const frontend = (address: string | undefined, endpoint: string, port = 53): UdpFrontend => ({
    family: (address ?? endpoint).includes(":") ? "IPv6" : "IPv4",
    address: address === undefined ? undefined : at(address),
    port,
    endpoints: [{ address: at(endpoint), port: 5353 }],
  });

  function connected(): MemoryKernel {
    const world = new MemoryKernel();
    const [web, node, six] = ["172.30.0.9", "192.168.0.2", "fd00::9"].map(at) as [Address, Address, Address];
    world.network.connections = [
      { client: 1001, destination: [web, 53], answering: [at("10.180.0.1"), 5353] },
      { client: 1002, destination: [web, 53], answering: [at("10.180.0.2"), 5353] },
      { client: 1003, destination: [node, 30053], answering: [at("10.180.0.1"), 5353] },
      { client: 1004, destination: [six, 53], answering: [at("fd00::1"), 5353] },
      { client: 1005, destination: [at("172.30.0.10"), 53], answering: [at("10.180.0.1"), 5353] },
    ];
    return world;
  }

  test.each([
    { what: "none", frontends: [], lookups: [], gone: [] },
    {
      what: "one address",
      frontends: [frontend("172.30.0.9", "10.180.0.2")],
      lookups: ["2 172.30.0.9 53"],
      gone: [1001],
    },
    {
      what: "a node port",
      frontends: [frontend(undefined, "10.180.0.2", 30053)],
      lookups: ["2 any 30053"],
      gone: [1003],
    },
    {
      what: "two, and one of the other family",
      frontends: [
        frontend("172.30.0.9", "10.180.0.2"),
        frontend("172.30.0.10", "10.180.0.2"),
        frontend("fd00::9", "fd00::2"),
      ],
      lookups: ["2 any any", "10 any 53"],
      gone: [1001, 1004, 1005],
    },
  ])("$what: those are looked for alone", async ({ frontends, lookups, gone }) => {
    const { kernel, network } = connected();
    expect(await kernel.forgetConnections(frontends, [at("192.168.0.2")])).toBe(gone.length);
    expect(network.lookups).toEqual(lookups);
    const left = network.connections.map(({ client }) => client);
    expect([1001, 1002, 1003, 1004, 1005].filter((client) => !left.includes(client))).toEqual(gone);
  });
});
