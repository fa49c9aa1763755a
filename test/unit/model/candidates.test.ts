/** Which endpoints the ports of a Service may have. */
import { describe, expect, test } from "vitest";
import type { Candidate } from "../../../compiler/model/types.ts";
import { printAddressPort } from "../../../compiler/net/address.ts";
import { at, resolved, service, slice } from "../../support/resolved.ts";

function candidateText(candidate: Candidate): string {
  const { address, port, ready, serving, terminating, nodeName, zoneHints, nodeHints } = candidate;
  const states = Object.entries({ ready, serving, terminating }).flatMap(([name, is]) => (is ? [name] : []));
  const hints = [...zoneHints.map((zone) => `zone=${zone}`), ...nodeHints.map((node) => `node=${node}`)];
  return [
    printAddressPort(address, port),
    ...states,
    ...(nodeName === undefined ? [] : [`@${nodeName}`]),
    ...hints,
  ].join(" ");
}

const pod = (
  name: string,
  ip: string,
  members: { spec?: object; status?: object; meta?: object; ready?: string } = {},
) => ({
  ...{ apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "a", labels: { app: "x" }, ...members.meta } },
  spec: {
    containers: [{ name: "c", ports: [{ name: "http", containerPort: 8080 }] }],
    nodeName: "n1",
    ...members.spec,
  },
  status: {
    podIPs: [{ ip }],
    phase: "Running",
    conditions: [{ type: "Ready", status: members.ready ?? "True" }],
    ...members.status,
  },
});
const node = (name: string, zone: string) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: { "topology.kubernetes.io/zone": zone } },
});
const selecting = (spec: object = {}) =>
  service({ selector: { app: "x" }, ports: [{ port: 80, targetPort: 8080 }], ...spec });

