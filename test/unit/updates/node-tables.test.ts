/** What an agent is told of updates: whom they concern, why, and what is wrong with objects. */
import { describe, expect, test } from "vitest";
import { printAddress } from "../../../compiler/net/address.ts";
import type { Config } from "../../../compiler/node/config.ts";
import { NodeTables, type NodeUpdate } from "../../../compiler/updates/node-tables.ts";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";
import type { Manifest } from "../../support/arbitraries.ts";

const CONFIG: Config = { nodeName: "node-a", mode: "nftables" };

function tablesOf(...objects: readonly Manifest[]): NodeTables {
  const tables = new NodeTables(CONFIG);
  put(tables, ...objects);
  return tables;
}

function put(tables: NodeTables, ...objects: readonly Manifest[]): void {
  for (const object of objects) tables.put(object["kind"] as never, object);
}

function node(...addresses: readonly string[]): Manifest {
  const status = { addresses: addresses.map((address) => ({ type: "InternalIP", address })) };
  return { apiVersion: "v1", kind: "Node", metadata: { name: "node-a" }, status };
}

/** A Service of UDP. */
function udp(name: string, address: string, more: object = {}): Manifest {
  const service = serviceOf(name, address);
  return { ...service, spec: { ...(service["spec"] as object), ports: [{ port: 53, protocol: "UDP" }], ...more } };
}

function udpSlice(name: string, ...addresses: readonly string[]): Manifest {
  return { ...endpointSlice(name, ...addresses), ports: [{ name: "", port: 53, protocol: "UDP" }] };
}

const WEB = [serviceOf("web", "172.30.0.41"), endpointSlice("web", "10.180.0.1")];
const API = [serviceOf("api", "172.30.0.42"), endpointSlice("api", "10.180.0.3")];

test("before the first update there are no tables, and one is waiting for settings alone", () => {
  const tables = tablesOf();
  expect([tables.tables(), tables.emptyTables(), [...tables.pieces(1)]]).toEqual([[], [], []]);
  expect([tables.waiting, tables.size, tables.settings]).toEqual([1, 0, undefined]);
  put(tables, ...WEB, ...API);
  expect([tables.waiting, tables.size]).toEqual([2, 0]);
  tables.update();
  expect([tables.waiting, tables.size]).toEqual([0, 2]);
  expect(tables.settings?.node.name).toBe("node-a");
  expect(tables.update()).toBeUndefined();
});

test("an update names the Services that it makes anew, and the objects that led to it, each once", () => {
  const tables = tablesOf(node("192.168.0.1"), ...WEB, ...API);
  const told = (update: NodeUpdate | undefined): unknown => [update?.services, update?.causes];
  expect(told(tables.update())).toEqual([
    ["shop/web", "shop/api"],
    ["Node node-a", "Service shop/web", "EndpointSlice shop/web-1", "Service shop/api", "EndpointSlice shop/api-1"],
  ]);
  put(tables, endpointSlice("web", "10.180.0.2"), endpointSlice("web", "10.180.0.1"));
  tables.delete("EndpointSlice", "shop/api-1");
  expect(tables.waiting).toBe(2);
  expect(told(tables.update())).toEqual([
    ["shop/web", "shop/api"],
    ["EndpointSlice shop/web-1", "EndpointSlice shop/api-1"],
  ]);
  tables.delete("Service", "shop/api");
  expect(told(tables.update())).toEqual([["shop/api"], ["Service shop/api"]]);
  tables.delete("Service", "shop/api");
  expect(tables.update()).toBeUndefined();
});

test("all objects that led to one Service's update are named, each once", () => {
  const tables = tablesOf(...WEB);
  tables.update();
  const slice = endpointSlice("web", "10.180.0.9");
  const named = (name: string): Manifest => ({ ...slice, metadata: { ...(slice["metadata"] as object), name } });
  put(tables, named("web-2"), named("web-3"), named("web-4"));
  tables.delete("EndpointSlice", "shop/web-3");
  expect(tables.update()?.causes).toEqual(["web-2", "web-3", "web-4"].map((name) => `EndpointSlice shop/${name}`));
});

test("what has no name is left out", () => {
  const tables = tablesOf();
  tables.update();
  for (const value of [undefined, null, {}, { metadata: {} }]) tables.put("Service", value);
  expect(tables.waiting).toBe(0);
});

test("what is told again waits for nothing", () => {
  const tables = tablesOf(node("192.168.0.1"), ...WEB);
  tables.update();
  put(tables, node("192.168.0.1"), ...WEB);
  expect(tables.waiting).toBe(0);
});

