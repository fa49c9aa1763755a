import { describe, expect, test } from "vitest";
import { expectFindings, findingsOf, load } from "./findings.ts";

const service = (name: string, more = "") =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}${more}}\nspec: {clusterIP: None}\n`;

describe("what is no object of Kubernetes", () => {
  test.each([
    ["1:1 error not-an-object expected a Kubernetes object with apiVersion and kind", "foo"],
    ["1:1 error not-an-object expected a Kubernetes object with apiVersion and kind", "- apiVersion: v1\n  kind: Pod"],
    ["1:1 error not-an-object expected a Kubernetes object with apiVersion and kind", "[]"],
    ["1:1 error not-an-object expected a Kubernetes object with apiVersion and kind", "5"],
    ["1:1 error not-an-object expected a Kubernetes object with apiVersion and kind", '"null"'],
    ["1:1 error missing-field kind: Required value", "apiVersion: v1"],
    ["1:1 error missing-field apiVersion: Required value", "kind: Service"],
    ["1:1 error missing-field apiVersion: Required value", 'kind: Service\napiVersion: ""'],
    ["2:7 error wrong-type kind: Invalid value: expected string, found 5", "apiVersion: v1\nkind: 5"],
    ["2:13 error wrong-type apiVersion: Invalid value: expected string, found 1", "kind: Service\napiVersion: 1"],
  ])("%s: %j", (wanted, text) => {
    expectFindings(text, [wanted]);
  });
});

describe("versions", () => {
  test.each([
    [
      '1:13 error unknown-version no matches for kind "Ingress" in version "extensions/v1beta1": expected "networking.k8s.io/v1"',
      "extensions/v1beta1",
      "Ingress",
    ],
    [
      '1:13 error unknown-version no matches for kind "Ingress" in version "networking.k8s.io/v1beta1": expected "networking.k8s.io/v1"',
      "networking.k8s.io/v1beta1",
      "Ingress",
    ],
    [
      '1:13 error unknown-version no matches for kind "EndpointSlice" in version "discovery.k8s.io/v1alpha1": expected "discovery.k8s.io/v1"',
      "discovery.k8s.io/v1alpha1",
      "EndpointSlice",
    ],
    [
      '1:13 error unknown-version no matches for kind "Service" in version "apps/v1": expected "v1"',
      "apps/v1",
      "Service",
    ],
    ['1:13 error unknown-version no matches for kind "Pod" in version "v1beta3": expected "v1"', "v1beta3", "Pod"],
  ])("%s", (wanted, apiVersion, kind) => {
    expectFindings(`apiVersion: ${apiVersion}\nkind: ${kind}\nspec: {anything: 1}`, [wanted]);
  });
});

describe("kinds that are not read", () => {
  test("are counted, with the first of each", () => {
    const { specs, findings } = load(
      `apiVersion: v1\nkind: ConfigMap\n---\n${service("a")}---\napiVersion: coordination.k8s.io/v1\nkind: Lease\n---\napiVersion: v1\nkind: ConfigMap\n`,
    );
    expect(findings).toEqual([]);
    expect([...specs.skipped].map(([kind, { count }]) => [kind, count])).toEqual([
      ["v1/ConfigMap", 2],
      ["coordination.k8s.io/v1/Lease", 1],
    ]);
    expect(specs.skipped.get("v1/ConfigMap")?.first.span().start).toBe(0);
  });

  test.each([
    ['2:7 error unknown-kind unknown kind "Servce", did you mean "Service"?', "v1", "Servce"],
    ['2:7 error unknown-kind unknown kind "service", did you mean "Service"?', "v1", "service"],
    ['2:7 error unknown-kind unknown kind "Endpoint", did you mean "Endpoints"?', "v1", "Endpoint"],
    [
      '2:7 error unknown-kind unknown kind "EndpointSlices", did you mean "EndpointSlice"?',
      "discovery.k8s.io/v1",
      "EndpointSlices",
    ],
  ])("%s", (wanted, apiVersion, kind) => {
    expectFindings(`apiVersion: ${apiVersion}\nkind: ${kind}`, [wanted]);
  });

  test.each([
    ["serving.knative.dev/v1", "Service"], // somebody else's kind of the same name
    ["traefik.io/v1alpha1", "Ingres"],
    ["v1", "ServiceAccount"],
    ["v1", "ConfigMap"],
    ["rbac.authorization.k8s.io/v1", "Role"],
    ["networking.k8s.io/v1", "NetworkPolicy"],
    ["example.com/v1", "AllowList"],
  ])("%s %s is no slip", (apiVersion, kind) => {
    const { specs, findings } = load(`apiVersion: ${apiVersion}\nkind: ${kind}\nspec: {}`);
    expect(findings).toEqual([]);
    expect([...specs.skipped.keys()]).toEqual([`${apiVersion}/${kind}`]);
  });
});

describe("Lists", () => {
  const names = (text: string): readonly string[] => load(text).specs.services.map(({ meta }) => meta.name);
  const item = (name: string) => `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {clusterIP: None}}`;

  test("items are objects, in order, also in Lists of Lists", () => {
    const list = `{apiVersion: v1, kind: List, items: [${item("b")}, ${item("c")}]}`;
    expect(names(`apiVersion: v1\nkind: List\nitems: [${item("a")}, ${list}, ${item("d")}]`)).toEqual([
      "a",
      "b",
      "c",
      "d",
    ]);
    expect(
      names(
        `apiVersion: v1\nkind: List\nitems:\n- ${service("a").replaceAll("\n", "\n  ")}\n- ${service("b").replaceAll("\n", "\n  ")}`,
      ),
    ).toEqual(["a", "b"]);
  });

  test.each([
    [
      "YAML, item by item",
      "apiVersion: v1\nkind: ServiceList\nitems:\n- metadata: {name: a}\n  spec: {clusterIP: None}\n",
    ],
    [
      "YAML, as a whole",
      "apiVersion: v1\nkind: ServiceList\nitems: [{metadata: {name: a}, spec: {clusterIP: None}}]\n",
    ],
    [
      "JSON",
      '{"apiVersion": "v1", "kind": "ServiceList", "items": [{"metadata": {"name": "a"}, "spec": {"clusterIP": "None"}}]}',
    ],
  ])("items of a ServiceList need not say what they are: %s", (_, text) => {
    expect(findingsOf(text)).toEqual([]);
    expect(names(text)).toEqual(["a"]);
  });

  test.each([
    [[], "items: []"],
    [[], "items: null"],
    [[], 'items: []\nmetadata: {resourceVersion: "", selfLink: ""}'],
    [["3:8 error wrong-type items: Invalid value: expected array, found object"], "items: {}"],
    [["3:9 error not-an-object expected a Kubernetes object with apiVersion and kind"], "items: [null]"],
    [["4:3 error missing-field apiVersion: Required value"], "items:\n- kind: Service"],
    [['4:1 error unknown-field unknown field "item", did you mean "items"?'], "items: []\nitem: []"],
    [['3:12 warning unknown-field unknown field "metadata.name"'], "metadata: {name: x}"],
  ])("%j: %j", (wanted, text) => {
    expectFindings(`apiVersion: v1\nkind: List\n${text}`, wanted);
  });

  test("a kind that only ends like a List is no List", () => {
    const { specs } = load("apiVersion: example.com/v1\nkind: AllowList\nitems:\n  a: b\n");
    expect([...specs.skipped.keys()]).toEqual(["example.com/v1/AllowList"]);
  });
});

describe("the same object twice", () => {
  test("both places are shown, the first object is kept", () => {
    const { specs, findings } = load(
      service("a", ", labels: {first: x}"),
      `${service("b")}---\n${service("a", ", namespace: default")}`,
    );
    expect(findings).toEqual([
      "b.yaml:8:18 error duplicate-object Service default/a is in the input twice (first defined here 3:18)",
    ]);
    expect(specs.services.map(({ meta }) => [meta.name, meta.labels.has("first")])).toEqual([
      ["a", true],
      ["b", false],
    ]);
  });

  test("other namespaces and kinds are others", () => {
    const endpoints = "---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: a}\n";
    expect(findingsOf(`${service("a")}---\n${service("a", ", namespace: x")}${endpoints}`)).toEqual([]);
  });

  test("kinds without a namespace", () => {
    const node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n";
    expectFindings(`${node}---\n${node}`, [
      "7:18 error duplicate-object Node n1 is in the input twice (first defined here 3:18)",
    ]);
  });
});

test("an object with an error is left out, with a warning it is kept", () => {
  const { specs } = load(
    "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}, {port: 0}]}",
    "apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {type: NodePort, ports: [{port: 80, nodePort: 3000}]}",
  );
  expect(specs.services.map(({ meta }) => meta.name)).toEqual(["b"]);
});

test("names like those of Object's own members", () => {
  const { specs, findings } = load(service("constructor"), service("valueof", ", namespace: tostring"));
  expect(findings).toEqual([]);
  expect(specs.services).toHaveLength(2);
  expectFindings("apiVersion: v1\nkind: toString\n", []);
  expectFindings("apiVersion: v1\nkind: __proto__\n", []);
});
