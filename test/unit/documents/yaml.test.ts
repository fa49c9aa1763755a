import { describe, expect, test } from "vitest";
import { readDocuments } from "../../../compiler/documents/document.ts";
import { many } from "../../support/runs.ts";
import { expectFindings, load } from "../specs/findings.ts";

/** The documents of `text`, which has to be without findings. */
function read(text: string): readonly unknown[] {
  const documents = readDocuments({ name: "a.yaml", text }, (finding) => expect.unreachable(finding.message));
  return [...documents].map(({ value }) => value);
}

describe("syntax errors: the first of a document, with its place", () => {
  test.each([
    ["1:4 error yaml-syntax Nested mappings are not allowed in compact mappings", "a: b: c"],
    [
      "1:9 error yaml-syntax Flow sequence in block collection must be sufficiently indented and end with a ]",
      "a: [1, 2",
    ],
    ['1:6 error yaml-syntax Missing closing "quote', 'a: "x'],
    ["2:1 error yaml-syntax Tabs are not allowed as indentation", "a:\n\tb: c"],
    ["3:1 error yaml-syntax All mapping items must start at the same column", "a:\n  b: 1\n c: 2"],
    ['1:4 error yaml-syntax alias "*x" has no anchor before it', "a: *x"],
    ['1:8 error yaml-syntax alias "*x" has no anchor before it', "a: &x [*x]"],
    ['2:4 error yaml-syntax alias "*x" has no anchor before it', "a: 1\nb: *x\nc: &x 1"],
    ['3:4 error yaml-syntax alias "*x" has no anchor before it', "# &x\n---\nb: *x"],
    ["1:3 error yaml-syntax expected a key that is a scalar, found a list, a map, an alias or nothing", "? [a]\n: b"],
    [
      "1:3 error yaml-syntax expected a key that is a scalar, found a list, a map, an alias or nothing",
      "? {a: b}\n: b",
    ],
    ["1:1 error yaml-syntax expected a key that is a scalar, found a list, a map, an alias or nothing", ": b"],
    ["1:1 error yaml-syntax expected a key that is a scalar, found a list, a map, an alias or nothing", "~: b"],
    ['3:1 error duplicate-key key "a" already set in map (first set here 1:1)', "a: 1\nb: 2\na: 3"],
    ['2:3 error duplicate-key key "1" already set in map (first set here 1:5)', 'a: {1: x,\n  "1": z}'],
    ['1:8 error duplicate-key key "a" already set in map (first set here 1:2)', "{a: 1, a: 2}"],
  ])("%s: %j", (wanted, text) => {
    expectFindings(text, [wanted]);
  });

  test("the other documents are still read", () => {
    const service = (name: string) =>
      `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {clusterIP: None}\n`;
    const { specs, findings } = load(
      `${service("a")}---\na: [\n---\n${service("b")}---\nb: "\n--- # three\n${service("c")}`,
    );
    expect(findings).toEqual([
      "6:5 error yaml-syntax Flow sequence in block collection must be sufficiently indented and end with a ]",
      '13:5 error yaml-syntax Missing closing "quote',
    ]);
    expect(specs.services.map(({ meta }) => meta.name)).toEqual(["a", "b", "c"]);
  });
});

