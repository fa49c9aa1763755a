import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Source } from "../../../compiler/diagnostics.ts";
import { readDocuments } from "../../../compiler/documents/document.ts";
import { hasMoreMembers, repeatedKeys } from "../../../compiler/documents/json-text.ts";
import { EVERYTHING, many, runs, some } from "../../support/runs.ts";
import { expectFindings, findingsOf, load } from "../specs/findings.ts";

/** A reviver that makes of an object the number of members in it. */
function countMembers(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, within) => sum + 1 + Number(within), 0);
}

describe("keys that are there twice", () => {
  test.each([
    [['1:10 error duplicate-key key "a" already set in map (first set here 1:2)'], '{"a": 1, "a": 2}'],
    [['1:10 error duplicate-key key "a" already set in map (first set here 1:2)'], '{"a": 1, "\\u0061": 2}'],
    [
      [
        '1:17 error duplicate-key key "a" already set in map (first set here 1:9)',
        '1:27 error duplicate-key key "b" already set in map (first set here 1:2)',
      ],
      '{"b": [{"a": 1, "a": 2}], "b": 3}',
    ],
    [
      ['1:19 error duplicate-key key "__proto__" already set in map (first set here 1:2)'],
      '{"__proto__": {}, "__proto__": 1}',
    ],
    [['1:11 error duplicate-key key "a" already set in map (first set here 1:2)'], '{"a" : 1, "a": 2}'],
    [['1:9 error duplicate-key key "a" already set in map (first set here 1:2)'], '{"a":1, "a"\t:2}'],
    [['1:14 error duplicate-key key ":" already set in map (first set here 1:2)'], '{":": "::1", ":": 2}'],
    [['1:10 error duplicate-key key "\\\\" already set in map (first set here 1:2)'], '{"\\\\": 1,"\\\\": 2}'],
  ])("%j: %s", (wanted, text) => {
    expectFindings(text, wanted);
  });

  test("are found whatever stands in strings, and however a text is spaced", () => {
    const words = fc
      .array(fc.constantFrom(":", '"', "\\", " ", "a", ": ", '":'), { maxLength: 4 })
      .map((all) => all.join(""));
    const space = fc.constantFrom("", "", "", " ", "\n", "\t", "\r\n  ");
    const { object } = fc.letrec<{ object: string; value: string }>((tie) => ({
      object: fc
        .array(fc.tuple(words, space, space, tie("value"), space), { maxLength: 4 })
        .map(
          (members) =>
            `{${members.map(([key, a, b, value, c]) => `${JSON.stringify(key)}${a}:${b}${value}${c}`).join(",")}}`,
        ),
      value: fc.oneof(
        { depthSize: "small" },
        words.map((word) => JSON.stringify(word)),
        tie("object"),
      ),
    }));
    let repeated = 0;
    fc.assert(
      fc.property(object, (text) => {
        const members = JSON.parse(text, countMembers) as number;
        const wanted = [...repeatedKeys(text, 0, text.length)].length > 0;
        if (wanted) repeated++;
        expect(hasMoreMembers(text, 0, text.length, members)).toBe(wanted);
      }),
      { numRuns: runs(40_000) },
    );
    expect(repeated).toBeGreaterThan(10);
  });

  test.each([
    '{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "\\"a\\": 1, \\"a\\": 2", "b": {"a": "\\\\"}}}',
    '{"apiVersion": "v1", "kind": "ConfigMap", "data": [{"a": 1}, {"a": 2}]}',
    '{"apiVersion": "v1", "kind": "ConfigMap", "__proto__": {"a": 1}, "constructor": {"a": 1}}',
  ])("not so here: %s", (text) => {
    expect(findingsOf(text)).toEqual([]);
  });
});

describe("texts that are not quite JSON are read as YAML", () => {
  test.each([
    [[], '{"apiVersion": "v1", "kind": "ConfigMap",}'],
    [[], '{"apiVersion": "v1", kind: ConfigMap}'],
    [["1:41 error yaml-syntax Flow map must end with a }"], '{"apiVersion": "v1", "kind": "ConfigMap"'],
    [["1:21 error yaml-syntax Unexpected double-quoted-scalar token"], '{"apiVersion": "v1" "kind": "ConfigMap"}'],
  ])("%j: %s", (wanted, text) => {
    expectFindings(text, wanted);
  });
});

