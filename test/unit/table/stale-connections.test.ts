import { expect, test } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { resolveCluster } from "../../../compiler/model/resolve.ts";
import { type Address, parseAddress, printAddressPort } from "../../../compiler/net/address.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import {
  type ConnectionEnd,
  changedFrontends,
  staleConnections,
  type TrackedConnection,
  type UdpFrontend,
  udpFrontendsOf,
} from "../../../runtime/table/stale-connections.ts";

/** `10.0.0.1:53`, `[fd00::1]:53`. */
function end(text: string): ConnectionEnd {
  const [, address = "", port = ""] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(text) ?? [];
  return { address: parseAddress(address) as Address, port: Number(port) };
}

function frontend(at: string, ...endpoints: readonly string[]): UdpFrontend {
  const isNodePort = at.startsWith("node:");
  const { address, port } = isNodePort ? { address: undefined, port: Number(at.slice(5)) } : end(at);
  return { family: at.includes("[") ? "IPv6" : "IPv4", address, port, endpoints: endpoints.map(end) };
}

/** `DESTINATION ANSWERING`. */
function connection(text: string): TrackedConnection {
  const [destination = "", answering = ""] = text.split(" ");
  return { destination: end(destination), answering: end(answering) };
}

const NODE = [parseAddress("192.0.2.7") as Address, parseAddress("2001:db8::7") as Address];
const DNS = "10.96.0.53:53";
const [A, B, C] = ["10.244.1.5:53", "10.244.2.7:53", "10.244.3.9:53"];

test.each<[stale: readonly string[], why: string, frontends: readonly UdpFrontend[], connections: readonly string[]]>([
  [[], "its endpoint is still there", [frontend(DNS, A, B)], [`${DNS} ${A}`, `${DNS} ${B}`]],
  [[`${DNS} ${A}`], "its endpoint has gone", [frontend(DNS, B)], [`${DNS} ${A}`, `${DNS} ${B}`]],
  [[`${DNS} ${A}`], "no endpoint is left", [frontend(DNS)], [`${DNS} ${A}`]],
  [[`${DNS} ${DNS}`], "it was opened before there were rules", [frontend(DNS, A)], [`${DNS} ${DNS}`]],
  [[`${DNS} 10.244.1.5:5353`], "the endpoint has another port now", [frontend(DNS, A)], [`${DNS} 10.244.1.5:5353`]],
  [[], "another port of the address", [frontend(DNS)], [`10.96.0.53:54 ${A}`]],
  [[], "another address", [frontend(DNS)], [`10.96.0.54:53 ${A}`]],
  [[], "a Service that is its own endpoint", [frontend(DNS, DNS)], [`${DNS} ${DNS}`]],
  [[`192.0.2.7:30053 ${A}`], "a node port", [frontend("node:30053", B)], [`192.0.2.7:30053 ${A}`]],
  [
    [],
    "the same port of others",
    [frontend("node:30053", B)],
    [`198.51.100.9:30053 ${A}`, `198.51.100.9:30053 198.51.100.9:30053`],
  ],
  [
    [`192.0.2.7:53 ${A}`],
    "an external IP that is the node's, before a node port",
    [frontend("192.0.2.7:53", B), frontend("node:53", A)],
    [`192.0.2.7:53 ${A}`],
  ],
  [
    ["[fd00:96::53]:53 [fd00:244::5]:53"],
    "IPv6",
    [frontend("[fd00:96::53]:53", "[fd00:244::7]:53")],
    ["[fd00:96::53]:53 [fd00:244::5]:53", "[fd00:96::53]:53 [fd00:244::7]:53"],
  ],
  [[], "a number that is another address in the other family", [frontend("0.0.0.53:53")], ["[::35]:53 [::36]:53"]],
  [
    ["[2001:db8::7]:30053 [fd00:244::5]:53"],
    "a node port of one family",
    [{ ...frontend("node:30053"), family: "IPv6" }],
    [`192.0.2.7:30053 ${A}`, "[2001:db8::7]:30053 [fd00:244::5]:53"],
  ],
])("%j: %s", (stale, _, frontends, connections) => {
  const found = staleConnections(frontends, connections.map(connection), NODE);
  expect(
    found.map(({ destination, answering }) =>
      [destination, answering].map(({ address, port }) => printAddressPort(address, port)).join(" "),
    ),
  ).toEqual(stale);
});

