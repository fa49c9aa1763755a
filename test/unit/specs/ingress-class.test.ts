import { describe, expect, test } from "vitest";
import { expectFindings, load } from "./findings.ts";

test.each([
  [true, '"true"'],
  [false, '"false"'],
  [false, '"True"'],
])("is the default: %s for annotation %s", (wanted, annotation) => {
  const { specs } = load(`apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx, annotations: {ingressclass.kubernetes.io/is-default-class: ${annotation}}}
spec: {controller: k8s.io/ingress-nginx}`);
  expect(specs.ingressClasses).toMatchObject([
    { meta: { namespace: "" }, controller: "k8s.io/ingress-nginx", isDefault: wanted },
  ]);
});

describe("IngressClass", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "{controller: k8s.io/ingress-nginx}"],
    [["1:1 error missing-field spec.controller: Required value"], "null"],
    [["4:7 error missing-field spec.controller: Required value"], "{}"],
    [
      [
        '4:20 error invalid-value spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")',
      ],
      "{controller: nginx}",
    ],
    [
      [
        '4:20 error invalid-value spec.controller: Invalid value: "A/b c": a lowercase…',
        `4:20 error invalid-value spec.controller: Invalid value: "A/b c": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')`,
      ],
      '{controller: "A/b c"}',
    ],
    [
      [
        "4:37 error missing-field spec.parameters.kind: Required value",
        "4:37 error missing-field spec.parameters.name: Required value",
      ],
      "{controller: a/b, parameters: {}}",
    ],
    [[], "{controller: a/b, parameters: {apiGroup: k8s.io, kind: K, name: m}}"],
    [
      ["4:37 error missing-field spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
      "{controller: a/b, parameters: {kind: K, name: m, scope: Namespace}}",
    ],
    [[], "{controller: a/b, parameters: {kind: K, name: m, scope: Namespace, namespace: x}}"],
    [
      ["4:83 error forbidden-field spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
      "{controller: a/b, parameters: {kind: K, name: m, scope: Cluster, namespace: x}}",
    ],
    [
      [
        '4:63 error invalid-value spec.parameters.scope: Unsupported value: "cluster": supported values: "Cluster", "Namespace"',
      ],
      "{controller: a/b, parameters: {kind: K, name: m, scope: cluster}}",
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(
      `apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx}\nspec: ${text}`,
      wanted,
    );
  });
});