describe("values one after the other", () => {
  const item = (kind: string, name: string) =>
    `{"apiVersion": "v1", "kind": "${kind}", "metadata": {"name": "${name}"}, "spec": {"clusterIP": "None"}}`;
  const list = (...items: readonly string[]): string =>
    `{"apiVersion": "v1", "kind": "List", "items": [${items.join(", ")}]}`;

  test.each([
    ["on lines of their own", `${item("Service", "a")}\n${item("Service", "b")}\n`],
    ["without anything between", `${item("Service", "a")}${item("Service", "b")}`],
    ["Lists", `${list(item("Service", "a"))}\n${list(item("Service", "b"))}`],
    ["indented, behind a byte order mark", `\ufeff  ${item("Service", "a")}\n\n  ${list(item("Service", "b"))}`],
  ])("%s are read as documents", (_, text) => {
    const { specs, findings } = load(text);
    expect(findings).toEqual([]);
    expect(specs.services.map(({ meta }) => meta.name)).toEqual(["a", "b"]);
  });

  test("findings have their places, also keys that are there twice", () => {
    expectFindings(`${item("Service", "a")}\n${item("Service", "B").replace('"v1"', '"v1", "apiVersion": "v1"')}`, [
      '2:22 error duplicate-key key "apiVersion" already set in map (first set here 2:2)',
    ]);
    expectFindings(`${item("Service", "a")}\n${item("Service", "B")}`, [
      '2:62 error invalid-value metadata.name: Invalid value: "B": a lowercase…',
    ]);
  });

  test("one that is broken is reported, the others are read", () => {
    const { specs, findings } = load(`${item("Service", "a")}\n{"a": 1,}\n${item("Service", "b")}`);
    expect(findings).toEqual(["2:9 error json-syntax expected a key in double quotes"]);
    expect(specs.services).toHaveLength(2);
  });

  test("long Lists are taken apart", () => {
    const filler = `{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "${"x".repeat(5 << 20)}"}}`;
    const { specs, findings } = load(
      `${list(filler, item("Service", "a"))}\n${list(item("Service", "b"), filler, item("Service", "B"))}`,
    );
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatch(/^2:\d+ error invalid-value metadata.name: Invalid value: "B"/);
    expect(specs.services.map(({ meta }) => meta.name)).toEqual(["a", "b"]);
  });
});

describe("broken JSON that is too long for the YAML reader", () => {
  const filler = `[${"1,".repeat(3 << 20)}1]`;

  const BROKEN: readonly (readonly [wanted: string, text: string])[] = [
    ["2:1 error json-syntax expected a JSON value", '{"a":\n}'],
    ["2:1 error json-syntax expected a JSON value", "[1,\n]"],
    ["2:2 error json-syntax expected a key in double quotes", "{\n a: 1}"],
    ["2:1 error json-syntax expected a key in double quotes", '{"a": 1,\n}'],
    ['2:1 error json-syntax expected ":"', '{"a"\n1}'],
    ['2:1 error json-syntax expected "," or "}"', '{"a": 1\n"b": 2}'],
    ['2:2 error json-syntax expected "," or "]"', "[1\n 2]"],
    ["2:1 error json-syntax expected the end of the text", "{}\n5"],
    ["1:3 error json-syntax expected the string that starts here to end", '[ "abc'],
    ["1:4 error json-syntax expected a character that JSON allows in a string, or its escape", '["a\\x"]'],
    ["1:4 error json-syntax expected a character that JSON allows in a string, or its escape", '["a\n"]'],
    ["1:2 error json-syntax expected a JSON value", "[01]"],
    ["1:2 error json-syntax expected a JSON value", "[nul]"],
    ['1:4 error json-syntax expected "," or "]"', "[[]"],
  ];
  test.each(some(BROKEN, 2))("%s", (wanted, text) => {
    expectFindings(text.padEnd(5 << 20), [wanted]);
  });

  test.runIf(EVERYTHING)("an error at the very end", () => {
    expectFindings(`{"a": ${filler}`, [`1:${7 + filler.length} error json-syntax expected "," or "}"`]);
  });
});

