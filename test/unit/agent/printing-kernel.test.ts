import { expect, test } from "vitest";
import { NodeTables } from "../../../compiler/updates/node-tables.ts";
import { Agent } from "../../../runtime/agent/agent.ts";
import { printingKernel } from "../../../runtime/agent/printing-kernel.ts";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";
import { settle } from "../../support/agent-world.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";
import { TestWatch } from "../../support/test-watch.ts";

test("a kernel that prints tells of no commits of others, also where rules change: nothing is restored", async () => {
  const clock = new TestClock();
  const told = new TestWatch();
  const log: string[] = [];
  const printed: string[] = [];
  const agent = new Agent({
    tables: new NodeTables({ nodeName: "node-a", mode: "nftables" }),
    kernel: printingKernel(),
    clock,
    watch: told.watch,
    log: (line) => void log.push(line),
    onTransaction: (text) => void printed.push(text),
  });
  const web = serviceOf("web", "10.96.0.10");
  told.put("Service", web);
  told.put("EndpointSlice", endpointSlice("web", "10.244.1.5"));
  told.synced();
  await settle();
  const spec = { ...(web["spec"] as object), sessionAffinity: "ClientIP" };
  told.put("Service", { ...web, spec });
  for (let seconds = 0; seconds < 5; seconds++) {
    clock.advance(1000);
    await settle();
  }
  expect(printed.at(-1)).toContain("add rule ip kpc");
  expect(log).toEqual([]);
  await agent.stop();
});
