/** Which endpoints the ports of a Service may have. */
import { describe, expect, test } from "vitest";
import { resolveCluster } from "../../../compiler/model/resolve.ts";
import type { Candidate } from "../../../compiler/model/types.ts";
import { printAddressPort } from "../../../compiler/net/address.ts";
import { completeText } from "../../support/complete.ts";
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
const endpoints = (...subsets: object[]) => ({
  ...{ apiVersion: "v1", kind: "Endpoints", metadata: { name: "s", namespace: "a" }, subsets },
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
    [
      "the last by the names of slices, whichever comes first",
      [
        service(),
        slice({ endpoints: [at("10.244.0.1", {}, { nodeName: "n2" })] }, { name: "s-2" }),
        slice({ endpoints: [at("10.244.0.1", {}, { nodeName: "n1" })] }),
      ],
      ["10.244.0.1:8080 ready serving @n2"],
    ],
    [
      "by address, whatever the ports are",
      [
        service(),
        slice({ endpoints: [at("10.244.0.1")], ports: [{ port: 90 }] }),
        slice({ endpoints: [at("10.244.0.2")], ports: [{ port: 80 }] }, { name: "s-2" }),
      ],
      ["10.244.0.1:90 ready serving", "10.244.0.2:80 ready serving"],
    ],
    [
      "the first address of an endpoint",
      [service(), slice({ endpoints: [{ addresses: ["10.244.0.2", "10.244.0.1"] }] })],
      ["10.244.0.2:8080 ready serving"],
    ],
    [
      "addresses of an Endpoints object, in their family",
      [service(), endpoints({ addresses: [{ ip: "10.244.0.1" }, { ip: "fd00::1" }], ports: [{ port: 8080 }] })],
      ["10.244.0.1:8080 ready serving"],
    ],
    [
      "not ready where one of its subsets says so, whichever comes first",
      [
        service(),
        endpoints(
          { notReadyAddresses: [{ ip: "10.244.0.1" }], ports: [{ port: 8080 }] },
          { addresses: [{ ip: "10.244.0.1" }], ports: [{ port: 8080 }] },
        ),
      ],
      ["10.244.0.1:8080 serving"],
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
    [
      "not by the rarest alone",
      [
        selecting({ selector: { app: "x", tier: "1" } }),
        pod("a", "10.244.0.1"),
        pod("b", "10.244.0.2", { meta: { labels: { app: "x", tier: "1" } } }),
        pod("c", "10.244.0.3"),
        pod("d", "10.244.0.4", { meta: { labels: { tier: "1" } } }),
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

test("Pods that kpc has assumed for a workload leave an Endpoints object its place", () => {
  const deployment = {
    ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d", namespace: "a" } },
    spec: {
      selector: { matchLabels: { app: "y" } },
      template: { metadata: { labels: { app: "y" } }, spec: { containers: [{ name: "c" }] } },
    },
  };
  const object = endpoints({ addresses: [{ ip: "10.244.0.1" }], ports: [{ port: 8080 }] });
  const { specs } = completeText([selecting(), object, deployment].map((each) => JSON.stringify(each)).join("\n---\n"));
  expect(specs.pods).toHaveLength(1);
  const { servicePorts } = resolveCluster(specs, { controller: "x" }, () => undefined);
  expect(servicePorts.IPv4[0]?.candidates.map(candidateText)).toEqual(["10.244.0.1:8080 ready serving"]);
});
