/** Threads that classify by one table, while it is replaced and patched. */
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { followTable } from "../../../compiler/index.ts";
import { joinTable, type SharedTable, shareTable, TableError } from "../../../dist/runtime/classifier/index.js";
import { createClassifier, packetFrom } from "../../../runtime/classifier/inline.ts";
import { EVERYTHING } from "../../support/runs.ts";
import { mustPrintTable, webCluster } from "../../support/tables.ts";

const WORKER = new URL("../../support/shared-worker.mjs", import.meta.url);
const A = Array.from({ length: 20 }, (_, i) => `10.244.1.${i + 1}`);
const B = Array.from({ length: 30 }, (_, i) => `10.244.2.${i + 1}`);
const toWeb = (sourcePort: number) =>
  ({ protocol: "tcp", source: "10.244.9.9", sourcePort, destination: "10.96.0.1", destinationPort: 80 }) as const;

/** So many packets that each endpoint gets some. */
const SLOTS = new Uint8Array(1024 * 64);
for (let i = 0; i < 1024; i++) SLOTS.set(packetFrom(toWeb(1024 + i)), i * 64);

/** So many changes each thread is to see. */
const CHANGES = EVERYTHING ? 20 : 5;

interface Seen {
  readonly batches: number;
  readonly changed: number;
  readonly seen: readonly string[];
}

/** What two threads see while `change` changes the table, again and again. */
async function watch(shared: SharedTable, change: () => void): Promise<readonly Seen[]> {
  const workers = [0, 1].map(
    () => new Worker(WORKER, { workerData: { place: shared.place(), slots: SLOTS, changes: CHANGES, most: 100_000 } }),
  );
  const answers: Seen[] = [];
  const ends = workers.map(async (worker) => {
    const [answer] = (await once(worker, "message")) as [Seen];
    answers.push(answer);
  });
  while (answers.length < workers.length) {
    change();
    await setImmediate();
  }
  await Promise.all(ends);
  return answers;
}

const texts = [A, B].map((each) => [...each].sort().join());

describe("a table that two threads classify by", () => {
  test("is replaced: each batch is answered by the one table or by the other", async () => {
    const tables = [A, B].map((each) => mustPrintTable(webCluster(each)));
    const shared = await shareTable(tables[0] as Uint8Array, { workers: 2 });
    let replaced = 0;
    const answers = await watch(shared, () => shared.replace(tables[++replaced % 2] as Uint8Array));
    for (const { seen, changed } of answers) {
      expect([...seen].sort()).toEqual(texts);
      expect(changed).toBe(CHANGES);
    }
  });

  test("is patched: likewise", async () => {
    const sourcesOf = (each: readonly string[]) =>
      webCluster(each).objects.map((object) => ({ name: String(object["kind"]), text: JSON.stringify(object) }));
    const settings = { nodeName: "node-a", nodeIP: "192.168.0.2", clusterCIDR: "10.244.0.0/16" };
    const followed = followTable(sourcesOf(A), { settings });
    const shared = await shareTable(followed.table as Uint8Array, { workers: 2 });
    let patched = 0;
    const answers = await watch(shared, () => {
      const { patch } = followed.update(sourcesOf(++patched % 2 === 0 ? A : B));
      shared.patch(patch ?? expect.fail("no patch"));
    });
    for (const { seen, changed } of answers) {
      expect([...seen].sort()).toEqual(texts);
      expect(changed).toBe(CHANGES);
    }
  });
});

describe("a shared table", () => {
  const [a, b] = [A, B].map((each) => mustPrintTable(webCluster(each))) as [Uint8Array, Uint8Array];

  test("answers as a classifier of its own, at each place", async () => {
    const shared = await shareTable(a, { workers: 3 });
    const joined = [1, 2, 3].map(() => joinTable(shared.place(), { choose: "consistent" }));
    for (const table of [a, b, a, b]) {
      shared.replace(table);
      const own = await createClassifier(table, { choose: "consistent" });
      for (const each of joined) {
        expect(each.explain(toWeb(7))).toEqual(own.explain(toWeb(7)));
        expect([...each.classifyMany(SLOTS).words]).toEqual([...own.classifyMany(SLOTS).words]);
      }
    }
    expect(() => shared.place()).toThrow(new RangeError("options.workers: there are places for 3 threads"));
  });

  test("stays as it is where another one is damaged, or too large", async () => {
    const shared = await shareTable(a, { workers: 1, room: 0 });
    const joined = joinTable(shared.place());
    const damaged = a.slice();
    damaged[400] = (damaged[400] as number) ^ 1;
    const large = mustPrintTable(webCluster(Array.from({ length: 9000 }, (_, i) => `10.244.${i >> 8}.${i & 255}`)));
    expect(() => shared.replace(damaged)).toThrow(TableError);
    expect(() => shared.replace(large)).toThrow(RangeError);
    expect(() => shared.patch(damaged)).toThrow(TableError);
    expect(A).toContain(joined.classify(toWeb(7)).endpoint?.address);
  });

  test("keeps the table of a batch until its thread's next call", async () => {
    const shared = await shareTable(a, { workers: 1 });
    const joined = joinTable(shared.place());
    const batch = joined.classifyMany(SLOTS);
    for (let i = 0; i < 10; i++) shared.replace(i % 2 === 0 ? b : a);
    expect(A).toContain(joined.read(batch, 5).endpoint?.address);
    shared.replace(b);
    expect(B).toContain(joined.classify(toWeb(7)).endpoint?.address);
  });

  test.each([0, 101, 1.5])("has places for 1 to 100 threads, not for %s", async (workers) => {
    await expect(shareTable(a, { workers })).rejects.toThrow(RangeError);
  });
});
