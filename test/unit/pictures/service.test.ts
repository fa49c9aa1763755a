import { describe, expect, test } from "vitest";
import { resolveInput } from "../../../compiler/compile.ts";
import { resolveConfig } from "../../../compiler/node/resolve.ts";
import { drawFanOuts } from "../../../compiler/pictures/service/draw.ts";
import { type FanOut, fanOutOf } from "../../../compiler/pictures/service/fan-out.ts";
import { endpointBoxes } from "../../../compiler/pictures/service/fold.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import { sceneFaults } from "../../support/scene-checks.ts";

/** The first port of Service shop/web, seen from n1, with `count` ready endpoints on each of `nodes` nodes. */
function webFanOut(spec: Record<string, unknown>, nodes = 2, count = 1, more: readonly unknown[] = []): FanOut {
  const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
  const endpoints = names.flatMap((nodeName, n) =>
    Array.from({ length: count }, (_, i) => ({
      addresses: [`10.244.${n + 1}.${i + 10}`],
      conditions: { ready: true },
      nodeName,
      targetRef: { kind: "Pod", name: `web-${n}-${i}` },
    })),
  );
  const objects = [
    ...names.map((name, i) => ({
      kind: "Node",
      metadata: { name, labels: { "topology.kubernetes.io/zone": i % 2 === 0 ? "east" : "west" } },
      status: { addresses: [{ type: "InternalIP", address: `192.168.1.${i + 1}` }] },
    })),
    {
      kind: "Service",
      metadata: { name: "web", namespace: "shop" },
      spec: { clusterIP: "10.96.0.10", ports: [{ name: "http", port: 80, targetPort: 8080 }], ...spec },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080 }],
      endpoints: [...endpoints, ...more],
    },
  ].map((object) => ({ apiVersion: "v1", ...object }));
  const text = objects.map((object) => JSON.stringify(object)).join("\n");
  const { diagnostics, resolved } = resolveInput(
    (report) => loadSpecs([{ name: "shop.json", text }], report),
    { nodeName: "n1" },
    {},
    (config, specs, report) => [resolveConfig(config, specs, report)],
  );
  const [seen] = resolved?.nodes ?? [];
  const [port] = resolved?.cluster.servicePorts.IPv4 ?? [];
  if (resolved === undefined || seen === undefined || port === undefined) throw new Error(JSON.stringify(diagnostics));
  return fanOutOf(port, { ...resolved.cluster, ...seen });
}

/** `kind: who: list or what happens instead`. */
function rowsOf({ frontends, sets }: FanOut): string[] {
  return frontends.map(({ kind, who, set, unserved }) => {
    const list = sets.find(({ name }) => name === set);
    return `${kind}: ${who}: ${list === undefined ? unserved : `${list.title} (${list.count})`}`;
  });
}

const LOCAL = {
  type: "LoadBalancer",
  externalTrafficPolicy: "Local",
  loadBalancerSourceRanges: ["203.0.113.0/24"],
};

describe("fanOutOf", () => {
  test.each<[string, Record<string, unknown>, readonly unknown[], readonly string[]]>([
    ["a cluster IP", {}, [], ["cluster IP: everyone: all ready (2)"]],
    ["internalTrafficPolicy Local", { internalTrafficPolicy: "Local" }, [], ["cluster IP: everyone: ready on n1 (1)"]],
    [
      "externalTrafficPolicy Local: who is on the node reaches all",
      { ...LOCAL, ports: [{ name: "http", port: 80, nodePort: 30080 }] },
      [],
      [
        "cluster IP: everyone: all ready (2)",
        "node port: n1 and its pods: all ready (2)",
        "node port: everyone else: ready on n1 (1)",
      ],
    ],
  ])("%s", (_, spec, more, rows) => {
    expect(rowsOf(webFanOut(spec, 2, 1, more))).toEqual(rows);
  });

  test("without endpoints", () => {
    expect(rowsOf(webFanOut({ externalIPs: ["198.51.100.7"] }, 2, 0))).toEqual([
      "cluster IP: everyone: rejected: no endpoint",
      "external IP: everyone: rejected: no endpoint",
    ]);
  });

  test("without endpoints on the node", () => {
    const elsewhere = { addresses: ["10.244.2.10"], conditions: { ready: true }, nodeName: "n2" };
    expect(rowsOf(webFanOut({ internalTrafficPolicy: "Local" }, 2, 0, [elsewhere]))).toEqual([
      "cluster IP: everyone: dropped: no endpoint here",
    ]);
  });

  test("endpoints that get nothing say why", () => {
    const more = [
      { addresses: ["10.244.1.30"], conditions: { ready: false }, nodeName: "n1" },
      { addresses: ["10.244.1.31"], conditions: { ready: false, serving: true, terminating: true }, nodeName: "n1" },
    ];
    const { nodes } = webFanOut({}, 1, 1, more);
    expect(nodes.flatMap(({ endpoints }) => endpoints.map(({ address, state }) => `${address} ${state}`))).toEqual([
      "10.244.1.10:8080 undefined",
      "10.244.1.30:8080 not ready",
      "10.244.1.31:8080 terminating",
    ]);
  });

  test("zone hints narrow the list", () => {
    const hinted = (address: string, zone: string): unknown => ({
      addresses: [address],
      conditions: { ready: true },
      hints: { forZones: [{ name: zone }] },
    });
    const fanOut = webFanOut({}, 2, 0, [hinted("10.244.1.10", "east"), hinted("10.244.2.10", "west")]);
    expect(rowsOf(fanOut)).toEqual(["cluster IP: everyone: ready for zone east (1)"]);
    expect(fanOut.nodes.flatMap(({ endpoints }) => endpoints.map(({ state }) => state))).toEqual([
      undefined,
      "not for this node",
    ]);
  });
});

describe("endpointBoxes", () => {
  test.each([
    ["few", 2, 2, ["n1: 1 1", "n2: 1 1"]],
    ["many of one node", 2, 20, ["n1: 20", "n2: 20"]],
    ["many nodes of equal shape, by zone", 50, 20, ["n1 and 24 more: 500", "n2 and 24 more: 500"]],
  ])("%s", (_, nodes, count, boxes) => {
    const fanOut = webFanOut({}, nodes, count);
    const shown = endpointBoxes(fanOut).map(
      ({ title, rows }) => `${title}: ${rows.map(({ copies }) => copies).join(" ")}`,
    );
    expect(shown).toEqual(boxes);
    const scene = drawFanOuts([fanOut], { service: "shop/web", seenFrom: "n1", mode: "nftables", left: 0 });
    expect(sceneFaults(scene)).toEqual([]);
    expect(scene.height).toBeLessThan(700);
  });
});
