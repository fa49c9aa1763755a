import { describe, expect, test } from "vitest";
import { expectFindings, load } from "./findings.ts";

test("a missing namespace is default, labels that are null are empty", () => {
  const { specs } = load(`apiVersion: v1
kind: Service
metadata: {name: web, labels: {a: null}, annotations: null, creationTimestamp: "2022-06-24T19:37:02Z"}
spec: {clusterIP: None}`);
  expect(specs.services[0]?.meta).toMatchObject({
    name: "web",
    namespace: "default",
    labels: new Map([["a", ""]]),
    annotations: new Map(),
    creationTimestamp: Date.UTC(2022, 5, 24, 19, 37, 2),
  });
});

test("annotations may have 256 KiB in all", () => {
  const manifest = (length: number) =>
    `apiVersion: v1\nkind: Service\nmetadata: {name: web, annotations: {a: "${"x".repeat(length)}"}}\nspec: {clusterIP: None}`;
  expectFindings(manifest(262143), []);
  expectFindings(manifest(262144), [
    "3:36 error too-long metadata.annotations: Too long: may not be more than 262144 bytes",
  ]);
});

describe("metadata of a Service", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "{name: web}"],
    [
      [],
      '{name: web, creationTimestamp: null, uid: u, resourceVersion: "5", generation: 1, selfLink: "", finalizers: [a/b]}',
    ],
    [[], "{name: web, managedFields: [{foo: 1}], ownerReferences: [{bar: 1}]}"],
    [["4:11 error missing-field metadata.name: Required value: name or generateName is required"], "{}"],
    [["1:1 error missing-field metadata.name: Required value: name or generateName is required"], "null"],
    [
      [
        "4:11 error missing-field metadata.name: Required value: an object with generateName has no name until the API server gives it one",
      ],
      "{generateName: web-}",
    ],
    [["4:11 error missing-field metadata.name: Required value: name or generateName is required"], '{name: ""}'],
    [
      [
        "4:18 error wrong-type metadata.name: Invalid value: expected string, found number 5 (a string needs quotes here)",
      ],
      "{name: 5}",
    ],
    [['4:18 error invalid-value metadata.name: Invalid value: "Web": a lowercase…'], "{name: Web}"],
    [
      ['4:18 warning invalid-value metadata.name: Invalid value: "1web": refused before Kubernetes 1.36: a DNS-1035…'],
      "{name: 1web}",
    ],
    [['4:18 error invalid-value metadata.name: Invalid value: "web.x": must not contain dots'], "{name: web.x}"],
    [
      [
        '4:18 error invalid-value metadata.name: Invalid value: "a123456789012345678901234567890123456789012345678901234567890123": must be no more than 63 bytes',
      ],
      "{name: a123456789012345678901234567890123456789012345678901234567890123}",
    ],
    [['4:18 error invalid-value metadata.name: Invalid value: "a\\u0000": a lowercase…'], '{name: "a\\u0000"}'],
    [
      ['4:34 error invalid-value metadata.namespace: Invalid value: "a.b": must not contain dots'],
      "{name: web, namespace: a.b}",
    ],
    [[], '{name: web, namespace: ""}'],
    [
      [
        '4:42 error invalid-value metadata.creationTimestamp: Invalid value: "yesterday": must be a time, such as 2006-01-02T15:04:05Z',
      ],
      "{name: web, creationTimestamp: yesterday}",
    ],
    [[], "{name: web, creationTimestamp: 2022-06-24T19:37:02Z}"],
    [['4:23 error unknown-field unknown field "metadata.lables", did you mean "labels"?'], "{name: web, lables: {}}"],
    [['4:23 warning unknown-field unknown field "metadata.clusterName"'], "{name: web, clusterName: x}"],
    // labels
    [[], '{name: web, labels: {app.kubernetes.io/name: web, a_b: "", "1": "2"}}'],
    [
      ['4:32 error invalid-value metadata.labels: Invalid value: "": name part must be non-empty'],
      '{name: web, labels: {"": x}}',
    ],
    [
      [
        '4:32 error invalid-value metadata.labels: Invalid value: "/": prefix part must be non-empty',
        '4:32 error invalid-value metadata.labels: Invalid value: "/": name part must be non-empty',
      ],
      '{name: web, labels: {"/": x}}',
    ],
    [
      ['4:32 error invalid-value metadata.labels: Invalid value: "a/b/c": a valid label…'],
      '{name: web, labels: {"a/b/c": x}}',
    ],
    [
      ['4:32 error invalid-value metadata.labels: Invalid value: "A/b": prefix part a lowercase…'],
      '{name: web, labels: {"A/b": x}}',
    ],
    [
      ['4:32 error invalid-value metadata.labels: Invalid value: "a/b c": name part must…'],
      '{name: web, labels: {"a/b c": x}}',
    ],
    [
      [
        '4:32 error invalid-value metadata.labels: Invalid value: "a123456789012345678901234567890123456789012345678901234567890123": name part must be no more than 63 bytes',
      ],
      "{name: web, labels: {a123456789012345678901234567890123456789012345678901234567890123: x}}",
    ],
    [['4:35 error invalid-value metadata.labels: Invalid value: "-": a valid label…'], '{name: web, labels: {a: "-"}}'],
    [
      ['4:35 error invalid-value metadata.labels: Invalid value: "x\\ny": a valid label…'],
      '{name: web, labels: {a: "x\\ny"}}',
    ],
    [
      [
        '4:35 error invalid-value metadata.labels: Invalid value: "a123456789012345678901234567890123456789012345678901234567890123": must be no more than 63 bytes',
      ],
      "{name: web, labels: {a: a123456789012345678901234567890123456789012345678901234567890123}}",
    ],
    [
      [
        "4:35 error wrong-type metadata.labels.a: Invalid value: expected string, found number 5 (a string needs quotes here)",
        "4:41 error wrong-type metadata.labels.b: Invalid value: expected string, found boolean true (a string needs quotes here)",
        "4:50 error wrong-type metadata.labels.c: Invalid value: expected string, found boolean false (a string needs quotes here)",
      ],
      "{name: web, labels: {a: 5, b: true, c: no}}",
    ],
    [
      ["4:31 error wrong-type metadata.labels: Invalid value: expected object, found array"],
      "{name: web, labels: [a]}",
    ],
    [
      ['4:32 error invalid-value metadata.labels: Invalid value: "__proto__": name part must…'],
      '{name: web, labels: {__proto__: x, constructor: "y", toString: z}}',
    ],
    // annotations: the case of keys does not matter, values are free
    [[], '{name: web, annotations: {"A.b/C": "any thing\\n"}}'],
    [
      ['4:37 error invalid-value metadata.annotations: Invalid value: "a b": name part must…'],
      '{name: web, annotations: {"a b": x}}',
    ],
    [
      [
        "4:40 error wrong-type metadata.annotations.a: Invalid value: expected string, found number 5 (a string needs quotes here)",
      ],
      "{name: web, annotations: {a: 5}}",
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(`apiVersion: v1\nkind: Service\nspec: {clusterIP: None}\nmetadata: ${text}`, wanted);
  });
});

describe("metadata of a Node", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "{name: node-1.example.com}"],
    [['3:18 error invalid-value metadata.name: Invalid value: "node_1": a lowercase…'], "{name: node_1}"],
    [
      ["3:33 warning forbidden-field metadata.namespace: Forbidden: not allowed on this type"],
      "{name: n1, namespace: x}",
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(`apiVersion: v1\nkind: Node\nmetadata: ${text}`, wanted);
  });
});
