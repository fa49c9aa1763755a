import { describe, expect, test } from "vitest";
import { expectFindings, load } from "./findings.ts";

test("an unnamed port has the empty name", () => {
  const { specs } = load(`apiVersion: v1
kind: Endpoints
metadata: {name: web}
subsets: [{addresses: [{ip: 10.0.0.1, nodeName: n1}], notReadyAddresses: [{ip: "fd00::1"}], ports: [{port: 80}]}]`);
  expect(specs.endpoints[0]?.subsets).toMatchObject([
    {
      addresses: [{ address: 0x0a000001, nodeName: "n1" }],
      notReadyAddresses: [{ address: 0xfd000000000000000000000000000001n, nodeName: undefined }],
      ports: [{ name: "", protocol: "tcp", port: 80 }],
    },
  ]);
});

describe("Endpoints", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "[{addresses: [{ip: 10.0.0.1}], ports: [{port: 80}]}]"],
    [[], "null"],
    [["4:11 error missing-field subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"], "[{}]"],
    [
      ["4:11 error missing-field subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"],
      "[{ports: [{port: 80}]}]",
    ],
    [["4:24 error missing-field subsets[0].addresses[0].ip: Required value"], "[{addresses: [{}]}]"],
    [
      [
        '4:37 error invalid-value subsets[0].notReadyAddresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
      "[{notReadyAddresses: [{ip: 127.0.0.1}]}]",
    ],
    [
      [
        '4:29 error invalid-value subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
      "[{addresses: [{ip: x}]}]",
    ],
    [
      [
        '4:49 error invalid-value subsets[0].addresses[0].hostname: Invalid value: "A": a lowercase…',
        '4:62 error invalid-value subsets[0].addresses[0].nodeName: Invalid value: "B": a lowercase…',
      ],
      "[{addresses: [{ip: 10.0.0.1, hostname: A, nodeName: B}]}]",
    ],
    [
      ["4:56 error invalid-value subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"],
      "[{addresses: [{ip: 10.0.0.1}], ports: [{port: 0}]}]",
    ],
    [
      ["4:49 error missing-field subsets[0].ports[0].port: Required value"],
      "[{addresses: [{ip: 10.0.0.1}], ports: [{}]}]",
    ],
    [
      ["4:49 error missing-field subsets[0].ports[0].name: Required value"],
      "[{addresses: [{ip: 10.0.0.1}], ports: [{port: 80}, {name: a, port: 81}]}]",
    ],
    [[], "[{addresses: [{ip: 10.0.0.1}], ports: [{name: a, port: 80}, {name: a, port: 81}]}]"],
    [
      [
        '4:70 error invalid-value subsets[0].ports[0].protocol: Unsupported value: "icmp": supported values: "SCTP", "TCP", "UDP"',
      ],
      "[{addresses: [{ip: 10.0.0.1}], ports: [{port: 80, protocol: icmp}]}]",
    ],
    [
      [
        '4:12 error unknown-field unknown field "subsets[0].adresses", did you mean "addresses"?',
        "4:11 error missing-field subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`",
      ],
      "[{adresses: [{ip: 10.0.0.1}]}]",
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(`apiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\nsubsets: ${text}`, wanted);
  });
});
