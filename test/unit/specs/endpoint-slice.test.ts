import { describe, expect, test } from "vitest";
import { expectFindings, load } from "./findings.ts";

test("conditions that are absent have the defaults of the API, an absent port name is the empty one", () => {
  const { specs } = load(`apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1}
addressType: IPv4
endpoints:
- {addresses: [10.0.0.1, 10.0.0.2]}
- {addresses: [10.0.0.3], conditions: {ready: false, serving: true, terminating: true}, nodeName: n1, hints: {forZones: [{name: a}], forNodes: [{name: n1}]}}
ports: [{name: http, port: 80}, {port: 81, protocol: UDP}, {name: x, port: 0}, {name: "y"}]`);
  expect(specs.endpointSlices[0]).toMatchObject({
    addressType: "IPv4",
    endpoints: [
      {
        addresses: [0x0a000001, 0x0a000002],
        ready: true,
        serving: true,
        terminating: false,
        nodeName: undefined,
        zoneHints: [],
        nodeHints: [],
      },
      {
        addresses: [0x0a000003],
        ready: false,
        serving: true,
        terminating: true,
        nodeName: "n1",
        zoneHints: ["a"],
        nodeHints: ["n1"],
      },
    ],
    ports: [
      { name: "http", protocol: "tcp", port: 80 },
      { name: "", protocol: "udp", port: 81 },
      { name: "x", port: undefined },
      { name: "y", port: undefined },
    ],
  });
});

test.each([
  ["", 'name: ""'],
  ["", "name: null"],
  ["", "protocol: TCP"],
])("the name of a port is %j with %s", (wanted, field) => {
  const text = `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a}\naddressType: IPv4\nports: [{port: 80, ${field}}]`;
  expect(load(text).specs.endpointSlices[0]?.ports).toMatchObject([{ name: wanted, port: 80 }]);
});

test("there is a most of everything", () => {
  const slice = (endpoints: number, addresses: number): string => {
    const list = Array.from({ length: addresses }, () => "10.0.0.1").join(", ");
    const items = Array.from({ length: endpoints }, () => `{addresses: [${list}]}`).join(", ");
    return `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a}\naddressType: IPv4\nendpoints: [${items}]`;
  };
  expectFindings(slice(1000, 1), []);
  expectFindings(slice(1001, 1), ["5:12 error too-many-items endpoints: Too many: 1001: must have at most 1000 items"]);
  expectFindings(slice(1, 100), []);
  expectFindings(slice(1, 101), [
    "5:25 error too-many-items endpoints[0].addresses: Too many: 101: must have at most 100 items",
  ]);
});

describe("EndpointSlice", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "addressType: IPv4"],
    [
      ['4:14 error invalid-value addressType: Unsupported value: "ipv4": supported values: "FQDN", "IPv4", "IPv6"'],
      "addressType: ipv4",
    ],
    [["1:1 error missing-field addressType: Required value"], 'addressType: ""'],
    [
      [
        '4:1 error unknown-field unknown field "addresstype", did you mean "addressType"?',
        "1:1 error missing-field addressType: Required value",
      ],
      "addresstype: IPv4",
    ],
    // IPv4
  ])("%j: %s", (wanted, text) => {
    expectFindings(`apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web-1}\n${text}`, wanted);
  });
});

