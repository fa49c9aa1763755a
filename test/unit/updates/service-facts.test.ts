import { expect, test } from "vitest";
import { NodeTables } from "../../../compiler/updates/node-tables.ts";
import type { Manifest } from "../../support/arbitraries.ts";

function service(name: string, spec: object): Manifest {
  return { metadata: { name, namespace: "shop" }, spec: { ipFamilies: ["IPv4"], ports: [{ port: 80 }], ...spec } };
}

function slice(name: string, nodeName: string): Manifest {
  return {
    metadata: { name: `${name}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.180.0.1"], nodeName }],
    ports: [{ name: "", port: 8080 }],
  };
}

function agentTables(): NodeTables {
  return new NodeTables({ nodeName: "node-a", mode: "nftables" });
}

test("a Service that claims what another one has is named, with what it loses, until it has it", () => {
  const tables = agentTables();
  const address = (clusterIP: string): object => ({ clusterIP, clusterIPs: [clusterIP], externalIPs: ["192.0.2.1"] });
  tables.put("Service", service("a", address("10.96.0.1")));
  tables.put("Service", service("b", address("10.96.0.2")));
  tables.update();
  expect([...tables.conflicts]).toEqual([["shop/b", ["external IP 192.0.2.1 port 80/TCP is taken by Service shop/a"]]]);
  tables.put("Service", service("c", address("10.96.0.1")));
  tables.update();
  expect(tables.conflicts.get("shop/c")).toEqual([
    "cluster IP 10.96.0.1 port 80/TCP is taken by Service shop/a",
    "external IP 192.0.2.1 port 80/TCP is taken by Service shop/a",
  ]);
  tables.delete("Service", "shop/a");
  tables.update();
  expect([...tables.conflicts]).toEqual([["shop/c", ["external IP 192.0.2.1 port 80/TCP is taken by Service shop/b"]]]);
  tables.delete("Service", "shop/b");
  tables.update();
  expect([...tables.conflicts]).toEqual([]);
});

test("Service ports whose policy finds no endpoint on this node are counted; those without any endpoint are not", () => {
  const tables = agentTables();
  const addresses = { clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1"] };
  const local = { ...addresses, type: "NodePort", internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" };
  tables.put("Service", service("a", { ...local, ports: [{ port: 80, nodePort: 30080 }] }));
  tables.update();
  const counts = (): unknown => tables.withoutLocal.get("shop/a")?.IPv4;
  expect(counts()).toEqual({ internal: 0, external: 0 });
  tables.put("EndpointSlice", slice("a", "node-b"));
  tables.update();
  expect(counts()).toEqual({ internal: 1, external: 1 });
  tables.put("EndpointSlice", slice("a", "node-a"));
  tables.update();
  expect(counts()).toEqual({ internal: 0, external: 0 });
  tables.put("Service", service("a", addresses));
  tables.update();
  expect(counts()).toBeUndefined();
});

test("a health check port has the ready endpoints of this node, each address once", () => {
  const tables = agentTables();
  const lb = {
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    clusterIP: "10.96.0.1",
    clusterIPs: ["10.96.0.1"],
  };
  const ports = [
    { name: "http", port: 80, nodePort: 30080 },
    { name: "tls", port: 443, nodePort: 30443 },
  ];
  const of = (endpoints: readonly object[]): Manifest => ({
    ...slice("a", "node-a"),
    endpoints,
    ports: [
      { name: "http", port: 8080 },
      { name: "tls", port: 8443 },
    ],
  });
  const checks = (): unknown => tables.healthChecks.get("shop/a");
  tables.put("Service", service("a", { ...lb, ports }));
  tables.update();
  expect(checks()).toBeUndefined();
  tables.put("Service", service("a", { ...lb, ports, healthCheckNodePort: 32000 }));
  tables.update();
  expect(checks()).toEqual({ port: 32000, localEndpoints: 0 });
  const here = { nodeName: "node-a" };
  const endpoints = [
    { addresses: ["10.180.0.1"], ...here },
    { addresses: ["10.180.0.2"], ...here, conditions: { ready: false, serving: true, terminating: true } },
    { addresses: ["10.180.0.3"], nodeName: "node-b" },
    { addresses: ["10.180.0.4"] },
    { addresses: ["10.180.0.5"], ...here },
  ];
  tables.put("EndpointSlice", of(endpoints));
  tables.update();
  expect(checks()).toEqual({ port: 32000, localEndpoints: 2 });
  tables.put("EndpointSlice", of(endpoints.slice(1, 4)));
  tables.update();
  expect(checks()).toEqual({ port: 32000, localEndpoints: 0 });
  tables.put("Service", service("a", { ...lb, ports: ports.slice(1), healthCheckNodePort: 32000 }));
  tables.put("EndpointSlice", { ...of(endpoints), ports: [{ name: "tls", port: 8443 }] });
  tables.update();
  expect(checks()).toEqual({ port: 32000, localEndpoints: 2 });
  tables.delete("Service", "shop/a");
  tables.update();
  expect(checks()).toBeUndefined();
});

test("each policy by itself may find no endpoint", () => {
  const tables = agentTables();
  const addresses = { clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1"], type: "NodePort" };
  const counts = (more: object): unknown => {
    tables.put("Service", service("a", { ...addresses, ...more, ports: [{ port: 80, nodePort: 30080 }] }));
    tables.put("EndpointSlice", slice("a", "node-b"));
    tables.update();
    return tables.withoutLocal.get("shop/a")?.IPv4;
  };
  expect(counts({ internalTrafficPolicy: "Local" })).toEqual({ internal: 1, external: 0 });
  expect(counts({ externalTrafficPolicy: "Local" })).toEqual({ internal: 0, external: 1 });
  expect(counts({})).toBeUndefined();
});
