import { describe, test } from "vitest";
import { expectFindings } from "./findings.ts";

describe("cluster IPs and families", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "clusterIP: 10.0.0.1"],
    [[], 'clusterIP: "", clusterIPs: []'],
    [[], "clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1], ipFamilies: [IPv4], ipFamilyPolicy: SingleStack"],
    [[], 'clusterIP: "fd00::1", clusterIPs: ["fd00::1"], ipFamilies: [IPv6]'],
    [
      [
        '4:40 error invalid-value spec.clusterIP: Invalid value: "10.0.0.300": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
      "clusterIP: 10.0.0.300",
    ],
    [
      [
        '4:40 warning leading-zeros spec.clusterIP: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
      ],
      "clusterIP: 010.0.0.1",
    ],
    [
      [
        '4:40 warning ipv4-mapped spec.clusterIP: non-standard IP address "::ffff:1.2.3.4" will be considered invalid in a future Kubernetes release: use "1.2.3.4"',
      ],
      'clusterIP: "::ffff:1.2.3.4"',
    ],
    [
      [
        '4:40 error invalid-value spec.clusterIP: Invalid value: "none": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
      "clusterIP: none",
    ],
    // two of them
    [
      [
        '4:41 error invalid-value spec.clusterIPs: Invalid value: ["10.0.0.1"]: must be empty when `clusterIP` is not specified',
      ],
      "clusterIPs: [10.0.0.1]",
    ],
    [
      ['4:62 error invalid-value spec.clusterIPs: Invalid value: ["10.0.0.1"]: first value must match `clusterIP`'],
      "clusterIP: 10.0.0.2, clusterIPs: [10.0.0.1]",
    ],
    [
      [
        '4:40 error invalid-value spec.clusterIP: Invalid value: "10.0.0.1x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
      "clusterIP: 10.0.0.1x, clusterIPs: [10.0.0.1]",
    ],
    [
      ['4:58 error invalid-value spec.clusterIPs: Invalid value: ["10.0.0.1"]: first value must match `clusterIP`'],
      "clusterIP: None, clusterIPs: [10.0.0.1]",
    ],
    [[], 'ipFamilyPolicy: RequireDualStack, clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, "fd00::1"]'],
    [
      [
        `4:62 warning invalid-value spec.clusterIPs: Invalid value: ["10.0.0.1","fd00::1"]: spec.ipFamilyPolicy must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified`,
      ],
      'clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, "fd00::1"]',
    ],
    [
      [
        `4:45 error invalid-value spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified`,
      ],
      'ipFamilyPolicy: SingleStack, clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, "fd00::1"]',
    ],
    [
      [
        '4:95 error invalid-value spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family',
      ],
      "ipFamilyPolicy: PreferDualStack, clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, 10.0.0.2]",
    ],
    [
      [
        '4:95 error invalid-value spec.clusterIPs: Invalid value: ["10.0.0.1","fd00::1","10.0.0.2"]: may only hold up to 2 values',
      ],
      'ipFamilyPolicy: PreferDualStack, clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, "fd00::1", 10.0.0.2]',
    ],
    // families
    [
      [
        '4:40 error invalid-value spec.clusterIP: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`',
      ],
      "clusterIP: 10.0.0.1, ipFamilies: [IPv6]",
    ],
    [
      ['4:48 error duplicate-value spec.ipFamilies[1]: Duplicate value: "IPv4" (first used here 4:42)'],
      "ipFamilies: [IPv4, IPv4]",
    ],
    [
      ['4:42 error invalid-value spec.ipFamilies[0]: Unsupported value: "ipv4": supported values: "IPv4", "IPv6"'],
      "ipFamilies: [ipv4]",
    ],
    [
      [
        '4:45 error invalid-value spec.ipFamilyPolicy: Unsupported value: "DualStack": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
      ],
      "ipFamilyPolicy: DualStack",
    ],
    [
      [
        `4:45 error invalid-value spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified`,
      ],
      "ipFamilyPolicy: SingleStack, ipFamilies: [IPv4, IPv6]",
    ],
    [
      [
        `4:41 warning invalid-value spec.ipFamilies: Invalid value: ["IPv4","IPv6"]: spec.ipFamilyPolicy must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified`,
      ],
      "ipFamilies: [IPv4, IPv6]",
    ],
    // headless
    [[], "clusterIP: None"],
    [[], "clusterIP: None, clusterIPs: [None], ipFamilies: [IPv4, IPv6]"],
    [
      [
        `4:58 error invalid-value spec.clusterIPs: Invalid value: ["None","10.0.0.1"]: 'None' must be the first and only value`,
      ],
      "clusterIP: None, clusterIPs: [None, 10.0.0.1]",
    ],
    [
      [
        `4:56 error invalid-value spec.clusterIP: Invalid value: "None": may not be set to 'None' for NodePort services`,
      ],
      "type: NodePort, clusterIP: None",
    ],
    [
      [
        `4:79 error invalid-value spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for LoadBalancer services`,
      ],
      "type: LoadBalancer, clusterIP: None, clusterIPs: [None]",
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}], ${text}}`,
      wanted,
    );
  });
});
