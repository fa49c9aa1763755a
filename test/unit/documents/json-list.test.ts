import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readDocuments } from "../../../compiler/documents/document.ts";
import { endByBrackets, endByIndentation, splitJsonList } from "../../../compiler/documents/json-list.ts";
import { runs } from "../../support/runs.ts";
import { expectFindings, findingsOf, load } from "../specs/findings.ts";

const service = (name: string): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { clusterIP: "None", ports: [{ port: 80 }] },
});

const LIST = { apiVersion: "v1", items: ["a", "b", "c"].map(service), kind: "List" };

/** Long enough to be taken apart. */
const long = (text: string): string => text.padEnd(5 << 20);

const namesIn = (text: string): string[] => load(text).specs.services.map(({ meta }) => meta.name);

describe("a long List comes item by item", () => {
  test.each([
    ["indented", JSON.stringify(LIST, null, 4)],
    ["indented with tabs", JSON.stringify(LIST, null, "\t")],
    ["in one line", JSON.stringify(LIST)],
    [
      "one item a line",
      `{"kind": "List", "apiVersion": "v1", "items": [\n${LIST.items.map((item) => JSON.stringify(item)).join(",\n")}\n]}`,
    ],
    ["byte order mark", `\ufeff${JSON.stringify(LIST, null, 2)}`],
    [
      "brackets where an item would end",
      '{"kind": "List", "apiVersion": "v1", "items": [\n{"kind": "Service", "apiVersion": "v1", "metadata": {"name": "a", "annotations": {\n}\n}, "spec": {"clusterIP": "None"}},\n' +
        '{"kind": "Service", "apiVersion": "v1", "metadata": {"name": "b"}, "spec": {"clusterIP": "None", "ports": [\n{"name": "x", "port": 80\n},\n{"name": "y", "port": 81\n}\n]}},\n' +
        '{"kind": "Service", "apiVersion": "v1", "metadata": {"name": "c"}, "spec": {"clusterIP": "None"}}\n]}',
    ],
  ])("%s", (_, text) => {
    const documents = [
      ...readDocuments({ name: "a.json", text: long(text) }, ({ message }) => expect.unreachable(message)),
    ];
    expect(documents).toHaveLength(4);
    expect(documents.slice(1).map(({ list }) => list)).toEqual(new Array(3).fill({ apiVersion: "v1", kind: "List" }));
    expect(namesIn(long(text))).toEqual(["a", "b", "c"]);
    const whole = JSON.parse(text.replace("\ufeff", "")) as { items: unknown[] };
    expect(documents.slice(1).map(({ value }) => value)).toEqual(whole.items);
  });

  test("a value that was let go is read again, and its place is found", () => {
    const text = long(JSON.stringify(LIST, null, 4));
    const documents = [...readDocuments({ name: "a.json", text }, ({ message }) => expect.unreachable(message))];
    for (const document of documents) document.forget?.();
    expect(documents[2]?.value).toEqual(service("b"));
    const span = documents[2]?.locate(["metadata", "name"], "value");
    expect(text.slice(span?.start, span?.end)).toBe('"b"');
    const kind = documents[0]?.locate(["kind"], "value"); // behind the items
    expect(text.slice(kind?.start, kind?.end)).toBe('"List"');
  });
});

describe("what is no List stays whole", () => {
  test.each([
    ["no items", { apiVersion: "v1", kind: "List" }],
    ["empty", { apiVersion: "v1", kind: "List", items: [] }],
    ["items that are no objects", { apiVersion: "v1", kind: "List", items: [1, {}] }],
    ["another kind", { apiVersion: "v1", kind: "ConfigMap", items: [{ a: 1 }] }],
    ["no kind", { apiVersion: "v1", items: [{ a: 1 }] }],
    ["an array", [{ apiVersion: "v1", kind: "List", items: [{}] }]],
  ])("%s", (_, value) => {
    const text = long(JSON.stringify(value, null, 2));
    const documents = [...readDocuments({ name: "a.json", text }, ({ message }) => expect.unreachable(message))];
    expect(documents.map((document) => document.value)).toEqual([value]);
  });
});

describe("mistakes are found where they are", () => {
  const text = JSON.stringify(LIST, null, 2);

  test.each([
    ["14:13 error json-syntax expected a key in double quotes", text.replace('"port": 80', "port: 80")],
    ['50:17 error json-syntax expected "," or "}"', text.slice(0, -2)],
    ["49:3 error json-syntax expected a JSON value", text.replace("    }\n  ],", "    },\n  ],")],
    ['19:5 error json-syntax expected "," or "]"', text.replace("\n    },\n", "\n    }\n")],
    ["51:2 error json-syntax expected the end of the text", `${text}x`],
  ])("%s", (wanted, broken) => {
    expect(findingsOf(long(broken))).toEqual([wanted]);
  });

  test("a key that is there twice", () => {
    expectFindings(long(text.replace('"name": "b"', '"name": "b",\n        "name": "b"')), [
      '24:9 error duplicate-key key "name" already set in map (first set here 23:9)',
    ]);
    expectFindings(long(text.replace('"kind": "List"', '"kind": "List",\n  "kind": "List"')), [
      '51:3 error duplicate-key key "kind" already set in map (first set here 50:3)',
    ]);
  });

  test("a field", () => {
    expectFindings(long(text.replace(/80(?=[^0]*$)/, "70000")), [
      "44:21 error invalid-value spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ]);
  });
});

test("cuts that are not JSON are made again by brackets", () => {
  const text = '{"items": [\n{"a": {\n}, "b": [{\n}, {\n}]}, {}], "kind": "List"}';
  expect(splitJsonList(text, 0, endByIndentation)).toBeUndefined();
  const items = splitJsonList(text, 0, endByBrackets)?.items.map(([from, to]) => JSON.parse(text.slice(from, to)));
  expect(items).toEqual([{ a: {}, b: [{}, {}] }, {}]);
});

test("what is taken apart into JSON was JSON with these items", () => {
  const text = JSON.stringify(LIST, null, 1);
  const mutation = fc.tuple(fc.nat(text.length), fc.nat(3), fc.stringMatching(/^[ \n{}[\]",:a1]{0,3}$/));
  fc.assert(
    fc.property(
      fc.array(mutation, { maxLength: 3 }),
      fc.constantFrom(endByIndentation, endByBrackets),
      (edits, endOf) => {
        const mutated = edits.reduce((old, [at, gone, put]) => old.slice(0, at) + put + old.slice(at + gone), text);
        const split = splitJsonList(mutated, 0, endOf);
        const parts =
          split === undefined ? [] : [split.head, ...split.items.map(([from, to]) => mutated.slice(from, to))];
        if (split === undefined || !parts.every(isJson)) return;
        expect((JSON.parse(mutated) as { items: unknown }).items).toEqual(
          parts.slice(1).map((part) => JSON.parse(part)),
        );
      },
    ),
    { numRuns: runs(5000) },
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
