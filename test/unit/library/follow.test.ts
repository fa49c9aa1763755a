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
  const work = { tables: 0, lowered: 0, tabulated: 0 };
  return new TableFollower(new Map(), { config, strict: false, source: "", work }, []);
}

/** What an update does, besides its answer. */
function workOf(followed: TableFollower, update: () => unknown): FollowWork {
  const { tables, lowered, tabulated } = followed.work;
  update();
  const now = followed.work;
  return { tables: now.tables - tables, lowered: now.lowered - lowered, tabulated: now.tabulated - tabulated };
}

test("an event makes one Service anew, whose form is known", () => {
  const followed = follow();
  const all = numbers.flatMap((i) => [added(serviceObject(i)), added(sliceObject(i, 1))]);
  expect(followed.updateObjects(all).table).toBeDefined();
  const change = (i: number, first: number) => (): void =>
    void expect(followed.updateObjects([changed(sliceObject(i, first))]).patch).toBeDefined();
  // Two forms: with and without a node port. What a Service had is made once more, to be removed.
  for (const i of [0, 1]) expect(workOf(followed, change(i, 3))).toEqual({ tables: 0, lowered: 2, tabulated: 1 });
  for (const i of numbers.slice(2))
    expect(workOf(followed, change(i, 3))).toEqual({ tables: 0, lowered: 2, tabulated: 0 });
  for (const i of numbers) expect(workOf(followed, change(i, 5))).toEqual({ tables: 0, lowered: 1, tabulated: 0 });
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
  expect(workOf(followed, come(0))).toEqual({ tables: 0, lowered: 1, tabulated: 1 });
  expect(workOf(followed, come(1))).toEqual({ tables: 0, lowered: 1, tabulated: 1 });
  expect(workOf(followed, go)).toEqual({ tables: 0, lowered: 0, tabulated: 0 });
  expect(workOf(followed, come(0))).toEqual({ tables: 0, lowered: 1, tabulated: 0 });
  const wanted = follow();
  wanted.updateObjects(numbers.flatMap((i) => [added(serviceObject(i)), added(sliceObject(i, 1))]));
  expect(saidBy(followed)).toEqual(saidBy(wanted));
});

function saidBy({ table }: TableFollower): string[] {
  return linesOf(decodeTable(table ?? expect.fail("no table")));
}

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
