/** What an agent asks the API server for. */
import { expect, test } from "vitest";
import { watchNode } from "../../../runtime/agent/watch-node.ts";
import { ApiClient } from "../../../runtime/api/client.ts";
import { ENDPOINT_SLICES, SERVICE_CIDRS, SERVICES } from "../../../runtime/api/kinds.ts";
import { plainAccess } from "../../support/api-server/followed.ts";
import { fake, withFakeServer } from "../../support/api-server/followed-services.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";

withFakeServer();

test.each([
  ["Service", SERVICES],
  ["EndpointSlice", ENDPOINT_SLICES],
  ["ServiceCIDR", SERVICE_CIDRS],
  ["Node", { path: "/api/v1/nodes", fieldSelector: "metadata.name=node-a" }],
] as const)("all objects of the kind %s, of Nodes its own", async (kind, { path, ...more }) => {
  const clock = new TestClock();
  const follow = watchNode(new ApiClient(plainAccess(fake.url), clock), "node-a", clock);
  const heard: string[] = [];
  await new Promise<void>((resolve) => {
    const watch = follow(kind, ({ kind: what }) => {
      heard.push(what);
      if (what !== "synced") return;
      watch.stop();
      resolve();
    });
  });
  expect(heard).toEqual(["synced"]);
  const { fieldSelector } = { fieldSelector: undefined, ...more };
  expect(fake.requests[0]).toMatchObject({ path, query: fieldSelector === undefined ? {} : { fieldSelector } });
});
