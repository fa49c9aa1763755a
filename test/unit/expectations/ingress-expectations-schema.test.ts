/** The JSON Schema of kind IngressExpectations, which the package has for editors, says what the decoder says. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readDocuments } from "../../../compiler/documents/document.ts";
import { Field } from "../../../compiler/documents/field.ts";
import {
  decodeRequestCase,
  INGRESS_EXPECTATIONS_MEMBERS,
  REQUEST_EXPECT_MEMBERS,
  REQUEST_MEMBERS,
} from "../../../compiler/expectations/requests/decode.ts";
import { accepts, type JsonSchema } from "../../support/json-schema.ts";
import { readCases } from "../../support/shared.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

const SCHEMA = JSON.parse(read("schemas/ingress-expectations.schema.json")) as JsonSchema;

const PAGE = read("docs/expectations.md");

const OBJECTS: readonly (readonly [name: string, schema: JsonSchema, members: ReadonlySet<string>])[] = [
  ["IngressExpectations", SCHEMA, INGRESS_EXPECTATIONS_MEMBERS],
  ["request", SCHEMA.definitions?.["request"] ?? {}, REQUEST_MEMBERS],
  ["expect", SCHEMA.definitions?.["requestExpect"] ?? {}, REQUEST_EXPECT_MEMBERS],
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
  expect(names.filter((name) => !PAGE.includes(`\`${name}`))).toEqual([]);
});

const document = (members: string): string => `apiVersion: kpc.dev/v1alpha1\nkind: IngressExpectations\n${members}\n`;
const request = (members: string): string => document(`files: [a]\nrequests: [{${members}}]`);
const expecting = (members: string): string => request(`path: /, scheme: https, host: a, expect: {${members}}`);

/** What the decoder says against a text. */
function findingsIn(text: string): string[] {
  const findings: string[] = [];
  const report = ({ message }: { readonly message: string }): void => void findings.push(message);
  for (const each of readDocuments({ name: "case.yaml", text }, report)) {
    const root = Field.root(each);
    decodeRequestCase({ report, root, subject: "case.yaml" }, root);
  }
  return findings;
}

describe("schema and decoder agree", () => {
  test.each<readonly [name: string, text: string]>([
    ["the example of the page", /```yaml urls.yaml\n(.*?)```/s.exec(PAGE)?.[1] ?? ""],
    ...readCases("ingress").map(({ name, text }) => [name, /^kind:/m.test(text) ? text : document(text)] as const),
    [
      "all members",
      document("name: a\ndescription: b\nbasis: c\nnote: d\nfiles: [a]\nconfig: b\nexternalNames: false\nrequests: []"),
    ],
    ["Ingresses that are refused only", document("invalid: [{ingress: {}, errors: [{path: a, message: b}]}]")],
    ["a handshake that is refused", expecting("refused: true")],
    ["a certificate", expecting("status: 404, certificate: default")],
    ["a redirect", expecting("redirect: /b, status: 301")],
    [
      "a port where nothing listens, and headers",
      request("path: /, port: 81, headers: {a: b}, expect: {closed: true}"),
    ],
    ["shares", expecting("shares: [{weight: 9, service: a, port: 80}, {weight: 1, status: 500}]")],
    [
      "what filters change",
      expecting(
        "service: a, port: 80, forwarded: {host: b, path: /c, headers: {d: e, f: null}}, answered: {headers: {g: h}}",
      ),
    ],
    ["another name in the handshake", request("path: /, scheme: https, sni: b, expect: {service: a/b, port: 80}")],
  ])("on what is right: %s", (_, text) => {
    expect(findingsIn(text)).toEqual([]);
    expect(accepts(SCHEMA, parse(text))).toBe(true);
  });

  test.each([
    document("files: [a]"),
    document("requests: []"),
    document("files: a\nrequests: []"),
    document("files: [1]\nrequests: []"),
    document("files: [a]\nrequests: []\nproxy: {}"),
    document("files: [a]\nrequests: []\nexternalNames: yes please"),
    document("files: [a]\nrequests: []\nsecrets: [cert]"),
    document("files: [a]\nrequests: {}"),
    document("invalid: [{ingress: {}}]"),
    document("invalid: [{ingress: {}, errors: [{path: a}]}]"),
    request("path: /"),
    request("expect: {status: 404}"),
    request("path: a b, expect: {status: 404}"),
    request("path: /, method: get, expect: {status: 404}"),
    request("path: /, scheme: ftp, expect: {status: 404}"),
    request("path: /, port: http, expect: {status: 404}"),
    request('path: /, headers: {a: " b"}, expect: {status: 404}'),
    request("path: /, sni: a, expect: {status: 404}"),
    request("path: /, scheme: http, expect: {status: 404, certificate: default}"),
    request('path: /, host: "a\\u00e4", expect: {status: 404}'),
    expecting(""),
    expecting("service: a"),
    expecting("port: 80"),
    expecting("service: a, port: http"),
    expecting("status: not found"),
    expecting("refused: false"),
    expecting("closed: false"),
    expecting("service: a, port: 80, status: 404"),
    expecting("service: a, status: 404"),
    expecting("redirect: /b, refused: true"),
    expecting("shares: [{weight: 1}]"),
    expecting("shares: [{service: a, port: 80}]"),
    expecting("status: 404, refused: true"),
    expecting("status: 404, reason: none"),
    expecting("status: 404, forwarded: {path: /}"),
    expecting("status: 404, answered: {headers: {a: b}}"),
    expecting("service: a, port: 80, forwarded: {method: GET}"),
    expecting("service: a, port: 80, forwarded: {headers: {a: 1}}"),
    expecting("service: a, port: 80, answered: {path: /}"),
  ])("on what is wrong: %j", (text) => {
    expect(findingsIn(text).length).toBeGreaterThan(0);
    expect(accepts(SCHEMA, parse(text))).toBe(false);
  });
});