describe("endpoints", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "null"],
    [[], "[]"],
    [[], "[{addresses: [10.0.0.1]}]"],
    [
      ["5:13 error missing-field endpoints[0].addresses: Required value: must contain at least 1 address"],
      "[{addresses: []}]",
    ],
    [["5:13 error missing-field endpoints[0].addresses: Required value: must contain at least 1 address"], "[{}]"],
    [
      ['5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "x": must be a valid IPv4 address'],
      "[{addresses: [x]}]",
    ],
    [
      [
        "5:26 error wrong-type endpoints[0].addresses[0]: Invalid value: expected string, found number 5 (a string needs quotes here)",
      ],
      "[{addresses: [5]}]",
    ],
    [
      ['5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address'],
      '[{addresses: ["fd00::1"]}]',
    ],
    [
      [
        '5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
      "[{addresses: [127.0.0.1]}]",
    ],
    [
      [
        '5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)',
      ],
      "[{addresses: [0.0.0.0]}]",
    ],
    [
      [
        '5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "169.254.0.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
      ],
      "[{addresses: [169.254.0.1]}]",
    ],
    [
      [
        '5:26 warning leading-zeros endpoints[0].addresses[0]: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
      ],
      "[{addresses: [010.0.0.1]}]",
    ],
    [
      ['5:25 error wrong-type endpoints[0].addresses: Invalid value: expected array, found string "10.0.0.1"'],
      "[{addresses: 10.0.0.1}]",
    ],
    [["5:13 error wrong-type endpoints[0]: Invalid value: expected object, found null"], "[null]"],
    [
      ['5:57 error wrong-type endpoints[0].conditions.ready: Invalid value: expected boolean, found string "true"'],
      '[{addresses: [10.0.0.1], conditions: {ready: "true"}}]',
    ],
    [[], "[{addresses: [10.0.0.1], conditions: {ready: null}}]"],
    [
      ['5:50 error unknown-field unknown field "endpoints[0].conditions.readdy", did you mean "ready"?'],
      "[{addresses: [10.0.0.1], conditions: {readdy: false}}]",
    ],
    [
      ['5:47 error invalid-value endpoints[0].nodeName: Invalid value: "Node_1": a lowercase…'],
      "[{addresses: [10.0.0.1], nodeName: Node_1}]",
    ],
    [
      ['5:47 error invalid-value endpoints[0].hostname: Invalid value: "a.b": must not contain dots'],
      "[{addresses: [10.0.0.1], hostname: a.b}]",
    ],
    [[], "[{addresses: [10.0.0.1], zone: z, targetRef: {kind: Pod, anything: 1}, deprecatedTopology: {a: b}}]"],
    [
      ['5:74 error duplicate-value endpoints[0].hints.forZones[1].name: Duplicate value: "a" (first used here 5:56)'],
      "[{addresses: [10.0.0.1], hints: {forZones: [{name: a}, {name: a}]}}]",
    ],
    [
      ["5:56 error missing-field endpoints[0].hints.forZones[0].name: Required value"],
      "[{addresses: [10.0.0.1], hints: {forZones: [{}]}}]",
    ],
    [
      ['5:63 error invalid-value endpoints[0].hints.forZones[0].name: Invalid value: "a b": a valid label…'],
      '[{addresses: [10.0.0.1], hints: {forZones: [{name: "a b"}]}}]',
    ],
    [
      ['5:63 error invalid-value endpoints[0].hints.forNodes[0].name: Invalid value: "N": a lowercase…'],
      '[{addresses: [10.0.0.1], hints: {forNodes: [{name: "N"}]}}]',
    ],
    [
      ["5:55 error too-many-items endpoints[0].hints.forZones: Too many: 9: must have at most 8 items"],
      "[{addresses: [10.0.0.1], hints: {forZones: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}, {name: f}, {name: g}, {name: h}, {name: i}]}}]",
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web-1}\naddressType: IPv4\nendpoints: ${text}`,
      wanted,
    );
  });
});

describe("IPv6 endpoints", () => {
  test.each<[wanted: string[], text: string]>([
    [[], '"fd00::1"'],
    [
      ['5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 address'],
      "10.0.0.1",
    ],
    [
      [
        '5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "::ffff:1.2.3.4": must be a valid IPv6 address, not an IPv4-mapped one: use "1.2.3.4"',
      ],
      '"::ffff:1.2.3.4"',
    ],
    [
      [
        '5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "fe80::1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
      ],
      '"fe80::1"',
    ],
    [
      [
        '5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "fe80::1%eth0": must be a valid IPv6 address',
      ],
      '"fe80::1%eth0"',
    ],
    [['5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "::": may not be unspecified (::)'], '"::"'],
    [
      [
        '5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
      '"::1"',
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web-1}\naddressType: IPv6\nendpoints: [{addresses: [${text}]}]`,
      wanted,
    );
  });
});

describe("FQDN endpoints", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "a.example.com"],
    [[], "a.example.com."],
    [
      [
        '5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "localhost": should be a domain with at least two segments separated by dots',
      ],
      "localhost",
    ],
    [['5:26 error invalid-value endpoints[0].addresses[0]: Invalid value: "a_b.c": a lowercase…'], "a_b.c"],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web-1}\naddressType: FQDN\nendpoints: [{addresses: [${text}]}]`,
      wanted,
    );
  });
});

describe("ports of a slice", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "[{name: http, port: 80}]"],
    [
      ['5:40 error duplicate-value ports[1].name: Duplicate value: "http" (first used here 5:16)'],
      "[{name: http, port: 80}, {name: http, port: 81}]",
    ],
    [
      ['5:31 error duplicate-value ports[1]: Duplicate value: "" (first used here 5:9)'],
      '[{name: "", port: 80}, {port: 81}]',
    ],
    [[], "[{name: a}, {name: b, port: null}]"],
    [
      ["5:16 warning invalid-value ports[0].port: Invalid value: 0: kube-proxy skips ports without a number"],
      "[{port: 0}]",
    ],
    [
      ["5:16 error invalid-value ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive"],
      "[{port: 70000}]",
    ],
    [['5:16 error invalid-value ports[0].name: Invalid value: "HTTP": a lowercase…'], "[{name: HTTP, port: 80}]"],
    [
      ['5:30 error invalid-value ports[0].protocol: Unsupported value: "Tcp": supported values: "SCTP", "TCP", "UDP"'],
      "[{port: 80, protocol: Tcp}]",
    ],
    [
      ['5:33 error invalid-value ports[0].appProtocol: Invalid value: "a b": name part must…'],
      '[{port: 80, appProtocol: "a b"}]',
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web-1}\naddressType: IPv4\nports: ${text}`,
      wanted,
    );
  });
});
