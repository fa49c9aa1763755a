import { describe, expect, test } from "vitest";
import { expectFindings, load } from "./findings.ts";

test("a Pod as the EndpointSlice controller sees it", () => {
  const { specs, findings } = load(`apiVersion: v1
kind: Pod
metadata: {name: web-1, deletionTimestamp: "2022-06-24T19:37:02Z"}
spec:
  nodeName: n1
  initContainers:
  - {name: init, ports: [{name: http, containerPort: 1}]}
  - {name: sidecar, restartPolicy: Always, ports: [{name: http, containerPort: 2}, {name: dns, protocol: UDP, containerPort: 3}]}
  containers:
  - {name: main, args: [a], ports: [{containerPort: 5}, {name: http, containerPort: 6}]}
status:
  phase: Running
  podIP: 10.0.0.1
  podIPs: [{ip: 10.0.0.1}, {ip: "fd00::1"}]
  conditions: [{type: Initialized, status: "False"}, {type: Ready, status: "True"}]`);
  expect(findings).toEqual([]);
  expect(specs.pods[0]).toMatchObject({
    nodeName: "n1",
    podIps: [0x0a000001, 0xfd000000000000000000000000000001n],
    ready: true,
    finished: false,
    terminating: true,
    containers: ["main", "sidecar"],
    ports: [
      { container: "main", name: "", protocol: "tcp", port: 5 },
      { container: "main", name: "http", protocol: "tcp", port: 6 },
      { container: "sidecar", name: "http", protocol: "tcp", port: 2 },
      { container: "sidecar", name: "dns", protocol: "udp", port: 3 },
    ],
  });
});

test.each([
  [{ podIps: [], ready: false, finished: false, terminating: false, nodeName: undefined }, "spec: {containers: []}"],
  [{ podIps: [0x0a000001], ready: false }, "spec: {}\nstatus: {podIP: 10.0.0.1}"],
  [{ podIps: [0x0a000001] }, "spec: {}\nstatus: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.2}]}"],
  [{ finished: true }, "spec: {}\nstatus: {phase: Succeeded}"],
  [{ finished: true }, "spec: {}\nstatus: {phase: Failed}"],
  [{ ready: false }, 'spec: {}\nstatus: {conditions: [{type: Ready, status: "False"}]}'],
])("%j: %s", (wanted, rest) => {
  expect(load(`apiVersion: v1\nkind: Pod\nmetadata: {name: web-1}\n${rest}`).specs.pods[0]).toMatchObject(wanted);
});

describe("spec of a Pod", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "{containers: [{name: a, image: b, stdin: true, ports: [{containerPort: 80, name: http}]}]}"],
    [["1:1 error missing-field spec: Required value"], "null"],
    [['4:18 error invalid-value spec.nodeName: Invalid value: "N1": a lowercase…'], "{nodeName: N1}"],
    [['4:8 error unknown-field unknown field "spec.container", did you mean "containers"?'], "{container: []}"],
    [["4:20 error wrong-type spec.containers: Invalid value: expected array, found number 5"], "{containers: 5}"],
    [["4:21 error wrong-type spec.containers[0]: Invalid value: expected object, found number 5"], "{containers: [5]}"],
    [
      ["4:29 error wrong-type spec.containers[0].ports: Invalid value: expected array, found number 5"],
      "{containers: [{ports: 5}]}",
    ],
    [
      ["4:30 error missing-field spec.containers[0].ports[0].containerPort: Required value"],
      "{containers: [{ports: [{}]}]}",
    ],
    [
      [
        "4:46 error invalid-value spec.containers[0].ports[0].containerPort: Invalid value: 0: must be between 1 and 65535, inclusive",
      ],
      "{containers: [{ports: [{containerPort: 0}]}]}",
    ],
    [
      [
        '4:56 error invalid-value spec.containers[0].ports[0].name: Invalid value: "UP": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
        '4:56 error invalid-value spec.containers[0].ports[0].name: Invalid value: "UP": must contain at least one letter (a-z)',
      ],
      "{containers: [{ports: [{containerPort: 80, name: UP}]}]}",
    ],
    [
      [
        '4:60 error invalid-value spec.containers[0].ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"',
      ],
      "{containers: [{ports: [{containerPort: 80, protocol: tcp}]}]}",
    ],
    [
      ['4:86 error duplicate-value spec.containers[0].ports[1].name: Duplicate value: "a" (first used here 4:30)'],
      "{containers: [{ports: [{containerPort: 80, name: a}, {containerPort: 81, name: a}]}]}",
    ],
    [
      ['4:50 error unknown-field unknown field "spec.containers[0].ports[0].hostport", did you mean "hostPort"?'],
      "{containers: [{ports: [{containerPort: 80, hostport: 80}]}]}",
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(`apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: ${text}`, wanted);
  });
});

describe("status of a Pod", () => {
  test.each<[wanted: string[], text: string]>([
    [
      [
        '5:17 warning invalid-value status.phase: Unsupported value: "Runing": supported values: "Failed", "Pending", "Running", "Succeeded", "Unknown"',
      ],
      "{phase: Runing}",
    ],
    [
      [
        '5:17 warning invalid-value status.podIP: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
      "{podIP: x}",
    ],
    [
      [
        '5:17 warning invalid-value status.podIP: Invalid value: "10.0.0.1": differs from the first of podIPs, which are left out',
      ],
      "{podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.2}]}",
    ],
    [
      [
        '5:35 warning invalid-value status.podIPs: Invalid value: [{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}]: may specify no more than one IP for each IP family',
      ],
      "{podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: 10.0.0.2}]}",
    ],
    [['5:10 error unknown-field unknown field "status.podIps", did you mean "podIPs"?'], "{podIps: []}"],
  ])("%j: %s", (wanted, text) => {
    expectFindings(`apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {}\nstatus: ${text}`, wanted);
  });
});
