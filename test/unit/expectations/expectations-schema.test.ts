/** The JSON Schema of kind Expectations, which the package has for editors, says what the decoder says. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import {
  CLUSTER_FLOW_MEMBERS,
  EXPECTATIONS_MEMBERS,
  FLOW_PROTOCOLS,
} from "../../../compiler/expectations/cluster/decode.ts";
import { WALK_EXPECT_MEMBERS } from "../../../compiler/expectations/cluster/expect.ts";
import { LOST_ENDS, REPLY_ENDS } from "../../../compiler/expectations/cluster/types.ts";
import { FAMILIES } from "../../../compiler/net/address.ts";
import { MODES } from "../../../compiler/node/settings.ts";
import { decodeText, expectationsDocument } from "../../support/cluster-case.ts";
import { accepts, type JsonSchema } from "../../support/json-schema.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

const SCHEMA = JSON.parse(read("schemas/expectations.schema.json")) as JsonSchema;

const PAGE = read("docs/expectations.md");

const definition = (name: string): JsonSchema => SCHEMA.definitions?.[name] ?? {};

const OBJECTS: readonly (readonly [name: string, schema: JsonSchema, members: ReadonlySet<string>])[] = [
  ["Expectations", SCHEMA, EXPECTATIONS_MEMBERS],
  ["flow", definition("flow"), CLUSTER_FLOW_MEMBERS],
  ["expect", definition("expect"), WALK_EXPECT_MEMBERS],
];

test.each(OBJECTS)("%s has the members that the decoder knows, each with a description", (name, schema, members) => {
  expect(schema.additionalProperties).toBe(false);
  const properties = Object.entries(schema.properties ?? {});
  expect(properties.map(([key]) => key).sort()).toEqual([...members].sort());
  for (const [key, property] of properties)
    expect([name, key, property.description ?? property.$ref ?? property.const]).not.toContain(undefined);
});

test.each(OBJECTS)("docs/expectations.md names each member of %s", (_, __, members) => {
  const names = [...members].filter((name) => !["apiVersion", "kind"].includes(name));
  expect(names.filter((name) => !PAGE.includes(`\`${name}\``))).toEqual([]);
});

test.each<[words: JsonSchema | undefined, known: readonly string[]]>([
  [SCHEMA.properties?.["modes"]?.items, MODES],
  [definition("flow").properties?.["protocol"], FLOW_PROTOCOLS],
  [definition("flow").properties?.["families"]?.items, FAMILIES],
  [definition("expect").properties?.["reply"], REPLY_ENDS],
  [definition("expect").properties?.["ends"], LOST_ENDS],
])("%j are the words that the decoder knows", (words, known) => {
  expect(words?.enum).toEqual(known);
});

const flow = (members: string): string => expectationsDocument(`files: [a]\nflows: [{${members}}]`);
const expecting = (members: string): string => flow(`from: web-1, to: "svc/shop/api:http", expect: {${members}}`);

describe("schema and decoder agree", () => {
  test.each([
    ["the example", read("examples/shop/stories.yaml")],
    ["the requests of the example", read("examples/shop/requests.yaml")],
    ["an answer of the proxy", flow("from: a, request: GET http://b/, expect: {status: 404, reply: delivered}")],
    ["the example of the page", /```yaml stories.yaml\n(.*?)```/s.exec(PAGE)?.[1] ?? ""],
    [
      "settings and a Cluster in place",
      expectationsDocument(
        "name: a\ndescription: b\nfiles: [a]\nproxy: {clusterCIDR: 10.0.0.0/8}\ncluster: {apiVersion: kpc.dev/v1alpha1, kind: Cluster}\nmodes: [iptables]\nflows: []",
      ),
    ],
    ["a port", expecting('delivered: ["web-1:80"]')],
    ["a name", expecting("delivered: web-1")],
    ["labels", expecting("delivered: {app: web}, probability: 0.5")],
    ["a count", expecting("delivered: 2, probability: 1 in 2")],
    ["a certain one", expecting("delivered: 1, probability: 1")],
    ["nobody", expecting("delivered: false, ends: no-route")],
    ["addresses", expecting('seenAs: "fd00::1"')],
    ["one of several addresses", expecting("seenAs: [client, node, 10.0.0.1]")],
  ])("on what is right: %s", (_, text) => {
    expect(decodeText(text).findings).toEqual([]);
    expect(accepts(SCHEMA, parse(text))).toBe(true);
  });

  test.each([
    expectationsDocument("files: [a]"),
    expectationsDocument("flows: []"),
    expectationsDocument("files: a\nflows: []"),
    expectationsDocument("files: ['']\nflows: []"),
    expectationsDocument("files: [a]\nflows: []\nmodes: []"),
    expectationsDocument("files: [a]\nflows: []\nmodes: [ipvs]"),
    expectationsDocument("files: [a]\nflows: []\ncluster: {kind: Cluster}"),
    expectationsDocument("files: [a]\nflows: []\ncluster: 1"),
    expectationsDocument("files: [a]\nflows: []\nconfig: c.yaml\nproxy: {}"),
    expectationsDocument("files: [a]\nflows: []\nobjects: []"),
    flow("from: a, to: b"),
    flow("from: a, expect: {delivered: 1}"),
    flow("from: a b, to: c, expect: {delivered: 1}"),
    flow("from: a, to: b, port: 80, expect: {delivered: 1}"),
    flow("from: a, to: b, protocol: http, expect: {delivered: 1}"),
    flow("from: a, to: b, families: [], expect: {delivered: 1}"),
    flow("from: a, to: b, families: [IPv5], expect: {delivered: 1}"),
    flow("from: a, to: b, request: GET http://c/, expect: {delivered: 1}"),
    flow("from: a, request: GET http://c/, protocol: tcp, expect: {delivered: 1}"),
    flow("from: a, request: GET http://c/, expect: {status: 1000}"),
    expecting(""),
    expecting("deliverd: 1"),
    expecting("delivered: 0"),
    expecting("delivered: true"),
    expecting("delivered: []"),
    expecting("delivered: {}"),
    expecting("delivered: {app: 1}"),
    expecting('delivered: ["a:http"]'),
    expecting("seenAs: server"),
    expecting("seenAs: []"),
    expecting("seenAs: [client, server]"),
    expecting("seenAs: {a: client}"),
    expecting("reply: late"),
    expecting("via: n1"),
    expecting("ends: delivered"),
    expecting("probability: 0"),
    expecting("probability: 1.5"),
    expecting("probability: half"),
  ])("on what is wrong: %j", (text) => {
    expect(decodeText(text).findings.join("\n")).toContain(" error: ");
    expect(accepts(SCHEMA, parse(text))).toBe(false);
  });
});