test.each<
  [changed: readonly UdpFrontend[], why: string, before: readonly UdpFrontend[], after: readonly UdpFrontend[]]
>([
  [[], "nothing has changed but the order", [frontend(DNS, A, B)], [frontend(DNS, B, A)]],
  [[frontend(DNS, B)], "an endpoint has gone", [frontend(DNS, A, B)], [frontend(DNS, B)]],
  [[frontend(DNS, A, B)], "an endpoint has come", [frontend(DNS, A)], [frontend(DNS, A, B)]],
  [[frontend(DNS, A, C)], "one of two endpoints is another one", [frontend(DNS, A, B)], [frontend(DNS, A, C)]],
  [[frontend(DNS, A)], "the Service has come", [], [frontend(DNS, A)]],
  [[frontend(DNS)], "the Service has gone", [frontend(DNS, A)], []],
  [[frontend(DNS)], "the last endpoint has gone", [frontend(DNS, A)], [frontend(DNS)]],
  [
    [frontend("10.96.0.54:53", A), frontend(DNS)],
    "the Service has another address",
    [frontend(DNS, A)],
    [frontend("10.96.0.54:53", A)],
  ],
  [
    [frontend("node:30053")],
    "the node port has gone",
    [frontend(DNS, A), frontend("node:30053", A)],
    [frontend(DNS, A)],
  ],
  [
    [frontend("node:30053", B)],
    "one of two node ports has another endpoint",
    [frontend("node:30053", A), frontend("node:30054", A)],
    [frontend("node:30053", B), frontend("node:30054", A)],
  ],
  [
    [{ ...frontend("node:30053"), family: "IPv6" }],
    "the node port of one family has gone",
    [frontend("node:30053", A), { ...frontend("node:30053", "[fd00:244::5]:53"), family: "IPv6" }],
    [frontend("node:30053", A)],
  ],
])("%o: %s", (changed, _, before, after) => {
  expect(changedFrontends(before, after)).toEqual(changed);
});

const MANIFESTS = `
apiVersion: v1
kind: Service
metadata: {name: dns, namespace: kube}
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.53
  externalIPs: [198.51.100.5]
  externalTrafficPolicy: Local
  ports:
  - {name: dns, port: 53, protocol: UDP, nodePort: 30053}
  - {name: dns-tcp, port: 53, protocol: TCP, nodePort: 30053}
status: {loadBalancer: {ingress: [{ip: 198.51.100.9}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: dns-1, namespace: kube, labels: {kubernetes.io/service-name: dns}}
addressType: IPv4
ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}]
endpoints:
- {addresses: [10.244.1.5], nodeName: elsewhere}
- {addresses: [10.244.1.6], conditions: {ready: false, serving: true, terminating: true}}
- {addresses: [10.244.1.7], conditions: {ready: false, serving: false}}
`;

test("all that serve may answer, whatever the policy; each address of the Service is a frontend", () => {
  expect(compile([{ name: "dns.yaml", text: MANIFESTS }], {}).compiled).toBeDefined();
  const specs = loadSpecs([{ name: "dns.yaml", text: MANIFESTS }], () => undefined);
  const { servicePorts } = resolveCluster(specs, { controller: "", allowsExternalNames: false }, () => undefined);
  const answering = ["10.244.1.5:53", "10.244.1.6:53"];
  const found = servicePorts.IPv4.flatMap(udpFrontendsOf).map(({ address, port, endpoints }) => [
    address === undefined ? `node:${port}` : printAddressPort(address, port),
    ...endpoints.map((each) => printAddressPort(each.address, each.port)),
  ]);
  expect(found).toEqual([
    ["10.96.0.53:53", ...answering],
    ["198.51.100.5:53", ...answering],
    ["198.51.100.9:53", ...answering],
    ["node:30053", ...answering],
  ]);
  const [dns] = servicePorts.IPv4.filter(({ protocol }) => protocol === "udp");
  if (dns === undefined) throw new Error("there is one");
  // Another Service has its cluster IP.
  const addresses = udpFrontendsOf({ ...dns, servesClusterIp: false }).map(({ address }) => address);
  expect(addresses).toEqual([end("198.51.100.5:53").address, end("198.51.100.9:53").address, undefined]);
});
