import { expect, test } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { differenceOf } from "../../../compiler/ir/table-change.ts";
import type { Table } from "../../../compiler/ir/types.ts";
import type { Mode } from "../../../compiler/node/settings.ts";
import { concernedBy, planOf, renderPlan } from "../../../compiler/verify/services/plan.ts";

const slice = (name: string, endpoints: readonly string[], port = 8080): string => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-1, namespace: shop, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
ports: [{name: http, port: ${port}}]
endpoints: [${endpoints.map((each) => `{addresses: [${each}]}`).join(", ")}]
---`;

const service = (name: string, spec: string, ...endpoints: readonly string[]): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {${spec}}
---${slice(name, endpoints)}`;

const WEB = "clusterIP: 10.96.0.10, ports: [{name: http, port: 80}]";
const WEB_NODE_PORT = "type: NodePort, clusterIP: 10.96.0.10, ports: [{name: http, port: 80, nodePort: 30080}]";
const API = "clusterIP: 10.96.0.11, ports: [{name: http, port: 80}]";
const AFFINITY = "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}";
const [STICKY, STICKY_API] = [`${WEB}, ${AFFINITY}`, `${API}, ${AFFINITY}`];
const [A, B, C] = ["10.244.1.5", "10.244.1.6", "10.244.1.7"];

function tablesOf(text: string, mode: Mode = "nftables"): readonly Table[] {
  const { compiled } = compile([{ name: "test.yaml", text }], { mode, nodeName: "node-1" });
  if (compiled === undefined) throw new Error("this does not compile");
  return compiled.program.ruleset.tables;
}

function linesOf(before: string, after: string, limit = 10): string[] {
  const [left, right] = [before, after].map((text) => (text === "" ? [] : tablesOf(text))) as [
    readonly Table[],
    readonly Table[],
  ];
  const change = differenceOf(left[0], right[0]);
  return renderPlan(planOf(left, right, change === undefined ? [] : [change]), limit);
}

const plan = (added: number, removed: number, changed: number, elements: string): string =>
  `Plan: Service ports ${added} to add, ${removed} to remove, ${changed} to change; elements ${elements}`;

const OTHER = service("other", "clusterIP: 10.96.0.99, ports: [{name: http, port: 9}]", "10.244.9.9");