describe("places", () => {
  const text = '{"items": [{"a": 1, "b": [true, {"c": "x\\"]}"}]}, null,\n {"a": -1.5e3}], "k\\u0065y": {"n": null}}';
  const source: Source = { name: "a.json", text };
  const [document] = readDocuments(source, (finding) => expect.unreachable(finding.message));

  test.each([
    ['{"items"', [], "value"],
    ['[{"a"', ["items"], "value"],
    ['"items"', ["items"], "key"],
    ["1", ["items", 0, "a"], "value"],
    ['"a": 1', ["items", 0, "a"], "key"],
    ["true", ["items", 0, "b", 0], "value"],
    ['"x\\"]}"', ["items", 0, "b", 1, "c"], "value"],
    ["null,\n", ["items", 1], "value"],
    ["-1.5e3", ["items", 2, "a"], "value"],
    ['"k\\u0065y"', ["key"], "key"],
    ['{"n"', ["key"], "value"],
    ["null}}", ["key", "n"], "value"],
    ['{"a": -1.5e3}', ["items", 2, "missing", 3], "value"], // the deepest that exists
    ['{"items"', ["missing"], "key"],
  ] as const)("%s is at %j (%s)", (wanted, path, what) => {
    const span = document?.locate(path, what);
    expect(text.slice(span?.start).startsWith(wanted)).toBe(true);
    expect(wanted.startsWith(text.slice(span?.start, span?.end).slice(0, wanted.length))).toBe(true);
  });
});

test("places asked for in any order are those of the values", () => {
  const pathsOf = (value: unknown): (string | number)[][] => {
    if (typeof value !== "object" || value === null) return [[]];
    const steps = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
    return [[], ...steps.flatMap((step) => pathsOf(Reflect.get(value, step)).map((path) => [step, ...path]))];
  };
  const documents = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { minKeys: 1 });
  const asked = fc.tuple(documents, fc.constantFrom(0, 2), fc.infiniteStream(fc.nat()));
  fc.assert(
    fc.property(asked, ([value, indentation, order]) => {
      const text = JSON.stringify(value, null, indentation);
      const [document] = readDocuments({ name: "a.json", text }, ({ message }) => expect.unreachable(message));
      const plain = JSON.parse(text) as unknown;
      const read = (path: readonly (string | number)[], what: "key" | "value"): unknown => {
        const { start, end } = document?.locate(path, what) ?? expect.unreachable("one document");
        return JSON.parse(text.slice(start, end));
      };
      const paths = pathsOf(plain);
      const shuffled = paths.map((path) => ({ path, rank: order.next().value })).sort((a, b) => a.rank - b.rank);
      for (const { path } of shuffled) {
        const found = path.reduce<unknown>((at, step) => Reflect.get(at as object, step), plain);
        expect(read(path, "value")).toEqual(found);
        if (typeof path.at(-1) === "string") expect(read(path, "key")).toBe(path.at(-1));
      }
    }),
    { numRuns: runs(2000) },
  );
});

test("brackets upon brackets", () => {
  const deep = "[".repeat(many(100_000)) + "]".repeat(many(100_000));
  expectFindings(`{"apiVersion": "v1", "kind": "ConfigMap", "data": ${deep}}`, []);
  expectFindings(`{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": ${deep}}`, [
    "1:76 error wrong-type spec: Invalid value: expected object, found array",
  ]);
  expectFindings(
    `{"apiVersion": "v1", "kind": "Service", "metadata": {"name": ${deep}}, "spec": {"clusterIP": "None", "x": 1}}`,
    [
      "1:62 error wrong-type metadata.name: Invalid value: expected string, found array",
      `1:${95 + 2 * many(100_000)} warning unknown-field unknown field "spec.x"`,
    ],
  );
  expectFindings(
    `${'{"apiVersion": "v1", "kind": "List", "items": ['.repeat(many(10_000))}${"]}".repeat(many(10_000))}`,
    [],
  );
});

test("numbers beyond all measure", () => {
  const { findings } = load(
    '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 1e999}]}}',
  );
  expect(findings).toEqual([
    "1:96 error wrong-type spec.ports[0].port: Invalid value: expected integer, found number Infinity",
  ]);
});
