/** What a watch tells, and when it asks again, where connections go bad and answers are none. */
import { describe, expect, test } from "vitest";
import { SERVICE_CIDRS } from "../../../runtime/api/kinds.ts";
import {
  asked,
  begun,
  FIRST,
  fake,
  follow,
  PATH,
  put,
  remove,
  withFakeServer,
} from "../../support/api-server/followed-services.ts";

withFakeServer();

describe("connections that go bad", () => {
  test("a watch that ends goes on at the version of the last event, or of the last bookmark", async () => {
    const it = await begun();
    put("c");
    await it.hears("put shop/c 1003");
    fake.endWatches();
    await fake.watching();
    fake.store.put("/api/v1/nodes", { metadata: { name: "n1" } });
    fake.bookmark(PATH);
    fake.endWatches();
    await fake.watching(2);
    expect(asked()).toEqual(["stream -", "watch 1003", "watch 1004"]);
    expect(it.told).toEqual([...FIRST, "put shop/c 1003"]);
  });

  test("one that ends at once, without an event, counts as dead", async () => {
    fake.streamsLists = false;
    const it = await begun();
    await fake.watching();
    fake.endWatches();
    await it.hears("trouble cut-off 400");
  });

  test("one that dies goes on after a pause, and misses nothing", async () => {
    const it = await begun();
    fake.cutWatches();
    await it.hears("trouble cut-off 400");
    expect(it.watch.state).toMatchObject({ phase: "waiting", isSynced: true, objects: 2 });
    remove("a");
    put("a");
    it.clock.advance(400);
    await it.hears("put shop/a 1004");
    expect(it.told.slice(3)).toEqual(["trouble cut-off 400", "delete shop/a 1003", "put shop/a 1004"]);
  });

  test("one that dies within a line takes nothing of it", async () => {
    const it = await begun();
    const line = `{"type":"DELETED","object":{"metadata":{"namespace":"shop","name":"a","resourceVersion":"1003"}}`;
    fake.say(PATH, line);
    fake.cutWatches();
    await it.hears("trouble cut-off 400");
    it.clock.advance(400);
    await fake.watching();
    expect(it.told).toEqual([...FIRST, "trouble cut-off 400"]);
    expect(asked()).toEqual(["stream -", "watch 1002"]);
  });

  test("one that is silent is given up after 150 seconds, and a byte before counts as life", async () => {
    const it = await begun();
    it.clock.advance(149_999);
    put("c");
    await it.hears("put shop/c 1003");
    it.clock.advance(149_999);
    expect(it.told).toEqual([...FIRST, "put shop/c 1003"]);
    expect(it.watch.state.ageMilliseconds).toBe(149_999);
    it.clock.advance(1);
    await it.hears("trouble silent 400");
    it.clock.advance(400);
    await fake.watching();
    expect(asked().at(-1)).toBe("watch 1003");
  });

  test("a server that does not answer at all is given up after a minute", async () => {
    fake.misbehave("stream", { kind: "silence", bytes: -1 });
    put("a");
    const it = follow();
    await fake.asked(1);
    it.clock.advance(60_000);
    await it.hears("trouble silent 400");
    it.clock.advance(400);
    await it.hears("synced");
  });

  test("an outage of an hour changes nothing, and what happened in it is told after it", async () => {
    const it = await begun();
    fake.misbehave(["watch", "stream", "list"], { kind: "reset" }, { times: 240 });
    fake.cutWatches();
    for (let tries = 1; tries <= 240; tries++) {
      await it.until(() => it.told.length >= FIRST.length + tries);
      it.clock.advance(15_000);
    }
    // The first trouble is that of the connection which was there.
    await it.until(() => it.told.length === FIRST.length + 241);
    expect(new Set(it.told.slice(FIRST.length).map((line) => line.split(" ")[0]))).toEqual(new Set(["trouble"]));
    expect(it.watch.state).toMatchObject({ isSynced: true, objects: 2 });
    expect(it.watch.state.ageMilliseconds).toBeGreaterThanOrEqual(3_600_000);
    remove("b");
    it.clock.advance(30_000);
    await it.hears("delete shop/b 1003");
    expect(it.told.filter((line) => !line.startsWith("trouble"))).toEqual([...FIRST, "delete shop/b 1003"]);
  });

  test.each([
    ["a streamed list", "stream", true, false],
    ["a zipped list", "stream", true, true],
    ["a plain list", "list", false, false],
  ] as const)("%s that ends anywhere is asked for again, and is no list", async (_, form, streams, zips) => {
    fake.streamsLists = streams;
    fake.zipsStreams = zips;
    put("a");
    put("b");
    const whole = 900;
    for (let bytes = 0; bytes < whole; bytes += 60)
      for (const kind of ["cut", "end"] as const) fake.misbehave(form, { kind, bytes });
    const it = follow();
    let troubles = 0;
    const isTroubled = (): boolean => it.told.filter((line) => line.startsWith("trouble")).length > troubles;
    while (!it.told.includes("synced")) {
      await it.until(() => it.told.includes("synced") || isTroubled());
      troubles = it.told.filter((line) => line.startsWith("trouble")).length;
      it.clock.advance(30_000);
    }
    const lines = it.told.filter((line) => !line.startsWith("trouble"));
    expect(lines).toEqual(FIRST);
    expect(troubles).toBeGreaterThan(5);
  });

  test.each([1, 7, 64])("events and lists in pieces of %d bytes are the same", async (bytes) => {
    fake.misbehave("stream", { kind: "pieces", bytes });
    const it = await begun();
    put("a", { text: "ü€😀" });
    await it.hears("put shop/a 1003");
    expect(it.told).toEqual([...FIRST, "put shop/a 1003"]);
    expect(it.objects.get("shop/a")).toMatchObject({ text: "ü€😀" });
  });

  test("a large list comes zipped", async () => {
    fake.streamsLists = false;
    for (let i = 0; i < 2000; i++) put(`x${i}`, { padding: "y".repeat(100) });
    const it = follow();
    await it.hears("synced");
    await fake.watching();
    expect(fake.requests.map(({ form, headers }) => [form, headers["accept-encoding"]])).toEqual([
      ["stream", "gzip"],
      ["list", "gzip"],
      ["watch", "gzip"],
    ]);
    expect(it.objects.size).toBe(2000);
  });
});

