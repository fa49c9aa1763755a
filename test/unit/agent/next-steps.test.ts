/** How many Services are made at once, and what becomes one transaction. */
import { expect, test } from "vitest";
import { NodeTables } from "../../../compiler/updates/node-tables.ts";
import { ExpectedElements } from "../../../runtime/agent/expected-elements.ts";
import { elementSteps, type KernelStep, wholeStep } from "../../../runtime/agent/kernel-steps.ts";
import { nextSteps } from "../../../runtime/agent/next-steps.ts";
import { PRINTING_KERNEL } from "../../../runtime/agent/printing-kernel.ts";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";
import { FakeTables } from "../../support/fake-tables.ts";

/** The tables of `count` Services that wait. */
function waiting(count: number): NodeTables {
  const tables = new NodeTables({ nodeName: "node-a", mode: "nftables" });
  for (let i = 0; i < count; i++) {
    tables.put("Service", serviceOf(`web-${i}`, `172.30.1.${i + 1}`));
    tables.put("EndpointSlice", endpointSlice(`web-${i}`, "10.180.0.1"));
  }
  return tables;
}

test.each([
  ["bytes are made of few at a time, for one transaction", true, undefined, [20, 20, 20, 20, 20]],
  ["all of one are made together for a tool", false, undefined, [100]],
  ["and where each is told", true, () => undefined, [100]],
])("%s", (_, addsToSteps, onTransaction, wanted) => {
  const tables = waiting(203);
  const made: number[] = [];
  const last: (KernelStep | undefined)[] = [];
  const kernel = { ...PRINTING_KERNEL, addsToSteps };
  const { steps, update } = nextSteps({ tables, kernel, onTransaction }, ({ services }, before) => {
    made.push(services.length);
    last.push(before);
    return [{ changes: [] }, { changes: [] }];
  });
  expect(made).toEqual(wanted);
  // Each is given the last of those before it.
  expect(last).toEqual(wanted.map((__, i) => (i === 0 ? undefined : steps[2 * i - 1])));
  expect(last.every((each, i) => each === (i === 0 ? undefined : steps[2 * i - 1]))).toBe(true);
  expect(update?.services.length).toBe(wanted[0]);
  expect(tables.waiting).toBe(103);
});

test("nothing is made where nothing waits, and no more than waits", () => {
  const tables = waiting(21);
  const made: number[] = [];
  const next = () =>
    nextSteps({ tables, kernel: { ...PRINTING_KERNEL, addsToSteps: true }, onTransaction: undefined }, (update) => {
      made.push(update.services.length);
      return [];
    });
  expect(next().update?.services.length).toBe(1);
  expect(made).toEqual([20, 1]);
  expect(next()).toEqual({ steps: [], update: undefined });
  expect(made).toEqual([20, 1]);
});

test("a new table is made empty by nft, and filled without it; what follows is added to that while it can", async () => {
  const tables = waiting(3);
  const [expected, there] = [new ExpectedElements(), new FakeTables()];
  const changesOf = (limit: number) => tables.update(limit)?.changes ?? expect.unreachable("nothing waits");
  const first = elementSteps(changesOf(1), expected);
  expect(first.map(({ changes, batch }) => [changes.length, batch?.size])).toEqual([
    [1, undefined],
    [0, 5],
  ]);
  expect(first[0]?.changes[0]?.elements).toEqual([]);
  const last = first.at(-1);
  // The second Service has the same parts, and needs no transaction of its own.
  expect(elementSteps(changesOf(1), expected, last)).toEqual([]);
  expect(last?.batch?.size).toBe(9);
  for (const { changes, batch } of first)
    if (batch === undefined) await there.run(changes);
    else await there.commit(batch.finish());
  expect(there.commits).toBe(2);
  const counted = [...expected.counts()].filter(([, count]) => count > 0);
  expect(counted).toEqual([
    ["ip cluster-ips", 2],
    ["ip hairpin", 1],
    ["ip cluster-ip-ports-tcp", 2],
    ["ip services", 2],
    ["ip endpoints-tcp", 2],
  ]);
  expect(wholeStep(changesOf(1), expected)).toHaveLength(1);
  expect(expected.counts().get("ip services")).toBe(3);
  expect(wholeStep([], expected)).toEqual([]);
  expect(elementSteps([], expected)).toEqual([]);
});

test("a table that comes beside another one is made as a whole; what follows it is not put before it", () => {
  const tables = waiting(1);
  const expected = new ExpectedElements();
  const [first, last] = elementSteps(tables.update()?.changes ?? [], expected);
  expect(first?.batch).toBeUndefined();
  const spec = { clusterIP: "fd00::1", clusterIPs: ["fd00::1"], ipFamilies: ["IPv6"], ports: [{ port: 80 }] };
  tables.put("Service", { ...serviceOf("six", ""), spec });
  const alone = elementSteps(tables.update()?.changes ?? [], expected, last);
  expect(alone.map(({ batch }) => batch?.size)).toEqual([undefined, expect.any(Number)]);
  expect(alone[1]?.batch).not.toBe(last?.batch);
  tables.delete("Service", "shop/six");
  tables.update();
  tables.put("Service", { ...serviceOf("six", ""), spec });
  tables.put("EndpointSlice", endpointSlice("web-0", "10.180.0.7"));
  const beside = tables.update()?.changes ?? [];
  expect(beside.map(({ table }) => table)).toEqual(["kept", "added"]);
  expect(elementSteps(beside, expected)).toEqual([{ changes: beside }]);
});

test("a change of rules is nft's, and a transaction of its own", () => {
  const tables = waiting(2);
  const expected = new ExpectedElements();
  const first = elementSteps(tables.update(1)?.changes ?? [], expected);
  tables.put("EndpointSlice", endpointSlice("web-1", "10.180.0.1", "10.180.0.2"));
  const steps = elementSteps(tables.update()?.changes ?? [], expected, first.at(-1));
  expect(steps.map(({ changes, batch }) => [changes[0]?.chains.map(({ name }) => name), batch])).toEqual([
    [["pick-2-tcp"], undefined],
  ]);
  expect(expected.counts().get("ip endpoints-tcp")).toBe(3);
});