test("settings that are the same after an event change nothing", () => {
  const tables = tablesOf(node("192.168.0.1"), ...WEB);
  tables.update();
  put(tables, { ...node("192.168.0.1"), metadata: { name: "node-a", creationTimestamp: "2026-01-01T00:00:00Z" } });
  expect(tables.waiting).toBe(1);
  const update = tables.update();
  expect([update?.services, update?.causes, update?.changes]).toEqual([[], ["Node node-a"], []]);
});

test("other settings make all Services anew in one update, whatever its limit is", () => {
  const tables = tablesOf(node("192.168.0.1"), ...WEB, ...API);
  expect(tables.update(1)?.services).toEqual(["shop/web"]);
  put(tables, node("192.168.0.2"));
  expect([tables.waiting, tables.update(1)?.services]).toEqual([1, ["shop/api", "shop/web"]]);
  expect(tables.settings?.node.addresses.map(printAddress)).toEqual(["192.168.0.2"]);
  tables.delete("Node", "node-a");
  expect(tables.update(1)?.services).toEqual(["shop/web", "shop/api"]);
});

test("beside one Service that is there, all that wait come with other settings", () => {
  const tables = tablesOf(node("192.168.0.1"), ...WEB, ...API, serviceOf("z", "172.30.0.43"));
  tables.update(1);
  put(tables, node("192.168.0.2"));
  expect(tables.update(1)?.services).toEqual(["shop/api", "shop/z", "shop/web"]);
});

test("what two Services of two families claim is the older one's in both", () => {
  const ips = ["172.30.0.41", "fd30::41"];
  const dual = (name: string): Manifest => ({
    ...serviceOf(name, "172.30.0.41"),
    spec: { clusterIP: ips[0], clusterIPs: ips, ipFamilies: ["IPv4", "IPv6"], ports: [{ port: 80 }] },
  });
  const tables = tablesOf(dual("a"), dual("b"));
  tables.update();
  expect([...tables.conflicts]).toEqual([["shop/b", ips.map((ip) => expect.stringContaining(ip))]]);
});

test("a Service that wins or loses by another one's event is made anew with it", () => {
  const both = [serviceOf("a", "172.30.0.41"), serviceOf("b", "172.30.0.41")];
  const tables = tablesOf(...both, endpointSlice("a", "10.180.0.1"), endpointSlice("b", "10.180.0.2"));
  tables.update();
  put(tables, endpointSlice("a", "10.180.0.3"));
  expect(tables.update()?.services).toEqual(["shop/a"]);
  tables.delete("Service", "shop/a");
  expect(tables.update()?.services).toEqual(["shop/a", "shop/b"]);
});

test("all pieces together have each Service once", () => {
  const tables = tablesOf(...WEB, ...API, serviceOf("z", "172.30.0.43"));
  tables.update();
  expect([...tables.pieces(2)].map(({ services }) => services)).toEqual([["shop/web", "shop/api"], ["shop/z"]]);
  expect([...tables.pieces(3)].map(({ services }) => services.length)).toEqual([3]);
});

test("the table goes with the last Service that has an endpoint or a port in it", () => {
  const tables = tablesOf(...WEB, ...API);
  tables.update();
  put(tables, endpointSlice("web", "10.180.0.7"));
  tables.update();
  tables.delete("Service", "shop/web");
  tables.update();
  expect(tables.tables().length).toBe(1);
  tables.delete("Service", "shop/api");
  expect(tables.update()?.changes.map(({ family, table }) => [family, table])).toEqual([["ip", "deleted"]]);
  expect(tables.tables()).toEqual([]);
});

