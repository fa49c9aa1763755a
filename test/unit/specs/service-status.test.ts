import { describe, expect, test } from "vitest";
import { expectFindings, load } from "./findings.ts";

test("entries without an address are left out, VIP is the default", () => {
  const { specs } = load(`apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, ports: [{port: 80}]}
status: {loadBalancer: {ingress: [{ip: 1.2.3.4}, {hostname: a.example.com}, {ip: "fd00::1", ipMode: Proxy}, {ip: x}]}}`);
  expect(specs.services[0]?.loadBalancerIngress).toMatchObject([
    { address: 0x01020304, ipMode: "VIP" },
    { address: 0xfd000000000000000000000000000001n, ipMode: "Proxy" },
  ]);
});

describe("load balancer status", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "{}"],
    [[], "{loadBalancer: {}}"],
    [[], "{loadBalancer: {ingress: null}, conditions: []}"],
    [
      [],
      "{loadBalancer: {ingress: [{ip: 1.2.3.4}, {hostname: a.example.com, ports: [{port: 80, protocol: TCP, error: x}]}]}}",
    ],
    [
      [
        '5:40 warning invalid-value status.loadBalancer.ingress[0].ip: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
      "{loadBalancer: {ingress: [{ip: 1.2.3}]}}",
    ],
    [
      [
        '5:46 warning invalid-value status.loadBalancer.ingress[0].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
      ],
      "{loadBalancer: {ingress: [{hostname: 1.2.3.4}]}}",
    ],
    [
      ['5:46 warning invalid-value status.loadBalancer.ingress[0].hostname: Invalid value: "a_b": a lowercase…'],
      "{loadBalancer: {ingress: [{hostname: a_b}]}}",
    ],
    [
      [
        "5:59 warning forbidden-field status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set",
      ],
      "{loadBalancer: {ingress: [{hostname: a.b, ipMode: VIP}]}}",
    ],
    [
      [
        '5:57 warning invalid-value status.loadBalancer.ingress[0].ipMode: Unsupported value: "vip": supported values: "Proxy", "VIP"',
      ],
      "{loadBalancer: {ingress: [{ip: 1.2.3.4, ipMode: vip}]}}",
    ],
    [
      ['5:10 error unknown-field unknown field "status.loadbalancer", did you mean "loadBalancer"?'],
      "{loadbalancer: {ingress: []}}",
    ],
    [
      [
        "5:40 error wrong-type status.loadBalancer.ingress[0].ip: Invalid value: expected string, found number 5 (a string needs quotes here)",
      ],
      "{loadBalancer: {ingress: [{ip: 5}]}}",
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: LoadBalancer, ports: [{port: 80}]}\nstatus: ${text}`,
      wanted,
    );
  });
});

describe("load balancer status of another type", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "{loadBalancer: {}}"],
    [
      [
        "5:34 warning forbidden-field status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
      ],
      "{loadBalancer: {ingress: [{ip: 1.2.3.4}]}}",
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\nstatus: ${text}`,
      wanted,
    );
  });
});