describe("answers that are none", () => {
  test.each([
    [429, "throttled", { "retry-after": "7" }, 7400],
    [429, "throttled", {}, 400],
    [503, "unavailable", { "retry-after": "1" }, 1400],
    [503, "unavailable", { "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" }, 400],
    [503, "unavailable", { "retry-after": "999999999" }, 300_400],
    [500, "unavailable", {}, 400],
    [403, "forbidden", {}, 400],
    [302, "refused", { location: "http://127.0.0.1:1/" }, 400],
  ] as const)(
    "status %d is %s: after headers %j the next try comes after %d milliseconds",
    async (code, reason, headers, wait) => {
      fake.misbehave("stream", { kind: "status", code, headers, message: "no\nway" });
      put("a");
      const it = follow();
      await it.hears(`trouble ${reason} ${wait}`);
      expect(it.watch.state.trouble?.message).toBe(`/api/v1/services: status ${code}: no way`);
      it.clock.advance(wait);
      await it.hears("synced");
      expect(it.watch.state.trouble).toBeUndefined();
    },
  );

  test("waits double up to 30 seconds, and are short again after a minute that went well", async () => {
    fake.misbehave("stream", { kind: "reset" }, { times: 8 });
    const it = follow();
    const waits = [400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000];
    for (const wait of waits) {
      await it.hears(`trouble unreachable ${wait}`, wait === 15_000 ? it.told.length + 1 - 6 : 1);
      it.clock.advance(wait);
    }
    await it.hears("synced");
    it.clock.advance(60_000);
    fake.cutWatches();
    await it.hears("trouble cut-off 400");
  });

  test("an optional kind that the server does not have is a list without objects", async () => {
    fake.absent.add(SERVICE_CIDRS.path);
    const it = follow(SERVICE_CIDRS);
    await it.hears("trouble not-found 300400");
    expect(it.told).toEqual(["synced", "trouble not-found 300400"]);
    fake.absent.clear();
    fake.store.put(SERVICE_CIDRS.path, { metadata: { name: "kubernetes" } });
    it.clock.advance(300_400);
    await it.hears("put kubernetes 1001");
  });

  test.each([
    ["text", "hello", {}],
    ["a page", "<html></html>", { "content-type": "text/html" }],
    ["a number", "1", {}],
    ["null", "null", {}],
    ["a list where events are meant", '{"kind":"ServiceList","items":[]}', {}],
    ["zipped bytes that are none", "hello", { "content-encoding": "gzip" }],
    ["an end where events are meant", "", {}],
    ["events of null", '{"type":null}{"type":"ADDED"}{"type":"ADDED","object":null}', {}],
    ["a bookmark without a version", '{"type":"BOOKMARK","object":{"metadata":{}}}', {}],
    ["an error without anything", '{"type":"ERROR"}', {}],
  ] as const)("%s: another try", async (_, text, headers) => {
    for (const form of ["stream", "list"] as const) fake.misbehave(form, { kind: "answer", code: 200, text, headers });
    const it = follow();
    await it.until(() => it.watch.state.phase === "waiting" || it.told.some((line) => /^trouble \S+ [1-9]/.test(line)));
    expect(it.told.filter((line) => !/^trouble (?:malformed|cut-off|refused|unavailable) /.test(line))).toEqual([]);
    put("a");
    it.clock.advance(30_000);
    await it.hears("synced");
  });

  test.each([
    ["no metadata", {}],
    ["no name", { metadata: { namespace: "shop", resourceVersion: "1" } }],
    ["a name that is none", { metadata: { namespace: "shop", name: "a/b", resourceVersion: "1" } }],
    ["a name of another type", { metadata: { namespace: "shop", name: ["a"], resourceVersion: "1" } }],
    ["a namespace that is none", { metadata: { namespace: "shop\n", name: "a", resourceVersion: "1" } }],
    ["no version", { metadata: { namespace: "shop", name: "a" } }],
    [
      "a name of a property of objects",
      { metadata: { namespace: "__proto__", name: "constructor", resourceVersion: "1" } },
    ],
  ])("an object with %s is left out, and nothing else", async (_, object) => {
    const it = await begun();
    for (const type of ["ADDED", "MODIFIED", "DELETED"]) fake.say(PATH, `${JSON.stringify({ type, object })}\n`);
    put("c");
    await it.hears("put shop/c 1003");
    expect(it.told).toEqual([...FIRST, ...Array(3).fill("trouble malformed 0"), "put shop/c 1003"]);
  });

  test("an event of a type that is unknown, and a MODIFIED and DELETED of objects never seen", async () => {
    const it = await begun();
    const event = (type: string, name: string, version: string): string =>
      `${JSON.stringify({ type, object: { metadata: { namespace: "shop", name, resourceVersion: version } } })}\n`;
    fake.say(PATH, event("RENAMED", "a", "1003") + event("DELETED", "x", "1004") + event("MODIFIED", "y", "1005"));
    await it.hears("put shop/y 1005");
    expect(it.told).toEqual([...FIRST, "trouble malformed 0", "put shop/y 1005"]);
  });
});