describe("candidates", () => {
  const of = (...objects: object[]) => resolved(objects).cluster.servicePorts.IPv4[0]?.candidates.map(candidateText);

  test.each<[what: string, objects: object[], want: string[]]>([
    [
      "what a slice says",
      [
        service(),
        slice({
          endpoints: [
            at(
              "10.244.0.1",
              { ready: true, serving: true, terminating: false },
              { nodeName: "n1", hints: { forZones: [{ name: "z" }], forNodes: [{ name: "n2" }] } },
            ),
          ],
        }),
      ],
      ["10.244.0.1:8080 ready serving @n1 zone=z node=n2"],
    ],
    [
      "by address, then by port",
      [
        service(),
        slice({ endpoints: [at("10.244.0.2"), at("10.244.0.1")] }),
        slice({ ports: [{ port: 81 }] }, { name: "s-2" }),
      ],
      ["10.244.0.1:81 ready serving", "10.244.0.1:8080 ready serving", "10.244.0.2:8080 ready serving"],
    ],
    [
      "each once: the last, as kube-proxy reads a slice",
      [
        service(),
        slice({ endpoints: [at("10.244.0.1", {}, { nodeName: "n1" }), at("10.244.0.1", {}, { nodeName: "n2" })] }),
      ],
      ["10.244.0.1:8080 ready serving @n2"],
    ],
    [
      "also where it is not ready",
      [service(), slice({ endpoints: [at("10.244.0.1"), at("10.244.0.1", { ready: false, serving: true })] })],
      ["10.244.0.1:8080 serving"],
    ],
    [
      "but not one that ends after one that does not",
      [service(), slice({ endpoints: [at("10.244.0.1"), at("10.244.0.1", { ready: false, terminating: true })] })],
      ["10.244.0.1:8080 ready serving"],
    ],
    [
      "and not one that ends before one that does not",
      [service(), slice({ endpoints: [at("10.244.0.1", { ready: false, terminating: true }), at("10.244.0.1")] })],
      ["10.244.0.1:8080 ready serving"],
    ],
    [
      "of those that end the first",
      [
        service(),
        slice({
          endpoints: [
            at("10.244.0.1", { terminating: true }, { nodeName: "n1" }),
            at("10.244.0.1", { terminating: true }, { nodeName: "n2" }),
          ],
        }),
      ],
      ["10.244.0.1:8080 ready serving terminating @n1"],
    ],
    ["of the family", [service(), slice({ addressType: "IPv6", endpoints: [at("fd00::1")] })], []],
    [
      "of the port's name and protocol",
      [
        service({ ports: [{ name: "h", port: 80 }] }),
        slice({
          ports: [
            { name: "u", port: 8081, protocol: "UDP" },
            { name: "x", port: 8082 },
            { name: "h", port: 8083 },
          ],
        }),
      ],
      ["10.244.0.1:8083 ready serving"],
    ],
    [
      "pods that the selector matches, by address",
      [
        selecting(),
        pod("b", "10.244.0.2"),
        pod("a", "10.244.0.9"),
        pod("c", "10.244.0.3", { meta: { labels: { app: "y" } } }),
      ],
      ["10.244.0.2:8080 ready serving @n1", "10.244.0.9:8080 ready serving @n1"],
    ],
    [
      "by all of its labels",
      [
        selecting({ selector: { app: "x", tier: "1" } }),
        pod("a", "10.244.0.1"),
        pod("b", "10.244.0.2", { meta: { labels: { app: "x", tier: "1" } } }),
      ],
      ["10.244.0.2:8080 ready serving @n1"],
    ],
    ["of its namespace", [selecting(), pod("a", "10.244.0.1", { meta: { namespace: "b" } })], []],
    ["no pods where there are slices", [selecting(), pod("a", "10.244.0.1"), slice({ endpoints: [] })], []],
    ["no pods without a selector", [service(), pod("a", "10.244.0.1")], []],
    ["pods that are not ready", [selecting(), pod("a", "10.244.0.1", { ready: "False" })], ["10.244.0.1:8080 @n1"]],
    [
      "which are published",
      [selecting({ publishNotReadyAddresses: true }), pod("a", "10.244.0.1", { ready: "False" })],
      ["10.244.0.1:8080 ready @n1"],
    ],
    [
      "pods that end",
      [selecting(), pod("a", "10.244.0.1", { meta: { deletionTimestamp: "2026-01-01T00:00:00Z" } })],
      ["10.244.0.1:8080 serving terminating @n1"],
    ],
    ["no pods that have finished", [selecting(), pod("a", "10.244.0.1", { status: { phase: "Succeeded" } })], []],
    [
      "a port by its name",
      [
        selecting({ ports: [{ port: 80, targetPort: "http" }] }),
        pod("a", "10.244.0.1"),
        pod("b", "10.244.0.2", { spec: { containers: [{ name: "c" }] } }),
      ],
      ["10.244.0.1:8080 ready serving @n1"],
    ],
    [
      "zones for a distribution",
      [selecting({ trafficDistribution: "PreferClose" }), pod("a", "10.244.0.1"), node("n1", "z1")],
      ["10.244.0.1:8080 ready serving @n1 zone=z1"],
    ],
    [
      "nodes for another",
      [selecting({ trafficDistribution: "PreferSameNode" }), pod("a", "10.244.0.1"), node("n1", "z1")],
      ["10.244.0.1:8080 ready serving @n1 zone=z1 node=n1"],
    ],
    [
      "none without one",
      [selecting(), pod("a", "10.244.0.1"), node("n1", "z1")],
      ["10.244.0.1:8080 ready serving @n1"],
    ],
    [
      "pods without a node",
      [selecting({ trafficDistribution: "PreferSameNode" }), pod("a", "10.244.0.1", { spec: { nodeName: undefined } })],
      ["10.244.0.1:8080 ready serving"],
    ],
  ])("are %s", (_, objects, want) => {
    expect(of(...objects)).toEqual(want);
  });
});
