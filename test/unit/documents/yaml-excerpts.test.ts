import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Document, parseAllDocuments } from "yaml";
import { lineAndColumn } from "../../../compiler/diagnostics.ts";
import { excerptsOf, splitList } from "../../../compiler/documents/yaml-excerpts.ts";
import { runs } from "../../support/runs.ts";
import { expectFindings, load } from "../specs/findings.ts";

/** The items of the first document that can be taken apart. */
function split(text: string): readonly string[] | undefined {
  const [excerpt] = excerptsOf(text);
  const list = excerpt === undefined ? undefined : splitList(excerpt);
  return list === undefined ? undefined : [...list.items()].map((item) => item.read());
}

describe("a List is taken apart", () => {
  test.each([
    [["  a: 1\n", "  a: 2\n  b: 3\n"], "items:\n- a: 1\n- a: 2\n  b: 3\n"],
    [["    a: 1\n", "    a: 2\n"], "items:\n  - a: 1\n  - a: 2\nkind: List\n"],
    [["  a: 1\n\n  # c\n", "  a: 2"], "items: # x\n# y\n\n- a: 1\n\n  # c\n- a: 2"],
    [["  a: |\n    - x\n", "  c: >\n   -\n"], "items:\n- a: |\n    - x\n- c: >\n   -\n"],
    [["  a:\n  - 1\n  - b: 2\n"], "items:\n- a:\n  - 1\n  - b: 2\n"],
    [["    a: 1\n    b: 2\n"], "items:\n-   a: 1\n    b: 2\n"],
    [["  a: 1\r\n"], "items:\r\n- a: 1\r\nkind: List\r\n"],
    [["  a: '-\n     - b'\n"], "items:\n- a: '-\n     - b'\n"],
    [['  a: " *.example.com & more"\n'], 'items:\n- a: " *.example.com & more"\n'], // an alias, but no anchor
    [["  a: 1\n"], "items:\n- a: 1\nmetadata:\n  b:\n  - c\n"],
  ])("%j: %j", (wanted, items) => {
    expect(split(`apiVersion: v1\n${items}`)).toEqual(wanted);
  });
});

describe("what could be something else is left whole", () => {
  test.each([
    "items:\n- a: 1\n", // not the first line
    "{\nitems:\n- a: 1\n}",
    "apiVersion: v1\nitems: [a]\n",
    "apiVersion: v1\nitems: &x\n- a: 1\n",
    "apiVersion: v1\nitems: !!seq\n- a: 1\n",
    "apiVersion: v1\nitems:\n  a: b\n",
    "apiVersion: v1\nitems:\n",
    "apiVersion: v1\nitems:\n- a: 1\n- a: &x 1\n- a: *x\n",
    "apiVersion: v1\nitems:\n- a:\n\tb: 1\n",
    "apiVersion: v1\nitems:\n- a: 1\n...\nb: 1\n",
    "apiVersion: v1\nitems:\n- a: 1\n# b\n- c: 1\n",
    "apiVersion: v1\nitems:\n  - a: 1\n - b: 1\n",
    "apiVersion: v1\nitems:\n  - a: 1\n- b: 1\n",
    "apiVersion: v1\nitems:\n- a: 1\n- {b: 1}\n",
    "apiVersion: v1\nitems:\n- a: 1\n- |2\n  b\n",
    "apiVersion: v1\nitems:\n- a: 1\n-\n  b: 1\n",
    "apiVersion: v1\nitems:\n- - a: 1\n",
    'apiVersion: v1\nitems:\n- a: 1\n"kind": List\n',
    "apiVersion: v1\n  items:\n  - a: 1\n",
    "? apiVersion\n: v1\nitems:\n- a: 1\n",
  ])("%j", (text) => {
    expect(split(text)).toBeUndefined();
  });
});

test("places in an item are those of the whole text", () => {
  const text = `apiVersion: v1
items:
- apiVersion: v1
  kind: Service
  metadata: {name: a}
  spec: {ports: [{port: 0}]}
  # between
- apiVersion: v1
  kind: Service
  metadata:
    name: b
  specs: {}
kind: List
metadata: {resourceVersion: "", foo: 1}
`;
  expectFindings(text, [
    '14:33 warning unknown-field unknown field "metadata.foo"',
    "6:25 error invalid-value spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
    '12:3 error unknown-field unknown field "specs", did you mean "spec"?',
    "8:3 error missing-field spec.ports: Required value",
  ]);
});

test("an item that is broken is left out alone", () => {
  const { specs, findings } = load(`apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: a}
  spec: {clusterIP: None}
- apiVersion: v1
  kind: [}
- apiVersion: v1
  kind: Service
  metadata: {name: b}
  spec: {clusterIP: None}
`);
  expect(findings).toEqual([
    "9:10 error yaml-syntax Flow sequence in block collection must be sufficiently indented and end with a ]",
  ]);
  expect(specs.services.map(({ meta }) => meta.name)).toEqual(["a", "b"]);
});