test.each<[lines: readonly string[], why: string, before: string, after: string]>([
  [[plan(0, 0, 0, "0 to add, 0 to remove")], "nothing changes", service("web", WEB, A), service("web", WEB, A)],
  [
    ["  ~ shop/web:http  - 10.244.1.5:8080; 5 elements", plan(0, 0, 1, "2 to add, 3 to remove")],
    "an endpoint goes; the other one gets its number",
    service("web", WEB, A, B) + service("api", API, A),
    service("web", WEB, B) + service("api", API, A),
  ],
  [
    ["  ~ shop/web:http  + 10.244.1.7:8080; 3 elements", plan(0, 0, 1, "2 to add, 1 to remove")],
    "an endpoint comes",
    service("web", WEB, A, B) + service("api", API, A, B, C),
    service("web", WEB, A, B, C) + service("api", API, A, B, C),
  ],
  [
    ["  + shop/web:http  10.96.0.10:80/tcp; -> 10.244.1.5:8080; 3 elements", plan(1, 0, 0, "5 to add, 0 to remove")],
    "a Service comes",
    service("other", "clusterIP: 10.96.0.99, ports: [{name: http, port: 9}]", B),
    service("other", "clusterIP: 10.96.0.99, ports: [{name: http, port: 9}]", B) + service("web", WEB, A),
  ],
  [
    ["  ~ shop/web:http  + 10.244.1.7:8080, - 10.244.1.6:8080; 2 elements", plan(0, 0, 1, "3 to add, 3 to remove")],
    "an endpoint of a Service with session affinity becomes another",
    service("web", STICKY, A, B) + OTHER,
    service("web", STICKY, A, C) + OTHER,
  ],
  [
    ["  ~ shop/web:http  - 10.244.1.5:8080; 7 elements", plan(0, 0, 1, "3 to add, 5 to remove")],
    "the first endpoint of a Service with session affinity goes",
    service("web", STICKY, A, B) + service("api", STICKY_API, A, B),
    service("web", STICKY, B) + service("api", STICKY_API, A, B),
  ],
  [
    ["  ~ shop/web:http  5 elements", plan(0, 0, 1, "5 to add, 2 to remove")],
    "a Service gets session affinity, and keeps its endpoints",
    service("web", WEB, A, B) + service("api", STICKY_API, A, B),
    service("web", STICKY, A, B) + service("api", STICKY_API, A, B),
  ],
  [
    [
      "  + shop/web:http  10.96.0.10:80/tcp; -> 10.244.1.5:8080, 10.244.1.6:8080; 5 elements",
      plan(1, 0, 0, "8 to add, 0 to remove"),
    ],
    "a Service with session affinity comes",
    OTHER + service("api", STICKY_API, A, B),
    OTHER + service("web", STICKY, A, B) + service("api", STICKY_API, A, B),
  ],
  [
    ["  - shop/web:http  10.96.0.10:80/tcp", plan(0, 1, 0, "0 to add, 5 to remove")],
    "a Service goes",
    OTHER + service("web", WEB, A),
    OTHER,
  ],
  [
    [
      "  * make table ip kpc",
      "  + shop/web:http  10.96.0.10:80/tcp; no endpoints; 1 element",
      plan(1, 0, 0, "2 to add, 0 to remove"),
    ],
    "a table comes",
    "",
    service("web", WEB),
  ],
  [
    ["  * remove table ip kpc", "  - shop/web:http  10.96.0.10:80/tcp", plan(0, 1, 0, "0 to add, 2 to remove")],
    "a table goes",
    service("web", WEB),
    "",
  ],
])("%j: %s", (lines, _, before, after) => {
  const found = linesOf(before, after);
  // Which chains pick among so many endpoints is for other tests.
  expect(found.filter((line) => !/^ {2}\* (?:write|remove) chain/.test(line))).toEqual(lines);
});

test("a node port that comes is a frontend, and its endpoints are not new", () => {
  const found = linesOf(service("web", WEB, A), service("web", WEB_NODE_PORT, A));
  expect(found).toContain("  ~ shop/web:http  + node port 30080/tcp; 3 elements");
});

test("more Service ports than the limit are counted", () => {
  const many = ["a", "b", "c"]
    .map((name, i) => service(name, `clusterIP: 10.96.1.${i}, ports: [{name: http, port: 80}]`))
    .join("");
  const found = linesOf("", many, 2);
  expect(found.slice(1, 4)).toEqual([
    "  + shop/a:http  10.96.1.0:80/tcp; no endpoints; 1 element",
    "  + shop/b:http  10.96.1.1:80/tcp; no endpoints; 1 element",
    "  … and 1 more Service ports (--limit 3 shows them)",
  ]);
});

test("what concerns a plan is all of its Services, and nothing of others", () => {
  const before = tablesOf(service("web", WEB, A, B) + service("api", API, A, C));
  const after = tablesOf(service("web", WEB, B) + service("api", API, A, C));
  const change = differenceOf(before[0], after[0]);
  const planned = planOf(before, after, change === undefined ? [] : [change]);
  expect(concernedBy(planned, before)).toEqual(
    tablesOf(service("web", WEB, A, B) + service("api", API, A, C)).map((table) => ({
      ...table,
      maps: table.maps.map((map, i) => ({ ...map, elements: elementsOf(before, i, "10.96.0.10") })),
      sets: concernedBy(planned, before)[0]?.sets,
    })),
  );
  const [hairpin] = (concernedBy(planned, before)[0]?.sets ?? []).filter(({ name }) => name === "hairpin");
  expect(hairpin?.elements.length).toBe(2); // of A and B
});

/** The elements of a map whose key begins with this address. */
function elementsOf(tables: readonly Table[], map: number, address: string): readonly unknown[] {
  const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return tables[0]?.maps[map]?.elements.filter(({ key }) => Array.isArray(key) && key[0] === number) ?? [];
}
