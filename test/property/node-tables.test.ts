import fc from "fast-check";
import { expect, test } from "vitest";
import { NodeTables } from "../../compiler/updates/node-tables.ts";
import { disagreement, disagreementWithBroken, history } from "../support/events.ts";
import { runs } from "../support/runs.ts";

test("after any events, the transactions have made the tables that compile makes of the objects that are left", () => {
  fc.assert(
    fc.property(history(), (each) => {
      expect(disagreement(each)).toBe("");
    }),
    { numRuns: runs(2000) },
  );
});

test("a Service with an error keeps what it had", () => {
  fc.assert(
    fc.property(history(true), (each) => {
      expect(disagreementWithBroken(each)).toBe("");
    }),
    { numRuns: runs(800) },
  );
});

test("the first update makes no more Services than it is asked for", () => {
  const tables = new NodeTables({ nodeName: "node-a", mode: "nftables" });
  for (const name of ["a", "b", "c"])
    tables.put("Service", {
      metadata: { name, namespace: "shop" },
      spec: { clusterIP: `10.0.0.${name.charCodeAt(0)}`, ports: [{ port: 80 }] },
    });
  const rows = [tables.update(2), tables.update(2), tables.update(2)].map((update) => update?.services.length);
  expect(rows).toEqual([2, 1, undefined]);
});
