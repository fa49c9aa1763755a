import { expect, test } from "vitest";
import { readDocuments } from "../../../compiler/documents/document.ts";
import { Field } from "../../../compiler/documents/field.ts";

const text = `{"spec": {"ports": [{"port": 80}]}, "metadata": {"labels": {"a.b/c": null, "x y": 1, "toString": 2}}}`;
const [document] = readDocuments({ name: "a.json", text }, () => expect.unreachable());
const root = Field.root(document ?? expect.unreachable());

test.each([
  ["", root],
  ["spec.ports[0].port", root.member("spec").member("ports").item(0).member("port")],
  ["metadata.labels[a.b/c]", root.member("metadata").member("labels").member("a.b/c")],
  ['metadata.labels["x y"]', root.member("metadata").member("labels").member("x y")],
  ["metadata.labels.missing", root.member("metadata").member("labels").member("missing")],
])("field path %s", (wanted, node) => {
  expect(node.fieldPath(root)).toBe(wanted);
});

test("a path is relative to its object", () => {
  const spec = root.member("spec");
  expect(spec.member("ports").item(0).fieldPath(spec)).toBe("ports[0]");
});

test("get: null and what only the prototype has are absent", () => {
  const labels = root.get("metadata")?.get("labels");
  expect(labels?.get("a.b/c")).toBeUndefined();
  expect(labels?.get("constructor")).toBeUndefined();
  expect(labels?.get("toString")?.value).toBe(2);
  expect(
    root
      .get("spec")
      ?.get("ports")
      ?.items()
      .map(({ value }) => value),
  ).toEqual([{ port: 80 }]);
});

test("spans of a value, of its name, and of what is not there", () => {
  const slice = ({ start, end }: { readonly start: number; readonly end: number }): string => text.slice(start, end);
  const port = root.member("spec").member("ports").item(0).member("port");
  expect(slice(port.span())).toBe("80");
  expect(slice(port.key().span())).toBe('"port"');
  expect(slice(root.member("spec").member("missing").span())).toBe('{"ports": [{"port": 80}]}');
});