describe("what is wrong with objects", () => {
  const broken = { ...serviceOf("web", "172.30.0.41"), spec: { ports: [{ port: 99_999 }] } };
  const found = (tables: NodeTables, of: string): unknown => tables.findings.get(of)?.map(({ severity }) => severity);

  test("is told of a Service until it is right, or gone", () => {
    const tables = tablesOf(broken);
    tables.update();
    expect(found(tables, "shop/web")).toEqual(["error"]);
    expect(tables.findings.get("shop/web")?.[0]).toEqual({
      severity: "error",
      code: expect.any(String),
      message: expect.stringContaining("99999"),
    });
    expect(tables.size).toBe(0);
    put(tables, ...WEB);
    tables.update();
    expect([found(tables, "shop/web"), tables.size]).toEqual([undefined, 1]);
    put(tables, broken);
    tables.update();
    expect([found(tables, "shop/web"), tables.size]).toEqual([["error"], 1]);
    tables.delete("Service", "shop/web");
    tables.update();
    expect([found(tables, "shop/web"), tables.size]).toEqual([undefined, 0]);
  });

  test("counts as warnings, too; notes do not", () => {
    const hidden = { ...serviceOf("web", "172.30.0.41") };
    const ranges = { loadBalancerSourceRanges: ["10.0.0.1/8"], type: "LoadBalancer" };
    const tables = tablesOf({ ...hidden, spec: { ...(hidden["spec"] as object), ...ranges } });
    tables.update();
    expect(found(tables, "shop/web")).toEqual(["warning"]);
    const none = tablesOf(serviceOf("web", "172.30.0.41"));
    none.update();
    expect(found(none, "shop/web")).toBeUndefined();
  });

  test("keeps the settings that were there, until it is right", () => {
    const tables = tablesOf(node("192.168.0.1"), ...WEB);
    tables.update();
    put(tables, { ...node("192.168.0.2"), spec: { podCIDR: "10.0.0.0/99" } });
    expect(tables.update()?.services).toEqual([]);
    expect(found(tables, "")).toEqual(["error"]);
    expect(tables.settings?.node.addresses.map(printAddress)).toEqual(["192.168.0.1"]);
    put(tables, node("192.168.0.3"));
    expect(tables.update()?.services).toEqual(["shop/web"]);
    expect(found(tables, "")).toBeUndefined();
  });

  test("a warning keeps no settings away", () => {
    const tables = new NodeTables({ ...CONFIG, detectLocalMode: "NodeCIDR" });
    put(tables, node("192.168.0.1"), ...WEB);
    tables.update();
    put(tables, node("192.168.0.2"));
    expect(tables.update()?.services).toEqual(["shop/web"]);
    expect([found(tables, ""), tables.settings?.node.addresses.map(printAddress)]).toEqual([
      ["warning"],
      ["192.168.0.2"],
    ]);
  });

  test("does not keep a node from having settings at first", () => {
    const tables = tablesOf({ ...node("192.168.0.1"), spec: { podCIDR: "10.0.0.0/99" } }, ...WEB);
    expect(tables.update()?.services).toEqual(["shop/web"]);
    expect([found(tables, ""), tables.settings?.node.name]).toEqual([["error"], "node-a"]);
  });
});

describe("of Services of UDP, connections may outlive endpoints", () => {
  /** Addresses of endpoints of each port. */
  const endpoints = (update: NodeUpdate | undefined): unknown => {
    const of = (side: "before" | "after"): unknown =>
      update?.udp[side].map(({ candidates }) => candidates.map(({ address }) => printAddress(address)));
    return [of("before"), of("after")];
  };

  test("their ports before and after are told", () => {
    const tables = tablesOf(udp("dns", "172.30.0.43"), udpSlice("dns", "10.180.0.5"), ...WEB);
    expect(endpoints(tables.update())).toEqual([[], [["10.180.0.5"]]]);
    put(tables, udpSlice("dns", "10.180.0.6"), endpointSlice("web", "10.180.0.9"));
    expect(endpoints(tables.update())).toEqual([[["10.180.0.5"]], [["10.180.0.6"]]]);
    tables.delete("Service", "shop/dns");
    expect(endpoints(tables.update())).toEqual([[["10.180.0.6"]], []]);
  });

  test("and ports of other protocols are not", () => {
    const dns = serviceOf("dns", "172.30.0.43");
    const ports = [
      { name: "tcp", port: 53 },
      { name: "udp", port: 53, protocol: "UDP" },
    ];
    const tables = tablesOf({ ...dns, spec: { ...(dns["spec"] as object), ports } });
    expect(tables.update()?.udp.after.map(({ portName }) => portName)).toEqual(["udp"]);
  });

  test("without the addresses that other Services have", () => {
    const external = { externalIPs: ["192.0.2.1"] };
    const tables = tablesOf(udp("a", "172.30.0.43", external), udp("b", "172.30.0.44", external));
    const externals = tables.update()?.udp.after.map(({ name, externalIps }) => [name, externalIps.length]);
    expect(externals).toEqual([
      ["a", 1],
      ["b", 0],
    ]);
  });
});

test("with spare chains a table has more chains than it uses, and keeps them", () => {
  const tables = new NodeTables(CONFIG, { hasSpares: true });
  put(tables, ...WEB);
  tables.update();
  const picks = (): number[] =>
    tables.tables().map(({ chains }) => chains.filter(({ name }) => name.startsWith("pick-")).length);
  expect(picks()).toEqual([64]);
  put(tables, endpointSlice("web", ...Array.from({ length: 100 }, (_, i) => `10.180.1.${i}`)));
  tables.update();
  expect(picks()).toEqual([67]);
  put(tables, endpointSlice("web", "10.180.0.1"));
  tables.update();
  expect(picks()).toEqual([67]);
  expect(tables.emptyTables().map(({ chains }) => chains.length)).toEqual(
    tables.tables().map(({ chains }) => chains.length),
  );
  put(tables, endpointSlice("web"));
  tables.update();
  expect(picks()).toEqual([0]);
});
