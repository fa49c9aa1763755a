/** What a watch tells of lists, changes, and versions that are gone. */
import { describe, expect, test } from "vitest";
import { ENDPOINT_SLICES, oneNode, SERVICES } from "../../../runtime/api/kinds.ts";
import {
  asked,
  begun,
  FIRST,
  fake,
  follow,
  put,
  remove,
  withFakeServer,
} from "../../support/api-server/followed-services.ts";
import type { Misbehaviour } from "../../support/api-server/misbehaviour.ts";

withFakeServer();

describe("a list and a watch", () => {
  test("a list that the watch brings itself", async () => {
    const it = await begun();
    put("a", { spec: { type: "ClusterIP" } });
    remove("b");
    put("c");
    await it.hears("put shop/c 1005");
    expect(it.told).toEqual([...FIRST, "put shop/a 1003", "delete shop/b 1004", "put shop/c 1005"]);
    expect(asked()).toEqual(["stream -"]);
    expect(fake.requests[0]?.query).toMatchObject({
      watch: "true",
      sendInitialEvents: "true",
      resourceVersionMatch: "NotOlderThan",
      allowWatchBookmarks: "true",
      labelSelector: SERVICES.labelSelector,
    });
    expect(it.objects.get("shop/a")).toMatchObject({ spec: { type: "ClusterIP" } });
  });

  test("one that is zipped is followed by a watch that is not, and nothing is missed between them", async () => {
    fake.zipsStreams = true;
    const it = await begun();
    put("c");
    await it.hears("put shop/c 1003");
    await fake.watching();
    remove("b");
    await it.hears("delete shop/b 1004");
    expect(it.told).toEqual([...FIRST, "put shop/c 1003", "delete shop/b 1004"]);
    expect(asked()[0]).toBe("stream -");
    expect(asked()[1]).toMatch(/^watch 100[23]$/);
    expect(fake.requests.map(({ query }) => query["sendInitialEvents"])).toEqual(["true", undefined]);
  });

  test.each([422, 400])("a plain list from the cache where the server answers %d to that", async (code) => {
    fake.misbehave("stream", { kind: "status", code }, { times: 9 });
    const it = await begun();
    await fake.watching();
    remove("a");
    await it.hears("delete shop/a 1003");
    expect(it.told).toEqual([...FIRST, "delete shop/a 1003"]);
    expect(asked()).toEqual(["stream -", "list 0", "watch 1002"]);
  });

  test("a kind without objects is told as such", async () => {
    const it = follow();
    await it.hears("synced");
    expect(it.told).toEqual(["synced"]);
    expect(it.watch.state).toMatchObject({ isSynced: true, objects: 0, events: 0 });
  });

  test("objects of other proxies and headless ones are none", async () => {
    put("headless", {}, { "service.kubernetes.io/headless": "" });
    put("other", {}, { "service.kubernetes.io/service-proxy-name": "mine" });
    put("without", { spec: { clusterIP: "None" } });
    const it = await begun();
    put("a", {}, { "service.kubernetes.io/headless": "" });
    await it.hears("delete shop/a 1006");
    expect(it.told).toEqual(["put shop/a 1004", "put shop/b 1005", "synced", "delete shop/a 1006"]);
  });

  test("EndpointSlices of them", async () => {
    const labels = { "kubernetes.io/service-name": "a" };
    fake.store.put(ENDPOINT_SLICES.path, { metadata: { namespace: "shop", name: "a-1", labels } });
    const other = { ...labels, "service.kubernetes.io/headless": "" };
    fake.store.put(ENDPOINT_SLICES.path, { metadata: { namespace: "shop", name: "a-2", labels: other } });
    const it = follow(ENDPOINT_SLICES);
    await it.hears("synced");
    expect(it.told).toEqual(["put shop/a-1 1001", "synced"]);
  });

  test("one Node by its name", async () => {
    for (const name of ["n1", "n2"]) fake.store.put("/api/v1/nodes", { metadata: { name } });
    const it = follow(oneNode("n2"));
    await it.hears("synced");
    expect(it.told).toEqual(["put n2 1002", "synced"]);
  });

  test("stop ends the connection", async () => {
    const it = await begun();
    await it.stop();
    expect(it.watch.state.phase).toBe("stopped");
    expect(it.told).toEqual(FIRST);
  });

  test("what the sink throws ends the loop", async () => {
    put("a");
    const { watchKind } = await import("../../../runtime/api/watch-kind.ts");
    const it = follow();
    const other = watchKind(
      { client: it.client, watched: SERVICES },
      () => {
        throw new RangeError("a fault of ours");
      },
      it.clock,
    );
    await expect(other.done).rejects.toThrow("a fault of ours");
    expect(other.state.phase).toBe("stopped");
  });
});

