/** How much a followed table does for an event: what it makes of the Service that changes, and nothing of any other. */
import { expect, test } from "vitest";
import { decodeTable } from "../../../compiler/formats/tables/decode.ts";
import type { FollowWork } from "../../../compiler/library/follow/base.ts";
import type { ObjectEvent } from "../../../compiler/library/follow/changes.ts";
import { TableFollower } from "../../../compiler/library/follow/follow.ts";
import { toConfig } from "../../support/compile.ts";
import { linesOf } from "../../support/tabulation.ts";

/** Dual-stack; every other one has a node port. */
function serviceObject(i: number): object {
  const ips = [`10.96.0.${i + 1}`, `fd00:10:96::${i + 1}`];
  const isPublic = i % 2 === 1;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "shop", name: `web-${i}`, managedFields: [{ manager: "kubectl" }] },
    spec: {
      type: isPublic ? "NodePort" : "ClusterIP",
      clusterIP: ips[0],
      clusterIPs: ips,
      ipFamilies: ["IPv4", "IPv6"],
      ports: [{ name: "http", port: 80, ...(isPublic ? { nodePort: 30_000 + i } : {}) }],
    },
  };
}

function sliceObject(i: number, first: number): object {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    addressType: "IPv4",
    metadata: { namespace: "shop", name: `web-${i}-a`, labels: { "kubernetes.io/service-name": `web-${i}` } },
    ports: [{ name: "http", port: 8080 }],
    endpoints: [first, first + 1].map((host) => ({ addresses: [`10.244.${i}.${host}`] })),
  };
}

const SERVICES = 12;
const numbers = Array.from({ length: SERVICES }, (_, i) => i);
const added = (object: object): ObjectEvent => ({ type: "ADDED", object });
const changed = (object: object): ObjectEvent => ({ type: "MODIFIED", object });

function follow(): TableFollower {
  const config = toConfig({ nodeName: "node-a", nodeIP: "192.168.0.2", clusterCIDR: "10.244.0.0/16" });
  const work = { tables: 0, lowered: 0, tabulated: 0, walked: 0 };
  return new TableFollower(new Map(), { config, strict: false, source: "", work }, []);
}

/** What an update does, besides its answer. */
function workOf(followed: TableFollower, update: () => unknown): FollowWork {
  const { tables, lowered, tabulated, walked } = followed.work;
  update();
  const now = followed.work;
  return {
    tables: now.tables - tables,
    lowered: now.lowered - lowered,
    tabulated: now.tabulated - tabulated,
    walked: now.walked - walked,
  };
}

test.each([1, 10])("the first table walks the rules for one Service of each form, of %i0 Services", (tens) => {
  const followed = follow();
  const all = Array.from({ length: tens * 10 }, (_, i) => [added(serviceObject(i)), added(sliceObject(i, 1))]);
  // Two forms: with and without a node port. Each Service has a port in both families.
  const work = workOf(followed, () => followed.updateObjects(all.flat()));
  expect(work).toMatchObject({ tables: 1, tabulated: 2, walked: 4 });
});

test("an event makes one Service anew, whose form is known", () => {
  const followed = follow();
  const all = numbers.flatMap((i) => [added(serviceObject(i)), added(sliceObject(i, 1))]);
  expect(followed.updateObjects(all).table).toBeDefined();
  const change = (i: number, first: number) => (): void =>
    void expect(followed.updateObjects([changed(sliceObject(i, first))]).patch).toBeDefined();
  // What a Service had is made once more, to be removed.
  const none = { tables: 0, tabulated: 0, walked: 0 };
  for (const i of numbers) expect(workOf(followed, change(i, 3))).toEqual({ ...none, lowered: 2 });
  for (const i of numbers) expect(workOf(followed, change(i, 5))).toEqual({ ...none, lowered: 1 });
  const wanted = follow();
  wanted.updateObjects(numbers.flatMap((i) => [added(serviceObject(i)), added(sliceObject(i, 5))]));
  expect(saidBy(followed)).toEqual(saidBy(wanted));
});

test("Services that come and go are made once each", () => {
  const followed = follow();
  followed.updateObjects(numbers.slice(2).flatMap((i) => [added(serviceObject(i)), added(sliceObject(i, 1))]));
  const come = (i: number) => (): void => {
    const { patch } = followed.updateObjects([added(serviceObject(i)), added(sliceObject(i, 1))]);
    expect(patch).toBeDefined();
  };
  const go = (): void => {
    const objects = [serviceObject(0), sliceObject(0, 1)];
    expect(followed.updateObjects(objects.map((object) => ({ type: "DELETED", object }))).patch).toBeDefined();
  };
  const none = { tables: 0, lowered: 0, tabulated: 0, walked: 0 };
  expect(workOf(followed, come(0))).toEqual({ ...none, lowered: 1 });
  expect(workOf(followed, come(1))).toEqual({ ...none, lowered: 1 });
  expect(workOf(followed, go)).toEqual(none);
  expect(workOf(followed, come(0))).toEqual({ ...none, lowered: 1 });
  const wanted = follow();
  wanted.updateObjects(numbers.flatMap((i) => [added(serviceObject(i)), added(sliceObject(i, 1))]));
  expect(saidBy(followed)).toEqual(saidBy(wanted));
});

function saidBy({ table }: TableFollower): string[] {
  return linesOf(decodeTable(table ?? expect.fail("no table")));
}

/** A node port is looked up by its number alone, so that a packet to a cluster IP at a port of that number passes it, too. */
test("a Service port of the number of another Service's node port is no patch", () => {
  const followed = follow();
  followed.updateObjects(numbers.flatMap((i) => [added(serviceObject(i)), added(sliceObject(i, 1))]));
  const met = JSON.parse(JSON.stringify(serviceObject(0)).replace('"port":80', '"port":30001')) as object;
  for (const object of [met, serviceObject(1)]) {
    const { table, patch } = followed.updateObjects([changed(object)]);
    expect([table === undefined, patch]).toEqual([false, undefined]);
  }
});

test.each<[what: string, events: unknown, message: string]>([
  ["no list", 7, "events: expected a list of {type: string, object: object}, found 7"],
  ["no event", [7], "events[0]: expected {type: string, object: object}, found 7"],
  [
    "an event of another type",
    [{ type: "BOOKMARK", object: serviceObject(0) }],
    'events[0]: expected a type of ADDED, MODIFIED, DELETED, found "BOOKMARK"',
  ],
  [
    "an item of a list",
    [{ type: "ADDED", object: { metadata: { name: "web" } } }],
    "events[0]: expected an object with kind and metadata.name, found an object with metadata",
  ],
])("%s is refused", (_, events, message) => {
  const followed = follow();
  expect(() => followed.updateObjects(events as ObjectEvent[])).toThrow(new TypeError(message));
});
