import { describe, expect, test } from "vitest";
import { expectFindings, load } from "./findings.ts";

test("InternalIPs come before ExternalIPs, other addresses are left out", () => {
  const { specs, findings } = load(`apiVersion: v1
kind: Node
metadata: {name: n1, labels: {topology.kubernetes.io/zone: a}}
spec: {podCIDR: 10.244.0.0/24, podCIDRs: [10.244.0.0/24, "fd00::/64"]}
status:
  addresses:
  - {type: Hostname, address: n1}
  - {type: ExternalIP, address: 203.0.113.1}
  - {type: InternalIP, address: 192.168.0.2}
  - {type: InternalIP, address: "2001:db8::2"}
  nodeInfo: {anything: 1}`);
  expect(findings).toEqual([]);
  expect(specs.nodes[0]).toMatchObject({
    meta: { name: "n1", namespace: "" },
    addresses: [0xc0a80002, 0x20010db8000000000000000000000002n, 0xcb007101],
    podCidrs: [
      { address: 0x0af40000, length: 24 },
      { address: 0xfd000000000000000000000000000000n, length: 64 },
    ],
    zone: "a",
  });
});

describe("Node", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "spec: {}"],
    [[], "spec: {podCIDR: 10.244.0.0/24}"],
    [
      [
        '4:17 warning invalid-value spec.podCIDR: Invalid value: "10.244.0.0/24": differs from the first of podCIDRs, which are left out',
      ],
      "spec: {podCIDR: 10.244.0.0/24, podCIDRs: [10.244.1.0/24]}",
    ],
    [
      [
        '4:17 warning host-bits spec.podCIDR: CIDR value "10.244.0.5/24" is ambiguous in this context (should be "10.244.0.0/24" or "10.244.0.5/32"?): read as "10.244.0.0/24"',
      ],
      "spec: {podCIDR: 10.244.0.5/24}",
    ],
    [
      [
        '4:17 error invalid-value spec.podCIDR: Invalid value: "10.244.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      ],
      "spec: {podCIDR: 10.244.0.0}",
    ],
    [
      [
        '4:18 error invalid-value spec.podCIDRs: Invalid value: ["10.244.0.0/24","fd00::/64","10.0.0.0/8"]: may only hold up to 2 values',
      ],
      'spec: {podCIDRs: [10.244.0.0/24, "fd00::/64", 10.0.0.0/8]}',
    ],
    [[], "spec: {unschedulable: true, taints: [{key: a, effect: b}], providerID: x}"],
    [
      [
        '4:50 warning invalid-value status.addresses[0].address: Invalid value: "n1": is left out: must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
      "status: {addresses: [{type: InternalIP, address: n1}]}",
    ],
    [
      [
        '4:50 warning leading-zeros status.addresses[0].address: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
      ],
      "status: {addresses: [{type: InternalIP, address: 010.0.0.1}]}",
    ],
    [[], 'status: {addresses: [{type: InternalDNS, address: "n1.example.com"}]}'],
    [['4:10 error unknown-field unknown field "status.adresses", did you mean "addresses"?'], "status: {adresses: []}"],
  ])("%j: %s", (wanted, text) => {
    expectFindings(`apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n${text}`, wanted);
  });
});