/** Values that YAML has to quote, fold or indent in interesting ways. */
const scalar = fc.oneof(
  fc.constantFrom("", "-", "- a", "a\n- b\n", "items:", "a: b", "#c", " x", "x\n\n y\n", "---", "[", "|", "é—"),
  fc.string({ maxLength: 120, unit: fc.constantFrom(..."ab-: \n#'\"[]{},|>&*!%@`") }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const item = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "items", "kind", "b c", "-", "x"), tie("value"), { maxKeys: 3 }),
  ),
})).value;
const items = fc.array(fc.dictionary(fc.constantFrom("a", "items", "kind"), item, { minKeys: 1, maxKeys: 3 }), {
  minLength: 1,
  maxLength: 4,
});

/** What the library makes of a text: the value of its only document, or that it is broken. */
function compose(text: string): { readonly value: unknown } | "broken" {
  const documents: readonly Document[] = [...parseAllDocuments(text)];
  const [document] = documents;
  if (documents.length > 1 || (document !== undefined && document.errors.length > 0)) return "broken";
  try {
    return { value: document?.toJS() ?? null };
  } catch {
    return "broken"; // an alias without an anchor
  }
}

function itemsOf(whole: ReturnType<typeof compose>): ReturnType<typeof compose> {
  return whole === "broken" ? whole : { value: (whole.value as { readonly items: unknown }).items };
}

function writeList(
  given: readonly unknown[],
  options: { readonly indentSeq: boolean; readonly lineWidth?: number },
): string {
  const list = { apiVersion: "v1", items: given, kind: "List" };
  return new Document(list, { aliasDuplicateObjects: false }).toString(options);
}

/** The same of the items of a List that has been taken apart; undefined when it cannot be. */
function composeItems(text: string): { readonly value: readonly unknown[] } | "broken" | undefined {
  const [excerpt] = excerptsOf(text);
  const list = excerpt === undefined ? undefined : splitList(excerpt);
  if (list === undefined) return undefined;
  const values = [...list.items()].map((part) => compose(part.read()));
  if (compose(list.head.read()) === "broken" || values.includes("broken")) return "broken";
  return { value: values.map((value) => (value === "broken" ? expect.unreachable() : value.value)) };
}

test("item by item is the same as the whole", () => {
  const layout = fc.record({ indentSeq: fc.boolean(), lineWidth: fc.constantFrom(40, 0) });
  fc.assert(
    fc.property(items, layout, (given, options) => {
      const text = writeList(given, options);
      const parts = composeItems(text);
      fc.pre(parts !== undefined);
      expect(parts).toEqual(itemsOf(compose(text)));
    }),
    { numRuns: runs(300) },
  );
});

test("a List with a mistake is never read as something else", () => {
  const insert = fc.constantFrom(
    "",
    "-",
    "- ",
    "\n",
    "\n- ",
    "\n-\n",
    " ",
    "  ",
    "\t",
    '"',
    "'",
    "[",
    "]",
    "{",
    "}",
    "|\n",
    "#",
    ": ",
    "\nx:",
    "&a ",
    "\r\n",
  );
  fc.assert(
    fc.property(items, fc.boolean(), fc.nat(), insert, fc.nat(3), (given, indentSeq, at, inserted, removed) => {
      const written = writeList(given, { indentSeq });
      const offset = at % written.length;
      const text = written.slice(0, offset) + inserted + written.slice(offset + removed);
      const parts = composeItems(text);
      // The library takes `'a''` for a closed string when the next line is indented less: a part of it is refused.
      fc.pre(parts !== undefined && parts !== "broken" && [...excerptsOf(text)].length === 1);
      expect(parts).toEqual(itemsOf(compose(text)));
    }),
    { numRuns: runs(1000) },
  );
});

test("every offset of an item leads back to its line", () => {
  const text = "apiVersion: v1\nitems:\n  - a: 1\n    b: 2\n  - c: 3\nkind: List\n";
  const [excerpt] = excerptsOf(text);
  const list = splitList(excerpt ?? expect.unreachable());
  const [first, second] = list?.items() ?? [];
  const source = { name: "list.yaml", text };
  const line = (start = -1): unknown => lineAndColumn({ source, start, end: start + 1 });
  expect(line(first?.place(first.read().indexOf("b")))).toEqual({ line: 4, column: 5 });
  expect(line(second?.place(second.read().indexOf("c")))).toEqual({ line: 5, column: 5 });
  expect(line(list?.head.place(list.head.read().indexOf("kind")))).toEqual({ line: 6, column: 1 });
});
