import { describe, expect, test } from "vitest";
import { printPrefix } from "../../../compiler/net/prefix.ts";
import { expectFindings, load } from "./findings.ts";

const serviceCidr = (spec: string, version = "v1", name = "kubernetes"): string =>
  `apiVersion: networking.k8s.io/${version}\nkind: ServiceCIDR\nmetadata: {name: ${name}}\nspec: ${spec}\n`;

test.each(["v1", "v1beta1"])("blocks of both families, version %s", (version) => {
  const { specs, findings } = load(serviceCidr('{cidrs: [10.96.0.0/16, "fd00:96::/112"]}', version));
  expect(findings).toEqual([]);
  expect(specs.serviceCidrs[0]?.cidrs.map(({ value }) => printPrefix(value))).toEqual([
    "10.96.0.0/16",
    "fd00:96::/112",
  ]);
});

describe("fields of a ServiceCIDR", () => {
  test.each<[wanted: string[], spec: string]>([
    [["4:7 error missing-field spec.cidrs: Required value: at least one CIDR required"], "{}"],
    [["4:7 error missing-field spec.cidrs: Required value: at least one CIDR required"], "null"],
    [["4:7 error missing-field spec.cidrs: Required value: at least one CIDR required"], "{cidrs: []}"],
    [
      [
        '4:15 error invalid-value spec.cidrs: Invalid value: ["10.0.0.0/16","10.1.0.0/16"]: may specify no more than one IP for each IP family',
      ],
      "{cidrs: [10.0.0.0/16, 10.1.0.0/16]}",
    ],
    [
      ['4:16 error invalid-value spec.cidrs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value…'],
      "{cidrs: [10.0.0.0]}",
    ],
  ])("%j: %s", (wanted, spec) => {
    expectFindings(serviceCidr(spec), wanted);
  });
});
