/** What the ends of a flow through the cluster may be called, and what is said about names that lead nowhere. */
import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../../../../compiler/diagnostics.ts";
import { traceCluster } from "../../../../compiler/index.ts";
import { printAddress, printAddressPort } from "../../../../compiler/net/address.ts";
import { parsePacket } from "../../../../compiler/trace/parse.ts";
import { resolveFlow } from "../../../../compiler/trace/walk/flow.ts";
import { describeShop } from "../../../support/walks.ts";

const { input, layout } = describeShop({ pods: "bridge", balancer: "proxy" });

/** `HOST > ADDRESS:PORT`, or what was reported. */
function flowOf(text: string): string {
  const found: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void found.push(diagnostic);
  const packet = parsePacket({ name: "packet", text }, report);
  const flow = packet && resolveFlow(packet, input.specs, layout, report);
  if (flow === undefined) return found.map(({ code, message }) => `${code}: ${message}`).join("; ");
  const { from, source, destination, destinationPort } = flow;
  const by = source === undefined ? "" : ` ${printAddress(source)}`;
  return `${from}${by} > ${printAddressPort(destination, destinationPort)}`;
}

describe("who sends", () => {
  test.each([
    ["pod/shop/client", "pod/shop/client"],
    ["pod/client", "pod/shop/client"],
    ["shop/web-1", "pod/shop/web-1"],
    ["web-1", "pod/shop/web-1"],
    ["pods/shop/web-1", "pod/shop/web-1"],
    ["10.244.1.11", "pod/shop/web-1 10.244.1.11"],
    ["node/n1", "node/n1"],
    ["n2", "node/n2"],
    ["192.168.50.12", "node/n2 192.168.50.12"],
    ["outside/client", "outside/client"],
    ["internet", "outside/client"],
    ["198.51.100.10", "outside/client 198.51.100.10"],
    ["gateway", "gateway"],
    ["lb/shop/pub", "lb/shop/pub"],
  ])("%s", (from, host) => {
    expect(flowOf(`tcp ${from} > 10.96.0.30:80`)).toBe(`${host} > 10.96.0.30:80`);
  });
});

describe("where to", () => {
  test.each([
    ["pod/shop/web-2:8080", "10.244.2.10:8080"],
    ["web-2", "10.244.2.10:8080"],
    ["svc/shop/web:80", "10.96.0.30:80"],
    ["svc/shop/web", "10.96.0.30:80"],
    ["svc/api", "10.96.0.20:80"],
    ["web.shop.svc.cluster.local:80", "10.96.0.30:80"],
    ["n1:30123", "192.168.50.11:30123"],
    ["node/n2:30123", "192.168.50.12:30123"],
    ["lb/shop/pub", "198.51.100.40:80"],
    ["lb/pub:80", "198.51.100.40:80"],
    ["outside/client:443", "198.51.100.10:443"],
    ["internet:443", "198.51.100.10:443"],
    ["gateway:22", "192.168.50.1:22"],
    ["localhost:9000", "127.0.0.1:9000"],
    ["[fd00:244:0:2::10]:8080", "[fd00:244:0:2::10]:8080"],
  ])("%s", (to, address) => {
    expect(flowOf(`tcp pod/shop/client > ${to}`)).toBe(`pod/shop/client > ${address}`);
  });

  test("the gateway has another address for those outside", () => {
    expect(flowOf("tcp internet > gateway:8080")).toBe("outside/client > 198.51.100.1:8080");
  });

  test("of two families the sender's counts", () => {
    expect(flowOf("tcp fd00:244:0:1::10 > svc/shop/web:80")).toMatch(/^packet-syntax: /);
    expect(flowOf("tcp [fd00:244:0:1::10] > svc/shop/web:80")).toBe(
      "pod/shop/client fd00:244:0:1::10 > [fd00:96::30]:80",
    );
    expect(flowOf("tcp [fd00:244:0:1::10] > localhost:9000")).toBe("pod/shop/client fd00:244:0:1::10 > [::1]:9000");
  });

  test("echo requests have no ports", () => {
    expect(flowOf("icmp pod/client > web-2")).toBe("pod/shop/client > 10.244.2.10:0");
    expect(flowOf("icmp pod/client > svc/shop/web")).toBe("pod/shop/client > 10.96.0.30:0");
    expect(flowOf("icmp pod/client > web-2:80")).toBe("packet-syntax: icmp has no ports");
  });
});

describe("what is said", () => {
  test.each([
    ["tcp wbe-1 > web-2", "unknown-object: wbe-1 is not in the input, did you mean pod/shop/web-1?"],
    ["tcp pod/prod/web-1 > web-2", "unknown-object: pod/prod/web-1 is not in the input, did you mean pod/shop/web-1?"],
    ["tcp client > web-2", "unknown-object: client may be any of pod/shop/client, outside/client"],
    ["tcp web-1 > svc/wbe:80", "unknown-object: svc/wbe is not in the input, did you mean svc/shop/web?"],
    ["tcp web-1 > shop/wbe:80", "unknown-object: shop/wbe is not in the input, did you mean svc/shop/web?"],
    ["tcp n1 > outside/clinet:80", "unknown-object: outside/clinet is not in the input, did you mean outside/client?"],
    ["tcp n1 > nothing-like-it:80", "unknown-object: nothing-like-it is not in the input; an end is an address, pod/"],
    ["tcp svc/shop/web > web-2", "packet-syntax: expected who sends: svc/shop/web is a Service, its pods send"],
    ["tcp localhost > web-2", "packet-syntax: expected who sends: localhost is each host itself"],
    ["tcp 127.0.0.1 > web-2", "packet-syntax: expected who sends: each host has 127.0.0.1, so name it"],
    [
      "tcp 10.244.1.99 > web-2",
      "unknown-object: 10.244.1.99 is in a network of the cluster, but nobody in the input has it",
    ],
    ["tcp web-1 > n1", "packet-syntax: expected a port behind the destination, such as :80"],
    ["tcp n1 > n1:http", "packet-syntax: expected a port from 1 to 65535"],
    ["tcp n1 > svc/shop/web:htpt", "unknown-object: svc/shop/web has no tcp port htpt; it has 80 (tcp)"],
  ])("%s", (text, said) => {
    expect(flowOf(text)).toContain(said);
  });
});

/** Pods get addresses and a node; the node has none, so there is no network around it. */
const FROM_GIT = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: x, ports: [{containerPort: 80}]}]}}
`;

test.each([
  [
    "internet",
    "outside/internet has no address to send from: it is inferred from addresses of Nodes, and no Node has one",
  ],
  ["gateway", "gateway has no address to send from"],
])("a Node without an address leaves %s without one", (from, message) => {
  const { diagnostics } = traceCluster([{ name: "a.yaml", text: FROM_GIT }], `tcp ${from} > svc/web`);
  expect(diagnostics.filter(({ severity }) => severity === "error").map((found) => found.message)).toEqual([message]);
});
