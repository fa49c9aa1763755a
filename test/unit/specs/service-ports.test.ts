import { describe, test } from "vitest";
import { expectFindings } from "./findings.ts";

describe("ports of a Service", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "[{port: 1}]"],
    [[], "[{port: 65535}]"],
    [
      ["4:39 error invalid-value spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"],
      "[{port: 0}]",
    ],
    [
      ["4:39 error invalid-value spec.ports[0].port: Invalid value: 65536: must be between 1 and 65535, inclusive"],
      "[{port: 65536}]",
    ],
    [
      ["4:39 error invalid-value spec.ports[0].port: Invalid value: -1: must be between 1 and 65535, inclusive"],
      "[{port: -1}]",
    ],
    [
      ["4:39 error wrong-type spec.ports[0].port: Invalid value: expected integer, found number 80.5"],
      "[{port: 80.5}]",
    ],
    [
      ['4:39 error wrong-type spec.ports[0].port: Invalid value: expected integer, found string "80"'],
      '[{port: "80"}]',
    ],
    [
      ["4:39 error wrong-type spec.ports[0].port: Invalid value: expected integer, found number Infinity"],
      "[{port: 1e999}]",
    ],
    [
      [
        "4:39 error invalid-value spec.ports[0].port: Invalid value: 100000000000000000000: must be between 1 and 65535, inclusive",
      ],
      "[{port: 99999999999999999999}]",
    ],
    [[], "[{port: 0120}]"],
    [["4:32 error missing-field spec.ports[0].port: Required value"], "[{port: null}]"],
    [["4:32 error missing-field spec.ports[0].port: Required value"], "[{}]"],
    [
      [
        '4:33 error unknown-field unknown field "spec.ports[0].prot", did you mean "port"?',
        "4:32 error missing-field spec.ports[0].port: Required value",
      ],
      "[{prot: 80}]",
    ],
    // protocols
    [[], "[{port: 80, protocol: SCTP}]"],
    [[], '[{port: 80, protocol: ""}]'],
    [
      [
        '4:53 error invalid-value spec.ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"',
      ],
      "[{port: 80, protocol: tcp}]",
    ],
    // names
    [[], "[{port: 80, name: 1a-b}]"],
    [['4:49 error invalid-value spec.ports[0].name: Invalid value: "HTTP": a lowercase…'], "[{port: 80, name: HTTP}]"],
    [
      ['4:49 error invalid-value spec.ports[0].name: Invalid value: "a.b": must not contain dots'],
      "[{port: 80, name: a.b}]",
    ],
    [["4:32 error missing-field spec.ports[0].name: Required value"], '[{port: 80, name: ""}, {port: 81, name: b}]'],
    [
      ['4:70 error duplicate-value spec.ports[1].name: Duplicate value: "a" (first used here 4:49)'],
      "[{port: 80, name: a}, {port: 81, name: a}]",
    ],
    // the same port twice
    [
      [
        '4:53 error duplicate-value spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80} (first used here 4:32)',
      ],
      "[{port: 80, name: a}, {port: 80, name: b}]",
    ],
    [[], "[{port: 80, name: a}, {port: 80, name: b, protocol: UDP}]"],
    // target ports
    [[], "[{port: 80, targetPort: 8080}]"],
    [[], "[{port: 80, targetPort: http}]"],
    [[], "[{port: 80, targetPort: 0}]"],
    [[], '[{port: 80, targetPort: ""}]'],
    [
      [
        "4:55 error invalid-value spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
      ],
      "[{port: 80, targetPort: 70000}]",
    ],
    [
      [
        '4:55 error invalid-value spec.ports[0].targetPort: Invalid value: "8080": must contain at least one letter (a-z)',
      ],
      '[{port: 80, targetPort: "8080"}]',
    ],
    [
      [
        '4:55 error invalid-value spec.ports[0].targetPort: Invalid value: "a-very-long-name": must be no more than 15 bytes',
      ],
      "[{port: 80, targetPort: a-very-long-name}]",
    ],
    [
      [
        '4:55 error invalid-value spec.ports[0].targetPort: Invalid value: "Http--x-": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
        '4:55 error invalid-value spec.ports[0].targetPort: Invalid value: "Http--x-": must not contain consecutive hyphens',
        '4:55 error invalid-value spec.ports[0].targetPort: Invalid value: "Http--x-": must not begin or end with a hyphen',
      ],
      "[{port: 80, targetPort: Http--x-}]",
    ],
    [
      ["4:55 error wrong-type spec.ports[0].targetPort: Invalid value: expected integer or string, found boolean true"],
      "[{port: 80, targetPort: true}]",
    ],
    // node ports
    [[], "[{port: 80, nodePort: 30000}]"],
    [[], "[{port: 80, nodePort: 0}]"],
    [
      [
        "4:53 warning node-port-range spec.ports[0].nodePort: Invalid value: 8080: provided port is not in the valid range. The range of valid ports is 30000-32767",
      ],
      "[{port: 80, nodePort: 8080}]",
    ],
    [
      [
        "4:53 error node-port-range spec.ports[0].nodePort: Invalid value: 70000: provided port is not in the valid range. The range of valid ports is 30000-32767",
      ],
      "[{port: 80, nodePort: 70000}]",
    ],
    [
      [
        "4:53 error node-port-range spec.ports[0].nodePort: Invalid value: -1: provided port is not in the valid range. The range of valid ports is 30000-32767",
      ],
      "[{port: 80, nodePort: -1}]",
    ],
    [
      ["4:91 error duplicate-value spec.ports[1].nodePort: Duplicate value: 30080 (first used here 4:53)"],
      "[{port: 80, nodePort: 30080, name: a}, {port: 81, nodePort: 30080, name: b}]",
    ],
    [[], "[{port: 80, nodePort: 30080, name: a}, {port: 80, nodePort: 30080, name: b, protocol: UDP}]"],
    // others
    [[], "[{port: 80, appProtocol: kubernetes.io/h2c}]"],
    [
      ['4:56 error invalid-value spec.ports[0].appProtocol: Invalid value: "a b": name part must…'],
      '[{port: 80, appProtocol: "a b"}]',
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort, ports: ${text}}`,
      wanted,
    );
  });
});