describe("values", () => {
  test.each([
    // as in JSON
    [
      { a: 1, b: -1.5, c: true, d: null, e: "x", f: "1", g: "" },
      'a: 1\nb: -1.5\nc: true\nd: null\ne: x\nf: "1"\ng: ""',
    ],
    [{ a: null, b: null, c: [null] }, "a:\nb: ~\nc:\n-"],
    [{ a: "x y z\nw" }, "a: x\n  y\n  z\n\n  w"],
    [{ a: "x\n  y\n", b: "x y" }, "a: |\n  x\n    y\nb: >-\n  x\n  y"],
    // as kubectl reads plain scalars
    [{ a: [true, true, true, true], b: [false, false, false, false] }, "a: [y, yes, On, true]\nb: [N, No, off, False]"],
    [{ a: ["y", "no", "On"] }, "a: [\"y\", 'no', !!str On]"],
    [{ a: [8, 8, 255, 80, 1000, "1__", "_1"] }, "a: [010, 0o10, 0xff, 0080, 1_000, '1__', _1]"],
    [{ a: "2022-06-24T19:37:02Z", b: "1.2.3.4", c: "12:30:45" }, "a: 2022-06-24T19:37:02Z\nb: 1.2.3.4\nc: 12:30:45"],
    // keys
    [{ "1": "a", true: "b", "1.5": "c", null: "d" }, '1: a\ntrue: b\n1.5: c\n"null": d'],
    [{ true: "a" }, "on: a"],
    // anchors, aliases, merge keys: what the map says itself goes before what it merges
    [{ a: [1, 2], b: [1, 2] }, "a: &x [1, 2]\nb: *x"],
    [{ a: 1, b: 2 }, "a: &x 1\nb: &x 2"],
    [{ a: [1, 1, 2, 2] }, "a: [&x 1, *x, &x 2, *x]"],
    [{ a: { x: 1, z: 2 }, b: { x: 1, z: 3 } }, "a: &a {x: 1, z: 2}\nb: {<<: *a, z: 3}"],
    [{ a: { x: 1 }, b: { z: 2 }, c: { x: 1, z: 2 } }, "a: &a {x: 1}\nb: &b {z: 2}\nc: {<<: [*a, *b]}"],
    [{ "<<": 1 }, '"<<": 1'],
    // tags
    [{ a: "aGVsbG8=", b: "x", c: { x: null } }, "a: !!binary aGVsbG8=\nb: !foo x\nc: !!set {x}"],
  ])("%j is %j", (wanted, text) => {
    expect(read(text)).toEqual([wanted]);
  });

  test("__proto__ and constructor are keys like others", () => {
    const [value] = read("__proto__: {polluted: 1}\nconstructor: 2\na: {<<: {__proto__: {polluted: 1}}}");
    expect(Object.keys(value as object)).toEqual(["__proto__", "constructor", "a"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect({}).not.toHaveProperty("polluted");
  });

  test("documents, with and without markers", () => {
    expect(read("a: 1\n---\nb: 2\n...\nc: 3\n--- d\n---\n# nothing\n---\n- e")).toEqual([
      { a: 1 },
      { b: 2 },
      { c: 3 },
      "d",
      ["e"],
    ]);
  });

  test("a marker inside a quoted scalar ends the document, as YAML says", () => {
    expectFindings('a: "\n---\nb"', ['1:5 error yaml-syntax Missing closing "quote', "3:1 error not-an-object…"]);
  });
});

describe("bombs", () => {
  test("aliases that multiply", () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(", ")}]`,
    );
    expectFindings(`a0: &a0 x\n${levels.join("\n")}`, [
      "7:25 error too-many-aliases aliases stand for more than 1000000 values",
    ]);
  });

  test("a thousand aliases of one anchor are none", () => {
    expectFindings(`apiVersion: v1\nkind: ConfigMap\na: &a {b: c}\nd: [${Array(1000).fill("*a").join(", ")}]`, []);
  });

  test("brackets upon brackets", () => {
    expectFindings(`a: ${"[".repeat(many(100_000))}`, [
      "1:1 error too-deep maps and lists are nested too deeply to be read",
    ]);
    expectFindings(`a: ${"[".repeat(many(100_000))}${"]".repeat(many(100_000))}`, ["1:1 error too-deep…"]);
    expectFindings(`${"- ".repeat(many(100_000))}a`, ["1:1 error too-deep…"]);
    expectFindings(`${"? ".repeat(many(20_000))}a`, ["1:1 error too-deep…"]);
  });

  test("a map with many keys takes no quadratic time", () => {
    const keys = Array.from({ length: many(100_000) }, (_, i) => `k${i}: x`).join("\n  ");
    expectFindings(`apiVersion: v1\nkind: ConfigMap\ndata:\n  ${keys}`, []);
  });

  test("a document that the library's tree would not fit in memory is refused", () => {
    expectFindings(`apiVersion: v1\nkind: ConfigMap\ndata: "${"x".repeat(26 << 20)}"`, [
      "1:1 error too-large this YAML document has 27 million characters, more than the 25 million that can be read at once: give it as JSON, or in several documents",
    ]);
  });
});

test("places of keys, values, and what is not there", () => {
  const text = "# c\n---\na:\n  b: [1, {c: d}]\n  e:\n'f g': |\n  text\n";
  const [document] = readDocuments({ name: "a.yaml", text }, () => expect.unreachable());
  const at = (path: readonly (string | number)[], what: "key" | "value"): string => {
    const { start, end } = document?.locate(path, what) ?? expect.unreachable();
    return text.slice(start, end);
  };
  expect(at(["a", "b"], "key")).toBe("b");
  expect(at(["a", "b"], "value")).toBe("[1, {c: d}]");
  expect(at(["a", "b", 1, "c"], "value")).toBe("d");
  expect(at(["a", "b", 1, "x", "y"], "value")).toBe("{c: d}"); // the deepest that exists
  expect(at(["a", "e"], "value")).toBe("e"); // nothing stands there: the key
  expect(at(["f g"], "key")).toBe("'f g'");
  expect(at(["f g"], "value")).toBe("|\n  text\n");
});