describe("versions that are gone", () => {
  /** Ends the watch, after which the server says 410 in that form, once. */
  const FORMS: readonly (readonly [string, Misbehaviour])[] = [
    ["as a status", { kind: "status", code: 410, reason: "Expired" }],
    ["as an event", { kind: "error event", code: 410, reason: "Expired" }],
    ["as an event that has a reason only", { kind: "error event", code: 0, reason: "Gone" }],
  ];

  test.each(FORMS)(
    "410 %s: a new list that is not older; what it lacks is deleted, what it has unchanged is not told",
    async (_, form) => {
      const it = await begun();
      fake.misbehave("watch", form);
      fake.endWatches();
      await it.hears("synced", 2);
      expect(it.told).toEqual([...FIRST, "trouble gone 0", "synced"]);
      expect(asked()).toEqual(["stream -", "watch 1002", "stream 1002"]);
      expect(it.watch.state.lists).toEqual(
        new Map([
          ["start", 1],
          ["gone", 1],
        ]),
      );
    },
  );

  test("changes that were missed are told by the list", async () => {
    const it = await begun();
    // Everything happens between the end of the watch and the next one.
    fake.misbehave("watch", { kind: "status", code: 410 });
    fake.endWatches();
    put("a", { spec: {} });
    remove("b");
    put("c");
    fake.store.compact();
    await it.hears("synced", 2);
    expect(it.told.slice(3)).toEqual([
      "trouble gone 0",
      "put shop/a 1003",
      "put shop/c 1005",
      "delete shop/b 1005",
      "synced",
    ]);
  });

  test("the server itself says so after it has forgotten versions", async () => {
    const it = await begun();
    fake.store.put("/api/v1/nodes", { metadata: { name: "n1" } });
    fake.store.compact();
    fake.endWatches();
    await it.hears("synced", 2);
    expect(it.told).toEqual([...FIRST, "trouble gone 0", "synced"]);
  });

  test("a list that is gone too is asked of etcd, in pieces; then whole", async () => {
    for (let i = 0; i < 700; i++) put(`x${i}`);
    const it = follow();
    await it.hears("synced");
    fake.misbehave("watch", { kind: "status", code: 410 });
    fake.misbehave("stream", { kind: "error event", code: 410 });
    // The first piece comes as it should.
    fake.misbehave("list", { kind: "pieces", bytes: 100_000 });
    fake.misbehave("list", { kind: "status", code: 410, reason: "Expired" });
    fake.endWatches();
    await it.hears("synced", 2);
    expect(
      fake.requests
        .slice(1)
        .map(({ form, query }) => [form, query["resourceVersion"], query["limit"], "continue" in query]),
    ).toEqual([
      ["watch", "1700", undefined, false],
      ["stream", "1700", undefined, false],
      ["list", undefined, "500", false],
      ["list", undefined, "500", true],
      ["list", undefined, undefined, false],
    ]);
    expect(it.told.slice(-4)).toEqual([...Array(3).fill("trouble gone 0"), "synced"]);
    expect(it.objects.size).toBe(700);
  });

  test("a second loss within a minute waits like other failures", async () => {
    const it = await begun();
    fake.misbehave("watch", { kind: "status", code: 410 }, { times: 2 });
    fake.endWatches();
    await it.hears("synced", 2);
    fake.endWatches();
    await it.hears("trouble gone 400");
    it.clock.advance(400);
    await it.hears("synced", 3);
  });

  test("a list older than what was told is not believed, unless etcd has it so", async () => {
    fake.streamsLists = false;
    const it = await begun();
    await fake.watching();
    fake.misbehave("watch", { kind: "status", code: 410 });
    fake.misbehave("list", { kind: "old list", version: 900 });
    it.clock.advance(1000);
    fake.endWatches();
    await it.hears("synced", 2);
    await fake.watching(2);
    expect(it.told.slice(3)).toEqual(["trouble gone 0", "trouble went-back 0", "synced"]);
    expect(asked().slice(-5)).toEqual(["watch 1002", "stream 1002", "list 1002", "list -", "watch 1002"]);
  });

  test("a server that does not know the version yet, as after etcd was restored, is asked for the newest", async () => {
    const it = await begun();
    fake.misbehave("watch", { kind: "status", code: 410 });
    fake.store.version = 500;
    fake.store.oldest = 500;
    fake.endWatches();
    await it.hears("synced", 2);
    put("c");
    await it.hears("put shop/c 501");
    expect(it.told.slice(3)).toEqual(["trouble gone 0", "trouble version-too-large 0", "synced", "put shop/c 501"]);
  });
});
