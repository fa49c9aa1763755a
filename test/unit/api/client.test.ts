/** Requests of one object, and answers of any bytes. */
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ApiClient } from "../../../runtime/api/client.ts";
import { SERVICES } from "../../../runtime/api/kinds.ts";
import { FakeApiServer } from "../../support/api-server/fake-api-server.ts";
import { FollowedKind, plainAccess } from "../../support/api-server/followed.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";
import { runs } from "../../support/runs.ts";

const EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events";
const { signal } = new AbortController();
let fake: FakeApiServer;
let client: ApiClient;

beforeAll(async () => {
  fake = await FakeApiServer.start();
});

afterAll(() => fake.stop());

beforeEach(() => {
  client = new ApiClient(plainAccess(fake.url), new TestClock());
});

describe("an object", () => {
  test("is made, changed by a merge, and read", async () => {
    const made = await client.write(
      "POST",
      EVENTS,
      { metadata: { name: "e" }, reason: "NoEndpoints", note: "a" },
      signal,
    );
    expect(made).toMatchObject({ metadata: { namespace: "default", name: "e" }, reason: "NoEndpoints" });
    await client.write("PATCH", `${EVENTS}/e`, { note: "ü€😀", series: { count: 2 } }, signal);
    expect(await client.get(`${EVENTS}/e`, signal)).toMatchObject({
      reason: "NoEndpoints",
      note: "ü€😀",
      series: { count: 2 },
    });
    expect(fake.requests.slice(-3).map(({ headers }) => headers["content-type"])).toEqual([
      "application/json",
      "application/merge-patch+json",
      undefined,
    ]);
    const { host } = new URL(fake.url);
    expect(client.requests).toEqual([
      { method: "POST", code: "201", host, count: 1 },
      { method: "PATCH", code: "200", host, count: 1 },
      { method: "GET", code: "200", host, count: 1 },
    ]);
  });

  test.each([
    ["that is there cannot be made again", "POST", EVENTS, { metadata: { name: "e" } }, "refused"],
    ["that is not there cannot be changed", "PATCH", `${EVENTS}/x`, {}, "not-found"],
  ] as const)("%s", async (_, method, path, object, reason) => {
    await expect(client.write(method, path, object, signal)).rejects.toMatchObject({ reason });
  });

  test("is asked for below the path of the server", async () => {
    const below = new ApiClient(plainAccess(`${fake.url}/clusters/c-1/`), new TestClock());
    await expect(below.get("/api/v1/nodes/n", signal)).rejects.toMatchObject({ reason: "not-found" });
    expect(fake.requests.at(-1)?.path).toBe("/clusters/c-1/api/v1/nodes/n");
  });
});

describe("answers of any bytes", () => {
  const text = fc.constantFrom(
    '{"type":"ADDED","object":{"metadata":{"name":"a","namespace":"b","resourceVersion":"1"}}}',
    '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"2","annotations":{"k8s.io/initial-events-end":"true"}}}}',
    '{"type":"ERROR","object":{"code":410}}',
    '{"metadata":{"resourceVersion":"3"},"items":[{"metadata":{"name":"c","namespace":"d","resourceVersion":"3"}}]}',
    "\n",
    "{",
    "}",
    "[",
    '"',
    "\u0000",
    "ü",
  );
  const pieces = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: text.map(Buffer.from) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map(Buffer.from) },
    ),
    {
      maxLength: 6,
    },
  );
  const headers = fc.constantFrom<Readonly<Record<string, string>>>(
    {},
    {},
    { "content-encoding": "gzip" },
    { "content-type": "application/vnd.kubernetes.protobuf" },
    { "content-length": "1000000" },
    { "content-length": "1" },
    { "retry-after": "-1" },
  );
  const code = fc.constantFrom(200, 200, 200, 201, 204, 304, 410, 422, 500, 599, 999);

  test("end neither the loop nor the process: once the server is well again, everything is told", async () => {
    const property = fc.asyncProperty(
      fc.array(fc.record({ pieces, headers, code }), { maxLength: 5 }),
      async (answers) => {
        const server = await FakeApiServer.start();
        for (const each of answers) {
          const answer = {
            kind: "answer",
            code: each.code,
            text: Buffer.concat(each.pieces),
            headers: each.headers,
          } as const;
          server.misbehave(["stream", "list", "watch"], answer);
        }
        server.store.version = 5000;
        server.store.put(SERVICES.path, { metadata: { namespace: "shop", name: "last" } });
        const it = new FollowedKind(plainAccess(server.url), SERVICES, new TestClock());
        const isWell = (): boolean => it.told.includes("put shop/last 5001") && it.told.at(-1) === "synced";
        while (!isWell()) {
          const before = it.told.length;
          await it.until(() => it.told.length > before || isWell());
          it.clock.advance(300_000);
        }
        expect([...it.objects.keys()]).toEqual(["shop/last"]);
        await it.stop();
        await server.stop();
      },
    );
    await fc.assert(property, { numRuns: runs(1000) });
  });
});
