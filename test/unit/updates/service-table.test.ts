/** What followers of tables are told of, and which Services a change makes anew. */
import { expect, test } from "vitest";
import type { Table } from "../../../compiler/ir/types.ts";
import type { Contribution } from "../../../compiler/lower/contribution.ts";
import { NodeTables } from "../../../compiler/updates/node-tables.ts";
import type { ContributionFollower } from "../../../compiler/updates/service-table.ts";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";
import type { Manifest } from "../../support/arbitraries.ts";
import { OF_ONE_NUMBER } from "../../support/events.ts";

/** Writes down what it is told, in few words. */
class Told implements ContributionFollower {
  private words: string[] = [];

  reset(family: string): void {
    this.words.push(`${family} anew`);
  }

  put(family: string, service: string, { maps, sets, shared }: Contribution): void {
    const count = [...maps.values(), ...sets.values()].reduce((sum, all) => sum + all.length, 0);
    this.words.push(`${family} ${service} ${count + shared.size === 0 ? "nothing" : "something"}`);
  }

  setTable(family: string, empty: Table | undefined): void {
    this.words.push(`${family} ${empty === undefined ? "no table" : "table"}`);
  }

  take(): readonly string[] {
    const { words } = this;
    this.words = [];
    return words;
  }
}

function put(tables: NodeTables, ...objects: readonly (Manifest | undefined)[]): void {
  for (const object of objects) if (object !== undefined) tables.put(object["kind"] as never, object);
}

function node(address: string): Manifest {
  const status = { addresses: [{ type: "InternalIP", address }] };
  return { apiVersion: "v1", kind: "Node", metadata: { name: "node-a" }, status };
}

test("a follower is told of what Services have, of tables that are others, and of settings that are others", () => {
  const follower = new Told();
  const tables = new NodeTables({ nodeName: "node-a", mode: "nftables" }, { follower });
  const told = (...objects: readonly Manifest[]): readonly string[] => {
    put(tables, ...objects);
    tables.update();
    return follower.take();
  };
  const web = serviceOf("web", "172.30.0.41");
  expect(told(node("192.168.0.1"), web, endpointSlice("web", "10.180.0.1"))).toEqual([
    "IPv4 anew",
    "IPv4 shop/web something",
    "IPv4 table",
    "IPv6 anew",
    "IPv6 no table",
  ]);
  expect(told(endpointSlice("web", "10.180.0.2"))).toEqual(["IPv4 shop/web something"]);
  // The chain that picks one of two is the first of its kind.
  expect(told(endpointSlice("web", "10.180.0.2", "10.180.0.3"))).toEqual(["IPv4 shop/web something", "IPv4 table"]);
  expect(told(node("192.168.0.2"))).toEqual([
    "IPv4 anew",
    "IPv4 shop/web something",
    "IPv4 table",
    "IPv6 anew",
    "IPv6 no table",
  ]);
  // A Service without an address has nothing in any family.
  expect(told({ ...serviceOf("none", "None"), spec: { clusterIP: "None", clusterIPs: ["None"] } })).toEqual([]);
  expect(tables.size).toBe(2);
  tables.delete("Service", "shop/web");
  expect(told()).toEqual(["IPv4 shop/web nothing", "IPv4 no table"]);
});

test("a Service of which nothing but its age is another is made anew, and changes nothing", () => {
  const tables = new NodeTables({ nodeName: "node-a", mode: "nftables" });
  const web = serviceOf("web", "172.30.0.41");
  put(tables, web, endpointSlice("web", "10.180.0.1"));
  tables.update();
  const metadata = { ...(web["metadata"] as object), creationTimestamp: "2026-01-01T00:00:00Z" };
  put(tables, { ...web, metadata });
  const update = tables.update();
  expect([update?.services, update?.changes]).toEqual([["shop/web"], []]);
});

test("a sticky Service that comes makes those anew of whose endpoints one gets another number, and no others", () => {
  const tables = new NodeTables({ nodeName: "node-a", mode: "nftables" });
  // Of two Services whose endpoints want one number: with session affinity, and their slices.
  const [first, firstSlice, second, secondSlice] = OF_ONE_NUMBER;
  const servicesAfter = (...objects: readonly (Manifest | undefined)[]): unknown => {
    put(tables, ...objects);
    return tables.update()?.services.toSorted();
  };
  expect(servicesAfter(second, secondSlice)).toEqual(["shop/web-g5fe"]);
  expect(servicesAfter(first, firstSlice)).toEqual(["shop/web-5pwq", "shop/web-g5fe"]);
  const other = serviceOf("other", "172.30.0.41");
  const spec = { ...(other["spec"] as object), sessionAffinity: "ClientIP" };
  expect(servicesAfter({ ...other, spec }, endpointSlice("other", "10.180.0.1"))).toEqual(["shop/other"]);
  tables.delete("Service", "shop/web-5pwq");
  expect(servicesAfter()).toEqual(["shop/web-5pwq", "shop/web-g5fe"]);
});
